#!/usr/bin/env python3
"""How good features are for search: the share of images whose nearest other image (cosine) has the same label.

usage: neighbours.py FEATURES.h5 [FEATURES.h5 ...] [--sheet OUT.png --images FOLDER [--queries N]]

Each file is one that dcgan-extract wrote of a folder with class folders. Classes of a single image are left out, both as
queries and as answers' score (nothing can match them), but they may be found. The sheet has a query a row, its nearest
images beside it, from the first file; --images is the folder that its paths are relative to.
"""

import argparse
from pathlib import Path

import h5py
import numpy

BLOCK = 1000  # queries at a time: BLOCK x N similarities


def unit_rows(features):
    """float32 [N, D], each row of length 1."""
    rows = numpy.empty(features.shape, numpy.float32)
    for first in range(0, len(rows), BLOCK):
        rows[first:first + BLOCK] = features[first:first + BLOCK]
        rows[first:first + BLOCK] /= numpy.linalg.norm(rows[first:first + BLOCK], axis=1, keepdims=True)
    return rows


def nearest(rows, queries, count):
    """int [len(queries), count]: the nearest other rows of each query, nearest first."""
    answers = []
    for first in range(0, len(queries), BLOCK):
        block = queries[first:first + BLOCK]
        similarity = rows[block] @ rows.T
        similarity[numpy.arange(len(block)), block] = -numpy.inf
        best = numpy.argpartition(-similarity, count, axis=1)[:, :count]
        order = numpy.argsort(-numpy.take_along_axis(similarity, best, axis=1), axis=1)
        answers.append(numpy.take_along_axis(best, order, axis=1))
    return numpy.concatenate(answers)


def draw_sheet(output, folder, paths, rows, labels, count):
    from PIL import Image

    generator = numpy.random.default_rng(42)
    queries = numpy.sort(generator.choice(len(rows), count, replace=False))
    queries = queries[numpy.argsort(labels[queries], kind="stable")]
    tile, gap, columns = 48, 2, 8
    sheet = Image.new("RGB", ((tile + gap) * (columns + 1) + 8, (tile + gap) * count), "white")
    for row, (query, answers) in enumerate(zip(queries, nearest(rows, queries, columns))):
        for column, index in enumerate([query, *answers]):
            picture = Image.open(folder / paths[index]).convert("RGB").resize((tile, tile), Image.Resampling.NEAREST)
            sheet.paste(picture, (column * (tile + gap) + (8 if column else 0), row * (tile + gap)))
    sheet.quantize(256).save(output, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("features", nargs="+", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--queries", type=int, default=10)
    arguments = parser.parse_args()
    for number, name in enumerate(arguments.features):
        with h5py.File(name) as file:
            labels = file["labels"][:]
            paths = [path.decode() for path in file["paths"][:]]
            rows = unit_rows(file["features"])
        sizes = numpy.bincount(labels)
        queries = numpy.flatnonzero(sizes[labels] > 1)
        right = labels[nearest(rows, queries, 1)[:, 0]] == labels[queries]
        share, error = right.mean(), numpy.sqrt(right.mean() * (1 - right.mean()) / len(right))
        print(f"{name}: nearest other image has the same label for {100 * share:.2f}% of {len(queries):,} images "
              f"(standard error {100 * error:.2f}), {rows.shape[1]:,} features", flush=True)
        if arguments.sheet and number == 0:
            draw_sheet(arguments.sheet, arguments.images, paths, rows, labels, arguments.queries)


if __name__ == "__main__":
    main()
