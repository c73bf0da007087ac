#!/usr/bin/env python3
"""What `--decode scaled` costs: differences of two pairs of files, packed images and features, exact against scaled.

    dcgan-prepare folder JPEGS -o exact.h5 --size 32 --resize area
    dcgan-prepare folder JPEGS -o scaled.h5 --size 32 --resize area --scaled-side 64
    dcgan-extract exact.h5 -o exact-features.h5 --model MODEL
    dcgan-extract scaled.h5 -o scaled-features.h5 --model MODEL
    python3 tests/bench/decode_price.py exact.h5 scaled.h5 exact-features.h5 scaled-features.h5
"""

import sys

import h5py
import numpy as np

exact, scaled, exact_features, scaled_features = sys.argv[1:]


def rows(path, name):
    with h5py.File(path) as file:
        return file[name][:].astype(np.float64)


pixels = np.abs(rows(scaled, "images") - rows(exact, "images"))
print(f"pixels, of 255: mean {pixels.mean():.2f}, root mean square {np.sqrt((pixels**2).mean()):.2f}, "
      f"largest {pixels.max():.0f}")
f = rows(exact_features, "features")
distance = np.linalg.norm(rows(scaled_features, "features") - f, axis=1) / np.linalg.norm(f, axis=1)
print(f"features, distance over length: mean {distance.mean():.4f}, largest {distance.max():.4f}")
