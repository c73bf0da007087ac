#!/usr/bin/env python3
"""What a discriminator is asked, and where it starts, compared at equal processor time.

    python3 tests/bench/objectives.py BUILD/tools --small in32.h5 --large in64.h5 --probe cifar10-train.h5 --out runs \
        --into docs/ablation.md

Trains a narrow network for each row with as many steps as fit into --seconds of processor time on one thread (a start
from patches counts), and writes a Markdown table between the marks of objectives in the file that --into names, or to
stdout. --large holds the images of --small at twice the size, for views. Runs that are there go on.
"""

import argparse
import json
import resource
import subprocess
from pathlib import Path

import markdown

ADAMW = ["--learning-rate", "1e-3", "--beta1", "0.9", "--beta2", "0.99", "--weight-decay", "1e-4",
         "--decoupled-weight-decay", "--decay-shape", "cosine", "--batch-size", "128"]
GENERATOR = ["--generator-learning-rate", "2e-4", "--generator-beta1", "0.5", "--generator-beta2", "0.999"]
CONTRASTIVE = ["--contrastive", "1", *ADAMW]
PATCHES = ["--initialise", "patches"]
SETUPS = {
    "published": [],
    "hinge loss": ["--adversarial-loss", "hinge"],
    "augmented images": ["--augment"],
    "spectral norm": ["--spectral-norm"],
    "published and rotation": ["--rotation", "1"],
    "start from patches, published": PATCHES,
    "rotation": ["--adversarial", "0", "--rotation", "1", *ADAMW],
    "contrastive": ["--adversarial", "0", *CONTRASTIVE],
    "start from patches, contrastive": ["--adversarial", "0", *CONTRASTIVE, *PATCHES],
    "start from patches, published and contrastive": [*CONTRASTIVE, *GENERATOR, *PATCHES],
    "the same, `--adversarial-trunk off`": [*CONTRASTIVE, *GENERATOR, *PATCHES, "--adversarial-trunk", "off"],
}
MARKS = ("<!-- objectives -->\n", "<!-- end of objectives -->\n")


def train(arguments, setup, seed, name, steps, *more):
    """Seconds of processor time that a run of so many steps took."""
    options = SETUPS[setup]
    data = arguments.large if "--contrastive" in options else arguments.small
    run = arguments.out / name
    if (run / "model.safetensors").exists():
        return 0.0
    decay = ["--decay-steps", steps, "--warm-up-steps", min(100, steps)] if "--decay-shape" in options else []
    command = [arguments.programs / "dcgan-train", "--data", data, "--out", run, "--ndf", arguments.width, "--ngf",
               arguments.width, "--steps", steps, "--seed", seed, "--threads", 1, "--log-every", 20,
               "--checkpoint-every", 100000, "--sample-every", 100000, "--overwrite", *options, *decay, *more]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(run.with_suffix(".log"), "w", encoding="utf-8") as file:
        subprocess.run(list(map(str, command)), check=True, stdout=file, stderr=file)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(arguments, setup, seed):
    name = "".join(c if c.isalnum() else "-" for c in setup) + f"-{seed}"
    plan = arguments.out / (name + ".json")
    if not plan.exists():
        free = ["--frechet-images", 0]
        start = train(arguments, setup, seed, name + "-start", 0, *free)
        step = (train(arguments, setup, seed, name + "-some", 20, *free) - start) / 20
        plan.write_text(json.dumps({"steps": max(1, int((arguments.seconds - start) / step)), "start": start,
                                    "step": step}), encoding="utf-8")
    steps = json.loads(plan.read_text(encoding="utf-8"))["steps"]
    train(arguments, setup, seed, name, steps, "--probe", arguments.probe, "--probe-images", 4000)
    lines = (arguments.out / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    last = {key: value for line in lines for key, value in json.loads(line).items()}
    return [str(steps), f"{100 * last['probe_score']:.1f}%",
            f"{last['frechet_distance']:.0f}" if "frechet_distance" in last else "–"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    for name in ("small", "large", "probe", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--seconds", type=float, default=100, help="processor time of each run")
    parser.add_argument("--width", type=int, default=32, help="--ndf and --ngf")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[42])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = [["", "steps", "probe", "Fréchet distance"], ["---", "---:", "---:", "---:"]]
    results = {(setup, seed): row(arguments, setup, seed) for seed in arguments.seeds for setup in SETUPS}
    for setup in SETUPS:
        values = zip(*(results[setup, seed] for seed in arguments.seeds))
        lines.append([setup, *(" / ".join(value) for value in values)])
    markdown.write(markdown.table(lines), arguments.into, MARKS)


if __name__ == "__main__":
    main()
