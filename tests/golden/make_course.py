#!/usr/bin/env python3
"""Writes golden/course.txt: the parameters after four pairs of steps of both schedules, in float64, with NumPy alone.

An independent twin of a training: order of the images, noise, networks, their gradients, and Adam are written here from
their definitions (arXiv:1511.06434, sections 3 and 4; the authors' faces/train_uncond_dcgan.py and lib/updates.py;
Kingma, Ba 2015), and nothing of the program is used. Ten images in minibatches of 4 make a short last one of 2; weights
decay, and the learning rate falls over the last three steps. Rate and decays are such that leaving out any one of them
would move some parameter by 100 tolerances of the test, which the script checks.

    /usr/bin/python3 tests/golden/make_course.py

tests/train/course_test.cpp trains the same in the program.
"""

import pathlib

import numpy as np

SIZE, WIDTH, NZ, KERNEL = 8, 4, 6, 3
IMAGES, BATCH, STEPS, SEED = 10, 4, 4, 42
RATE, BETA1, BETA2, DECAY, DECAY_STEPS, EPSILON = 0.005, 0.5, 0.999, 0.3, 3, 1e-8
TOLERANCE = 1e-5
MASK = 2**64 - 1

# Names of the program's model files in their byte order, with shapes: published layout for 8x8 images, two convolutions.
SHAPES = {
    "discriminator.bn2.bias": (WIDTH,),
    "discriminator.bn2.weight": (WIDTH,),
    "discriminator.conv1.weight": (WIDTH, 3, KERNEL, KERNEL),
    "discriminator.conv2.weight": (WIDTH, WIDTH, KERNEL, KERNEL),
    "discriminator.head.weight": (1, WIDTH * 16),
    "generator.bn0.bias": (WIDTH * 16,),
    "generator.bn0.weight": (WIDTH * 16,),
    "generator.bn1.bias": (WIDTH,),
    "generator.bn1.weight": (WIDTH,),
    "generator.deconv1.weight": (WIDTH, WIDTH, KERNEL, KERNEL),
    "generator.deconv2.weight": (WIDTH, 3, KERNEL, KERNEL),
    "generator.project.weight": (WIDTH * 16, NZ),
}


def mix(x):
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def derive_seed(root, purpose, position):
    seed = mix(root)
    for character in purpose.encode():
        seed = mix(seed ^ character)
    return mix(mix(seed) ^ position)


def mersenne_64(seed):
    """MT19937-64 (Nishimura, Matsumoto 2000)."""
    state = [seed]
    for i in range(1, 312):
        state.append((6364136223846793005 * (state[-1] ^ (state[-1] >> 62)) + i) & MASK)
    while True:
        for i in range(312):
            x = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % 312] & 0x7FFFFFFF)
            state[i] = state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
        for x in list(state):
            x ^= (x >> 29) & 0x5555555555555555
            x ^= (x << 17) & 0x71D67FFFEDA60000
            x ^= (x << 37) & 0xFFF7EEE000000000
            yield x ^ (x >> 43)


def shuffled(count, seed):
    order, numbers = list(range(count)), mersenne_64(seed)
    for i in range(count, 1, -1):
        j = next(x for x in numbers if x < MASK - MASK % i) % i
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def uniform_noise(count, seed):
    """As PyTorch draws float32 in [-1, 1): the low 24 bits of MT19937's numbers."""
    raw = np.random.RandomState(seed & 0xFFFFFFFF)._bit_generator.random_raw(count * NZ)
    return ((raw & 0xFFFFFF) / 2.0**24 * 2 - 1).reshape(count, NZ)


def training_images():
    j = np.arange(SIZE * SIZE * 3)
    rows = [np.where(j == 0, i, (i * 37 + j * j * 11) % 256) for i in range(IMAGES)]
    return np.stack(rows).reshape(IMAGES, SIZE, SIZE, 3).transpose(0, 3, 1, 2) / 127.5 - 1


def initial_parameters():
    parameters, k = {}, 0
    for name, shape in SHAPES.items():
        numbers = np.arange(k, k + np.prod(shape), dtype=np.uint64)
        values = (((numbers * 2654435761) % 2**32 // 256) / 2.0**24 - 0.5) / 8
        parameters[name] = values.reshape(shape) + (1 if ".bn" in name and name.endswith("weight") else 0)
        k += values.size
    return parameters


def taps(x, stride, out):
    """The values below each tap of the kernel: yields (i, j, slices) of a padded map."""
    for i in range(KERNEL):
        for j in range(KERNEL):
            yield i, j, (slice(None), slice(None), slice(i, i + stride * (out - 1) + 1, stride),
                         slice(j, j + stride * (out - 1) + 1, stride))


def pad(x):
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))


