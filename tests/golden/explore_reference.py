"""What dcgan-explore makes of networks, in float64 with NumPy alone: a twin beside dcgan_reference.py.

Statistics are those of each layer's batch norm, None where a layer has none.
"""

import numpy
from dcgan_reference import batch_norm, deconvolve


def pixels(images):
    """[N, 3, H, H] in [-1, 1] -> int [N, H, H, 3] of 0 to 255."""
    return numpy.clip(numpy.rint((images + 1) * 127.5), 0, 255).astype(int).transpose(0, 2, 3, 1)


def grid(tiles, columns):
    """Images int [N, H, W, 3] side by side with a white pixel between; None is a white place."""
    height, width = next(tile for tile in tiles if tile is not None).shape[:2]
    rows = (len(tiles) + columns - 1) // columns
    picture = numpy.full((rows * (height + 1) - 1, columns * (width + 1) - 1, 3), 255, numpy.uint8)
    for i, tile in enumerate(tiles):
        if tile is not None:
            y, x = i // columns * (height + 1), i % columns * (width + 1)
            picture[y:y + height, x:x + width] = tile
    return picture


def light(photo, maps):
    """An image [H, H, 3] under maps [N, size, size], as the pictures have them."""
    size = len(photo) // maps.shape[1]
    scaled = numpy.clip(maps, 0, None) / maps.max(axis=(1, 2), keepdims=True)
    light = 0.15 + 0.85 * scaled.repeat(size, axis=1).repeat(size, axis=2)
    return numpy.rint(light[..., None] * photo).astype(int)


def guided(discriminator, statistics, photos, layer, channel):
    """Guided backpropagation: down from the strongest response, past where activation or gradient is not positive.

    photos uint8 [N, H, H, 3]. Returns gradients [N, 3, H, H] and responses [N]."""
    activations = discriminator.activations(photos.transpose(0, 3, 1, 2) / 127.5 - 1, statistics)
    top = activations[layer - 1][:, channel].reshape(len(photos), -1)
    gradient = numpy.zeros_like(activations[layer - 1])
    gradient[:, channel].reshape(len(photos), -1)[range(len(photos)), top.argmax(axis=1)] = 1
    for maps, (weights, norm, stride), used in reversed(list(zip(activations, discriminator.layers, statistics))[:layer]):
        gradient = numpy.clip(gradient, 0, None) * (maps > 0)
        if norm:
            gradient = gradient * (norm[0] / numpy.sqrt(used[1] + 1e-8))[:, None, None]
        gradient = deconvolve(gradient, weights, stride)
    return gradient, top.max(axis=1)


def without(generator, statistics, layer, z, channels):
    """The generator's images, int [N, H, H, 3], with these maps of a hidden layer at 0."""
    h = generator.hidden(numpy.asarray(z, float), statistics)[layer].copy()
    h[:, channels] = 0
    for i, (weights, norm, stride) in list(enumerate(generator.layers))[layer:]:
        h = deconvolve(h, weights, stride)
        if norm is not None:
            h = numpy.maximum(batch_norm(h, *norm, statistics[i + 1]), 0)
    return pixels(numpy.tanh(h))
