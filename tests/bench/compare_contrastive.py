#!/usr/bin/env python3
"""A step of dcgan-train --contrastive 1 --adversarial 0 beside the same step in PyTorch, with equal threads.

Both make two views of each image of a minibatch (parts of images of 64x64 pixels at 32x32, mirrored, in other colours),
run both in one pass through the discriminator, contrast the means of the last layer's maps and, with weight 0.5, of
layers 2 to 5, each through a head of its own, and update all with AdamW. Views are part of the step. PyTorch is eager, its
maps are channels last, its convolutions and dense layers take bfloat16 under autocast or float32. The programs take turns,
a few steps each, round after round. Prints the best and the median seconds of a step, and ratios to the faster precision
of dcgan-train.

Needs the PyPI packages torch, numpy and h5py:

    dcgan-prepare imagenet32 tiny-imagenet-200/train -o tiny64.h5 --unlabelled --size 64
    peers/bin/python tests/bench/compare_contrastive.py build/release/tools/dcgan-train --data tiny64.h5
"""

import math
import statistics

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from beside_pytorch import parser_of, print_table, take_turns
from torch import nn

SIZE, EPSILON, SLOPE, TEMPERATURE, LAYERS = 32, 1e-8, 0.2, 0.2, 0.5
LUMA = torch.tensor([0.299, 0.587, 0.114])
YIQ = torch.stack([LUMA, torch.tensor([0.596, -0.274, -0.322]), torch.tensor([0.211, -0.523, 0.312])])


def views(images):
    """Of float32 [N, 3, side, side] in [0, 1]: float32 [N, 3, SIZE, SIZE] in [-1, 1]."""
    count = len(images)

    def uniform(low, high):
        return torch.empty(count).uniform_(low, high)

    area, aspect = uniform(0.2, 1), uniform(math.log(3 / 4), math.log(4 / 3)).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    part = torch.zeros(count, 2, 3)
    part[:, 0, 0] = width * torch.where(uniform(0, 1) < 0.5, -1, 1)
    part[:, 0, 2] = uniform(-1, 1) * (1 - width)
    part[:, 1, 1] = height
    part[:, 1, 2] = uniform(-1, 1) * (1 - height)
    grid = F.affine_grid(part, (count, 3, SIZE, SIZE), align_corners=False)
    # Without aliasing: large parts are taken of images that were made smaller.
    large = (width * height).sqrt() * images.shape[2] > 1.4 * SIZE
    result = torch.empty(count, 3, SIZE, SIZE)
    for chosen, source in ((large, F.avg_pool2d(images[large], 2)), (~large, images[~large])):
        if chosen.any():
            result[chosen] = F.grid_sample(source, grid[chosen], padding_mode="reflection", align_corners=False)
    strength = 0.4 * (uniform(0, 1) < 0.8)
    brightness, contrast, saturation = (1 + uniform(-1, 1) * strength for _ in range(3))
    angle = 2 * math.pi * 0.25 * strength * uniform(-1, 1)
    grey = torch.where(uniform(0, 1) < 0.2, 0.0, 1.0)

    def away_from_luma(share):
        return share[:, None, None] * torch.eye(3) + (1 - share)[:, None, None] * LUMA.expand(3, 3)

    turn = torch.zeros(count, 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 2, 1] = angle.sin()
    turn[:, 1, 2] = -angle.sin()
    colour = away_from_luma(grey) @ torch.linalg.inv(YIQ) @ turn @ YIQ @ away_from_luma(saturation)
    result = result * brightness[:, None, None, None]
    mean = result.mean((1, 2, 3), keepdim=True)
    result = mean + (result - mean) * contrast[:, None, None, None]
    return torch.einsum("nij,njhw->nihw", colour, result).clamp(0, 1) * 2 - 1


class Network(nn.Module):
    def __init__(self, ndf):
        super().__init__()
        channels = [ndf, ndf, 2 * ndf, 2 * ndf, 4 * ndf, 4 * ndf]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, 1 + n % 2, 1, bias=False)
                                          for n, (i, o) in enumerate(zip([3, *channels], channels)))
        self.norms = nn.ModuleList([nn.Identity(), *(nn.BatchNorm2d(c, eps=EPSILON) for c in channels[1:])])
        hidden = 4 * channels[-1]
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(c, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(True),
                                                 nn.Linear(hidden, 128)) for c in channels[1:])

    def forward(self, images):
        directions, maps = [], images
        for n, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            maps = F.leaky_relu(norm(convolution(maps)), SLOPE, inplace=True)
            if n > 0:
                directions.append(F.normalize(self.heads[n - 1](maps.float().mean((2, 3))).float()))
        return directions


def contrast(directions):
    count = len(directions)
    cosines = (directions @ directions.T / TEMPERATURE).fill_diagonal_(-math.inf)
    return F.cross_entropy(cosines, torch.arange(count).roll(count // 2))


class Eager:
    def __init__(self, options, images, precision):
        torch.manual_seed(1)
        self.options, self.images, self.precision = options, images, precision
        self.network = Network(options.ndf).to(memory_format=torch.channels_last)
        self.adam = torch.optim.AdamW(self.network.parameters(), 1e-3, (0.9, 0.99), weight_decay=1e-4)

    def step(self):
        rows = np.sort(np.random.choice(len(self.images), self.options.batch_size, False))
        images = torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float().div_(255)
        both = torch.cat([views(images), views(images)]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, self.precision == "bf16"):
            directions = self.network(both)
        loss = contrast(directions[-1]) + LAYERS * sum(map(contrast, directions[:-1]))
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()


def main():
    options = parser_of(__doc__, steps=4, rounds=4).parse_args()
    torch.set_num_threads(options.threads)
    with h5py.File(options.data) as file:
        images = file["images"][:10000]
    flags = ["--contrastive", 1, "--contrastive-layers", LAYERS, "--adversarial", 0, "--learning-rate", "1e-3",
             "--beta1", 0.9, "--beta2", 0.99, "--weight-decay", "1e-4", "--decoupled-weight-decay"]
    programs = {f"dcgan-train, {precision}": [*flags, "--precision", precision] for precision in ("f32", "bf16")}
    peers = {f"PyTorch eager, {precision}": Eager(options, images, precision).step for precision in ("f32", "bf16")}
    times = take_turns(options, programs, peers)

    print(f"ndf {options.ndf}, batch {options.batch_size}, {options.threads} threads, torch {torch.__version__}, "
          f"{options.rounds} rounds of {options.steps} steps")
    print_table(times, min((times[name] for name in programs), key=statistics.median), "step")


if __name__ == "__main__":
    main()
