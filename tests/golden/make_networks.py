#!/usr/bin/env python3
"""Writes golden/networks/: discriminators of the kinds that people have, as torch.save() leaves their state_dicts, and
what PyTorch makes of two images. Needs PyTorch; the files are committed.

NAME.pt       small, with statistics, scales and biases as training leaves them; the names are those of the programs
              that they stand for
pytorch64G.pt, pytorchgan32G.pt  the generators beside pytorch64.pt and pytorchgan32.pt
values.json   of each NAME the logits and the features (every convolution after norm and activation, adaptive max-pooling
              to 4x4), and the generator's pixels, in evaluation mode and float64

usage: make_networks.py
"""
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import adaptive_max_pool2d, pad

OUT = Path(__file__).resolve().parent / "networks"
IMAGES = 2


def golden_pixels(size):
    """uint8 [N, H, W, 3]; value k is (k k / 7 + 31 k) mod 256, the division rounded down."""
    k = np.arange(IMAGES * size * size * 3, dtype=np.int64)
    return ((k * k // 7 + k * 31) % 256).astype(np.uint8).reshape(IMAGES, size, size, 3)


def luma(pixels):
    """Pillow's convert("L")."""
    r, g, b = (pixels[..., c].astype(np.int64) for c in range(3))
    return ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16)[..., None]


class Same(nn.Module):
    """TensorFlow's SAME for a kernel of 5 and a stride of 2 on maps of even size."""

    def forward(self, x):
        return pad(x, (1, 2, 1, 2))


def pytorch_example(ndf, scales):
    """pytorch/examples, dcgan/main.py, and what people make of it for 128 pixels."""
    layers = [nn.Conv2d(3, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for i in range(scales - 1):
        layers += [nn.Conv2d(ndf << i, ndf << i + 1, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf << i + 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(OrderedDict(main=nn.Sequential(*layers, nn.Conv2d(ndf << scales - 1, 1, 4, 1, 0, bias=False))))


def pytorch_generator(ngf, nz):
    layers = [nn.ConvTranspose2d(nz, 8 * ngf, 4, 1, 0, bias=False), nn.BatchNorm2d(8 * ngf), nn.ReLU()]
    for width in (8 * ngf, 4 * ngf, 2 * ngf):
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(width // 2), nn.ReLU()]
    layers += [nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False), nn.Tanh()]
    return nn.Sequential(OrderedDict(main=nn.Sequential(*layers)))


def tensorflow64(df, same):
    """carpedm20/DCGAN-tensorflow: 5x5, biases; written in PyTorch with padding 2, or with TensorFlow's SAME."""
    layers = OrderedDict()
    below = 3
    for i in range(4):
        if same:
            layers[f"pad{i}"] = Same()
        layers[f"d_h{i}_conv" if same else f"conv{i}"] = nn.Conv2d(below, df << i, 5, 2, 0 if same else 2)
        if i:
            layers[f"d_bn{i}"] = nn.BatchNorm2d(df << i)
        layers[f"act{i}"] = nn.LeakyReLU(0.2)
        below = df << i
    layers["flat"] = nn.Flatten()
    layers["d_h3_lin" if same else "head"] = nn.Linear(16 * below, 1)
    return nn.Sequential(layers)


def grey28():
    """Keras' and TensorFlow's DCGAN of 28x28 grey digits, with dropout, in PyTorch."""
    return nn.Sequential(nn.Conv2d(1, 6, 5, 2, 2), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Conv2d(6, 11, 5, 2, 2),
                         nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Flatten(), nn.Linear(7 * 7 * 11, 1))


def spectral32():
    """Miyato et al. 2018, table 3, 32 pixels: spectral norm, 3x3 and 4x4 in turn, slope 0.1."""
    norm, layers, below = nn.utils.spectral_norm, [], 3
    for width, kernel in ((4, 3), (4, 4), (8, 3), (8, 4), (12, 3), (12, 4), (16, 3)):
        layers += [norm(nn.Conv2d(below, width, kernel, 1 + (kernel == 4), 1)), nn.LeakyReLU(0.1)]
        below = width
    return nn.Sequential(*layers, nn.Flatten(), norm(nn.Linear(16 * below, 1)))


def critic64():
    """A critic without batch norm (WGAN-GP), 4x4 kernels."""
    layers, below = [], 3
    for width in (4, 8, 12, 16):
        layers += [nn.Conv2d(below, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        below = width
    return nn.Sequential(*layers, nn.Conv2d(below, 1, 4, 1, 0))


def instance64():
    """A critic with instance norms that keep running statistics: in evaluation they are batch norms."""
    layers, below = [], 3
    for width in (4, 6, 8, 10):
        norm = [nn.InstanceNorm2d(width, affine=True, track_running_stats=True)] if below > 3 else []
        layers += [nn.Conv2d(below, width, 4, 2, 1), *norm, nn.LeakyReLU(0.2)]
        below = width
    return nn.Sequential(*layers, nn.Conv2d(below, 1, 4, 1, 0))


class PyTorchGan(nn.Module):
    """eriklindernoren/PyTorch-GAN, dcgan.py: norm behind the activation, of epsilon 0.8."""

    def __init__(self):
        super().__init__()
        layers, below = [], 3
        for i, width in enumerate((4, 6, 8, 12)):
            layers += [nn.Conv2d(below, width, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
            layers += [nn.BatchNorm2d(width, 0.8)] if i else []
            below = width
        self.model = nn.Sequential(*layers)
        self.adv_layer = nn.Sequential(nn.Linear(below * 4, 1), nn.Sigmoid())

    def forward(self, x):
        return self.adv_layer[0](self.model(x).flatten(1))


class PyTorchGanGenerator(nn.Module):
    """Its generator: maps are doubled, then convolved."""

    def __init__(self, nz):
        super().__init__()
        self.l1 = nn.Sequential(nn.Linear(nz, 6 * 8 * 8))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(6), nn.Upsample(scale_factor=2), nn.Conv2d(6, 6, 3, 1, 1), nn.BatchNorm2d(6, 0.8), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2), nn.Conv2d(6, 4, 3, 1, 1), nn.BatchNorm2d(4, 0.8), nn.LeakyReLU(0.2),
            nn.Conv2d(4, 3, 3, 1, 1), nn.Tanh())

    def forward(self, z):
        return self.conv_blocks(self.l1(z.flatten(1)).view(-1, 6, 8, 8))


def own48():
    """No known family: it needs --network. Trained on BGR with ImageNet's mean and deviation."""
    return nn.Sequential(
        nn.Conv2d(3, 5, 7, 2, 3, bias=False), nn.BatchNorm2d(5, 1e-3), nn.LeakyReLU(0.3), nn.Conv2d(5, 9, 3, 1, 1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(9, 10, 4, 2, 1, bias=False), nn.BatchNorm2d(10), nn.LeakyReLU(0.3), nn.Flatten(),
        nn.Linear(360, 7), nn.LeakyReLU(0.3), nn.Linear(7, 1))


def train(net, seed):
    """Weights that keep the maps' spread, and statistics that are not those of a start."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            weight = module._parameters.get("weight_orig", module.weight)  # pylint: disable=protected-access
            fan = weight[0].numel() if not isinstance(module, nn.ConvTranspose2d) else 4 * weight.shape[0]
            weight.data.normal_(0, (2 / fan) ** 0.5)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.2)
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)):
            module.weight.data.normal_(1, 0.2)
            module.bias.data.normal_(-0.2, 0.2)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.3, 2)
    return net


def run(net, x):
    """Logits, and each convolution's output before the next one, a pooling or a dense layer."""
    maps, last = [], {}

    def keep(module, _, output):
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.Flatten, nn.Linear)) and last:
            maps.append(last.pop("map"))
        if isinstance(module, (nn.Conv2d, nn.LeakyReLU, nn.ReLU, nn.BatchNorm2d, nn.InstanceNorm2d)) and output.dim() == 4:
            last["map"] = output

    handles = []
    for module in net.modules():
        if not list(module.children()):
            handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        logits = net.double().eval()(x).flatten()
    for handle in handles:
        handle.remove()
    features = torch.cat([adaptive_max_pool2d(m, 4).flatten(1) for m in maps], 1)
    return logits, features


def numbers(tensor):
    return [float(f"{v:.9g}") for v in tensor.flatten().tolist()]


NETWORKS = {
    "pytorch64": (lambda: pytorch_example(4, 4), 64, None), "pytorch128": (lambda: pytorch_example(2, 5), 128, None),
    "five64": (lambda: tensorflow64(2, False), 64, None), "tensorflow64": (lambda: tensorflow64(2, True), 64, None),
    "grey28": (grey28, 28, None), "spectral32": (spectral32, 32, None), "critic64": (critic64, 64, None),
    "pytorchgan32": (PyTorchGan, 32, None),
    "own48": (own48, 48, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))), "instance64": (instance64, 64, None)}


def main():
    OUT.mkdir(exist_ok=True)
    values = {}
    for seed, (name, (make, size, scale)) in enumerate(NETWORKS.items()):
        net = train(make(), seed)
        if name == "spectral32":
            for _ in range(3):  # some power iterations, not converged
                net(torch.randn(4, 3, size, size))
        net.eval()
        torch.save(net.state_dict(), OUT / f"{name}.pt")
        pixels = golden_pixels(size)
        x = (luma(pixels) if name == "grey28" else pixels) / 255
        mean, deviation = scale or (0.5, 0.5)
        x = ((x[..., ::-1] if scale else x) - np.array(mean)) / np.array(deviation)
        logits, features = run(net, torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=np.float64)))
        values[name] = {"size": size, "logits": numbers(logits), "features": numbers(features)}
        print(name, features.shape[1], float(features.std()), logits.tolist())
    z = torch.sin(torch.arange(3 * 6, dtype=torch.float64)).view(3, 6, 1, 1)
    for name, net in (("pytorch64G", pytorch_generator(2, 6)), ("pytorchgan32G", PyTorchGanGenerator(6))):
        train(net, 99).eval()
        torch.save(net.state_dict(), OUT / f"{name}.pt")
        with torch.no_grad():
            values[name] = {"samples": numbers(net.double()(z)[:, :, 3, 5])}
    (OUT / "values.json").write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    main()
