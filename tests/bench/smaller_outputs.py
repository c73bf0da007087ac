#!/usr/bin/env python3
"""What `--storage f16`, `--grid` and `--layers` of dcgan-extract save, and what they cost in accuracy.

    python3 tests/bench/smaller_outputs.py BUILD/tools --train cifar10-train.h5 --test cifar10-test.h5 --model MODEL

Extracts both files anew for each row, fits the SVM (C chosen by dcgan-eval on held-out rows of the training file, around
the value that suits so many features), and prints a Markdown table.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path


def variants(layers):
    every = ",".join(map(str, range(1, layers + 1)))
    upper = ",".join(map(str, range(layers // 2 + 1, layers + 1)))
    yield []
    yield ["--storage", "f16"]
    yield ["--storage", "f16", "--grid", "2"]
    yield ["--storage", "f16", "--grid", "1"]
    yield ["--storage", "f16", "--layers", upper]
    yield ["--storage", "f16", "--layers", upper, "--grid", "2"]
    yield ["--storage", "f16", "--layers", every.rsplit(",", 1)[-1]]
    yield ["--storage", "f16", "--layers", "1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    for name in ("train", "test", "model"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--convolutions", type=int, default=6, help="of the model")
    parser.add_argument("--c-times-features", type=float, default=2.0, help="C that suits one feature; default 2")
    arguments = parser.parse_args()

    def run(program, *rest):
        command = [str(arguments.programs / program), *map(str, rest), "--json", "--quiet"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    print("| options | D | bytes an image | extraction, images/s | C | accuracy | fit, seconds |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.h5" for name in ("train", "test")}
        for options in variants(arguments.convolutions):
            start = time.monotonic()
            for name, file in files.items():
                report = run("dcgan-extract", getattr(arguments, name), "-o", file, "--model", arguments.model,
                             "--overwrite", *options)
                if name == "train":
                    rate = report["rows"] / (time.monotonic() - start)
            features = report["features"]
            grid = [f"{arguments.c_times_features / features * factor:.2g}" for factor in (0.25, 1, 4, 16)]
            svm = run("dcgan-eval", "svm", "--train", files["train"], "--test", files["test"], "--c-grid", ",".join(grid))
            size = features * (2 if "f16" in options else 4)
            print(f"| {' '.join(options) or 'none'} | {features:,} | {size:,} | {rate:,.0f} | {svm['c']:g} | "
                  f"{100 * svm['accuracy']:.2f}% | {svm['seconds']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
