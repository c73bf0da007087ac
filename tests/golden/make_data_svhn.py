#!/usr/bin/env python3
"""Writes tests/golden/data/svhn/*.mat with scipy: three images as SVHN's official files have them, plain and compressed,
with variables of other kinds beside them."""

from pathlib import Path

import numpy
from scipy.io import savemat

row, column, channel, image = numpy.indices((32, 32, 3, 3))
digits = {
    "note": "text",
    "cells": numpy.array([numpy.arange(3), "text"], dtype=object),
    "record": {"a": 1.5, "b": "text"},
    "waves": numpy.exp(1j * numpy.arange(4)),
    "X": ((7 * image + 50 * channel + 3 * row + column // 8) % 256).astype(numpy.uint8),
    "y": numpy.array([[10], [1], [9]], numpy.uint8),
    "empty": numpy.zeros((0, 0)),
}
folder = Path(__file__).parent / "data" / "svhn"
for name, compressed in (("plain", False), ("compressed", True)):
    savemat(folder / f"{name}.mat", digits, do_compression=compressed)
