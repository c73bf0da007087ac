"""What the comparisons of a training step with PyTorch have in common: the programs take turns, a few steps each."""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time


def parser_of(description, **defaults):
    """The options of both; their defaults by name."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built dcgan-train")
    parser.add_argument("--data", required=True, help="packed images (dcgan-prepare)")
    parser.add_argument("--ndf", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", "--pairs", type=int, default=defaults["steps"], help="steps (or pairs of them) in a turn")
    parser.add_argument("--rounds", type=int, default=defaults["rounds"])
    return parser


def seconds_of(step, steps):
    """Seconds of each call."""
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def ours(options, *flags):
    """Seconds of each step of dcgan-train from metrics.jsonl; the first two warm up."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.program, "--data", options.data, "--out", folder, "--overwrite", "--quiet",
                        *(["--ndf", str(options.ndf)] if options.ndf else []), "--batch-size", str(options.batch_size),
                        "--threads", str(options.threads), "--steps", str(options.steps + 2), "--log-every", "1",
                        "--statistics-minibatches", "1", *map(str, flags)], check=True, stdout=subprocess.DEVNULL)
        lines = map(json.loads, (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines())
        speeds = [line["images_per_second"] for line in lines if "images_per_second" in line]
    return [options.batch_size / speed for speed in speeds[2:]]


def take_turns(options, programs, peers):
    """@param programs  flags of dcgan-train by name   @param peers  steps of others by name
    @return             seconds of each step by name"""
    times = {name: [] for name in (*programs, *peers)}
    for step in peers.values():
        seconds_of(step, 2)
    for _ in range(options.rounds):
        time.sleep(0.3)  # OpenMP's threads go on spinning for a while after a pass
        for name, flags in programs.items():
            times[name] += ours(options, *flags)
        for name, step in peers.items():
            times[name] += seconds_of(step, options.steps)
    return times


def print_table(times, reference, what):
    """@param reference  seconds that ratios are taken to   @param what  "step" """
    for name, seconds in times.items():
        print(f"{name:36} {min(seconds):8.3f} s a {what}, best {statistics.median(seconds):8.3f} median; ratio "
              f"{min(seconds) / min(reference):5.2f} {statistics.median(seconds) / statistics.median(reference):5.2f}")
