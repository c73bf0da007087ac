#!/usr/bin/env python3
"""Writes golden/keras/: discriminators of Keras as its users save them, and what Keras makes of two images. Needs
TensorFlow; the files are committed.

tutorial28.h5, .weights.h5  TensorFlow's DCGAN tutorial, 28x28 grey: whole, and weights only
example64.h5, .weights.h5   keras.io's DCGAN example, 64 pixels, with batch norm added and pixels scaled by a layer
tutorial28.keras, example64.keras  the same networks as Keras 3 saves them, from a session that has made others before, so
                            that their layers are "conv2d_2", ...; the first one compiled, with its optimiser's state
generator28.h5, .keras      the tutorial's generator: dense, norm of its units, reshape, transposed convolutions
generator64.h5              keras.io's generator: dense, reshape, transposed convolutions, a convolution that makes pixels
values.json                 of each the logits and the features (every convolution after norm and activation, adaptive
                            max-pooling to 4x4, flattened as C, H, W); of generators pixels [3, 5] of three samples

usage: make_keras.py
"""
import json
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # pylint: disable=wrong-import-position
import numpy as np  # pylint: disable=wrong-import-position
from keras import layers  # pylint: disable=wrong-import-position
from make_networks import IMAGES, golden_pixels, luma  # pylint: disable=wrong-import-position

OUT = Path(__file__).resolve().parent / "keras"


def tutorial28():
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(5, 5, strides=2, padding="same"), layers.LeakyReLU(), layers.Dropout(0.3),
        layers.Conv2D(9, 5, strides=2, padding="same"), layers.LeakyReLU(), layers.Dropout(0.3), layers.Flatten(),
        layers.Dense(1)])


def example64():
    return keras.Sequential([
        keras.Input((64, 64, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2), layers.Conv2D(6, 4, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.2), layers.Conv2D(8, 5, strides=2, padding="same"),
        layers.BatchNormalization(momentum=0.8), layers.LeakyReLU(negative_slope=0.2), layers.Flatten(),
        layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")])


def generator28():
    leaky, norm, up = layers.LeakyReLU, layers.BatchNormalization, layers.Conv2DTranspose
    return keras.Sequential([
        keras.Input((6,)), layers.Dense(7 * 7 * 8, use_bias=False), norm(), leaky(), layers.Reshape((7, 7, 8)),
        up(6, 5, strides=1, padding="same", use_bias=False), norm(momentum=0.8), leaky(),
        up(5, 5, strides=2, padding="same", use_bias=False), norm(), leaky(),
        up(1, 5, strides=2, padding="same", use_bias=False, activation="tanh")])


def generator64():
    leaky, up = layers.LeakyReLU, layers.Conv2DTranspose
    return keras.Sequential([
        keras.Input((6,)), layers.Dense(8 * 8 * 6), layers.Reshape((8, 8, 6)), up(5, 4, strides=2, padding="same"),
        leaky(negative_slope=0.2), layers.UpSampling2D(), layers.Conv2D(7, 3, padding="same"), layers.BatchNormalization(),
        layers.ReLU(), up(4, 4, strides=2, padding="same"), leaky(negative_slope=0.2),
        layers.Conv2D(3, 5, padding="same", activation="sigmoid")])


def train(model, seed):
    """Weights that keep the maps' spread, and statistics that are not those of a start."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for w in layer.weights:
            if w.name == "kernel":
                values.append(random.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape))
            elif w.name == "moving_variance":
                values.append(random.uniform(0.3, 2, w.shape))
            else:
                values.append(random.normal(1 if w.name == "gamma" else 0, 0.2, w.shape))
        if values:
            layer.set_weights(values)
    return model


def pooled(maps):
    """[N, H, W, C] to [N, C * 4 * 4] by PyTorch's adaptive max-pooling."""
    side = maps.shape[1]
    cells = [(i * side // 4, -(-(i + 1) * side // 4)) for i in range(4)]
    out = np.stack([np.stack([maps[:, a:b, c:d].max((1, 2)) for c, d in cells], -1) for a, b in cells], -2)
    return out.reshape(len(maps), -1)


def run(model, x):
    """Logits, and features: the output of each layer that another convolution, a dropout or a flatten follows."""
    features, h = [], x
    for i, layer in enumerate(model.layers):
        after = model.layers[i + 1] if i + 1 < len(model.layers) else None
        if isinstance(layer, layers.Dense):
            return (h @ np.array(layer.kernel) + np.array(layer.bias)).ravel(), np.concatenate(features, 1)
        h = np.array(layer(h))
        ends = isinstance(after, (layers.Conv2D, layers.Dropout, layers.Flatten))
        if h.ndim == 4 and ends and isinstance(layer, layers.LeakyReLU):
            features.append(pooled(h))
    raise AssertionError


def main():
    OUT.mkdir(exist_ok=True)
    values = {}
    for name, make, size, scaled in (("tutorial28", tutorial28, 28, True), ("example64", example64, 64, False)):
        keras.backend.clear_session()
        model = train(make(), len(name))
        model.save(OUT / f"{name}.h5")
        model.save_weights(OUT / f"{name}.weights.h5")
        x = (luma if size == 28 else np.asarray)(golden_pixels(size)).astype(np.float32)
        logits, features = run(model, x / 127.5 - 1 if scaled else x)
        values[name] = {"size": size, "logits": [float(f"{v:.9g}") for v in logits],
                        "features": [float(f"{v:.9g}") for v in features.ravel()]}
        print(name, features.shape, logits)
    for name, make in (("tutorial28", tutorial28), ("example64", example64)):
        model = train(make(), len(name))
        if name == "tutorial28":
            model.compile(optimizer="adam", loss="binary_crossentropy")
            model.optimizer.build(model.trainable_variables)
        model.save(OUT / f"{name}.keras")
    noise = np.sin(np.arange(3 * 6)).reshape(3, 6)
    for name, make in (("generator28", generator28), ("generator64", generator64)):
        model = train(make(), len(name))
        model.save(OUT / f"{name}.h5")
        if name == "generator28":
            model.save(OUT / f"{name}.keras")
        values[name] = {"samples": [float(f"{v:.9g}") for v in np.array(model(noise))[:, 3, 5].ravel()]}
        print(name, model.output_shape, values[name])
    (OUT / "values.json").write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    assert IMAGES == 2
    main()
