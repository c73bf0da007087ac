#!/usr/bin/env python3
"""Writes golden/data/resize.txt: the authors' min_resize and center_crop, from their formulas, with numpy and OpenCV's
documented sampling rule (pixel centres at (i + 0.5) * scale - 0.5, edges repeated) in float64.

Per line: filter, input height, input width, size, then size * size * 3 values. The input is
pixel(y, x, c) = (37 * y + 61 * x + 101 * c + 5 * x * y) % 256.
"""
from pathlib import Path

import numpy as np


def picture(height, width):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((37 * y + 61 * x + 101 * c + 5 * x * y) % 256).astype(np.float64)


def round_half_away(value):
    return int(np.floor(abs(value) + 0.5) * np.sign(value))


def linear(image, axis, target):
    source = image.shape[axis]
    at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, source - 1)
    weight = (at - low).reshape([-1 if a == axis else 1 for a in range(3)])
    return np.take(image, low, axis) * (1 - weight) + np.take(image, high, axis) * weight


def area(image, axis, target):
    source = image.shape[axis]
    scale = source / target
    pixel = np.arange(source)
    left = np.arange(target)[:, None] * scale
    weight = np.clip(np.minimum(pixel + 1, left + scale) - np.maximum(pixel, left), 0, None) / scale
    return np.moveaxis(np.tensordot(weight, image, (1, axis)), 0, axis)


def prepare(image, size, shrink):
    height, width = image.shape[:2]
    ratio = max(height, width) / min(height, width)
    other = round_half_away(ratio * size)
    target = (size, other) if height <= width else (other, size)
    if min(height, width) != size:
        for axis in (0, 1):
            image = shrink(image, axis, target[axis])
    top, left = (round_half_away((side - size) / 2) for side in image.shape[:2])
    return image[top:top + size, left:left + size]


def main():
    cases = [("linear", 13, 21, 6), ("linear", 30, 17, 8), ("linear", 5, 7, 9), ("linear", 8, 11, 8),
             ("area", 13, 21, 6), ("area", 24, 16, 4), ("area", 30, 17, 8)]
    with open(Path(__file__).parent / "data" / "resize.txt", "w") as out:
        for name, height, width, size in cases:
            result = prepare(picture(height, width), size, {"linear": linear, "area": area}[name])
            values = " ".join(f"{v:.2f}" for v in result.ravel())
            out.write(f"{name} {height} {width} {size} {values}\n")


if __name__ == "__main__":
    main()
