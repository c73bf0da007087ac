#!/usr/bin/env python3
"""Writes golden/explore/: a small model, images, noise and boxes, and of each subcommand of dcgan-explore the grid that it
must give, computed in float64 by dcgan_reference.py and explore_reference.py.

usage: DCGAN_BUILD=build/ci PYTHONPATH=~/.cache/libdcgan/python make_explore.py

The model is released/svhn-like as dcgan-convert writes it, with statistics of the twin: the generator's over 128 rows of
golden noise, the discriminator's over their images. What a subcommand draws by the seed (turn's samples, the random
kernels of filters) is taken from the program, and so guards the draws.
"""
import os
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy
from dcgan_reference import Discriminator, Generator, golden_noise, pool
from explore_reference import grid, guided, light, pixels, without
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
OUT = HERE / "explore"
SIDE, IMAGES = 32, 6

# Subcommand: the grid that is compared, and how it is called; names in braces are files of golden/explore, FEATURES.h5
# are those of images/. Of guided only the trained half is compared, the untrained network's being drawn.
CALLS = {
    "samples": ("samples.png", "--z {z.h5}"),
    "walk": ("walk.png", "--z {z.h5} --frames 7 --columns 4"),
    "arithmetic": ("arithmetic.png", "--z {z.h5} --a 0,1 --b 2,3 --c 4,5"),
    "turn": ("turn.png", "--z {z.h5} --from 0,1 --to 2,3 --count 2 --steps 3 --reach 0.7"),
    "filters": ("filters.png", "--columns 4 --scale 1"),
    "maps": ("maps.png", "{images/1.png} --strongest 3 --scale 1"),
    "guided": ("guided.png", "{images} --layer 2 --channels 1,3 --strongest 2 --scale 1"),
    "drop": ("drop-boxes.png", "--z {z.h5} --boxes {boxes.csv} --layer 1 --fresh 1"),
    "neighbours": ("neighbours.png", "{images/2.png} {images/4.png} --features FEATURES.h5 --images {images} -k 3"),
}


def words(command, out, features):
    """The whole call of a subcommand."""
    arguments = CALLS[command][1].replace("FEATURES.h5", str(features)).split()
    arguments = [str(OUT / word[1:-1]) if word.startswith("{") else word for word in arguments]
    return [command, "--model", str(OUT / "model.safetensors"), "--out", str(out), *arguments]


def rounded(statistics):
    """As float32 holds them."""
    return [None if used is None else tuple(v.astype(numpy.float32).astype(float) for v in used) for used in statistics]


def write_model(programs, generator, discriminator):
    """Returns the statistics of the layers of both networks. The generator's are over noise, the discriminator's over
    images of it."""
    z, of_generator = golden_noise(128, len(generator.project)), []
    generator.hidden(z, None, of_generator)
    of_generator = rounded(of_generator)
    of_discriminator = rounded(discriminator.average_statistics(generator.images(z, of_generator)))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.safetensors"
        subprocess.run([programs / "dcgan-convert", "released", HERE / "released/svhn-like", "-o", plain, "--statistics-from", OUT / "images"],
                       check=True, stdout=subprocess.DEVNULL)
        with safe_open(plain, framework="np") as file:
            metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    for network, first, all_of in (("generator", 0, of_generator), ("discriminator", 1, of_discriminator)):
        for number, used in enumerate(all_of, first):
            for kind, values in zip(("running_mean", "running_var"), used or ()):
                name = f"{network}.bn{number}.{kind}"
                assert tensors[name].shape == values.shape
                tensors[name] = values.astype(numpy.float32)
    save_file(tensors, OUT / "model.safetensors", metadata=metadata)
    return of_generator, of_discriminator


