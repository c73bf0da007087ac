#!/usr/bin/env python3
"""The paper's architecture guidelines (arXiv:1511.06434, section 3), each one undone, beside the published set-up.

    python3 tests/bench/ablation.py BUILD/tools --data in32.h5 --probe cifar10-train.h5 --out runs --into docs/ablation.md

Trains a narrow network of each kind with the same seed, data and number of pairs, and writes a Markdown table (between the
marks in the file that --into names, or to stdout) and a picture of the losses (images/ablation.png beside that file). Runs that are there go on, so
that it can be stopped.
"""

import argparse
import json
import subprocess
from pathlib import Path

import markdown
from PIL import Image, ImageDraw

SETUPS = {
    "as published": [],
    "pooling": ["--scaling", "pooling"],
    "batch norm in all layers": ["--batch-norm", "all"],
    "no batch norm": ["--batch-norm", "none"],
    "hidden dense layers": ["--hidden-dense", "256"],
    "global average pooling": ["--head", "average-pool"],
    "ReLU in the discriminator": ["--activation", "relu"],
}
LAST = 100  # pairs that a figure is the mean of
MARKS = ("<!-- table -->\n", "<!-- end of table -->\n")


def train(arguments, setup, seed):
    """The run's metrics, and how often an alarm said that it had collapsed."""
    run = arguments.out / f"{setup.replace(' ', '-')}-{seed}"
    log = run.with_suffix(".log")
    command = [arguments.programs / "dcgan-train", "--data", arguments.data, "--probe", arguments.probe, "--out", run,
               "--ndf", arguments.width, "--ngf", arguments.width, "--batch-size", arguments.batch_size, "--steps",
               arguments.steps, "--log-every", 10,
               "--checkpoint-every", arguments.steps, "--sample-every", 100, "--probe-images", 4000,
               "--seed", seed, "--threads", arguments.threads, "--resume", *SETUPS[setup]]
    if not (run / "model.safetensors").exists():
        with open(log, "w", encoding="utf-8") as file:
            subprocess.run(list(map(str, command)), check=True, stdout=file, stderr=file)
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return metrics, sum(line.startswith("At step ") for line in log.read_text(encoding="utf-8").splitlines())


def figures(arguments, metrics, alarms):
    steps = [line for line in metrics if "generator_loss" in line and line["step"] > arguments.steps - LAST]
    mean = {name: sum(line[name] for line in steps) / len(steps)
            for name in ("discriminator_loss", "generator_loss", "real_probability", "fake_probability")}
    last = {name: value for line in metrics for name, value in line.items()}
    return [f"{100 * last['probe_score']:.1f}%", f"{last['frechet_distance']:.1f}",
            *(f"{value:.2f}" for value in mean.values()), str(alarms)]


def table(arguments, results):
    header = ["", "probe", "Fréchet distance", "loss of D", "loss of G", "D(x)", "D(G(z))", "alarms"]
    lines = [header, ["---"] + ["---:"] * 7]
    for setup in SETUPS:
        runs = [figures(arguments, *results[setup, seed]) for seed in arguments.seeds]
        lines.append([setup, *(" / ".join(values) for values in zip(*runs))])
    return markdown.table(lines)


def picture(arguments, results, path):
    """One panel a set-up: losses of discriminator (blue) and generator (orange) over the pairs, first seed."""
    width, height, margin, highest = 300, 150, 34, 8.0
    columns = 3
    rows = -(-len(SETUPS) // columns)
    image = Image.new("RGB", (columns * width, rows * height), "white")
    pen = ImageDraw.Draw(image)
    for i, setup in enumerate(SETUPS):
        left, top = i % columns * width + margin, i // columns * height + 22
        right, bottom = left + width - margin - 10, top + height - 42

        def place(step, loss, left=left, right=right, top=top, bottom=bottom):
            return (left + (right - left) * step / arguments.steps, bottom - (bottom - top) * min(loss, highest) / highest)

        pen.text((left, top - 18), setup, fill="black")
        pen.rectangle([left, top, right, bottom], outline="#999999")
        for loss in (0, 4, 8):
            pen.text((left - 12, place(0, loss)[1] - 6), str(loss), fill="#555555")
        pen.text((right - 18, bottom + 3), str(arguments.steps), fill="#555555")
        metrics = [line for line in results[setup, arguments.seeds[0]][0] if "generator_loss" in line]
        for name, colour in (("discriminator_loss", "#1f77b4"), ("generator_loss", "#ff7f0e")):
            pen.line([place(line["step"], line[name]) for line in metrics], fill=colour, width=1)
    pen.text((left + width, top), "blue: discriminator's loss\norange: generator's loss\n(cut off at 8)", fill="black")
    image.quantize(32).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    for name in ("data", "probe", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--steps", type=int, default=600, help="pairs of updates of each run")
    parser.add_argument("--width", type=int, default=16, help="--ndf and --ngf")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[42])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = {(setup, seed): train(arguments, setup, seed) for seed in arguments.seeds for setup in SETUPS}
    result = table(arguments, results)
    picture(arguments, results, (arguments.into.parent / "images" if arguments.into else arguments.out) / "ablation.png")
    markdown.write(result, arguments.into, MARKS)


if __name__ == "__main__":
    main()
