#!/usr/bin/env python3
"""Trains twice with the same options, once straight through and once killed (SIGKILL) at random moments and resumed, and
compares the model files; with --processes also a third time in several processes under synchronised batch norm.

    tests/bench/killed_training.py BUILD/tools/dcgan-train --kills 4 --out FOLDER -- --data images.h5 --recipe svhn32 ...

Prints one Markdown row: steps, seconds, kills, whether the models are equal, the last losses of each.
"""

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path


def metrics(run):
    path = run / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def losses(run):
    last = [line for line in metrics(run) if "discriminator_loss" in line][-1]
    return f"{last['discriminator_loss']:.4f} / {last['generator_loss']:.4f}"


def logged(run):
    return max((line["step"] for line in metrics(run)), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, options = parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]  # the rest is dcgan-train's
    command = [arguments.program, *options, "--quiet", "--out"]
    shutil.rmtree(arguments.out, ignore_errors=True)

    straight, killed, parts = (arguments.out / name for name in ("straight", "killed", "parts"))
    start = time.monotonic()
    subprocess.run([*command, straight], check=True, stdout=subprocess.DEVNULL)
    whole_s = time.monotonic() - start

    generator = random.Random(arguments.seed)
    for _ in range(arguments.kills):
        with subprocess.Popen([*command, killed, "--resume"], stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(generator.uniform(0.1, 0.5) * whole_s)
            except subprocess.TimeoutExpired:
                process.kill()
    subprocess.run([*command, killed, "--resume"], check=True, stdout=subprocess.DEVNULL)
    equal = (straight / "model.safetensors").read_bytes() == (killed / "model.safetensors").read_bytes()

    row = [f"{logged(straight)}", f"{whole_s:.0f}", f"{arguments.kills}",
           "equal in every byte" if equal else "DIFFERENT", losses(straight), losses(killed)]
    if arguments.processes > 1:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        environment = {**os.environ, "WORLD_SIZE": str(arguments.processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        start = time.monotonic()
        together = [subprocess.Popen([*command, parts, "--distributed", "--sync-batch-norm", "--threads", "1"],
                                     env={**environment, "RANK": str(rank)}, stdout=subprocess.DEVNULL)
                    for rank in range(arguments.processes)]
        if any([process.wait() for process in together]):
            raise SystemExit("a process failed; the reason is above")
        row.append(f"{losses(parts)} in {time.monotonic() - start:.0f} s")
    print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
