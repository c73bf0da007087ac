#!/usr/bin/env python3
"""Writes tests/golden/data/train/contrast.json: normalised temperature-scaled cross-entropy in numpy, float64.

The definition of Chen et al. 2020 (arXiv:2002.05709, equation 1), view by view and without a matrix of logits; gradients
by central differences.
"""

import json
from pathlib import Path

import numpy

TEMPERATURE = 0.2


def cosine(a, b):
    return a @ b / numpy.sqrt((a @ a) * (b @ b))


def losses(z):
    """z [2 N, D], first one view of each image, then the other of each."""
    count = len(z)
    result = []
    for i in range(count):
        j = (i + count // 2) % count
        others = sum(numpy.exp(cosine(z[i], z[k]) / TEMPERATURE) for k in range(count) if k != i)
        result.append(-numpy.log(numpy.exp(cosine(z[i], z[j]) / TEMPERATURE) / others))
    return numpy.array(result)


def gradient(z, step=1e-6):
    result = numpy.zeros_like(z)
    for index in numpy.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[index] += step
        down[index] -= step
        result[index] = (losses(up).mean() - losses(down).mean()) / (2 * step)
    return result


def found(z):
    count = len(z)
    nearest = [max((k for k in range(count) if k != i), key=lambda k: cosine(z[i], z[k])) for i in range(count)]
    return [float(nearest[i] == (i + count // 2) % count) for i in range(count)]


def similarity(z):
    count = len(z)
    return [numpy.mean([cosine(z[i], z[k]) for k in range(count) if k % (count // 2) != i % (count // 2)])
            for i in range(count)]


if __name__ == "__main__":
    random = numpy.random.RandomState(0)
    images = random.normal(size=(4, 5))
    z = numpy.round(numpy.concatenate([images, images]) + 0.8 * random.normal(size=(8, 5)), 3)
    table = {"z": z.ravel().tolist(), "rows": len(z), "columns": z.shape[1], "losses": losses(z).tolist(),
             "gradient": gradient(z).ravel().tolist(), "found": found(z), "similarity": similarity(z)}
    assert 0 < sum(table["found"]) < len(z)
    folder = Path(__file__).parent / "data" / "train"
    folder.mkdir(exist_ok=True)
    (folder / "contrast.json").write_text(json.dumps(table) + "\n")
