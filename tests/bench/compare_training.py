#!/usr/bin/env python3
"""Training step of dcgan-train beside the same step in PyTorch eager, channels last, with equal threads.

Both train the same networks on the same packed images with the authors' alternating schedule: a pair of steps is one
update of the generator and one of the discriminator, each with its own minibatch and noise. The two programs take turns,
a few pairs each, round after round. Prints the
best and the median seconds of a pair, and the ratio of each.

PyTorch's step is timed twice: written as PyTorch's DCGAN example writes it (the generator's step also computes gradients
of the discriminator, which are thrown away), and without those gradients, as dcgan-train does. With --precision bf16
both cast to bfloat16 (autocast), and dcgan-train in float32 takes part, too.

Needs the PyPI packages torch, numpy and h5py:

    peers/bin/python tests/bench/compare_training.py build/release/tools/dcgan-train --data tiny32.h5 --ndf 32 --ngf 32
"""

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from beside_pytorch import parser_of, print_table, take_turns
from torch import nn

KERNEL, EPSILON, SLOPE = 3, 1e-8, 0.2  # ImageNet-32: arXiv:1511.06434, section 4, and the authors' code


def generator(ngf, nz):
    def up(inputs, outputs, stride):
        return nn.ConvTranspose2d(inputs, outputs, KERNEL, stride, 1, output_padding=stride - 1, bias=False)

    def block(inputs, outputs, stride):
        return [up(inputs, outputs, stride), nn.BatchNorm2d(outputs, eps=EPSILON), nn.ReLU(True)]

    top = 4 * ngf
    return nn.Sequential(nn.Linear(nz, 16 * top, bias=False), nn.BatchNorm1d(16 * top, eps=EPSILON), nn.ReLU(True),
                         nn.Unflatten(1, (top, 4, 4)), *block(top, top, 2), *block(top, 2 * ngf, 1),
                         *block(2 * ngf, 2 * ngf, 2), *block(2 * ngf, ngf, 1), *block(ngf, ngf, 2), up(ngf, 3, 1),
                         nn.Tanh())


def discriminator(ndf):
    layers, inputs = [], 3
    for outputs in (ndf, 2 * ndf, 4 * ndf):
        for stride in (1, 2):
            layers.append(nn.Conv2d(inputs, outputs, KERNEL, stride, 1, bias=False))
            if inputs != 3:
                layers.append(nn.BatchNorm2d(outputs, eps=EPSILON))
            layers.append(nn.LeakyReLU(SLOPE, True))
            inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * ndf, 1, bias=False))


class Eager:
    def __init__(self, options, images, discards_gradients):
        torch.manual_seed(1)
        self.options, self.images, self.discards_gradients = options, images, discards_gradients
        self.g = generator(options.ngf, options.nz).to(memory_format=torch.channels_last)
        self.d = discriminator(options.ndf).to(memory_format=torch.channels_last)
        for network in (self.g, self.d):
            for parameter in network.parameters():
                if parameter.dim() > 1:
                    nn.init.normal_(parameter, 0, 0.02)
        self.adam_g = torch.optim.Adam(self.g.parameters(), 2e-4, (0.5, 0.999))
        self.adam_d = torch.optim.Adam(self.d.parameters(), 2e-4, (0.5, 0.999))

    def casts(self):
        return torch.autocast("cpu", torch.bfloat16, self.options.precision == "bf16")

    def fake(self):
        with self.casts():
            return self.g(torch.rand(self.options.batch_size, self.options.nz) * 2 - 1)

    def real(self):
        pixels = self.images[np.sort(np.random.choice(len(self.images), self.options.batch_size, False))]
        return torch.from_numpy(pixels).float().div_(127.5).sub_(1).permute(0, 3, 1, 2)  # channels last as it lies

    def update(self, loss, adam):
        adam.zero_grad()
        loss.backward()
        adam.step()

    def logits(self, network_input):
        with self.casts():
            return self.d(network_input).float()

    def pair(self):
        one, zero = torch.ones(self.options.batch_size, 1), torch.zeros(self.options.batch_size, 1)
        if self.discards_gradients:
            self.d.requires_grad_(False)
        self.update(F.binary_cross_entropy_with_logits(self.logits(self.fake()), one), self.adam_g)
        self.d.requires_grad_(True)
        with torch.no_grad():
            fake = self.fake()
        real_loss = F.binary_cross_entropy_with_logits(self.logits(self.real()), one)
        self.update(real_loss + F.binary_cross_entropy_with_logits(self.logits(fake), zero), self.adam_d)


def main():
    parser = parser_of(__doc__, steps=8, rounds=6)
    parser.add_argument("--ngf", type=int, default=128)
    parser.add_argument("--nz", type=int, default=256)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    with h5py.File(options.data) as file:
        images = file["images"][:]
    flags = ["--ngf", options.ngf, "--nz", options.nz, "--precision"]
    programs = {"dcgan-train": [*flags, options.precision]}
    if options.precision != "f32":
        programs["dcgan-train, float32"] = [*flags, "f32"]
    peers = {"PyTorch eager, as its example": Eager(options, images, False).pair,
             "PyTorch eager, no wasted gradients": Eager(options, images, True).pair}
    times = take_turns(options, programs, peers)

    print(f"ndf {options.ndf}, ngf {options.ngf}, batch {options.batch_size}, {options.threads} threads, {options.precision}, "
          f"torch {torch.__version__}, {options.rounds} rounds of {options.steps} pairs")
    print_table(times, times["dcgan-train"], "pair")


if __name__ == "__main__":
    main()
