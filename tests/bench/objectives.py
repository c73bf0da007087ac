#!/usr/bin/env python3
"""What a discriminator is asked, and where it starts, compared at equal processor time.

    python3 tests/bench/objectives.py BUILD/tools --small in32.h5 --large in64.h5 --labelled CIFAR-10 fit.h5 compare.h5 \
        --out runs --into docs/ablation.md

Trains a narrow network for each row with as many steps as fit into --seconds of processor time on one thread (a start
from patches counts), and writes a Markdown table between the marks of objectives in the file that --into names, or to
stdout, and a picture, images/objectives.png beside that file or in --out. --large holds the images of --small at twice
the size, for views; --labelled, which may be given several times, names two parts of labelled training images: a linear
SVM on each network's features is fitted to the first and tried on the second. Runs that are there are kept.
"""

import argparse
import json
import resource
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw

import markdown

ADAMW = ["--learning-rate", "1e-3", "--beta1", "0.9", "--beta2", "0.99", "--weight-decay", "1e-4",
         "--decoupled-weight-decay", "--decay-shape", "cosine", "--batch-size", "128"]
GENERATOR = ["--generator-learning-rate", "2e-4", "--generator-beta1", "0.5", "--generator-beta2", "0.999"]
CONTRASTIVE = ["--contrastive", "1", *ADAMW]
PATCHES = ["--initialise", "patches"]
ALONE = ["--adversarial", "0", *CONTRASTIVE, *PATCHES]


def alone(option, value):
    """ALONE with another value of one option."""
    place = ALONE.index(option) + 1
    return [*ALONE[:place], value, *ALONE[place + 1:]]


SETUPS = {
    "published": [],
    "hinge loss": ["--adversarial-loss", "hinge"],
    "augmented images": ["--augment"],
    "spectral norm": ["--spectral-norm"],
    "published and rotation": ["--rotation", "1"],
    "start from patches, published": PATCHES,
    "rotation": ["--adversarial", "0", "--rotation", "1", *ADAMW],
    "contrastive": ["--adversarial", "0", *CONTRASTIVE],
    "start from patches, contrastive": ALONE,
    "start from patches, published and contrastive": [*CONTRASTIVE, *GENERATOR, *PATCHES],
    "the same, `--adversarial-trunk off`": [*CONTRASTIVE, *GENERATOR, *PATCHES, "--adversarial-trunk", "off"],
    "start from patches, contrastive, rate 2e-3": alone("--learning-rate", "2e-3"),
    "start from patches, contrastive, rate 3e-3": alone("--learning-rate", "3e-3"),
    "start from patches, contrastive, minibatches of 64": alone("--batch-size", "64"),
    "start from patches, contrastive, minibatches of 256": alone("--batch-size", "256"),
    "start from patches, contrastive, averaged weights": [*ALONE, "--average-decay", "0.99"],
}
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2")
MARKS = ("<!-- objectives -->\n", "<!-- end of objectives -->\n")


