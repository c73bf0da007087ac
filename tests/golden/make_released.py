#!/usr/bin/env python3
"""Writes golden/released/: two small networks in the authors' format, and what golden values each network must give.

golden/released/{svhn,imagenet32}-like/*.npy   the shapes of the released models at a few channels, random weights
golden/released/values.json                    computed in float64 by dcgan_reference.py

usage: DCGAN_DATA_DIR=DIR make_released.py   (DIR/released-weights/svhn holds the real arrays; without DIR their values
are kept as they are)

Noise is z[i][j] = 2 sin(0.1 (nz i + j) + i i) for 8 images; batch norm takes the statistics of these 8.
"""
import json
import os
from pathlib import Path

import numpy as np
from dcgan_reference import Discriminator, Generator, golden_noise

OUT = Path(__file__).resolve().parent / "released"
IMAGES = 8


def write_network(folder, random, ndf, ngf, nz, kernel, convs_per_scale):
    """Arrays under the authors' names and in their order. The widths differ, so that no two can be mixed up."""
    folder.mkdir(parents=True, exist_ok=True)

    def save(network, arrays):
        for number, array in enumerate(arrays, 1):
            np.save(folder / f"7_{network}_params.jl_{number:02d}.npy", array.astype("<f4"))

    def weights(*shape):
        return random.normal(0, 0.2, shape)

    def norm(channels):
        return [random.normal(1, 0.2, channels), random.normal(0, 0.2, channels)]

    widths = [w for scale in range(3) for w in [ndf << scale] * convs_per_scale]
    arrays = [weights(widths[0], 3, kernel, kernel)]
    for below, width in zip(widths, widths[1:]):
        arrays += [weights(width, below, kernel, kernel), *norm(width)]
    save("discrim", arrays + [weights(16 * widths[-1], 1)])

    widths = [w for scale in (2, 1, 0) for w in [ngf << scale] * convs_per_scale]
    arrays = [weights(nz, 16 * widths[0]), *norm(16 * widths[0])]
    for below, width in zip(widths, widths[1:]):
        arrays += [weights(below, width, kernel, kernel), *norm(width)]
    save("gen", arrays + [weights(widths[-1], 3, kernel, kernel)])


def golden_values(folder):
    discriminator, generator = Discriminator(folder), Generator(folder)
    images = generator.images(golden_noise(IMAGES, len(generator.project)))
    statistics = discriminator.average_statistics(images)
    features = discriminator.features(images, statistics)
    return {
        "images": [images.mean(), images.std(), images.min(), images.max()],
        "pixels": [*images[0, :, 0, 0], *images[7, :, 16, 16], *images[3, :, 5, 26]],
        "logits": list(discriminator.logits(images)),
        "feature_means": [layer.mean() for layer in features],
        "first_features_of_image_0": list(features[0][0, :16]),
        "last_features_of_image_7": list(features[-1][7, -16:]),
        "means": [list(s[0][:4]) for s in statistics if s],
        "variances": [list(s[1][:4]) for s in statistics if s],
    }


def main():
    random = np.random.default_rng(1)
    write_network(OUT / "svhn-like", random, ndf=4, ngf=3, nz=6, kernel=5, convs_per_scale=1)
    write_network(OUT / "imagenet32-like", random, ndf=2, ngf=3, nz=5, kernel=3, convs_per_scale=2)
    file = OUT / "values.json"
    values = json.loads(file.read_text()) if file.exists() else {}
    for name in ("svhn-like", "imagenet32-like"):
        values[name] = golden_values(OUT / name)
    if os.environ.get("DCGAN_DATA_DIR"):
        values["svhn"] = golden_values(Path(os.environ["DCGAN_DATA_DIR"]) / "released-weights/svhn")
    file.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
