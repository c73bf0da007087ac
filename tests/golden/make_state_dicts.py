#!/usr/bin/env python3
"""Writes golden/state_dict/: files of torch.save() for the reader of state_dicts. Needs PyTorch; the files are committed.

netD.pt, netG.pt   a small DCGAN under the names of nn.Sequential, batch norm of eps 1e-5, dense head as a 4x4 convolution
mapping.json       our names of its tensors
values.json        its logits, features and samples in evaluation mode, in float64
kinds.pt           every kind of tensor that can be read: value i of a tensor is i / 4 - 1 (integers: i)
legacy.pt, module.pt, integers.pt, numpy.pt   what people have as well
call.pt, protocol4.pt, script.pt              what is refused
checkpoint.pt      as a training leaves it: networks of DataParallel and torch.compile below keys, two optimisers, and
                   objects of many classes around them; those of netD.pt and netG.pt
bf16.safetensors   the tensors of netD.pt in bfloat16 and a bool
normed-KIND.pt     netD and netG with a spectral or weight norm on every weight, old and new naming
normed.json        the weights that they compute with, by the names of netD.pt and netG.pt, in float64

usage: make_state_dicts.py [wrapped]    wrapped: only the last four lines, which have seeds of their own
"""
import argparse
import collections
import datetime
import io
import json
import os
import pathlib
import sys
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
    for protocol in (4, 5):
        torch.save({**weights, "tags": {"a"}, "frozen": frozenset([1]), "bytes": bytearray(b"x"), "shape": torch.Size([1])},
                   OUT / f"protocol{protocol}.pt", pickle_protocol=protocol)
    layer = nn.utils.parametrizations.spectral_norm(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 1, 1, bias=False)))
    torch.save({**{f"c.{name}": value for name, value in layer.state_dict().items()}, "h": torch.ones(1, 16)},
               OUT / "stacked.pt")
    torch.save({"w": torch.ones(2, dtype=torch.int32)}, OUT / "integers.pt")
    torch.save({"w": torch.ones(2), "loss": np.float64(1)}, OUT / "numpy.pt")


def wrapped(module, compiled):
    state = nn.DataParallel(module).state_dict()
    return OrderedDict((name.replace("module.", "module._orig_mod.") if compiled else name, value)
                       for name, value in state.items())


def write_wrapped():
    net_d, net_g = discriminator(), generator()
    net_d.load_state_dict(torch.load(OUT / "netD.pt"))
    net_g.load_state_dict(torch.load(OUT / "netG.pt"))
    net_d(torch.ones(2, 3, SIZE, SIZE)).sum().backward()
    adam = torch.optim.Adam(net_d.parameters(), 2e-4, betas=(0.5, 0.999))
    adam.step()
    net_d.load_state_dict(torch.load(OUT / "netD.pt"))
    torch.save({
        "netD": wrapped(net_d, False), "netG": wrapped(net_g, True), "optD": adam.state_dict(), "epoch": 3,
        "args": argparse.Namespace(lr=2e-4, out=pathlib.PosixPath("runs/1")), "loss": np.float64(0.25),
        "history": collections.defaultdict(list, {"d": [1.0, 2.0]}), "counts": collections.Counter("abca"),
        "array": np.arange(3), "when": datetime.datetime(2026, 1, 1), "device": torch.device("cpu"),
        "shape": torch.Size([1, 2]), "dtype": torch.float32, "rng": torch.get_rng_state(), "commit": b"\x01\x02",
        "tags": {"a"}, "frozen": frozenset([1]), "slice": slice(1, 2), "complex": 1j, "big": 1 << 200,
        "numpy_rng": np.random.default_rng(1).bit_generator.state, ("a", 1): torch.ones(1), "z": torch.ones(2, dtype=torch.complex64),
        "mask": torch.ones(3, dtype=torch.bool), "index": torch.ones(3, dtype=torch.int32)}, OUT / "checkpoint.pt")
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 1)), script)
    (OUT / "script.pt").write_bytes(script.getvalue())
    from safetensors.torch import save_file  # pylint: disable=import-outside-toplevel
    save_file({**{name: value.bfloat16() for name, value in net_d.state_dict().items() if value.is_floating_point()},
               "mask": torch.tensor([True, False])}, OUT / "bf16.safetensors")


NORMS = {"spectral-old": nn.utils.spectral_norm, "spectral-new": nn.utils.parametrizations.spectral_norm,
         "weight-old": nn.utils.weight_norm, "weight-new": nn.utils.parametrizations.weight_norm}


def write_normed():
    truth = {}
    for kind, norm in NORMS.items():
        torch.manual_seed(5)
        saved, truth[kind] = {}, {}
        for name, net in (("netD", discriminator()), ("netG", generator())):
            layers = [layer for layer in net if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
            for layer in layers:
                norm(layer)
            for _ in range(3):  # some power iterations, not converged
                net(torch.randn(4, 3, SIZE, SIZE) if name == "netD" else torch.randn(4, NZ))
            for layer in layers:
                if "weight" in kind:
                    lengths = [p for n, p in layer.named_parameters() if n.endswith("_g") or n.endswith("original0")]
                    lengths[0].data.uniform_(0.5, 2)
            net.eval()
            saved[name] = net.state_dict()
            double = {"netD": discriminator, "netG": generator}[name]()
            for layer in double:
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                    norm(layer)
            double.load_state_dict(net.state_dict())
            double.double().eval()
            with torch.no_grad():
                double(torch.zeros(2, 3, SIZE, SIZE).double() if name == "netD" else torch.zeros(2, NZ).double())
            truth[kind] |= {f"{name}.{i}.weight": [float(f"{v:.9g}") for v in layer.weight.detach().flatten().tolist()]
                            for i, layer in enumerate(double)
                            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))}
        torch.save(saved, OUT / f"normed-{kind}.pt")
    (OUT / "normed.json").write_text(json.dumps(truth) + "\n")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    if sys.argv[1:] != ["wrapped"]:
        write_network()
        write_kinds()
        write_refused()
    write_wrapped()
    write_normed()
