#!/usr/bin/env python3
"""Forward pass of the discriminator's features: this engine beside PyTorch and ONNX Runtime.

All make the same float32 features from the same network and images, with equal threads, one pass each in turn, round
after round, so that a busy machine slows all of them. The peers are given float images in the layout they like best and
the batch norm already folded; this engine converts uint8 pixels within its time. Prints best and median images per
second, the ratios, and the largest difference from float64 as a share of the largest feature.

Needs the PyPI packages torch, onnx, onnxruntime, numpy and, for real images, Pillow:

    python3 -m venv peers && peers/bin/pip install torch onnx onnxruntime pillow
    peers/bin/python tests/bench/compare_inference.py build/release/tests/bench/inference_benchmark \\
        --images "$DCGAN_DATA_DIR/cifar10/test" --released "$DCGAN_DATA_DIR/released-weights/imagenet32"
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F

SLOPE = 0.2  # arXiv:1511.06434
SCALES = {"imagenet32": (32, 3, 2, 128), "imagenet32-narrow": (32, 3, 2, 32), "svhn32": (32, 5, 1, 64),
          "faces64": (64, 5, 1, 128), "pytorch64": (64, 4, 1, 64)}  # size, kernel, convolutions per scale, first width
PAUSE_S = 0.05  # the thread pools of the peers go on spinning for some milliseconds after a pass


class Convolution:
    """weight [O, I, k, k], bias [O], stride, size of the input; batch norm folded in."""

    def __init__(self, weight, stride, size):
        self.weight, self.stride, self.size = weight, stride, size
        self.bias = np.zeros(len(weight))
        self.gamma, self.beta = np.ones(len(weight)), np.zeros(len(weight))


def make_network(name, seed, released):
    """N(0, 0.02) weights (arXiv:1511.06434, section 4); from `released` what the authors published.

    The released arrays are in the order w, w2, g2, b2, w3, ... and meant for true convolution: rotated by 180 degrees.
    Two of the six kernels were never published; they stay random.
    """
    size, kernel, depth, width = SCALES[name]
    random = np.random.default_rng(seed)
    layers, channels = [], 3
    while size > 4:
        for i in range(depth):
            stride = 2 if i == depth - 1 else 1
            layers.append(Convolution(random.normal(0, 0.02, (width, channels, kernel, kernel)), stride, size))
            channels = width
            size //= stride
        width *= 2
    if released:
        arrays = {int(p.stem.rsplit("_", 1)[1]): np.load(p) for p in sorted(pathlib.Path(released).glob("*discrim*.npy"))}
        for i, layer in enumerate(layers):
            first = 1 if i == 0 else 3 * i - 1
            if first in arrays:
                layer.weight = arrays[first][:, :, ::-1, ::-1].astype(np.float64)
            if i > 0:
                layer.gamma, layer.beta = arrays[first + 1].astype(np.float64), arrays[first + 2].astype(np.float64)
    return layers


def convolve(layer, x):
    w, b = torch.from_numpy(np.ascontiguousarray(layer.weight)), torch.from_numpy(layer.bias)
    return F.conv2d(x, w.to(x.dtype), b.to(x.dtype), layer.stride, (w.shape[2] - 1) // 2)


def fold_statistics(layers, x):
    """Folds the batch norm of all layers but the first, with the statistics of x, float64 [N, 3, H, W]."""
    for i, layer in enumerate(layers):
        if i > 0:
            maps = convolve(layer, x)
            mean = maps.mean((0, 2, 3)).numpy()
            deviation = np.sqrt(maps.var((0, 2, 3), unbiased=False).numpy() + 1e-8)
            layer.weight = layer.weight * (layer.gamma / deviation)[:, None, None, None]
            layer.bias = layer.beta - layer.gamma * mean / deviation
        # Every engine gets the same float32 numbers; the reference is float64 arithmetic on them.
        layer.weight = layer.weight.astype(np.float32).astype(np.float64)
        layer.bias = layer.bias.astype(np.float32).astype(np.float64)
        x = F.leaky_relu(convolve(layer, x), SLOPE)


class TorchNetwork(torch.nn.Module):
    def __init__(self, layers, dtype):
        super().__init__()
        self.convolutions = torch.nn.ModuleList()
        for layer in layers:
            out, inputs, kernel, _ = layer.weight.shape
            module = torch.nn.Conv2d(inputs, out, kernel, layer.stride, (kernel - 1) // 2, dtype=dtype)
            module.weight.data = torch.from_numpy(np.ascontiguousarray(layer.weight)).to(dtype)
            module.bias.data = torch.from_numpy(layer.bias).to(dtype)
            self.convolutions.append(module)

    def forward(self, x):
        features = []
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
            features.append(F.max_pool2d(x, x.shape[2] // 4).flatten(1))
        return torch.cat(features, 1)


def onnx_model(layers):
    nodes, constants, pooled, x = [], [], [], "images"
    for i, layer in enumerate(layers):
        kernel = layer.weight.shape[2]
        constants += [onnx.numpy_helper.from_array(layer.weight.astype(np.float32), f"w{i}"),
                      onnx.numpy_helper.from_array(layer.bias.astype(np.float32), f"b{i}")]
        window = layer.size // layer.stride // 4
        nodes += [onnx.helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [f"c{i}"], kernel_shape=[kernel] * 2,
                                        pads=[(kernel - 1) // 2] * 4, strides=[layer.stride] * 2),
                  onnx.helper.make_node("LeakyRelu", [f"c{i}"], [f"a{i}"], alpha=SLOPE),
                  onnx.helper.make_node("MaxPool", [f"a{i}"], [f"p{i}"], kernel_shape=[window] * 2, strides=[window] * 2),
                  onnx.helper.make_node("Flatten", [f"p{i}"], [f"f{i}"])]
        pooled.append(f"f{i}")
        x = f"a{i}"
    nodes.append(onnx.helper.make_node("Concat", pooled, ["features"], axis=1))
    size = layers[0].size
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "features", [value("images", onnx.TensorProto.FLOAT, ["N", 3, size, size])],
                                   [value("features", onnx.TensorProto.FLOAT, ["N", None])], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


class Engine:
    """inference_benchmark --serve in a process of its own."""

    def __init__(self, program, layers, images, threads, folder):
        self.features_path = folder / "features"
        with open(folder / "network", "wb") as file:
            file.write(np.int64(len(layers)).tobytes())
            for layer in layers:
                out, inputs, kernel, _ = layer.weight.shape
                file.write(np.array([inputs, out, kernel, layer.stride, layer.size], np.int64).tobytes())
                file.write(layer.weight.astype(np.float32).tobytes() + layer.bias.astype(np.float32).tobytes())
        (folder / "images").write_bytes(images.tobytes())
        self.process = subprocess.Popen(
            [program, "--serve", folder / "network", folder / "images", self.features_path, str(threads), str(len(images))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.description = self.process.stdout.readline().strip()

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def features(self, count):
        self.process.communicate()
        return np.fromfile(self.features_path, np.float32).reshape(count, -1)


def load_images(folder, count, size):
    """uint8 [count, size, size, 3], evenly spread over the sorted files of `folder`; random ones without a folder."""
    if folder is None:
        return np.random.default_rng(2).integers(0, 256, (count, size, size, 3), np.uint8)
    from PIL import Image
    files = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in {".png", ".webp", ".jpg"})
    chosen = files[:: max(1, len(files) // count)][:count]
    return np.stack([np.asarray(Image.open(p).convert("RGB").resize((size, size))) for p in chosen])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built inference_benchmark")
    parser.add_argument("--network", choices=SCALES, default="imagenet32")
    parser.add_argument("--images", help="folder of images; random pixels without it")
    parser.add_argument("--released", help="folder of the authors' released imagenet32 arrays")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    layers = make_network(options.network, options.seed, options.released)
    images = load_images(options.images, options.batch, layers[0].size)
    exact = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float64) / 127.5 - 1)
    fold_statistics(layers, exact)
    reference = TorchNetwork(layers, torch.float64)(exact).numpy()
    floats = exact.float().contiguous()
    channels_last = floats.contiguous(memory_format=torch.channels_last)

    plain = TorchNetwork(layers, torch.float32).eval()
    eager = TorchNetwork(layers, torch.float32).eval().to(memory_format=torch.channels_last)
    torch._inductor.config.freezing = True  # constant weights, packed once: the compiler's best for inference
    compiled = torch.compile(eager)
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(onnx_model(layers).SerializeToString(), session_options,
                                           providers=["CPUExecutionProvider"])
    peers = {
        f"ONNX Runtime {onnxruntime.__version__}": lambda: session.run(None, {"images": floats.numpy()})[0],
        f"PyTorch {torch.__version__}, torch.compile": lambda: compiled(channels_last).numpy(),
        "PyTorch, eager, channels last": lambda: eager(channels_last).numpy(),
        "PyTorch, eager, NCHW": lambda: plain(floats).numpy(),
    }

    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(options.program, layers, images, options.threads, pathlib.Path(folder))
        print(engine.description)
        results = {name: run() for name, run in peers.items()}  # also warms them up
        engine.seconds()
        times = {name: [] for name in ["this engine", *peers]}
        for _ in range(options.rounds):
            time.sleep(PAUSE_S)
            times["this engine"].append(engine.seconds())
            for name, run in peers.items():
                time.sleep(PAUSE_S)
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
        results["this engine"] = engine.features(options.batch)

    largest = np.abs(reference).max()
    print(f"\n{options.network}, batch {options.batch}, {options.threads} threads, {options.rounds} rounds, "
          f"weights {'released' if options.released else 'random'}, images {options.images or 'random'}\n")
    print("| engine | images/s, best (median) | this engine is faster by, best (median) | largest difference from float64 |")
    print("|---|---|---|---|")
    ours = times["this engine"]
    for name, seconds in times.items():
        best, median = min(seconds), statistics.median(seconds)
        difference = np.abs(results[name] - reference).max() / largest
        print(f"| {name} | {options.batch / best:.0f} ({options.batch / median:.0f}) "
              f"| {best / min(ours):.2f} ({median / statistics.median(ours):.2f}) | {difference:.1e} |")


if __name__ == "__main__":
    main()
