"""Real features for the SVM benchmarks: CIFAR-10 through the four published convolutions of the released ImageNet-32
discriminator (12,288 features), written as HDF5 files that `dcgan-eval svm` and svm_benchmark read.

    python3 svm_features.py DATA_DIR OUT_DIR        (needs torch, h5py, numpy, Pillow)

DATA_DIR holds cifar10/{train,test}/CLASS/*.webp and released-weights/imagenet32/*.npy. Writes train4000.h5 (the first
400 files of each class), train50000.h5 and test10000.h5. Kernels are turned by 180 degrees (Theano convolves, torch
correlates); batch-norm statistics are averages over 20 minibatches of 128 training images, as the authors' script does.
"""
import pathlib
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
torch.set_num_threads(2)
arrays = {int(p.stem.split("_")[-1]): torch.from_numpy(np.load(p)) for p in sorted((data / "released-weights/imagenet32").glob("*.npy"))}
# Parameters in file order: w, w2, g2, b2, w3, g3, b3, w4, g4, b4.
weights = [arrays[i].flip(2, 3).contiguous(memory_format=torch.channels_last) for i in (1, 2, 5, 8)]
gammas, betas = [None, arrays[3], arrays[6], arrays[9]], [None, arrays[4], arrays[7], arrays[10]]
STRIDES = [1, 2, 1, 2]


def images(split, per_class=None):
    classes = sorted(p.name for p in (data / "cifar10" / split).iterdir())
    files = [(f, k) for k, c in enumerate(classes) for f in sorted((data / "cifar10" / split / c).iterdir())[:per_class]]
    pixels = np.stack([np.asarray(Image.open(f).convert("RGB")) for f, _ in files])
    return classes, [str(f.relative_to(data / "cifar10" / split)) for f, _ in files], pixels, np.array([k for _, k in files], np.int32)


def layers(pixels, statistics=None):
    """Activations of each layer; with statistics None each layer is normalised by the minibatch's own, which is returned."""
    h = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)
    activations, used = [], []
    for i, w in enumerate(weights):
        h = F.conv2d(h, w, stride=STRIDES[i], padding=1)
        if gammas[i] is not None:
            u, s = statistics[i] if statistics else (h.mean((0, 2, 3)), h.var((0, 2, 3), unbiased=False))
            h = (h - u[:, None, None]) / torch.sqrt(s[:, None, None] + 1e-8) * gammas[i][:, None, None] + betas[i][:, None, None]
            used.append((u, s))
        else:
            used.append((0, 0))
        h = F.leaky_relu(h, 0.2)
        activations.append(h)
    return activations, used


def features(pixels, statistics):
    pooled = [F.max_pool2d(h, h.shape[2] // 4).flatten(1) for h in layers(pixels, statistics)[0]]
    return torch.cat(pooled, 1).numpy()


@torch.no_grad()
def main():
    out.mkdir(parents=True, exist_ok=True)
    train = images("train")
    order = np.random.default_rng(0).permutation(len(train[2]))[: 20 * 128].reshape(20, 128)
    each = [layers(train[2][np.sort(rows)])[1] for rows in order]
    statistics = [(sum(m[i][0] for m in each) / 20, sum(m[i][1] for m in each) / 20) for i in range(4)]
    for name, (classes, paths, pixels, labels) in {
        "train4000": images("train", 400), "test10000": images("test"), "train50000": train}.items():
        with h5py.File(out / f"{name}.h5", "w") as f:
            rows = f.create_dataset("features", (len(labels), 12288), "f4", chunks=(64, 12288))
            for i in range(0, len(labels), 128):
                rows[i : i + 128] = features(pixels[i : i + 128], statistics)
            f["labels"] = labels
            f.create_dataset("classes", data=classes, dtype=h5py.string_dtype())
            f.create_dataset("paths", data=paths, dtype=h5py.string_dtype())
        print(name, flush=True)


main()
