#!/usr/bin/env python3
"""Writes golden/state_dict/: files of torch.save() for the reader of state_dicts. Needs PyTorch; the files are committed.

netD.pt, netG.pt   a small DCGAN under the names of nn.Sequential, batch norm of eps 1e-5, dense head as a 4x4 convolution
mapping.json       our names of its tensors
values.json        its logits, features and samples in evaluation mode, in float64
kinds.pt           every kind of tensor that can be read: value i of a tensor is i / 4 - 1 (integers: i)
legacy.pt, module.pt, call.pt, protocol4.pt, integers.pt, numpy.pt   what is refused

usage: make_state_dicts.py
"""
import json
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import nn

OUT = Path(__file__).resolve().parent / "state_dict"
NDF, NGF, NZ, SIZE = 3, 2, 4, 16  # two scales of two convolutions


def discriminator():
    layers = []
    for i, (below, width) in enumerate([(3, NDF), (NDF, NDF), (NDF, 2 * NDF), (2 * NDF, 2 * NDF)]):
        layers.append(nn.Conv2d(below, width, 3, 1 + i % 2, 1, bias=False))
        layers += [nn.BatchNorm2d(width)] if i else []
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(2 * NDF, 1, 4, bias=False))


def generator():
    layers = [nn.Linear(NZ, 32 * NGF, bias=False), nn.BatchNorm1d(32 * NGF), nn.ReLU(), nn.Unflatten(1, (-1, 4, 4))]
    for i, (below, width) in enumerate([(2 * NGF, 2 * NGF), (2 * NGF, NGF), (NGF, NGF), (NGF, 3)]):
        layers.append(nn.ConvTranspose2d(below, width, 3, 2 - i % 2, 1, 1 - i % 2, bias=False))
        layers += [nn.BatchNorm2d(width), nn.ReLU()] if i < 3 else [nn.Tanh()]
    return nn.Sequential(*layers)


def our_names():
    """The positions in the two nn.Sequential above."""
    names = {f"discriminator.conv{i + 1}.weight": f"netD.pt:{n}.weight" for i, n in enumerate((0, 2, 5, 8))}
    names["discriminator.head.weight"] = "netD.pt:11.weight"
    names["generator.project.weight"] = "netG.pt:0.weight"
    names |= {f"generator.deconv{i + 1}.weight": f"netG.pt:{n}.weight" for i, n in enumerate((4, 7, 10, 13))}
    norms = {f"discriminator.bn{i + 2}": f"netD.pt:{n}" for i, n in enumerate((3, 6, 9))}
    norms |= {f"generator.bn{i}": f"netG.pt:{n}" for i, n in enumerate((1, 5, 8, 11))}
    for ours, theirs in norms.items():
        names |= {f"{ours}.{p}": f"{theirs}.{p}" for p in ("weight", "bias", "running_mean", "running_var")}
    return names


def golden_pixels(count):
    """uint8 [N, H, W, 3]; value k is (k k / 7 + 31 k) mod 256, the division rounded down."""
    k = np.arange(count * SIZE * SIZE * 3, dtype=np.int64)
    return ((k * k // 7 + k * 31) % 256).astype(np.uint8).reshape(count, SIZE, SIZE, 3)


def write_network():
    torch.manual_seed(3)
    net_d, net_g = discriminator(), generator()
    for net in (net_d, net_g):
        for name, tensor in net.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(1e-5, 3e-5)  # of the order of eps, so that another eps shows
            elif "running" in name:
                tensor.normal_(0, 0.002)
            elif tensor.is_floating_point():
                tensor.normal_(0, 0.003 if tensor.dim() > 1 else 0.3)
    torch.save(net_d.state_dict(), OUT / "netD.pt")
    torch.save(net_g.state_dict(), OUT / "netG.pt")
    (OUT / "mapping.json").write_text(json.dumps(our_names(), indent=1) + "\n")
    images = torch.from_numpy(golden_pixels(3).astype(np.float64).transpose(0, 3, 1, 2) / 127.5 - 1)
    z = torch.sin(torch.arange(5 * NZ, dtype=torch.float64)).view(5, NZ)
    with torch.no_grad():
        net_d.double().eval()
        net_g.double().eval()
        h, features = images, []
        for layer in net_d:
            h = layer(h)
            if isinstance(layer, nn.LeakyReLU):
                features.append(nn.functional.adaptive_max_pool2d(h, 4).flatten(1))
        values = {"logits": h.flatten().tolist(), "features": torch.cat(features, 1).flatten().tolist(),
                  "samples": net_g(z)[:, :, 3, 5].flatten().tolist()}
    (OUT / "values.json").write_text(json.dumps(values) + "\n")


def write_kinds():
    base = torch.arange(24, dtype=torch.float32) / 4 - 1
    numbers = base.view(2, 3, 4)
    kinds = OrderedDict(
        float32=numbers, float16=numbers.half(), bfloat16=numbers.bfloat16(), float64=numbers.double(),
        int64=torch.arange(24).view(2, 3, 4), uint8=torch.arange(24, dtype=torch.uint8).view(2, 3, 4),
        scalar=torch.tensor(-1.0), empty=torch.empty(0, 3), parameter=nn.Parameter(numbers),
        transposed=numbers.permute(2, 0, 1).contiguous().permute(1, 2, 0),  # the same values, other strides
        channels_last=numbers.view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        view=(torch.arange(60, dtype=torch.float32) / 8 - 2)[8:56:2])
    torch.save({"model": kinds, "epoch": 3, "lr": 1e-4, "done": False, "name": "a text", "none": None,
                "list": [1, 2.5, (3, 4, 5, 6)], "big": 1 << 40, "negative": -7, "states": {0: {"step": base}}},
               OUT / "kinds.pt")


class Call:
    def __reduce__(self):
        return os.system, ("touch called",)


def write_refused():
    weights = {"w": torch.ones(2)}
    torch.save(weights, OUT / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(discriminator()[:1], OUT / "module.pt")
    torch.save({"w": Call()}, OUT / "call.pt")
    torch.save(weights, OUT / "protocol4.pt", pickle_protocol=4)
    torch.save({"w": torch.ones(2, dtype=torch.int32)}, OUT / "integers.pt")
    torch.save({"w": torch.ones(2), "loss": np.float64(1)}, OUT / "numpy.pt")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    write_network()
    write_kinds()
    write_refused()