class Convolve:
    """[N, I, H, H] and [O, I, k, k] to [N, O, H / stride, H / stride]; forward and its two gradients."""

    def __init__(self, stride):
        self.stride = stride

    def forward(self, x, w):
        out = x.shape[2] // self.stride
        padded = pad(x)
        return sum(np.einsum("nihw,oi->nohw", padded[s], w[:, :, i, j]) for i, j, s in taps(x, self.stride, out))

    def input_gradient(self, g, w):
        side = g.shape[2] * self.stride
        padded = np.zeros((g.shape[0], w.shape[1], side + 2, side + 2))
        for i, j, s in taps(g, self.stride, g.shape[2]):
            padded[s] += np.einsum("nohw,oi->nihw", g, w[:, :, i, j])
        return padded[:, :, 1:-1, 1:-1]

    def weight_gradient(self, x, g):
        w, padded = np.zeros((g.shape[1], x.shape[1], KERNEL, KERNEL)), pad(x)
        for i, j, s in taps(x, self.stride, g.shape[2]):
            w[:, :, i, j] = np.einsum("nihw,nohw->oi", padded[s], g)
        return w


class Network:
    """Layers that keep what backward needs; gradients are added up over several passes."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.gradients = {}

    def add(self, name, gradient):
        self.gradients[name] = self.gradients.get(name, 0) + gradient

    def batch_norm(self, x, name):
        axes = (0,) if x.ndim == 2 else (0, 2, 3)
        per = (1, -1) if x.ndim == 2 else (1, -1, 1, 1)
        weight = self.parameters[name + ".weight"].reshape(per)
        scale = 1 / np.sqrt(x.var(axes, keepdims=True) + EPSILON)
        normal = (x - x.mean(axes, keepdims=True)) * scale

        def backward(g):
            self.add(name + ".weight", (g * normal).sum(axes))
            self.add(name + ".bias", g.sum(axes))
            g = g * weight
            return scale * (g - g.mean(axes, keepdims=True) - normal * (g * normal).mean(axes, keepdims=True))

        return normal * weight + self.parameters[name + ".bias"].reshape(per), backward


class Discriminator(Network):
    def forward(self, images):
        """@return logits [N], and what takes their gradient to the images'."""
        p, first, second = self.parameters, Convolve(1), Convolve(2)
        w1, w2, head = (p[f"discriminator.{n}.weight"] for n in ("conv1", "conv2", "head"))
        a = first.forward(images, w1)
        b = np.where(a > 0, a, 0.2 * a)
        c = second.forward(b, w2)
        d, norm = self.batch_norm(c, "discriminator.bn2")
        e = np.where(d > 0, d, 0.2 * d)
        flat = e.reshape(len(e), -1)

        def backward(g):
            self.add("discriminator.head.weight", g[None, :] @ flat)
            g = np.outer(g, head[0]).reshape(e.shape)
            g = norm(np.where(d > 0, g, 0.2 * g))
            self.add("discriminator.conv2.weight", second.weight_gradient(b, g))
            g = second.input_gradient(g, w2)
            g = np.where(a > 0, g, 0.2 * g)
            self.add("discriminator.conv1.weight", first.weight_gradient(images, g))
            return first.input_gradient(g, w1)

        return flat @ head[0], backward


class Generator(Network):
    def forward(self, z):
        # A fractionally-strided convolution is the input gradient of a convolution, and the other way round.
        p, first, second = self.parameters, Convolve(2), Convolve(1)
        project, w1, w2 = (p[f"generator.{n}.weight"] for n in ("project", "deconv1", "deconv2"))
        a, norm0 = self.batch_norm(z @ project.T, "generator.bn0")
        b = np.maximum(a, 0).reshape(len(z), WIDTH, 4, 4)
        c, norm1 = self.batch_norm(first.input_gradient(b, w1), "generator.bn1")
        d = np.maximum(c, 0)
        images = np.tanh(second.input_gradient(d, w2))

        def backward(g):
            g = g * (1 - images**2)
            self.add("generator.deconv2.weight", second.weight_gradient(g, d))
            g = norm1(np.where(c > 0, second.forward(g, w2), 0))
            self.add("generator.deconv1.weight", first.weight_gradient(g, b))
            g = norm0(np.where(a > 0, first.forward(g, w1).reshape(len(z), -1), 0))
            self.add("generator.project.weight", g.T @ z)

        return images, backward


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Adam:
    def __init__(self, decay):
        self.decay, self.updates, self.moments = decay, 0, {}

    def step(self, network, rate):
        self.updates += 1
        for name, gradient in network.gradients.items():
            gradient = gradient + self.decay * network.parameters[name]
            first, second = self.moments.get(name, (0, 0))
            first = BETA1 * first + (1 - BETA1) * gradient
            second = BETA2 * second + (1 - BETA2) * gradient**2
            self.moments[name] = first, second
            network.parameters[name] = network.parameters[name] - rate * (first / (1 - BETA1**self.updates)) / (
                np.sqrt(second / (1 - BETA2**self.updates)) + EPSILON)
        network.gradients = {}


