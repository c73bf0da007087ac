"""Plants near-duplicates in a packed file of 32x32 images and measures how many dcgan-prepare dedup finds.

usage: plant_duplicates.py plant IN.h5 OUT.h5 [--each N]     OUT: IN's images, then N copies of each kind of change
       plant_duplicates.py measure OUT.h5 LIST.tsv           recall of each kind, and what else was removed
       plant_duplicates.py difference-hash OUT.h5            the same for the baseline: equal 64-bit difference hashes

Copies stand behind all originals, under the name of the original and the kind. Changes: JPEG quality 90 and 75; the
centre enlarged by 3% and 6% (a crop of half a pixel and one pixel on each side); 8% brighter and 4 levels added;
shifted by half a pixel and by one pixel (of a photograph of 256 pixels: 4 and 8). Needs h5py, numpy and Pillow.
"""

import collections
import io
import sys

import h5py
import numpy
from PIL import Image


def jpeg(quality):
    def change(image):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "jpeg", quality=quality)
        return numpy.asarray(Image.open(file))

    return change


def moved(scale, shift):
    """Output pixel p shows p / scale + shift, bilinear, around the centre; edges are repeated."""

    def change(image):
        side = image.shape[0]
        centre = (side - 1) / 2
        edged = numpy.pad(image, ((4, 4), (4, 4), (0, 0)), mode="edge")
        offset = centre - centre / scale + 4
        affine = (1 / scale, 0, offset + shift + 0.5 - 0.5 / scale, 0, 1 / scale, offset + 0.5 - 0.5 / scale)
        picture = Image.fromarray(edged).transform((side, side), Image.Transform.AFFINE, affine,
                                                   Image.Resampling.BILINEAR)
        return numpy.asarray(picture)

    return change


def brighter(image):
    return numpy.clip(image * 1.08 + 4, 0, 255).astype(numpy.uint8)


KINDS = {"jpeg-90": jpeg(90), "jpeg-75": jpeg(75), "crop-3%": moved(1.03, 0), "crop-6%": moved(1.0667, 0),
         "brighter": brighter, "shift-0.5": moved(1, 0.5), "shift-1": moved(1, 1)}


def plant(source, output, each):
    with h5py.File(source) as old, h5py.File(output, "w") as new:
        images, paths = old["images"][:], old["paths"].asstr()[:]
        generator = numpy.random.default_rng(1)
        copies, names = [], []
        for kind, change in KINDS.items():
            for i in generator.choice(len(images), each, replace=False):
                copies.append(change(images[i]))
                names.append(f"{paths[i]}|{kind}")
        new["images"] = numpy.concatenate([images, copies])
        new["paths"] = numpy.array([*paths, *names], dtype=object)


def kind_of(path):
    return path.rpartition("|")[2] if "|" in path else None


def report(paths, duplicates):
    """duplicates: pairs (image that stays, image removed)."""
    planted = collections.Counter(filter(None, map(kind_of, paths)))
    found, others = collections.Counter(), []
    for kept, removed in duplicates:
        kind = kind_of(removed)
        if kind and kept == removed.rpartition("|")[0]:
            found[kind] += 1
        else:
            others.append((kept, removed))
    for kind, count in planted.items():
        print(f"{kind}: {found[kind] / count:.1%} of {count}")
    print(f"removed beside them: {len(others)}, of these copies of an image that stays under another name: "
          f"{sum(1 for _, r in others if kind_of(r))}")
    return others


def difference_hash(image):
    grey = Image.fromarray(image).convert("L").resize((9, 8), Image.Resampling.BOX)
    values = numpy.asarray(grey, dtype=int)
    return numpy.packbits(values[:, 1:] > values[:, :-1]).tobytes()


def main():
    job, source, *rest = sys.argv[1:]
    if job == "plant":
        plant(source, rest[0], int(rest[2]) if len(rest) > 2 else 1000)
        return
    with h5py.File(source) as file:
        paths, images = list(file["paths"].asstr()[:]), file["images"][:]
    if job == "measure":
        with open(rest[0], encoding="utf-8") as lines:
            pairs = [tuple(line.rstrip("\n").split("\t")) for line in lines]
    else:
        first, pairs = {}, []
        for path, image in zip(paths, images):
            kept = first.setdefault(difference_hash(image), path)
            if kept != path:
                pairs.append((kept, path))
    report(paths, pairs)


main()
