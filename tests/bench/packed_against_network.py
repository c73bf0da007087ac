#!/usr/bin/env python3
"""Images per second of dcgan-extract from a packed file of 32x32 images beside those of its network alone, in turn.

    dcgan-train --data PACKED --out untrained --steps 0
    python3 tests/bench/packed_against_network.py BUILD --images PACKED --model untrained/model.safetensors

The network alone is inference_benchmark's forward/ImageNet32 with two threads: the published width, all six convolutions.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("build", type=Path)
parser.add_argument("--images", type=Path, required=True)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--rounds", type=int, default=5)
arguments = parser.parse_args()


def json_of(*command):
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)


STORAGES = ("f32", "f16")
network, program = [], {storage: [] for storage in STORAGES}
with tempfile.TemporaryDirectory() as folder:
    for _ in range(arguments.rounds):
        report = json_of(arguments.build / "tests/bench/inference_benchmark", "--benchmark_format=json", "--benchmark_min_time=5",
                         "--benchmark_filter=forward/ImageNet32/layers:6/threads:2/")
        network.append(report["benchmarks"][0]["items_per_second"])
        for storage in STORAGES:
            report = json_of(arguments.build / "tools/dcgan-extract", arguments.images, "-o",
                             Path(folder) / "features.h5", "--model", arguments.model, "--storage", storage,
                             "--threads", 2, "--overwrite", "--json", "--quiet")
            program[storage].append(report["images_per_second"])
print(f"network alone: {max(network):.1f} images/s best, {statistics.median(network):.1f} median")
for storage, rates in program.items():
    ratios = [p / n for p, n in zip(rates, network)]
    print(f"dcgan-extract --storage {storage}: {max(rates):.1f} best, {statistics.median(rates):.1f} median; "
          f"ratio {max(rates) / max(network):.3f} best, {statistics.median(ratios):.3f} median of rounds")
