#!/usr/bin/env python3
"""Writes tests/golden/data/train/views.json: random views by Pillow's resize() and numpy, float64.

Needs numpy and Pillow. Colours by their definitions, one change after the other: brightness scales, contrast goes away
from the mean of all values, saturation away from the luma, hue turns the colour axes of YIQ.
"""

import colorsys
import json
from pathlib import Path

import numpy
from PIL import Image

LUMA = numpy.array([0.299, 0.587, 0.114])
YIQ = numpy.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def view(image, size, left, top, width, height, mirrored, brightness, contrast, saturation, hue, grey):
    side = len(image)
    box = (left * side, top * side, (left + width) * side, (top + height) * side)
    planes = [Image.fromarray(image[:, :, c].astype(numpy.float32), "F") for c in range(3)]
    x = numpy.stack([numpy.asarray(p.resize((size, size), Image.BILINEAR, box=box), float) for p in planes], -1) / 255
    if mirrored:
        x = x[:, ::-1]
    x = x * brightness
    x = x.mean() + contrast * (x - x.mean())
    luma = (x @ LUMA)[:, :, None]
    x = luma + saturation * (x - luma)
    y, i, q = numpy.moveaxis(x @ YIQ.T, -1, 0)
    turned = (i + 1j * q) * numpy.exp(2j * numpy.pi * hue)
    x = numpy.stack([y, turned.real, turned.imag], -1) @ numpy.linalg.inv(YIQ).T
    if grey:
        x = numpy.repeat((x @ LUMA)[:, :, None], 3, 2)
    return numpy.clip(x, 0, 1) * 2 - 1


if __name__ == "__main__":
    # The axes are those of YIQ, up to the three digits that are usual.
    assert abs(YIQ @ [0.2, 0.5, 0.7] - colorsys.rgb_to_yiq(0.2, 0.5, 0.7)).max() < 0.02
    random = numpy.random.RandomState(0)
    views = []
    for side, size in [(8, 8), (16, 8), (20, 8), (12, 8), (8, 12)]:
        n = numpy.arange(side * side * 3)
        image = ((7 * n * n + 13 * n) % 251).astype(numpy.uint8).reshape(side, side, 3)
        for number in range(3):
            width, height = random.uniform(0.4, 1, 2)
            entry = {"side": side, "size": size, "left": random.uniform(0, 1 - width), "top": random.uniform(0, 1 - height),
                     "width": width, "height": height, "mirrored": bool(number % 2), "brightness": random.uniform(0.6, 1.4),
                     "contrast": random.uniform(0.6, 1.4), "saturation": random.uniform(0.6, 1.4),
                     "hue": random.uniform(-0.1, 0.1), "grey": number == 2}
            arguments = {name: value for name, value in entry.items() if name != "side"}
            entry["values"] = [round(float(v), 6) for v in view(image, **arguments).ravel()]
            views.append(entry)
    folder = Path(__file__).parent / "data" / "train"
    folder.mkdir(exist_ok=True)
    (folder / "views.json").write_text(json.dumps({"views": views}, separators=(",", ":")) + "\n")
