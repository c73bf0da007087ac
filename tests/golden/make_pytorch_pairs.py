#!/usr/bin/env python3
"""Writes golden/pytorch_pairs/: ten pairs of steps of PyTorch's DCGAN example (pytorch/examples, dcgan/main.py), small, in
float64, for the test that ours are the same from the same start. Needs PyTorch; the files are committed.

start.safetensors, end.safetensors   parameters of both networks under our names, before and after
losses.json                          discriminator (real and generated images) and generator, of each pair

Minibatch i has the images sin(12.9898 k + i) of value k, its noise is 2 sin(0.3 k + i): both in float64, then float32.
(Where a value lies within float32's rounding of zero before LeakyReLU, losses part by 1e-4 within pairs, PyTorch's from its own as
well: docs/networks.md. On these images none does.)

usage: make_pytorch_pairs.py
"""
import json
from pathlib import Path

import torch
from make_networks import pytorch_example, pytorch_generator
from safetensors.torch import save_file
from torch import nn

OUT = Path(__file__).resolve().parent / "pytorch_pairs"
NDF = NGF = 2
NZ, BATCH, PAIRS = 4, 8, 10


def weights_init(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(m.weight, 0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


def values(shape, step, i, scale=1.0):
    count = torch.Size(shape).numel()
    return (scale * torch.sin(step * torch.arange(count, dtype=torch.float64) + i)).float().double().view(shape)


def parameters(net_d, net_g):
    names = {}
    convs = [m for m in net_d.main if isinstance(m, nn.Conv2d)]
    for i, conv in enumerate(convs):
        names["discriminator.head.weight" if i + 1 == len(convs) else f"discriminator.conv{i + 1}.weight"] = conv.weight
    for i, norm in enumerate(m for m in net_d.main if isinstance(m, nn.BatchNorm2d)):
        names |= {f"discriminator.bn{i + 2}.weight": norm.weight, f"discriminator.bn{i + 2}.bias": norm.bias}
    for i, conv in enumerate(m for m in net_g.main if isinstance(m, nn.ConvTranspose2d)):
        names[f"generator.deconv{i}.weight" if i else "generator.project.weight"] = conv.weight
    for i, norm in enumerate(m for m in net_g.main if isinstance(m, nn.BatchNorm2d)):
        names |= {f"generator.bn{i}.weight": norm.weight, f"generator.bn{i}.bias": norm.bias}
    result = {n: p.detach().float().clone().contiguous() for n, p in names.items()}
    result["discriminator.head.weight"] = result["discriminator.head.weight"].reshape(1, -1)
    return result


def main():
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(1)
    net_d, net_g = pytorch_example(NDF, 4), pytorch_generator(NGF, NZ)
    for net in (net_d, net_g):
        net.apply(weights_init)
        net.double()
    save_file(parameters(net_d, net_g), OUT / "start.safetensors")
    criterion = nn.BCELoss()
    optimizer_d = torch.optim.Adam(net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_g = torch.optim.Adam(net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def logits_to_output(x):
        return torch.sigmoid(net_d(x)).view(-1)

    losses = []
    ones, zeros = torch.ones(BATCH, dtype=torch.float64), torch.zeros(BATCH, dtype=torch.float64)
    for i in range(PAIRS):
        net_d.zero_grad()
        error_real = criterion(logits_to_output(values((BATCH, 3, 64, 64), 12.9898, i)), ones)
        error_real.backward()
        fake = net_g(values((BATCH, NZ, 1, 1), 0.3, i, 2))
        error_fake = criterion(logits_to_output(fake.detach()), zeros)
        error_fake.backward()
        optimizer_d.step()
        net_g.zero_grad()
        error_g = criterion(logits_to_output(fake), ones)
        error_g.backward()
        optimizer_g.step()
        losses.append([(error_real + error_fake).item(), error_g.item()])
    save_file(parameters(net_d, net_g), OUT / "end.safetensors")
    (OUT / "losses.json").write_text(json.dumps(losses) + "\n")
    print(losses)


if __name__ == "__main__":
    main()
