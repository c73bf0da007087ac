#!/usr/bin/env python3
"""What compressed features cost: time of dcgan-eval compress, accuracy of the linear SVM and of the nearest neighbour.

usage: compressed_features.py --programs build/release/tools --train train.h5 --test test.h5 [--dimensions 64 128 256 512]
                              [--threads 2] [--sklearn 256]

The files are those of dcgan-extract without --compress, with labels. --sklearn: for these dimensions IncrementalPCA
beside it in time, on the standardised rows, in batches of 1,024 (at least k). The nearest neighbour is Euclidean, of all test rows among all
training rows; "all" are the features as they are, standardised for the neighbour.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import h5py
import numpy
from safetensors.numpy import load_file


def run(program, *arguments):
    result = subprocess.run([program, *map(str, arguments), "--json", "--quiet"], check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def read(path):
    with h5py.File(path) as file:
        return file["features"][:].astype(numpy.float32), file["labels"][:]


def write(path, rows, labels):
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = rows, labels


def nearest_neighbour(train, train_labels, test, test_labels):
    squares, right = (train ** 2).sum(1), 0
    for first in range(0, len(test), 500):
        distances = squares - 2 * (test[first:first + 500] @ train.T)
        right += (train_labels[distances.argmin(1)] == test_labels[first:first + 500]).sum()
    return right / len(test)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sklearn", type=int, nargs="+", default=[])
    options = parser.parse_args()
    (train, train_labels), (test, test_labels) = read(options.train), read(options.test)
    mean, deviation = train.mean(0), train.std(0, ddof=1)
    deviation[deviation == 0] = numpy.inf

    def svm(train_file, test_file):
        return run(options.programs / "dcgan-eval", "svm", "--train", train_file, "--test", test_file, "--threads",
                   options.threads, "--c-grid", "1e-6,1e-5,1e-4,1e-3,1e-2,1e-1")["accuracy"]

    print("| dimensions | seconds | kept variance | SVM | nearest neighbour |\n|---|---|---|---|---|")
    neighbour = nearest_neighbour((train - mean) / deviation, train_labels, (test - mean) / deviation, test_labels)
    print(f"| all {train.shape[1]} | | | {svm(options.train, options.test):.4f} | {neighbour:.4f} |", flush=True)
    for k in options.dimensions:
        for whiten in ([], ["--whiten"]):
            with tempfile.TemporaryDirectory() as folder:
                pca, files = Path(folder) / "pca.safetensors", [Path(folder) / f"{name}.h5" for name in ("train", "test")]
                start = time.monotonic()
                report = run(options.programs / "dcgan-eval", "compress", "--features", options.train, "--dimensions", k, "-o",
                             pca, "--threads", options.threads, *whiten)
                seconds = time.monotonic() - start
                tensors = load_file(pca)
                small = [rows @ tensors["weights"].T + tensors["offsets"] for rows in (train, test)]
                for path, rows, labels in zip(files, small, (train_labels, test_labels)):
                    write(path, rows, labels)
                neighbour = nearest_neighbour(small[0], train_labels, small[1], test_labels)
                print(f"| {k}{' whitened' if whiten else ''} | {seconds:.1f} | {report['kept_variance']:.4f} | {svm(*files):.4f} "
                      f"| {neighbour:.4f} |", flush=True)
        if k in options.sklearn:
            from sklearn.decomposition import IncrementalPCA
            start, batch = time.monotonic(), max(k, 1024)
            pca = IncrementalPCA(k)
            for first in range(0, len(train) - k, batch):
                pca.partial_fit((train[first:first + batch] - mean) / deviation)
            seconds = time.monotonic() - start
            print(f"| {k}, IncrementalPCA | {seconds:.1f} | {pca.explained_variance_ratio_.sum():.4f} | | |", flush=True)


if __name__ == "__main__":
    main()
