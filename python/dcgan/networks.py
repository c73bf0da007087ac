"""A model file of libdcgan in PyTorch: networks whose state_dict names are those of the file.

    model = load("model.safetensors")
    logits = model.discriminator(images)              # images float32 [N, 3, H, H] in [-1, 1], RGB
    features = model.discriminator.features(images)   # float32 [N, D], as dcgan-extract writes them
    samples = model.generator(z)                      # z float32 [N, nz]
    small = load_compression("pca.safetensors")(features)   # float32 [N, k], as dcgan-extract --compress writes them
"""
import json

import torch
from safetensors import safe_open
from torch import nn
from torch.nn.functional import adaptive_max_pool2d, leaky_relu, relu


class Discriminator(nn.Module):
    def __init__(self, o, convolutions):
        super().__init__()
        self.depth, per_scale, width = convolutions, o["convs-per-scale"], 3
        for i in range(convolutions):
            below, width, stride = width, o["ndf"] << i // per_scale, 1 if (i + 1) % per_scale else 2
            self.add_module(f"conv{i + 1}", nn.Conv2d(below, width, o["kernel"], stride, o["kernel"] // 2, bias=False))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(width, eps=1e-8) if i else nn.Identity())
        self.head = nn.Linear(16 * width, 1, bias=False)

    def activations(self, x):
        for i in range(1, self.depth + 1):
            x = leaky_relu(self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x)), 0.2)
            yield x

    def forward(self, images):
        return self.head(list(self.activations(images))[-1].flatten(1)).squeeze(1)

    def features(self, images, grid=4):
        return torch.cat([adaptive_max_pool2d(h, grid).flatten(1) for h in self.activations(images)], 1)


class Generator(nn.Module):
    def __init__(self, o, depth):
        super().__init__()
        self.depth, per_scale, k = depth, o["convs-per-scale"], o["kernel"]
        widths = [o["ngf"] << (depth - 1 - i) // per_scale for i in range(depth)] + [3]
        self.project = nn.Linear(o["nz"], 16 * widths[0], bias=False)
        self.bn0 = nn.BatchNorm1d(16 * widths[0], eps=1e-8)
        for i in range(depth):
            s = 1 if i % per_scale else 2
            self.add_module(f"deconv{i + 1}", nn.ConvTranspose2d(widths[i], widths[i + 1], k, s, k // 2, s - 1, bias=False))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(widths[i + 1], eps=1e-8) if i + 1 < depth else nn.Identity())

    def forward(self, z):
        x = relu(self.bn0(self.project(z))).view(len(z), -1, 4, 4)
        for i in range(1, self.depth):
            x = relu(self.get_submodule(f"bn{i}")(self.get_submodule(f"deconv{i}")(x)))
        return torch.tanh(self.get_submodule(f"deconv{self.depth}")(x))


def load(path):
    """The networks of a model file in evaluation mode; a partial model has no trained head, and may have no generator."""
    with safe_open(path, "pt") as file:
        options, convolutions = (json.loads(file.metadata()[key]) for key in ("architecture", "convolutions"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    published = {"image-size", "kernel", "convs-per-scale", "ndf", "ngf", "nz", "latent"}
    if others := ", ".join(f"{name} {value}" for name, value in options.items() if name not in published):
        raise ValueError(f"{path}: trained with {others}; this module has the published architectures only")
    model = nn.ModuleDict({"discriminator": Discriminator(options, convolutions)})
    if "generator.project.weight" in tensors:
        scales = (options["image-size"] // 4).bit_length() - 1
        model["generator"] = Generator(options, scales * options["convs-per-scale"])
    missing, surplus = model.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith(("num_batches_tracked", "head.weight"))]
    if missing or surplus:
        raise ValueError(f"{path}: missing {missing}, surplus {surplus}")
    return model.eval()


def load_compression(path):
    """What `dcgan-eval compress` made: a linear layer from the features of the model that it was fitted to."""
    with safe_open(path, "pt") as file:
        if file.metadata().get("format") != "dcgan-compression":
            raise ValueError(f"{path}: no file of dcgan-eval compress")
        weights, offsets = file.get_tensor("weights"), file.get_tensor("offsets")
    layer = nn.Linear(*reversed(weights.shape))
    layer.load_state_dict({"weight": weights, "bias": offsets})
    return layer.requires_grad_(False)
