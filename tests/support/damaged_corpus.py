#!/usr/bin/env python3
"""Copies a folder of images and damages some of the copies, each kind of damage several times at places drawn by a seed.

usage: damaged_corpus.py SOURCE OUT [--seed N] [--each N]

OUT/ has the images. Prints one JSON object: "damaged", path to kind, for files that no program can read rightly, and
"unusual", path to kind, for files that are strange and whole, with the pixels of the original.
"""

import argparse
import io
import json
import os
import random
import shutil
import struct
import zlib
from pathlib import Path

from PIL import Image

# The largest image that is whole has fewer pixels than this; "too many pixels" has more.
MAX_PIXELS = 400_000


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_png_size(png, width, height):
    """The same PNG with another size in its header, checksum right."""
    return png[:8] + png_chunk(b"IHDR", struct.pack(">II", width, height) + png[24:29]) + png[33:]


def changed_byte(content, place):
    return content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :]


def frames(image, kind, **options):
    return encoded(image, kind, save_all=True, append_images=[image.rotate(180)], duration=100, **options)


def scan(jpeg):
    """Where the compressed data of a JPEG begin."""
    return jpeg.rindex(b"\xff\xda") + 2 + 12


# Each takes the image and its file's bytes as a JPEG and returns other bytes.
DAMAGE = {
    "empty": lambda image, jpeg: b"",
    "cut in the header": lambda image, jpeg: jpeg[:90],
    "cut in the middle": lambda image, jpeg: jpeg[: (scan(jpeg) + len(jpeg)) // 2],
    "without its last byte": lambda image, jpeg: jpeg[:-1],
    "ends early": lambda image, jpeg: jpeg[: (scan(jpeg) + len(jpeg)) // 2] + b"\xff\xd9",
    "a marker in the data": lambda image, jpeg: jpeg[: scan(jpeg) + 40] + b"\xff\xc4" + jpeg[scan(jpeg) + 42 :],
    "cut PNG": lambda image, jpeg: encoded(image, "PNG")[:-40],
    "changed byte in a PNG": lambda image, jpeg: changed_byte(encoded(image, "PNG"), 120),
    "PNG without rows": lambda image, jpeg: with_png_size(encoded(image, "PNG"), image.width, 0),
    "PNG that claims 60000 x 60000": lambda image, jpeg: with_png_size(encoded(image, "PNG"), 60_000, 60_000),
    "too many pixels": lambda image, jpeg: encoded(image.resize((800, 600)), "JPEG"),
    "cut WebP": lambda image, jpeg: encoded(image, "WEBP", lossless=True)[:-60],
    "cut GIF": lambda image, jpeg: encoded(image, "GIF")[:-60],
    "animation cut in its second frame": lambda image, jpeg: frames(image, "GIF")[:-60],
    "text": lambda image, jpeg: b"this was an image\n",
    "a page of a web server": lambda image, jpeg: b"<!DOCTYPE html><title>404 Not Found</title>" + jpeg[:500],
    "zeros": lambda image, jpeg: bytes(len(jpeg)),
}
UNUSUAL = {
    "animated WebP": lambda image, jpeg: frames(image, "WEBP", lossless=True),
    "animated PNG": lambda image, jpeg: frames(image, "PNG"),
    "PPM under a JPEG's name": lambda image, jpeg: encoded(image, "PPM"),
    "PNG under a JPEG's name": lambda image, jpeg: encoded(image, "PNG"),
    "BMP under a JPEG's name": lambda image, jpeg: encoded(image, "BMP"),
    "lossless WebP under a JPEG's name": lambda image, jpeg: encoded(image, "WEBP", lossless=True),
    "PNG on its side, EXIF orientation 6": lambda image, jpeg: encoded(
        image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=orientation(6)
    ),
    "EXIF that is nonsense": lambda image, jpeg: jpeg[:2] + b"\xff\xe1\x00\x10Exif\x00\x00MM\x00*\xff\xff\xff\xff" + jpeg[2:],
}


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def damage_corpus(source, out, seed=1, each=1):
    source, out = Path(source), Path(out)
    shutil.copytree(source, out)
    paths = sorted(path.relative_to(source) for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    kinds = [(kind, change, group) for group, changes in (("damaged", DAMAGE), ("unusual", UNUSUAL))
             for kind, change in changes.items()] * each
    links = ["a link to nothing", "a pipe"] * each
    chosen = random.Random(seed).sample(paths, len(kinds) + len(links))
    report = {"damaged": {}, "unusual": {}}
    for (kind, change, group), path in zip(kinds, chosen):
        original = (out / path).read_bytes()
        (out / path).write_bytes(change(Image.open(io.BytesIO(original)).convert("RGB"), original))
        report[group][str(path)] = kind
    for kind, path in zip(links, chosen[len(kinds) :]):
        (out / path).unlink()
        if kind == "a pipe":
            os.mkfifo(out / path)
        else:
            (out / path).symlink_to("nowhere.jpg")
        report["damaged"][str(path)] = kind
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=1)
    arguments = parser.parse_args()
    print(json.dumps(damage_corpus(arguments.source, arguments.out, arguments.seed, arguments.each), indent=1))


if __name__ == "__main__":
    main()
