#!/usr/bin/env python3
"""Copies a folder of images and damages some of the copies, each kind of damage several times at places drawn by a seed.

usage: damaged_corpus.py SOURCE OUT [--seed N] [--each N]

OUT/ has the images. Prints one JSON object: "damaged", path to kind, for files that no program can read rightly;
"unusual", path to kind, for files that are strange and whole, with the pixels of the original; "renamed", path to the
path that the image had; and "beside", kind to number, of files that are no inputs and are to be counted.
"""

import argparse
import io
import json
import os
import random
import shutil
import struct
import unicodedata
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

# Whole images under names that systems allow and programs stumble over, in place of the names that they had.
NAMES = {
    "a name in decomposed letters": lambda path: path.with_name(unicodedata.normalize("NFD", "\u00e9t\u00e9-" + path.name)),
    "a name with a line break": lambda path: path.with_name("a\nb-" + path.name),
    "a name with quotation marks, a comma and a tab": lambda path: path.with_name("\"it's\",\t" + path.name),
    "a name that looks like an option": lambda path: path.with_name("--" + path.name),
    "a name of 255 bytes": lambda path: path.with_name("x" * (255 - len(path.suffix)) + path.suffix),
    "an extension in capitals": lambda path: path.with_suffix(".JPEG"),
    "a folder in a folder": lambda path: path.parent / "deep" / "er" / path.name,
}
# Files beside the images that are no inputs. They are passed over and counted by kind; None: not even that.
BESIDE = {
    "a companion of macOS": ("._{name}", "image", "._*"),
    "a copy in __MACOSX": ("__MACOSX/{name}", "image", "__MACOSX"),
    "a checkpoint of Jupyter": (".ipynb_checkpoints/{name}", "image", ".ipynb_checkpoints"),
    "a thumbnail of a NAS": ("@eaDir/{name}/SYNOPHOTO_THUMB_M.jpg", "image", "@eaDir"),
    "a deleted image": (".Trash-1000/files/{name}", "image", ".Trash-1000"),
    "a deleted image of a NAS": ("#recycle/{name}", "image", "#recycle"),
    "what a check of the disk found": ("lost+found/{name}", "image", "lost+found"),
    "a hidden image": (".{name}", "image", "hidden"),
    "HEIC": ("IMG_1.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ".heic"),
    "AVIF": ("new.avif", b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", ".avif"),
    "JPEG XL": ("new.jxl", b"\xff\x0a", ".jxl"),
    "a camera's raw file": ("DSC_1.NEF", b"MM\0*", ".nef"),
    "an image without extension": ("scan", "image", "JPEG without extension"),
    "a backup of an image": ("{name}.bak", "image", "JPEG named .bak"),
    "HEIC without extension": ("IMG_2", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC without extension"),
    "an archive beside images": ("old.zip", b"", ".zip"),
    "a link to no folder": ("moved", "link", "broken links"),
    "a caption": ("{name}.txt", b"a caption", None),
    "what a desktop keeps": (".DS_Store", b"\0\0\0\1Bud1", None),
}


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def add_beside(out, images):
    """A file of each kind of BESIDE, each beside another image. Returns how many of each kind are to be counted."""
    counted = {}
    for (name, content, kind), image in zip(BESIDE.values(), images):
        path = out / image.parent / name.format(name=image.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == "link":
            path.symlink_to("nowhere")
        else:
            path.write_bytes((out / image).read_bytes() if content == "image" else content)
        if kind:
            counted[kind] = counted.get(kind, 0) + 1
    return counted


def damage_corpus(source, out, seed=1, each=1):
    source, out = Path(source), Path(out)
    shutil.copytree(source, out)
    paths = sorted(path.relative_to(source) for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    kinds = [(kind, change, group) for group, changes in (("damaged", DAMAGE), ("unusual", UNUSUAL))
             for kind, change in changes.items()] * each
    links = ["a link to nothing", "a pipe"] * each
    sample = random.Random(seed).sample(paths, len(kinds) + len(links) + len(NAMES) + len(BESIDE))
    chosen, others = sample[: len(kinds) + len(links)], sample[len(kinds) + len(links) :]
    report = {"damaged": {}, "unusual": {}, "renamed": {}, "beside": add_beside(out, others[len(NAMES) :])}
    for rename, path in zip(NAMES.values(), others):
        renamed = rename(path)
        (out / renamed).parent.mkdir(parents=True, exist_ok=True)
        (out / path).rename(out / renamed)
        report["renamed"][str(renamed)] = str(path)
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
