"""A model file of libdcgan in PyTorch: networks whose state_dict names are those of the file.

    model = load("model.safetensors")
    images = model.discriminator.inputs(pixels)       # uint8 [N, H, H, 3], RGB, to what the network takes
    logits = model.discriminator(images)              # float32 [N, C, H, H]; of published networks in [-1, 1], RGB
    features = model.discriminator.features(images)   # float32 [N, D], as dcgan-extract writes them
    samples = model.generator(z)                      # z float32 [N, nz]
    small = load_compression("pca.safetensors")(features)   # float32 [N, k], as dcgan-extract --compress writes them
"""
import json

import torch
from safetensors import safe_open
from torch import nn
from torch.nn.functional import adaptive_max_pool2d, interpolate, leaky_relu, max_pool2d, pad


def family_lists(o):
    """The published family as lists of layers: what its options stand for (dcgan/architecture.h)."""
    per_scale, scales, k = o["convs-per-scale"], (o["image-size"] // 4).bit_length() - 1, o["kernel"]
    bn, p = "bn 1e-8", k // 2
    down, up = [], [f"dense to {o['ngf'] << scales - 1}x4x4", "bn units 1e-8", "relu"]
    for i in range(scales * per_scale):
        stride = 1 if (i + 1) % per_scale else 2
        down += [f"conv {k} {stride} {p} to {o['ndf'] << i // per_scale}"] + [bn] * (i > 0) + ["lrelu 0.2"]
    for i in reversed(range(scales * per_scale)):
        stride = 1 if (i + 1) % per_scale else 2
        width = o["ngf"] << (i - 1) // per_scale if i else o.get("input-channels", 3)
        up += [f"deconv {k} {stride} {p}+{p - stride + 1} to {width}"] + [bn, "relu"] * (i > 0)
    return down + ["dense to 1"], up + ["tanh"]


class Layers(nn.Module):
    """A list of layers (dcgan/layers.h): modules by the names of the file, and what is done in which order."""

    def __init__(self):
        super().__init__()
        self.plan = []  # functions of x; None where a convolution's feature is

    def add(self, name, module, before=lambda x: x, after=lambda x: x):
        self.add_module(name, module)
        self.plan.append(lambda x: after(self.get_submodule(name)(before(x))))

    def add_end(self, words, norm, width, maps):
        """Norm or activation. @return whether the step is one"""
        if words[0] == "bn":
            numbers = [float(w) for w in words[1:] if w != "units"] + [1e-5, 0.1][len(words) - ("units" in words) - 1:]
            self.add(norm, (nn.BatchNorm2d if maps else nn.BatchNorm1d)(width, numbers[0], numbers[1]))
        elif words[0] in ("lrelu", "relu"):
            self.plan.append(lambda x, slope=float((words + ["0"])[1]) if words[0] == "lrelu" else 0.0: leaky_relu(x, slope))
        return words[0] in ("bn", "lrelu", "relu")

    def run(self, x):
        for step in self.plan:
            if step is None:
                yield x
            else:
                x = step(x)
        yield x


def padding_of(text):
    before, _, after = text.partition("+")
    return int(before), int(after or before)


class Discriminator(Layers):
    def __init__(self, steps, o, convolutions):
        super().__init__()
        self.options, depth, width, size, maps = o, 0, o.get("input-channels", 3), o["image-size"], True
        convs = [i for i, step in enumerate(steps) if step.startswith("conv ")]
        end = convs[convolutions] if convolutions < len(convs) else len(steps)  # of a partial model
        for i, step in enumerate(steps[:end]):
            words = step.split()
            if words[0] == "maxpool":
                self.plan.append(lambda x: max_pool2d(x, 2))
                size //= 2
            elif words[0] == "mean":
                self.plan.append(lambda x: x.mean((2, 3), keepdim=True))
                size = 1
            elif words[0] == "dense":
                flat = width * size * size if maps else width
                width, maps = int(words[2]), False
                self.add("hidden" if i + 1 < len(steps) else "head", nn.Linear(flat, width, "bias" in words),
                         before=lambda x: x.flatten(1))
            elif words[0] == "conv":
                (k, s), (a, b), depth = map(int, words[1:3]), padding_of(words[3]), depth + 1
                self.add(f"conv{depth}", nn.Conv2d(width, int(words[5]), k, s, bias="bias" in words),
                         before=lambda x, sides=(a, b, a, b): pad(x, sides))
                width, size = int(words[5]), (size + a + b - k) // s + 1
            else:
                self.add_end(words, f"bn{depth}" if maps else "bn_hidden", width, maps)
            following = steps[i + 1].split()[0] if i + 1 < end else ""
            if maps and words[0] in ("conv", "bn", "lrelu", "relu") and following not in ("bn", "lrelu", "relu"):
                self.plan.append(None)

    def inputs(self, pixels):
        """uint8 [N, H, H, 3], RGB, of the network's size, to float32 [N, C, H, H] as it was trained."""
        o = self.options
        x = pixels.permute(0, 3, 1, 2)
        if o.get("input-channels", 3) == 1:  # Pillow's convert("L")
            r, g, b = x.int().split(1, 1)
            x = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16
        if o.get("input-order", "rgb") == "bgr":
            x = x.flip(1)
        mean, deviation = (torch.tensor(o.get(f"input-{n}", [0.5]), dtype=torch.float64).view(1, -1, 1, 1)
                           for n in ("mean", "deviation"))
        return ((x / 255 - mean) / deviation).float()

    def activations(self, images):
        return list(self.run(images))[:-1]

    def forward(self, images):
        return list(self.run(images))[-1].flatten()

    def features(self, images, grid=4):
        return torch.cat([adaptive_max_pool2d(h, grid).flatten(1) for h in self.activations(images)], 1)


class Generator(Layers):
    def __init__(self, steps, o):
        super().__init__()
        width, depth, maps, norm = o["nz"], -1, False, "bn_hidden"
        for step in steps:
            words = step.split()
            units = words[:2] == ["bn", "units"]
            if words[0] in ("deconv", "dense") and depth < 0 and ("x" in words[2] or words[0] == "deconv"):
                depth, norm = 0, "bn0"
                if words[0] == "dense":
                    out, side = (int(n) for n in words[2].split("x")[:2])
                    self.add("project", nn.Linear(width, out * side * side, "bias" in words))
                    self.plan.append(lambda x, shape=(-1, out, side, side): x.view(shape))
                else:
                    out, side = int(words[5]), int(words[1])
                    self.add("project", nn.ConvTranspose2d(width, out, side, bias="bias" in words),
                             before=lambda x: x[:, :, None, None])
                width, maps = out, True
            elif units:  # of [N, C * H * H], and back to maps
                self.add(norm, nn.BatchNorm1d(width * side * side, *(float(w) for w in words[2:])),
                         before=lambda x: x.flatten(1), after=lambda x, shape=(-1, width, side, side): x.view(shape))
            elif self.add_end(words, norm, width, maps):
                continue
            elif words[0] == "dense":
                self.add("hidden", nn.Linear(width, int(words[2]), "bias" in words))
                width = int(words[2])
            elif words[0] == "upsample":
                self.plan.append(lambda x: interpolate(x, scale_factor=2))
            elif words[0] == "deconv":
                (k, s), (a, b), out = map(int, words[1:3]), padding_of(words[3]), int(words[5])
                depth, norm = depth + 1, f"bn{depth + 1}"
                whole = 0 <= a - b < s
                module = nn.ConvTranspose2d(width, out, k, s, a if whole else 0, a - b if whole else 0, bias="bias" in words)
                cut = (lambda x: x) if whole else (lambda x, a=a, b=b: x[:, :, a:x.shape[2] - b, a:x.shape[3] - b])
                self.add(f"deconv{depth}", module, after=cut)
                width = out
            elif words[0] in ("tanh", "sigmoid"):
                self.plan.append(getattr(torch, words[0]))

    def forward(self, z):
        return list(self.run(z))[-1]


def load(path):
    """The networks of a model file in evaluation mode; a partial model has no trained head, and may have no generator."""
    with safe_open(path, "pt") as file:
        options, convolutions = (json.loads(file.metadata()[key]) for key in ("architecture", "convolutions"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    known = {"image-size", "kernel", "convs-per-scale", "ndf", "ngf", "nz", "latent", "network", "generator-network"}
    others = [f"{n} {v}" for n, v in options.items() if n not in known and not n.startswith("input-")]
    if others:
        raise ValueError(f"{path}: trained with {', '.join(others)}; this module has the published architectures and lists")
    lists = [options["network"], options.get("generator-network")] if "network" in options else family_lists(options)
    model = nn.ModuleDict({"discriminator": Discriminator(lists[0], options, convolutions)})
    if "generator.project.weight" in tensors:
        model["generator"] = Generator(lists[1], options)
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