def run(*command, log):
    """Seconds of processor time in its own code that a command took, whose output is appended to a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with open(log, "a", encoding="utf-8") as file:
        subprocess.run(list(map(str, command)), check=True, stdout=file, stderr=file)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def train(arguments, setup, seed, folder, steps, *more):
    """Seconds of processor time that a training of so many steps took."""
    options = SETUPS[setup]
    data = arguments.large if "--contrastive" in options else arguments.small
    decay = ["--decay-steps", steps, "--warm-up-steps", min(100, steps)] if "--decay-shape" in options else []
    return run(arguments.programs / "dcgan-train", "--data", data, "--out", folder, "--ndf", arguments.width, "--ngf",
               arguments.width, "--steps", steps, "--seed", seed, "--threads", 1, "--log-every", 20,
               "--checkpoint-every", 100000, "--sample-every", 100000, "--overwrite", *options, *decay, *more,
               log=folder.with_suffix(".log"))


def accuracy(arguments, folder, labelled):
    """What a linear SVM on the features of the first file of images gets right of the second's."""
    features = [folder / "fit-features.h5", folder / "compare-features.h5"]
    for images, file in zip(labelled, features):
        run(arguments.programs / "dcgan-extract", images, "--model", folder / "model.safetensors", "-o", file,
            "--threads", 1, "--overwrite", log=folder.with_suffix(".log"))
    result = subprocess.run([arguments.programs / "dcgan-eval", "svm", "--train", features[0], "--test", features[1],
                             "--c-grid", "1e-5,3e-5,1e-4,3e-4,1e-3", "--threads", "1", "--json"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for file in features:
        file.unlink()
    return json.loads(result)["accuracy"]


def folder_of(arguments, setup, seed):
    return arguments.out / ("".join(c if c.isalnum() else "-" for c in setup) + f"-{seed}")


def row(arguments, setup, seed):
    folder = folder_of(arguments, setup, seed)
    file = folder.with_suffix(".json")
    if file.exists():
        outcome = json.loads(file.read_text(encoding="utf-8"))
    else:
        start = train(arguments, setup, seed, folder, 0, "--frechet-images", 0)
        step = (train(arguments, setup, seed, folder, 100, "--frechet-images", 0) - start) / 100
        steps = max(1, int((arguments.seconds - start) / step))
        train(arguments, setup, seed, folder, steps)
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        last = {key: value for line in lines for key, value in json.loads(line).items()}
        outcome = {"steps": steps, "start": start, "step": step, "frechet_distance": last.get("frechet_distance"),
                   "accuracy": {}}
    for name, *labelled in arguments.labelled:
        if name not in outcome["accuracy"]:
            outcome["accuracy"][name] = accuracy(arguments, folder, labelled)
    file.write_text(json.dumps(outcome), encoding="utf-8")
    distance = outcome["frechet_distance"]
    return [str(outcome["steps"]), *(f"{100 * outcome['accuracy'][name]:.1f}%" for name, *_ in arguments.labelled),
            "–" if distance is None else f"{distance:.0f}"]


def picture(arguments, path):
    """Over the processor time, how often the other view of an image was found first among a minibatch of 128: the contrastive
    rows, first seed."""
    setups = [setup for setup in arguments.setups if "--contrastive" in SETUPS[setup] and "128" in SETUPS[setup]]
    left, top, right, bottom = 40, 12, 560, 292
    image = Image.new("RGB", (right + 10, bottom + 26 + 15 * len(setups)), "white")
    pen = ImageDraw.Draw(image)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - (bottom - top) * share
        pen.line([left, y, right, y], fill="#dddddd")
        pen.text((6, y - 6), f"{100 * share:.0f}%", fill="#555555")
    for seconds in (0, arguments.seconds / 2, arguments.seconds):
        pen.text((left - 6 + (right - left - 12) * seconds / arguments.seconds, bottom + 4), f"{seconds:.0f} s", fill="#555555")
    for i, setup in enumerate(setups):
        folder = folder_of(arguments, setup, arguments.seeds[0])
        outcome = json.loads(folder.with_suffix(".json").read_text(encoding="utf-8"))
        lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        pen.line([(left + (right - left) * (outcome["start"] + line["step"] * outcome["step"]) / arguments.seconds,
                   bottom - (bottom - top) * line["partner_found"]) for line in lines if "partner_found" in line],
                 fill=COLOURS[i % len(COLOURS)], width=2)
        y = bottom + 24 + 15 * i
        pen.line([left, y + 6, left + 24, y + 6], fill=COLOURS[i % len(COLOURS)], width=3)
        pen.text((left + 32, y), setup, fill="black")
    image.quantize(64).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    for name in ("small", "large", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--labelled", nargs=3, action="append", required=True, metavar=("NAME", "FIT", "COMPARE"))
    parser.add_argument("--into", type=Path)
    parser.add_argument("--seconds", type=float, default=100, help="processor time of each run")
    parser.add_argument("--width", type=int, default=32, help="--ndf and --ngf")
    parser.add_argument("--setups", type=lambda text: text.split(";"), default=list(SETUPS), help="some of the rows")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[42])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    titles = ["", "steps", *(name for name, *_ in arguments.labelled), "Fréchet distance"]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    results = {(setup, seed): row(arguments, setup, seed) for seed in arguments.seeds for setup in arguments.setups}
    for setup in arguments.setups:
        values = zip(*(results[setup, seed] for seed in arguments.seeds))
        lines.append([setup, *(" / ".join(value) for value in values)])
    picture(arguments, (arguments.into.parent / "images" if arguments.into else arguments.out) / "objectives.png")
    markdown.write(markdown.table(lines), arguments.into, MARKS)


if __name__ == "__main__":
    main()
