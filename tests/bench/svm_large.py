"""A feature file of the paper's size for the memory figures: 50,000 x 28,672 float32 with labels, 5.7 GB.

    python3 svm_large.py TRAIN50000.h5 OUT.h5        (needs h5py, numpy)

The first 12,288 columns are the real features of svm_features.py, the others random sums of pairs of them.
"""
import sys

import h5py
import numpy as np

random = np.random.default_rng(0)
first, second = random.integers(0, 12288, (2, 28672 - 12288))
with h5py.File(sys.argv[1]) as source, h5py.File(sys.argv[2], "w") as out:
    rows = out.create_dataset("features", (len(source["labels"]), 28672), "f4", chunks=(32, 28672))
    for i in range(0, len(rows), 1000):
        x = source["features"][i : i + 1000]
        noise = random.standard_normal((len(x), len(first)), np.float32)
        rows[i : i + 1000] = np.concatenate([x, 0.5 * (x[:, first] + x[:, second]) + noise], 1)
    out["labels"] = source["labels"][:]
    out["classes"] = source["classes"][:]
