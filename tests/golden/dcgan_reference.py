"""DCGAN of the authors' released arrays in float64, with NumPy alone, written from the definitions: an independent twin.

Theano's conventions are applied to the arrays as they were released; nothing is rotated or transposed beforehand:
* dnn_conv with conv_mode='conv', true convolution: out[y, x] = sum w[i, j] * in[s * y + p - i', s * x + p - j'], where
  i' = i - (k - 1 - p); lib/ops.py's deconv is its gradient with respect to the input, of size s * H;
* dense layers are x @ w; batch norm is (x - u) / sqrt(s + 1e-8) * g + b with the biased variance s;
* LeakyReLU of slope 0.2; maps are flattened as (C, H, W).
Sources: the authors' code (github.com/Newmu/dcgan_code), lib/ops.py, lib/activations.py, svhn/svhn_semisup_analysis.py.
"""
from pathlib import Path

import numpy as np

EPSILON = 1e-8
MINIBATCH = 128


def read_arrays(folder, network):
    """Array by its number, for network "discrim" or "gen"."""
    files = Path(folder).glob(f"*_{network}_params.jl_*.npy")
    return {int(f.stem[-2:]): np.load(f).astype(np.float64) for f in files}


def convolve(x, w, stride):
    """x [N, I, H, H], w [O, I, k, k] -> [N, O, H / stride, H / stride]; true convolution, padding k // 2."""
    k, p, size = w.shape[2], w.shape[2] // 2, x.shape[2]
    out = size // stride
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    y = np.zeros((x.shape[0], w.shape[0], out, out))
    for i in range(k):
        for j in range(k):
            rows = slice(k - 1 - i, k - 1 - i + stride * (out - 1) + 1, stride)
            columns = slice(k - 1 - j, k - 1 - j + stride * (out - 1) + 1, stride)
            y += np.einsum("nihw,oi->nohw", padded[:, :, rows, columns], w[:, :, i, j], optimize=True)
    return y


def deconvolve(x, w, stride):
    """x [N, I, H, H], w [I, O, k, k] -> [N, O, H * stride, H * stride]: the transpose of convolve()."""
    k, p, size = w.shape[2], w.shape[2] // 2, x.shape[2]
    out = size * stride
    padded = np.zeros((x.shape[0], w.shape[1], out + 2 * p, out + 2 * p))
    for i in range(k):
        for j in range(k):
            rows = slice(k - 1 - i, k - 1 - i + stride * (size - 1) + 1, stride)
            columns = slice(k - 1 - j, k - 1 - j + stride * (size - 1) + 1, stride)
            padded[:, :, rows, columns] += np.einsum("nihw,io->nohw", x, w[:, :, i, j], optimize=True)
    return padded[:, :, p:p + out, p:p + out]


def batch_statistics(x):
    axes = (0,) if x.ndim == 2 else (0, 2, 3)
    return x.mean(axes), x.var(axes)


def batch_norm(x, g, b, statistics):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    u, s, g, b = (v.reshape(shape) for v in (*statistics, g, b))
    return (x - u) / np.sqrt(s + EPSILON) * g + b


def pool(x, grid=4):
    """Each map max-pooled to grid x grid and flattened: [N, C * grid * grid]."""
    n, c, h, _ = x.shape
    return x.reshape(n, c, grid, h // grid, grid, h // grid).max(axis=(3, 5)).reshape(n, -1)


class Discriminator:
    def __init__(self, folder):
        arrays = read_arrays(folder, "discrim")
        self.head = arrays[max(arrays)]
        numbers = [1] + list(range(2, max(arrays) - 2, 3))
        present = [n for n in numbers if n in arrays]
        self.layers = []  # (kernel, scale and shift of batch norm or None, stride)
        for n in numbers[:next((i for i, n in enumerate(numbers) if n not in arrays), len(numbers))]:
            norm = None if n == 1 else (arrays[n + 1], arrays[n + 2])
            # 5x5 nets halve at every convolution, 3x3 nets at every second one.
            stride = 2 if arrays[n].shape[2] == 5 or (numbers.index(n) % 2) else 1
            self.layers.append((arrays[n], norm, stride))
        self.whole = len(present) == len(numbers)

    def activations(self, images, statistics=None, collected=None):
        """images [N, 3, H, H] in [-1, 1]. statistics: those of each layer, or None for the minibatch's own, which are
        appended to `collected`."""
        outputs, h = [], images
        for i, (w, norm, stride) in enumerate(self.layers):
            h = convolve(h, w, stride)
            if norm is not None:
                used = batch_statistics(h) if statistics is None else statistics[i]
                if collected is not None:
                    collected.append(used)
                h = batch_norm(h, *norm, used)
            elif collected is not None:
                collected.append(None)
            h = np.where(h > 0, h, 0.2 * h)
            outputs.append(h)
        return outputs

    def logits(self, images, statistics=None):
        top = self.activations(images, statistics)[-1]
        return (top.reshape(len(top), -1) @ self.head)[:, 0]

    def features(self, images, statistics):
        return [pool(h) for h in self.activations(images, statistics)]

    def average_statistics(self, images):
        """The authors' rule: each layer's statistics in minibatches of 128, plainly averaged over the minibatches."""
        all_statistics = []
        for first in range(0, len(images), MINIBATCH):
            collected = []
            self.activations(images[first:first + MINIBATCH], None, collected)
            all_statistics.append(collected)
        return [None if layer[0] is None else tuple(np.mean([m[k] for m in layer], axis=0) for k in (0, 1))
                for layer in zip(*all_statistics)]


class Generator:
    def __init__(self, folder):
        a = read_arrays(folder, "gen")
        self.project, self.project_norm = a[1], (a[2], a[3])
        self.layers = []
        for i, n in enumerate(range(4, max(a) + 1, 3)):
            stride = 2 if a[n].shape[2] == 5 or i % 2 == 0 else 1
            self.layers.append((a[n], (a[n + 1], a[n + 2]) if n + 1 in a else None, stride))

    def hidden(self, z, statistics=None, collected=None):
        """z [N, Z] -> the maps of each hidden layer, and the images [N, 3, H, H] in [-1, 1] as the last; batch norm on
        the statistics of these z, which are appended to `collected`, or on given ones of each layer."""
        h, outputs = z @ self.project, []
        for i, (w, norm, stride) in enumerate([(None, self.project_norm, 1), *self.layers]):
            if w is not None:
                h = deconvolve(h, w, stride)
            if norm is not None:
                used = batch_statistics(h) if statistics is None else statistics[i]
                if collected is not None:
                    collected.append(used)
                h = np.maximum(batch_norm(h, *norm, used), 0)
            h = h.reshape(len(z), -1, 4, 4) if w is None else h
            outputs.append(h)
        return [*outputs[:-1], np.tanh(outputs[-1])]

    def images(self, z, statistics=None):
        return self.hidden(z, statistics)[-1]


def golden_noise(count, nz):
    """z[i][j] = 2 sin(0.1 (nz i + j) + i i)."""
    i, j = np.mgrid[0:count, 0:nz]
    return 2 * np.sin(0.1 * (nz * i + j) + i * i)
