#!/usr/bin/env python3
"""What a call costs: one image alone, beside ONNX Runtime on the network that dcgan-convert onnx writes; a batch of 64
beside the bare forward pass; and one image a thread beside 32.

Calls go through the C API, as other programs make them, with images of the model's size. Blocks of calls take turns, round
after round, so that a busy machine slows all of them; ratios are of medians. Needs NumPy and, from PyPI, onnxruntime:

    python3 -m venv peers && peers/bin/pip install numpy onnxruntime
    peers/bin/python tests/bench/latency.py build/release [--seconds 30] [--model data/models/NAME.safetensors]

The bare pass is that of BUILD/tests/bench/inference_benchmark (cmake -DDCGAN_BUILD_BENCHMARKS=ON); without it, or without
onnxruntime, their lines are left out.
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAUSE_S = 0.05  # thread pools of the peers go on spinning for some milliseconds after a pass
EPSILON = 1e-8  # of the model's batch norms


class Image(ctypes.Structure):
    _fields_ = [("pixels", ctypes.c_void_p), ("size", ctypes.c_size_t), ("width", ctypes.c_int64), ("height", ctypes.c_int64),
                ("stride", ctypes.c_int64), ("format", ctypes.c_int32)]


class Extractor:
    def __init__(self, build, model, threads):
        self.c = ctypes.CDLL(str(build / "libdcgan/libdcgan.so"))
        self.c.dcgan_extractor_feature_count.restype = ctypes.c_int64
        self.c.dcgan_last_error.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        options = json.dumps({"threads": threads, "device": "cpu"}).encode()
        self.check(self.c.dcgan_extractor_open(str(model).encode(), options, ctypes.byref(self.handle)))
        self.columns = self.c.dcgan_extractor_feature_count(self.handle)

    def check(self, status):
        if status:
            raise SystemExit(self.c.dcgan_last_error().decode())

    def call(self, pixels):
        """@return a function that extracts these images, and the features that it writes"""
        count, height, width, _ = pixels.shape
        images = (Image * count)(*[Image(p.ctypes.data, p.size, width, height, 0, 0) for p in pixels])
        features = np.empty((count, self.columns), np.float32)
        arguments = (self.handle, images, ctypes.c_size_t(count), ctypes.c_void_p(features.ctypes.data), ctypes.c_size_t(features.size))
        return lambda keep=(pixels, features): self.check(self.c.dcgan_extract(*arguments)), features


class BarePass:
    """inference_benchmark --serve on the model's network, batch norm folded in."""

    def __init__(self, program, folder, model, pixels, threads):
        network, images = folder / "network.bin", folder / "images.bin"
        network.write_bytes(self.folded(model))
        images.write_bytes(pixels.tobytes())
        self.process = subprocess.Popen([program, "--serve", network, images, folder / "features.bin", str(threads), "64"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    @staticmethod
    def folded(model):
        data = model.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        architecture = json.loads(header.pop("__metadata__")["architecture"])

        def tensor(name):
            entry = header["discriminator." + name]
            begin, end = entry["data_offsets"]
            kind = {"F32": np.float32, "F16": np.float16}[entry["dtype"]]
            return np.frombuffer(data[8 + size + begin:8 + size + end], kind).reshape(entry["shape"]).astype(np.float64)

        side, number, layers = architecture["image-size"], 0, []
        while side > 4:
            for i in range(architecture["convs-per-scale"]):
                number += 1
                stride = 2 if i + 1 == architecture["convs-per-scale"] else 1
                weight, bias = tensor(f"conv{number}.weight"), np.zeros(1)
                if f"discriminator.bn{number}.weight" in header:
                    scale = tensor(f"bn{number}.weight") / np.sqrt(tensor(f"bn{number}.running_var") + EPSILON)
                    bias = tensor(f"bn{number}.bias") - scale * tensor(f"bn{number}.running_mean")
                    weight = weight * scale[:, None, None, None]
                bias = np.broadcast_to(bias, weight.shape[:1])
                out, into, kernel, _ = weight.shape
                layers.append(struct.pack("<5q", into, out, kernel, stride, side) + weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes())
                side //= stride
        return struct.pack("<q", number) + b"".join(layers)

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(call):
    def measure():
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return measure


def take_turns(calls, seconds, block):
    """{name: seconds of each call}, of functions that return the seconds of a call."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, call in calls.items():
            times[name] += [call() for _ in range(block)]
            time.sleep(PAUSE_S)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "data/models/tiny-imagenet32-contrastive.safetensors")
    parser.add_argument("--seconds", type=float, default=30, help="of each of the five comparisons")
    parser.add_argument("--block", type=int, default=10, help="calls for one image in a row, before the other's turn")
    options = parser.parse_args()
    try:
        import onnxruntime
    except ImportError:
        onnxruntime = None
    bare_program = options.build / "tests/bench/inference_benchmark"
    folder = pathlib.Path(tempfile.mkdtemp())
    onnx_file = folder / "features.onnx"
    made = subprocess.run([options.build / "tools/dcgan-convert", "onnx", options.model, "-o", onnx_file, "--json"], check=True,
                          capture_output=True, text=True)
    side = json.loads(made.stdout)["image_size"]
    pixels = np.random.default_rng(1).integers(0, 256, (64, side, side, 3), np.uint8)

    print("| one image | median, ms | 99%, ms | ours / theirs, medians |\n|---|---|---|---|")
    for threads in (1, 2):
        extract, features = Extractor(options.build, options.model, threads).call(pixels[:1])
        calls = {"libdcgan": timed(extract)}
        if onnxruntime:
            how = onnxruntime.SessionOptions()
            how.intra_op_num_threads, how.inter_op_num_threads = threads, 1
            session = onnxruntime.InferenceSession(str(onnx_file), how, providers=["CPUExecutionProvider"])
            calls[f"ONNX Runtime {onnxruntime.__version__}"] = timed(lambda s=session: s.run(None, {"pixels": pixels[:1]}))
            extract()
            expected = session.run(None, {"pixels": pixels[:1]})[0]
            difference = abs(features - expected).max() / abs(expected).max()
            assert difference < 1e-5, difference
        times = take_turns(calls, options.seconds, options.block)
        ours = statistics.median(times["libdcgan"])
        for name, taken in times.items():
            ratio = "" if name == "libdcgan" else f"{ours / statistics.median(taken):.2f}"
            print(f"| {name}, {threads} threads | {1e3 * statistics.median(taken):.2f} | {1e3 * np.quantile(taken, 0.99):.2f} | {ratio} |",
                  flush=True)

    if bare_program.exists():
        print("\n| 64 images | call, ms | bare pass, ms | call / bare pass, medians |\n|---|---|---|---|")
        for threads in (1, 2):
            extract, _ = Extractor(options.build, options.model, threads).call(pixels)
            bare = BarePass(bare_program, folder, options.model, pixels, threads)
            times = take_turns({"call": timed(extract), "bare": bare.seconds}, options.seconds, block=1)
            call, without = statistics.median(times["call"]), statistics.median(times["bare"])
            print(f"| {threads} threads | {1e3 * call:.1f} | {1e3 * without:.1f} | {call / without:.3f} |", flush=True)

    extractor = Extractor(options.build, options.model, 2)
    times = take_turns({count: timed(extractor.call(pixels[:count])[0]) for count in (2, 64)}, options.seconds, block=4)
    rates = {count: count / statistics.median(taken) for count, taken in times.items()}
    print(f"\n2 threads: {rates[2]:.1f} images/s at one image a thread, {rates[64]:.1f} at 32; {rates[2] / rates[64]:.2f} of it")


if __name__ == "__main__":
    main()
