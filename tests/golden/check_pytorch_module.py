#!/usr/bin/env python3
"""Checks that python/dcgan/networks.py gives the features, logits and samples of this project's programs and of two others, to
1e-5 of the largest value. Needs PyTorch, h5py and the package safetensors.

usage: check_pytorch_module.py BUILD [--model MODEL.safetensors --images IMAGES.h5] [--released DIR]

Always: the small network of golden/state_dict/, converted by BUILD/tools/dcgan-convert, against the values that
nn.Sequential gave (values.json; the C++ tests compare with the same), and the networks of golden/networks/. With --model and --images: its features of the first
64 images of the packed file against BUILD/tools/dcgan-extract. With --released: the authors' arrays, of which MODEL was
made, against the float64 twin in NumPy.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import dcgan  # noqa: E402 (found by the line above)
from dcgan_reference import Discriminator, Generator, golden_noise  # noqa: E402
from make_networks import golden_pixels as network_pixels  # noqa: E402
from make_state_dicts import golden_pixels  # noqa: E402

GOLDEN = Path(__file__).resolve().parent / "state_dict"
COUNT = 64


class Comparison:
    worst = 0

    def near(self, name, actual, expected):
        difference = np.abs(actual - expected).max() / np.abs(expected).max()
        self.worst = max(self.worst, difference)
        print(f"{name}: {difference:.1e}")


def as_images(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1


def check_small_network(build, folder, comparison):
    options = ["--image-size", "16", "--ndf", "3", "--ngf", "2", "--nz", "4", "--mapping", GOLDEN / "mapping.json"]
    subprocess.run([build / "tools/dcgan-convert", "state-dict", GOLDEN / "netD.pt", GOLDEN / "netG.pt", "-o",
                    f"{folder}/small.safetensors", *options], check=True)
    model = dcgan.load(f"{folder}/small.safetensors")
    values = {name: np.array(v) for name, v in json.loads((GOLDEN / "values.json").read_text()).items()}
    images, z = as_images(golden_pixels(3)), torch.sin(torch.arange(20.0)).view(5, 4)
    comparison.near("small network, logits", model.discriminator(images).numpy(), values["logits"])
    comparison.near("small network, features", model.discriminator.features(images).flatten().numpy(), values["features"])
    comparison.near("small network, samples", model.generator(z)[:, :, 3, 5].flatten().numpy(), values["samples"])


def check_lists(build, folder, comparison):
    """Networks of others: golden/networks/, as dcgan-convert finds them."""
    networks = Path(__file__).resolve().parent / "networks"
    values = json.loads((networks / "values.json").read_text())
    samples = {name: np.array(values.pop(f"{name}G")["samples"]) for name in ("pytorch64", "pytorchgan32")}
    own48 = ["--network", "conv 7 2 3; bn 1e-3; lrelu 0.3; conv 3 1 1; relu; maxpool 2; conv 4 2 1; bn 1e-5; lrelu 0.3; dense; "
             "lrelu 0.3; dense to 1", "--input-order", "bgr", "--input-mean", "0.485,0.456,0.406", "--input-deviation",
             "0.229,0.224,0.225"]
    for name, expected in values.items():
        files = [networks / f"{name}.pt"] + ([networks / f"{name}G.pt"] if name in samples else [])
        subprocess.run([build / "tools/dcgan-convert", "state-dict", *files, "-o", f"{folder}/{name}.safetensors",
                        *(own48 if name == "own48" else [])], check=True, stdout=subprocess.DEVNULL)
        model = dcgan.load(f"{folder}/{name}.safetensors")
        images = model.discriminator.inputs(torch.from_numpy(network_pixels(expected["size"])))
        comparison.near(f"{name}, logits", model.discriminator(images).numpy(), np.array(expected["logits"]))
        comparison.near(f"{name}, features", model.discriminator.features(images).flatten().numpy(),
                        np.array(expected["features"]))
        if "generator" in model:
            z = torch.sin(torch.arange(18.0)).view(3, 6)
            comparison.near(f"{name}, samples", model.generator(z)[:, :, 3, 5].flatten().numpy(), samples[name])


def check_extraction(build, folder, comparison, path, images):
    with h5py.File(images) as file, h5py.File(f"{folder}/images.h5", "w") as packed:
        pixels = file["images"][:COUNT]
        packed.attrs.update(file.attrs)
        packed["images"], packed["paths"] = pixels, file["paths"][:COUNT]
        for name in ("failures/path", "failures/reason"):
            packed.create_dataset(name, (0,), dtype=h5py.string_dtype())
    subprocess.run([build / "tools/dcgan-extract", f"{folder}/images.h5", "-o", f"{folder}/features.h5", "--model", path,
                    "--quiet"], check=True)
    with h5py.File(f"{folder}/features.h5") as file:
        features = dcgan.load(path).discriminator.features(as_images(pixels)).numpy()
        comparison.near("dcgan-extract, features", features, file["features"][:])


def check_released(comparison, path, folder):
    model = dcgan.load(path).train()  # batch norm with the statistics of the batch, as the authors'
    z = golden_noise(8, model.generator.project.in_features)
    samples = Generator(folder).images(z)
    comparison.near("released, samples", model.generator(torch.from_numpy(z).float()).numpy(), samples)
    logits = model.discriminator(torch.from_numpy(samples).float()).numpy()
    comparison.near("released, logits", logits, Discriminator(folder).logits(samples))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--released", type=Path)
    arguments = parser.parse_args()
    comparison = Comparison()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        check_small_network(arguments.build, folder, comparison)
        check_lists(arguments.build, folder, comparison)
        if arguments.images:
            check_extraction(arguments.build, folder, comparison, arguments.model, arguments.images)
        if arguments.released:
            check_released(comparison, arguments.model, arguments.released)
    return int(comparison.worst > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