def train(schedule, rate=RATE, decay=DECAY, decay_steps=DECAY_STEPS, batches=-(-IMAGES // BATCH)):
    """@param batches  of an epoch, the last one short"""
    parameters, images = initial_parameters(), training_images()
    discriminator = Discriminator({n: v for n, v in parameters.items() if n.startswith("discriminator")})
    generator = Generator({n: v for n, v in parameters.items() if n.startswith("generator")})
    adam_d, adam_g = Adam(decay), Adam(decay)

    def rows(position):
        order = shuffled(IMAGES, derive_seed(SEED, "shuffle", position // batches))
        return order[position % batches * BATCH:][:BATCH]

    def update_discriminator(step, position, now):
        real = images[rows(position)]
        fake, _ = generator.forward(uniform_noise(len(real), derive_seed(SEED, "discriminator-noise", step)))
        for batch, wrong in ((real, -1), (fake, 1)):  # the mean of softplus(-logit) of real, softplus(logit) of fake
            logits, backward = discriminator.forward(batch)
            backward(wrong * sigmoid(wrong * logits) / len(logits))
        adam_d.step(discriminator, now)

    def update_generator(step, position, now):
        noise = uniform_noise(len(rows(position)), derive_seed(SEED, "generator-noise", step))
        fake, backward = generator.forward(noise)
        logits, to_images = discriminator.forward(fake)
        backward(to_images(-sigmoid(-logits) / len(logits)))
        discriminator.gradients = {}
        adam_g.step(generator, now)

    for step in range(STEPS):
        left = STEPS - step
        now = rate * (left / decay_steps if left < decay_steps else 1)
        if schedule == "alternating":  # a minibatch for the generator, which uses its size alone, then one for the other
            update_generator(step, 2 * step, now)
            update_discriminator(step, 2 * step + 1, now)
        else:
            update_discriminator(step, step, now)
            update_generator(step, step, now)
    return {**discriminator.parameters, **generator.parameters}


def check_gradients():
    """The gradients above against differences of the losses."""
    parameters = initial_parameters()
    discriminator, generator = Discriminator(parameters), Generator(parameters)
    noise = uniform_noise(3, 1)

    def loss():
        return np.log1p(np.exp(-discriminator.forward(generator.forward(noise)[0])[0])).mean()

    fake, backward = generator.forward(noise)
    logits, to_images = discriminator.forward(fake)
    backward(to_images(-sigmoid(-logits) / len(logits)))
    gradients = {**discriminator.gradients, **generator.gradients}
    for name, gradient in gradients.items():
        flat, h = parameters[name].reshape(-1), 1e-6
        for k in range(0, flat.size, max(1, flat.size // 5)):
            before = flat[k]
            flat[k] = before + h
            above = loss()
            flat[k] = before - h
            below = loss()
            flat[k] = before
            assert abs((above - below) / (2 * h) - gradient.reshape(-1)[k]) < 1e-7, (name, k)


def main():
    check_gradients()
    lines = ["# made by make_course.py"]
    for schedule in ("alternating", "both"):
        expected = train(schedule)

        def farthest(**changes):
            other = train(schedule, **changes)
            return max(np.abs(other[n] - expected[n]).max() for n in expected)

        for changes in ({"rate": 0.9 * RATE}, {"decay": 0}, {"decay_steps": 1}, {"batches": IMAGES // BATCH}):
            distance = farthest(**changes)
            print(schedule, changes, distance / TOLERANCE)
            assert distance > 100 * TOLERANCE, changes
        for name in SHAPES:
            lines.append(f"{schedule} {name} " + " ".join(f"{v:.7f}" for v in expected[name].reshape(-1)))
    pathlib.Path(__file__).with_name("course.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
