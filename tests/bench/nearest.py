#!/usr/bin/env python3
"""The speed of exact nearest neighbours: `dcgan-eval knn` beside what it cannot do without, and beside faiss's flat index.

usage: nearest.py ROWS.h5 QUERIES.h5 [--programs build/ci/tools] [--threads N] [-k K] [--queries N] [--repeat N] [--no-faiss]

Both files are of dcgan-extract, with labels. The bar is 1.5 times one pass over the file of the rows (read into memory,
block by block) plus the matrix product at the machine's rate (float32, by NumPy's BLAS, on as many threads). faiss
(PyPI faiss-cpu) holds its rows in memory as float32: reading and converting them is part of its total.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

BLOCK = 64 << 20  # bytes


def timed(function, repeat):
    """The least of some times, and what the last one returned."""
    best = None
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    return best, result


def read_through(path):
    buffer, total = bytearray(BLOCK), 0
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            total += count
    return total


def product_rate(numpy, columns, queries, repeat):
    """Floating-point operations a second of queries [Q, D] times a block of rows [D, 2000]."""
    random = numpy.random.default_rng(1)
    a, b = (random.standard_normal((count, columns), dtype=numpy.float32) for count in (queries, 2000))
    a @ b.T  # pages and threads are there
    seconds, _ = timed(lambda: a @ b.T, repeat)
    return 2 * queries * 2000 * columns / seconds


def faiss_search(numpy, h5py, arguments, queries):
    import faiss

    faiss.omp_set_num_threads(arguments.threads)
    with h5py.File(arguments.rows) as file:
        rows = file["features"]
        index = faiss.IndexFlatL2(rows.shape[1])
        start = time.perf_counter()
        for first in range(0, len(rows), 2000):
            index.add(rows[first:first + 2000].astype(numpy.float32))
        added = time.perf_counter() - start
    seconds, found = timed(lambda: index.search(queries, arguments.k), arguments.repeat)
    return added, seconds, found[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("queries_file", metavar="queries", type=Path)
    parser.add_argument("--programs", type=Path, default=Path("build/ci/tools"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-faiss", action="store_true")
    a = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(a.threads)
    import h5py
    import numpy

    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "queries.h5"
        with h5py.File(a.queries_file) as file, h5py.File(asked, "w") as few:
            chosen = slice(None, None, max(len(file["labels"]) // a.queries, 1))  # of all classes
            for name in ("features", "labels"):
                few[name] = file[name][chosen][:a.queries]
            file.copy("classes", few)
            queries = few["features"][:].astype(numpy.float32)
        with h5py.File(a.rows) as file:
            count, columns = file["features"].shape
            dtype = file["features"].dtype
        passed, size = timed(lambda: read_through(a.rows), a.repeat)
        rate = product_rate(numpy, columns, len(queries), a.repeat)
        product = 2 * len(queries) * count * columns / rate
        command = [str(a.programs / "dcgan-eval"), "knn", "--train", str(a.rows), "--test", str(asked), "-k", str(a.k),
                   "--threads", str(a.threads), "--json", "--quiet"]
        seconds, out = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout, a.repeat)
    print(f"{len(queries):,} queries among {count:,} x {columns:,} rows of {dtype}, k = {a.k}, {a.threads} threads, "
          f"the best of {a.repeat}")
    print(f"one pass over {size / 2**30:.2f} GiB: {passed:.2f} s; product: {product:.2f} s at {rate / 1e9:.0f} GFLOP/s")
    print(f"dcgan-eval knn, the whole process: {seconds:.2f} s, {seconds / (passed + product):.2f} times both; "
          f"accuracy {json.loads(out)['accuracy']:.4f}")
    if not a.no_faiss:
        added, searched, _ = faiss_search(numpy, h5py, a, queries)
        print(f"faiss IndexFlatL2: {added:.2f} s to read and add, {searched:.2f} s to search, {added + searched:.2f} s together")


if __name__ == "__main__":
    main()
