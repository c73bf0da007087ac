#!/usr/bin/env python3
"""From a folder of JPEGs to an HDF5 file: dcgan-extract beside a script as one would write it with PyTorch.

The script: DataLoader (as many workers as threads) with OpenCV decoding and the same resize and crop, the network in eager mode,
channels last, float32, and h5py. Both write the same float32 features (checked) with equal threads, in turn, round after
round, each as a process of its own with its start counted as a user meets it; --steady subtracts the time of a run on one
batch. Prints images per second, best and median, and the ratio.

Needs the PyPI packages torch, h5py, numpy, opencv-python-headless and safetensors:

    python3 tests/bench/compare_extraction.py build/release/tools/dcgan-extract JPEGS --model MODEL --threads 2
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import h5py
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

EXTENSIONS = {".jpg", ".jpeg"}
SLOPE = 0.2  # arXiv:1511.06434
EPSILON = 1e-8  # of the batch norm: kBatchNormEpsilon in libdcgan/src/nn/networks.h


class Jpegs(torch.utils.data.Dataset):
    def __init__(self, folder, size):
        self.folder, self.size = folder, size
        self.paths = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        image = cv2.imread(str(self.folder / self.paths[i]), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        scale = self.size / min(height, width)
        if scale != 1:
            image = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
        top, left = (image.shape[0] - self.size) // 2, (image.shape[1] - self.size) // 2
        image = image[top : top + self.size, left : left + self.size, ::-1]
        return torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1)


class Features(torch.nn.Module):
    """The discriminator's convolutions, batch norm by its statistics, leaky ReLU, each map max-pooled to 4x4."""

    def __init__(self, model):
        super().__init__()
        with safe_open(model, "pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}
            architecture = json.loads(file.metadata()["architecture"])
        self.size, per_scale = architecture["image-size"], architecture["convs-per-scale"]
        self.layers = torch.nn.ModuleList()
        while f"discriminator.conv{len(self.layers) + 1}.weight" in tensors:
            i = len(self.layers) + 1
            weight = tensors[f"discriminator.conv{i}.weight"]
            out, into, kernel, _ = weight.shape
            stride = 2 if i % per_scale == 0 else 1
            layer = torch.nn.Sequential(torch.nn.Conv2d(into, out, kernel, stride, kernel // 2))
            layer[0].weight.data = weight
            layer[0].bias.data = tensors.get(f"discriminator.conv{i}.bias", torch.zeros(out))
            if f"discriminator.bn{i}.running_mean" in tensors:
                layer.append(torch.nn.BatchNorm2d(out, eps=EPSILON))
                layer[1].load_state_dict({k: tensors[f"discriminator.bn{i}.{k}"] for k in
                                          ("weight", "bias", "running_mean", "running_var")}, strict=False)
            self.layers.append(layer)

    def forward(self, x):
        rows = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            rows.append(F.max_pool2d(x, x.shape[-1] // 4).flatten(1))
        return torch.cat(rows, 1)


def extract_with_pytorch(folder, model, output, threads):
    torch.set_num_threads(threads)
    network = Features(model).eval().to(memory_format=torch.channels_last)
    images = Jpegs(pathlib.Path(folder), network.size)
    loader = torch.utils.data.DataLoader(images, batch_size=64, num_workers=threads)
    done = 0
    with torch.inference_mode(), h5py.File(output, "w") as file:
        for batch in loader:
            rows = network(batch.contiguous(memory_format=torch.channels_last)).numpy()
            if done == 0:
                features = file.create_dataset("features", (len(images), rows.shape[1]), "f4", chunks=(9, rows.shape[1]))
            features[done : done + len(rows)] = rows
            done += len(rows)
        file["paths"] = images.paths


def seconds_of(command):
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return time.perf_counter() - start


def largest_difference(ours, theirs):
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        if list(a["paths"]) != list(b["paths"]):
            sys.exit("the two files have other paths")
        largest = difference = 0.0
        for first in range(0, len(a["paths"]), 256):
            x, y = a["features"][first : first + 256], b["features"][first : first + 256]
            largest, difference = max(largest, np.abs(y).max()), max(difference, np.abs(x - y).max())
        return difference / largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="dcgan-extract")
    parser.add_argument("folder")
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steady", action="store_true", help="subtract the time of a run on 64 images")
    parser.add_argument("--out", help="folder for the outputs; default: a temporary one")
    arguments = parser.parse_args()
    folder, threads = pathlib.Path(arguments.folder), str(arguments.threads)
    count = len(Jpegs(folder, 1))
    with tempfile.TemporaryDirectory(dir=arguments.out) as scratch:
        scratch = pathlib.Path(scratch)
        few = scratch / "few"
        few.mkdir()
        for i, path in enumerate(Jpegs(folder, 1).paths[:64]):
            (few / f"{i:02}.jpg").symlink_to((folder / path).absolute())
        outputs = {"dcgan-extract": scratch / "ours.h5", "PyTorch": scratch / "theirs.h5"}

        def command(name, images):
            if name == "PyTorch":
                return [sys.executable, __file__, "--run-pytorch", images, arguments.model, outputs[name], threads]
            return [arguments.program, images, "-o", outputs[name], "--model", arguments.model, "--threads", threads,
                    "--overwrite", "--quiet"]

        rates = {name: [] for name in outputs}
        for _ in range(arguments.rounds):
            for name in outputs:
                start = seconds_of(command(name, few)) if arguments.steady else 0
                images = count - (min(64, count) if arguments.steady else 0)
                rates[name].append(images / (seconds_of(command(name, folder)) - start))
        for name, values in rates.items():
            print(f"{name}: best {max(values):.1f}, median {statistics.median(values):.1f} images/s")
        ours, theirs = rates.values()
        print(f"dcgan-extract is faster by: best {max(ours) / max(theirs):.2f}, "
              f"median of rounds {statistics.median(a / b for a, b in zip(ours, theirs)):.2f}")
        print(f"largest difference of the features, relative to the largest: {largest_difference(*outputs.values()):.1e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run-pytorch"]:
        extract_with_pytorch(*sys.argv[2:5], int(sys.argv[5]))
    else:
        main()
