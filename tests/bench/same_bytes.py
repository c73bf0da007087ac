#!/usr/bin/env python3
"""Shows that two builds train the same models, byte for byte: the published recipes, made small.

    /usr/bin/python3 tests/bench/same_bytes.py BASE/build/ci build/ci

Each build's dcgan-train runs every recipe of tools/recipes at --width channels and for --steps pairs, on the same drawn
images, and one run with what no recipe sets: both steps on each minibatch, averaged
weights, weight decay and a learning rate that falls. Threads are the same for both, and the machine is this one: sums
are rounded otherwise with others. The models are then compared, library_version aside. Exit code 1 where one differs.
"""

import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
from tests.support.programs import write_image_folder

RECIPES = pathlib.Path(__file__).parents[2] / "tools" / "recipes"
LATER = ("tiny-imagenet32-contrastive", "grey28", "pytorch64", "pytorch128")  # whose options a program before may not know
UNUSUAL = ["--schedule", "both", "--average-decay", "0.9", "--weight-decay", "1e-4", "--decay-steps", "4"]


def content(model):
    """Metadata without the library's version, and the rest of the file: shapes, places and values."""
    data = model.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"].pop("library_version", None)
    return header, data[8 + length :]


def trainings(options):
    small = ["--ndf", str(options.width), "--ngf", str(options.width), "--batch-size", "16"]
    small += ["--steps", str(options.steps), "--checkpoint-every", "3", "--log-every", "2", "--sample-every", "4"]
    for recipe in sorted(RECIPES.glob("*.ini")):
        if recipe.stem in LATER:
            continue
        size = next(line.split("=")[1].strip() for line in recipe.read_text().splitlines() if "image-size" in line)
        yield recipe.stem, size, ["--recipe", str(recipe), *small]
    yield "none of the recipes", "32", [*small, *UNUSUAL]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=pathlib.Path, help="build folder of the program before")
    parser.add_argument("build", type=pathlib.Path, help="build folder of the program now")
    parser.add_argument("--width", type=int, default=32, help="channels of the lowest layer")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    def run(build, program, *arguments):
        subprocess.run([build / "tools" / program, *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)

    different = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_image_folder(folder / "images", 34)
        for size in ("32", "64"):
            images = ["folder", str(folder / "images"), "-o", str(folder / f"{size}.h5"), "--size", size]
            run(options.base, "dcgan-prepare", *images)
        for name, size, arguments in trainings(options):
            models = []
            for build in (options.base, options.build):
                out = folder / f"run-{len(os.listdir(folder))}"
                run(build, "dcgan-train", "--data", str(folder / f"{size}.h5"), "--out", str(out), *arguments,
                    "--threads", str(options.threads))
                models.append(content(out / "model.safetensors"))
            same = models[0] == models[1]
            print(f"{name}: {'same' if same else 'DIFFERENT'}, {len(models[0][1])} bytes of tensors", flush=True)
            different += [] if same else [name]
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