def drawn(programs, command, file, features):
    """Arrays that the program draws by its seed."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([programs / "dcgan-explore", *words(command, folder, features)], check=True, stdout=subprocess.DEVNULL)
        with h5py.File(Path(folder) / file) as content:
            return {name: array[:].astype(float) for name, array in content.items() if array.dtype.kind == "f"}


def boxes():
    """Half of each sample, so that the other half is what it is told from, whatever is drawn."""
    return [(i, *((16 * (i // 2 % 2), 0, 16, SIDE) if i % 2 else (0, 16 * (i // 2 % 2), SIDE, 16))) for i in range(IMAGES)]


def dropped(maps):
    """Channels with positive weight in a logistic regression on single places, by scikit-learn."""
    size = maps.shape[2]
    inside = numpy.zeros((len(maps), SIDE, SIDE), bool)
    for i, x, y, width, height in boxes():
        inside[i, y:y + height, x:x + width] = True
    places = inside[:, SIDE // size // 2::SIDE // size, SIDE // size // 2::SIDE // size].ravel()
    rows = maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    weights = LogisticRegression(C=1, solver="liblinear", tol=1e-10, max_iter=10000).fit(rows, places).coef_[0]
    print("drop: weights", numpy.round(weights, 3))
    return numpy.flatnonzero(weights > 0)


def framed(image, x, y, width, height):
    image = image.copy()
    for rows, columns in ((slice(y, y + height), [x, x + width - 1]), ([y, y + height - 1], slice(x, x + width))):
        image[rows, columns] = [255, 0, 0]
    return image


def main():
    programs = Path(os.environ["DCGAN_BUILD"]) / "tools"
    generator, discriminator = (twin(HERE / "released/svhn-like") for twin in (Generator, Discriminator))
    (OUT / "images").mkdir(parents=True, exist_ok=True)
    z = golden_noise(IMAGES, len(generator.project)).astype(numpy.float32).astype(float)
    with h5py.File(OUT / "z.h5", "w") as file:
        file["z"] = z.astype(numpy.float32)
    (OUT / "boxes.csv").write_text("sample,x,y,width,height\n" + "".join(",".join(map(str, box)) + "\n" for box in boxes()))
    # Photographs, for want of others: samples with the statistics of their own.
    photos = pixels(generator.images(z))
    for i, photo in enumerate(photos):
        Image.fromarray(photo.astype(numpy.uint8)).save(OUT / f"images/{i}.png", optimize=True)
    of_generator, of_discriminator = write_model(programs, generator, discriminator)

    def images(noise):
        return list(pixels(generator.images(numpy.asarray(noise, float), of_generator)))

    activations = discriminator.activations(photos.transpose(0, 3, 1, 2) / 127.5 - 1, of_discriminator)
    samples, grids = images(z), {}
    grids["samples"] = grid(samples, 3)
    places = numpy.linspace(0, IMAGES - 1, 7)
    grids["walk"] = grid(images(numpy.stack([numpy.interp(places, range(IMAGES), column) for column in z.T], axis=1)), 4)
    rows = [z[[i, i + 1]] for i in (0, 2, 4)]
    grids["arithmetic"] = grid([tile for row in rows for tile in (*images(row), None, *images([row.mean(axis=0)]), None)], 5)
    turned = drawn(programs, "turn", "turn.h5", None)["z"].reshape(2, 3, -1)
    axis = z[2:4].mean(axis=0) - z[:2].mean(axis=0)
    numpy.testing.assert_allclose(turned, turned[:, 1:2] + numpy.array([-0.7, 0, 0.7])[:, None] * axis, atol=1e-5)
    grids["turn"] = grid(images(turned.reshape(6, -1)), 3)
    kernels = [discriminator.layers[0][0][:, :, ::-1, ::-1], drawn(programs, "filters", "filters.h5", None)["random"]]
    scaled = [list(pixels(k / numpy.abs(k).max(axis=(1, 2, 3), keepdims=True))) for k in kernels]
    scaled = [k + [None] * (-len(k) % 4) for k in scaled]
    grids["filters"] = grid([tile for i in range(0, len(scaled[0]), 4) for tile in (*scaled[0][i:i + 4], None, *scaled[1][i:i + 4])], 9)
    lit = []
    for maps in activations:
        strongest = numpy.argsort(-maps[1].max(axis=(1, 2)), kind="stable")[:3]
        lit += [photos[1], *light(photos[1], maps[1][strongest])]
    grids["maps"] = grid(lit, 4)
    shown = []
    for channel in (1, 3):
        strongest = numpy.argsort(-activations[1].max(axis=(2, 3))[:, channel], kind="stable")[:2]
        gradients, _ = guided(discriminator, of_discriminator, photos[strongest], 2, channel)
        shown += list(pixels(gradients / numpy.abs(gradients).max(axis=(1, 2, 3), keepdims=True)))
    grids["guided"] = grid(shown, 2)
    after = without(generator, of_generator, 1, z, dropped(generator.hidden(z, of_generator)[1]))
    before = [framed(sample, *box[1:]) for sample, box in zip(samples, boxes())]
    grids["drop"] = grid([*before, None, None, None, *after, None, None], 17)
    rows = numpy.concatenate([pool(maps) for maps in activations], axis=1)
    found = []
    for query in (2, 4):
        nearest = numpy.argsort(numpy.linalg.norm(rows - rows[query], axis=1), kind="stable")[:3]
        found += [photos[query], None, *photos[nearest]]
    grids["neighbours"] = grid(found, 5)
    assert set(grids) == set(CALLS)
    for command, picture in grids.items():
        Image.fromarray(picture).save(OUT / f"{command}.png", optimize=True)


if __name__ == "__main__":
    main()
