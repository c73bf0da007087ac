#!/usr/bin/env python3
"""Does `dcgan-explore drop` forget an object? A network is trained on rendered images that have a patch of one colour each,
the patch is found in its samples without a person, and forgotten.

usage: forget_planted.py FOLDER [--programs build/ci/tools] [--steps N] [--layer L] [--c C] [--threads N] [--model MODEL]

Trains into FOLDER/run (--model takes a network that was trained before) and leaves pictures and figures in FOLDER/drop.
Exit code 1 where the bar is missed: the colour in at least 80% of new samples before and at most 20% after, and pixels
outside of the boxes changed by less than a quarter of those inside.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy
from PIL import Image
from scipy.ndimage import find_objects, label

SIDE = 32
LEAST = 12  # pixels of the colour that are a patch; the whole patch has 64


def run(programs, *words):
    return subprocess.run([str(programs / words[0]), *map(str, words[1:])], check=True, stdout=subprocess.PIPE, text=True).stdout


def tiles(file):
    """The images of a grid: uint8 [rows * columns, side, side, 3]."""
    grid = numpy.asarray(Image.open(file).convert("RGB"))
    rows, columns = ((n + 1) // (SIDE + 1) for n in grid.shape[:2])
    padded = numpy.zeros((rows * (SIDE + 1), columns * (SIDE + 1), 3), numpy.uint8)
    padded[:grid.shape[0], :grid.shape[1]] = grid
    return padded.reshape(rows, SIDE + 1, columns, SIDE + 1, 3)[:, :SIDE, :, :SIDE].swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)


def colour_in(image):
    """The box (x, y, width, height) of the largest piece of magenta, or None."""
    red, green, blue = (image[..., c].astype(int) for c in range(3))
    pieces, count = label((red > 190) & (blue > 190) & (green < 80))
    sizes = numpy.bincount(pieces.ravel(), minlength=count + 1)[1:]
    if count == 0 or sizes.max() < LEAST:
        return None
    rows, columns = find_objects(pieces)[sizes.argmax()]
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def patch_in(image):
    """The same where it is no whole ground of that colour, which small networks make, too."""
    box = colour_in(image)
    return box if box and max(box[2:]) <= SIDE // 2 else None


def percent(finds, images):
    """Of the images in which something is found."""
    return 100 * sum(finds(image) is not None for image in images) / len(images)


def write_boxes(images, file):
    boxes = [(number, *box) for number, box in enumerate(map(patch_in, images)) if box]
    file.write_text("sample,x,y,width,height\n" + "".join(",".join(map(str, box)) + "\n" for box in boxes), encoding="utf-8")
    return len(boxes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--programs", type=Path, default=Path("build/ci/tools"))
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--layer", type=int, default=5, help="5: the last hidden one of six")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--c", type=float, default=0.001, help="few maps get weights by chance that way")
    a = parser.parse_args()
    a.folder.mkdir(parents=True, exist_ok=True)
    model = a.model or a.folder / "run"
    if not a.model:
        packed = a.folder / "planted.h5"
        run(a.programs, "dcgan-prepare", "render", "--count", a.images, "--plant", a.folder / "planted.csv", "-o", packed,
            "--overwrite", "--threads", a.threads)
        truth = numpy.loadtxt(a.folder / "planted.csv", delimiter=",", skiprows=1, dtype=int)
        print(f"{len(truth)} images, each with a patch of {truth[0, 3]}x{truth[0, 4]} pixels", flush=True)
        run(a.programs, "dcgan-train", "--data", packed, "--out", model, "--overwrite", "--ndf", 16, "--ngf", 16, "--nz", 32,
            "--kernel", 5, "--batch-size", 64, "--schedule", "both", "--steps", a.steps, "--threads", a.threads)
    run(a.programs, "dcgan-explore", "samples", "--model", model, "--count", 150, "--out", a.folder / "samples", "--overwrite")
    boxes = write_boxes(tiles(a.folder / "samples/samples.png")[:150], a.folder / "boxes.csv")
    fresh = 400
    facts = json.loads(run(a.programs, "dcgan-explore", "drop", "--model", model, "--boxes", a.folder / "boxes.csv", "--layer",
                           a.layer, "--c", a.c, "--fresh", fresh, "--out", a.folder / "drop", "--overwrite", "--json"))
    images = tiles(a.folder / "drop/drop.png")
    before, after = percent(colour_in, images[:fresh]), percent(colour_in, images[fresh:])
    print(f"boxes in {boxes} of 150 samples; {facts['maps-dropped']} of {facts['maps']} maps of layer {facts['layer']} dropped, "
          f"held-out accuracy {facts['held-out-accuracy']:.3f}")
    print(f"the colour in {before:.0f}% of {fresh} new samples before (as a patch in {percent(patch_in, images[:fresh]):.0f}%), "
          f"{after:.0f}% after")
    print(f"change inside {facts['change-inside']:.1f}, outside {facts['change-outside']:.1f} levels of 255, "
          f"outside / inside {facts['change-outside'] / facts['change-inside']:.2f}")
    good = before >= 80 and after <= 20 and facts["change-outside"] < facts["change-inside"] / 4
    print("the bar is met" if good else "the bar is missed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
