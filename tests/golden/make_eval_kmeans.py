#!/usr/bin/env python3
"""Writes tests/golden/data/eval/kmeans.json: the K-means baseline of Coates, Lee, Ng 2011 in plain numpy, float64."""

import json
from pathlib import Path

import numpy


def normalised_patches(images):
    """Every 6x6 patch of uint8 [N, H, W, 3], row by row; float64 [N, (H - 5) * (W - 5), 108]."""
    windows = numpy.lib.stride_tricks.sliding_window_view(images, (6, 6), axis=(1, 2))  # [N, y, x, 3, 6, 6]
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(len(images), -1, 108).astype(float)
    patches -= patches.mean(-1, keepdims=True)
    return patches / numpy.sqrt(patches.var(-1, ddof=1, keepdims=True) + 10)


def whitening(patches):
    values, vectors = numpy.linalg.eigh(numpy.cov(patches, rowvar=False))
    return patches.mean(0), vectors @ numpy.diag(1 / numpy.sqrt(values + 0.1)) @ vectors.T


def distances(patches, centroids):
    squares = (patches**2).sum(1)[:, None] + (centroids**2).sum(1) - 2 * patches @ centroids.T
    return numpy.sqrt(numpy.maximum(squares, 0))


def kmeans(patches, centroids, iterations):
    for _ in range(iterations):
        nearest = distances(patches, centroids).argmin(1)
        for k in numpy.unique(nearest):
            centroids[k] = patches[nearest == k].mean(0)
    return centroids


def features(images, mean, matrix, centroids):
    rows, columns = images.shape[1] - 5, images.shape[2] - 5
    result = []
    for patches in normalised_patches(images):
        z = distances((patches - mean) @ matrix, centroids)
        maps = numpy.maximum(0, z.mean(1, keepdims=True) - z).reshape(rows, columns, -1)
        down, right = (rows + 1) // 2, (columns + 1) // 2
        quadrants = maps[:down, :right], maps[:down, right:], maps[down:, :right], maps[down:, right:]
        result.append(numpy.concatenate([quadrant.sum((0, 1)) for quadrant in quadrants]))
    return numpy.array(result)


def standardised(training, other):
    return (other - training.mean(0)) / numpy.sqrt(training.var(0, ddof=1) + 0.01)


if __name__ == "__main__":
    i = numpy.arange(3 * 16 * 16 * 3)
    images = ((7 * i * i + 13 * i + 31 * (i // 97)) % 251).astype(numpy.uint8).reshape(3, 16, 16, 3)
    patches = normalised_patches(images).reshape(-1, 108)
    mean, matrix = whitening(patches)
    white = (patches - mean) @ matrix
    centroids = kmeans(white, white[::40][:9].copy(), 3)
    encoded = features(images, mean, matrix, centroids)
    table = {
        "mean": mean,
        "matrix_row_17": matrix[17],
        "white_row_100": white[100],
        "centroid_4": centroids[4],
        "features": encoded,
        "standardised": standardised(encoded, encoded),
    }
    text = json.dumps({name: numpy.round(values, 7).tolist() for name, values in table.items()})
    (Path(__file__).parent / "data/eval/kmeans.json").write_text(text + "\n")
