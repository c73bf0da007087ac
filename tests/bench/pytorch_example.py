#!/usr/bin/env python3
"""PyTorch's DCGAN example (pytorch/examples, dcgan/main.py) from training to an SVM: trained by PyTorch itself, saved with
torch.save(), imported, its features compared with PyTorch's own row by row, an SVM fitted to those of CIFAR-10; then
dcgan-train --recipe pytorch64 beside PyTorch, in turns.

Needs the PyPI packages torch, numpy and h5py, and images packed at 64 pixels:

    build/release/tools/dcgan-prepare folder "$DCGAN_DATA_DIR/lfw" -o faces64.h5 --size 64
    peers/bin/python tests/bench/pytorch_example.py build/release --data faces64.h5 --steps 300 \\
        --cifar10 "$DCGAN_DATA_DIR/cifar10" --out runs/pytorch64

Prints JSON: the losses at the end, what was recognised, the largest difference of a feature as a share of the largest
feature, the SVM's accuracy, and seconds of a pair.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time
import types

import h5py
import numpy as np
import torch
from beside_pytorch import ours, seconds_of
from torch import nn
from torch.nn.functional import adaptive_max_pool2d

NZ, BATCH = 100, 64


def discriminator(ndf=64):
    layers = [nn.Conv2d(3, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for i in range(3):
        layers += [nn.Conv2d(ndf << i, ndf << i + 1, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf << i + 1),
                   nn.LeakyReLU(0.2, inplace=True)]
    return nn.ModuleDict({"main": nn.Sequential(*layers, nn.Conv2d(8 * ndf, 1, 4, 1, 0, bias=False), nn.Sigmoid())})


def generator(ngf=64):
    layers = [nn.ConvTranspose2d(NZ, 8 * ngf, 4, 1, 0, bias=False), nn.BatchNorm2d(8 * ngf), nn.ReLU(True)]
    for width in (8 * ngf, 4 * ngf, 2 * ngf):
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(width // 2), nn.ReLU(True)]
    return nn.ModuleDict({"main": nn.Sequential(*layers, nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False), nn.Tanh())})


def weights_init(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(m.weight, 0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


class Example:
    """The example's loop, one pair at a time; channels last, which is faster on a CPU."""

    def __init__(self, data):
        torch.manual_seed(1)
        with h5py.File(data) as file:
            self.images = file["images"][:]
        self.random = np.random.default_rng(1)
        self.d = discriminator().apply(weights_init).to(memory_format=torch.channels_last)
        self.g = generator().apply(weights_init).to(memory_format=torch.channels_last)
        self.adam_d = torch.optim.Adam(self.d.parameters(), 2e-4, (0.5, 0.999))
        self.adam_g = torch.optim.Adam(self.g.parameters(), 2e-4, (0.5, 0.999))
        self.losses = []

    def as_input(self, pixels):
        return torch.from_numpy(pixels).float().div_(127.5).sub_(1).permute(0, 3, 1, 2)

    def pair(self):
        criterion, ones, zeros = nn.BCELoss(), torch.ones(BATCH), torch.zeros(BATCH)
        real = self.as_input(self.images[np.sort(self.random.choice(len(self.images), BATCH, False))])
        self.d.zero_grad()
        error_real = criterion(self.d["main"](real).view(-1), ones)
        error_real.backward()
        fake = self.g["main"](torch.randn(BATCH, NZ, 1, 1))
        error_fake = criterion(self.d["main"](fake.detach()).view(-1), zeros)
        error_fake.backward()
        self.adam_d.step()
        self.g.zero_grad()
        error = criterion(self.d["main"](fake).view(-1), ones)
        error.backward()
        self.adam_g.step()
        self.losses.append((float((error_real + error_fake).detach()), float(error.detach())))

    def features(self, pixels):
        """Of every convolution below the logit's, as in evaluation: float32 [N, 15360]."""
        self.d.eval()
        rows = []
        with torch.no_grad():
            for part in np.array_split(pixels, max(1, len(pixels) // 64)):
                h, maps = self.as_input(part), []
                for layer in self.d["main"]:
                    h = layer(h)
                    if isinstance(layer, nn.LeakyReLU):
                        maps.append(adaptive_max_pool2d(h, 4).flatten(1))
                rows.append(torch.cat(maps, 1).numpy())
        self.d.train()
        return np.concatenate(rows)


def run(build, name, *arguments):
    command = [build / "tools" / name, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def svm(build, out, model, cifar10, images):
    """Accuracy of an SVM on `images` training and a fifth as many test images of CIFAR-10, evenly spread."""
    for part, count in (("train", images), ("test", images // 5)):
        files = sorted(p for p in (cifar10 / part).rglob("*") if p.suffix in (".png", ".webp", ".jpg"))
        chosen = files[:: max(1, len(files) // count)][:count]
        (out / f"{part}.txt").write_text("".join(f"{p.relative_to(cifar10 / part)}\n" for p in chosen))
        run(build, "dcgan-extract", cifar10 / part, "--list", out / f"{part}.txt", "-o", out / f"{part}.h5", "--model", model,
            "--overwrite", "--quiet")
    return json.loads(run(build, "dcgan-eval", "svm", "--train", out / "train.h5", "--test", out / "test.h5", "--c", "1e-4",
                          "--json"))["accuracy"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--cifar10", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rows", type=int, default=512, help="images whose features are compared")
    parser.add_argument("--svm-images", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4, help="turns of the comparison of speed; 0: none")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    example, result = Example(options.data), {}
    for _ in range(options.steps):
        example.pair()
    result["steps"], result["losses"] = options.steps, np.mean(example.losses[-20:], 0).tolist()
    torch.save(example.d.state_dict(), options.out / "netD.pth")
    torch.save(example.g.state_dict(), options.out / "netG.pth")
    model = options.out / "imported.safetensors"
    facts = json.loads(run(options.build, "dcgan-convert", "state-dict", options.out / "netD.pth", options.out / "netG.pth", "-o",
                           model, "--overwrite", "--json"))
    result["recognised"], result["layers"] = facts["training"]["family"], facts["layers"]
    pixels = example.images[: options.rows]
    with h5py.File(options.data) as file, h5py.File(options.out / "rows.h5", "w") as packed:
        packed.attrs.update(file.attrs)
        packed["images"], packed["paths"] = pixels, file["paths"][: options.rows]
        for name in ("failures/path", "failures/reason"):
            packed.create_dataset(name, (0,), dtype=h5py.string_dtype())
    run(options.build, "dcgan-extract", options.out / "rows.h5", "-o", options.out / "features.h5", "--model", model, "--overwrite",
        "--quiet")
    with h5py.File(options.out / "features.h5") as file:
        features = file["features"][:]
    theirs = example.features(pixels)
    result["rows"], result["features"] = features.shape
    result["largest_difference"] = float(np.abs(features - theirs).max() / np.abs(theirs).max())
    if options.cifar10:
        result["svm_accuracy"] = svm(options.build, options.out, model, options.cifar10, options.svm_images)
    times = {"dcgan-train": [], "PyTorch": []}
    turn = types.SimpleNamespace(program=options.build / "tools/dcgan-train", data=options.data, ndf=None, batch_size=BATCH,
                                 threads=options.threads, steps=6)
    for _ in range(options.rounds):
        time.sleep(0.3)  # OpenMP's threads go on spinning for a while after a pass
        times["dcgan-train"] += ours(turn, "--recipe", "pytorch64")
        times["PyTorch"] += seconds_of(example.pair, turn.steps)
    if options.rounds:
        result["seconds_of_a_pair"] = {name: [min(t), statistics.median(t)] for name, t in times.items()}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
