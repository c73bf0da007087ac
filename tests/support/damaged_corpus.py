#!/usr/bin/env python3
"""Copies a folder of images and damages some of the copies, each kind of damage several times at places drawn by a seed.

usage: damaged_corpus.py SOURCE OUT [--seed N] [--each N]

OUT/ has the images. Prints one JSON object: "damaged", path to kind, for files that no program can read rightly;
"unusual", path to kind, for files that are strange and whole, with the pixels of the original; "warned", path to
kind, for files with damage that changes no pixel; "renamed", path to the
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
    header = jpeg.rindex(b"\xff\xda") + 2
    return header + struct.unpack(">H", jpeg[header : header + 2])[0]


def middle(jpeg):
    """Of the compressed data, not within a pair of bytes that belong together."""
    place = (scan(jpeg) + len(jpeg)) // 2
    while 0xFF in jpeg[place - 1 : place + 1]:
        place += 1
    return place


def noise(count):
    return bytes(random.Random(count).randrange(1, 200) for _ in range(count))


def with_surplus(jpeg, surplus):
    return jpeg[:-2] + surplus + b"\xff\xd9"


def with_scan_parameters(jpeg, parameters):
    """Ss, Se, and Ah and Al of the scan header; 0, 63 and 0 in a baseline JPEG."""
    return jpeg[: scan(jpeg) - 3] + bytes(parameters) + jpeg[scan(jpeg) :]


def with_jpeg_height(jpeg, height):
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">H", height) + jpeg[place + 2 :]


def with_adobe_transform(jpeg, transform):
    """An Adobe marker in place of JFIF's."""
    length = struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform]) + jpeg[4 + length :]


def with_wrong_checksum(png, kind):
    place = png.index(kind)
    length = struct.unpack(">I", png[place - 4 : place])[0]
    return changed_byte(png, place + 4 + length + 3)


def with_short_data(png):
    """The last rows are not among the compressed data, whose checksums are right."""
    place = png.index(b"IDAT")
    length = struct.unpack(">I", png[place - 4 : place])[0]
    rows = zlib.decompress(png[place + 4 : place + 4 + length])
    return png[: place - 4] + png_chunk(b"IDAT", zlib.compress(rows[: len(rows) // 2])) + png_chunk(b"IEND", b"")


def png_with(image, kind, data):
    """A PNG with a chunk of which the checksum is wrong, between header and data."""
    png = encoded(image, "PNG")
    return with_wrong_checksum(png[:33] + png_chunk(kind, data) + png[33:], kind)


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
    "foreign bytes in the scan": lambda image, jpeg: jpeg[: middle(jpeg)] + noise(500) + jpeg[middle(jpeg) :],
    "the half of the scan is zeros": lambda image, jpeg: jpeg[: middle(jpeg)] + bytes(len(jpeg) - middle(jpeg)) + b"\xff\xd9",
    "the half of the scan is another's": lambda image, jpeg: jpeg[: middle(jpeg)] + jpeg[scan(jpeg) : -2] + jpeg[middle(jpeg) :],
    "a code that is none": lambda image, jpeg: jpeg[: middle(jpeg)] + b"\xff\x00" * 8 + jpeg[middle(jpeg) :],
    "a frame that is too low": lambda image, jpeg: with_jpeg_height(jpeg, image.height // 2),
    "a frame that is too high": lambda image, jpeg: with_jpeg_height(jpeg, image.height * 2),
    "bytes between the tables": lambda image, jpeg: jpeg.replace(b"\xff\xda", noise(30) + b"\xff\xda", 1),
    "bytes within a table": lambda image, jpeg: jpeg[: jpeg.index(b"\xff\xdb") + 20] + noise(30)
    + jpeg[jpeg.index(b"\xff\xdb") + 20 :],
    "a table whose marker is lost": lambda image, jpeg: jpeg.replace(b"\xff\xdb", b"\x10\xdb", 1),
    "wrong checksum of a PNG's data": lambda image, jpeg: with_wrong_checksum(encoded(image, "PNG"), b"IDAT"),
    "wrong checksum of a PNG's header": lambda image, jpeg: with_wrong_checksum(encoded(image, "PNG"), b"IHDR"),
    "wrong checksum of a PNG's palette": lambda image, jpeg: with_wrong_checksum(
        encoded(image.quantize(64), "PNG"), b"PLTE"
    ),
    "a PNG's data too short": lambda image, jpeg: with_short_data(encoded(image, "PNG")),
    "PNG without its end": lambda image, jpeg: encoded(image, "PNG")[:-12],
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
# Damage that changes no pixel.
HARMLESS = {
    "scan parameters of a phone": lambda image, jpeg: with_scan_parameters(jpeg, (0, 0, 0)),
    "a scan of 62 coefficients": lambda image, jpeg: with_scan_parameters(jpeg, (0, 62, 0)),
    "a scan of approximated bits": lambda image, jpeg: with_scan_parameters(jpeg, (0, 63, 0x11)),
    "JFIF of another version": lambda image, jpeg: jpeg[:11] + b"\x09" + jpeg[12:],
    "an unknown colour transform": lambda image, jpeg: with_adobe_transform(jpeg, 7),
    "a surplus byte": lambda image, jpeg: with_surplus(jpeg, b"\x17"),
    "65 surplus bytes": lambda image, jpeg: with_surplus(jpeg, noise(65)),
    "1153 surplus bytes": lambda image, jpeg: with_surplus(jpeg, noise(1153)),
    "a text behind the scan": lambda image, jpeg: with_surplus(jpeg, b"Camera model 7, serial number 1234567"),
    "surplus with stuffed bytes": lambda image, jpeg: with_surplus(jpeg, b"\x12\xff\x00\x34\xff\x00"),
    "zeros behind the scan": lambda image, jpeg: with_surplus(jpeg, bytes(200)),
    "wrong checksum of a text": lambda image, jpeg: png_with(image, b"tEXt", b"Title\x00A picture"),
    "wrong checksum of a colour profile": lambda image, jpeg: png_with(
        image, b"iCCP", b"none\x00\x00" + zlib.compress(bytes(128))
    ),
    "wrong checksum of the gamma": lambda image, jpeg: png_with(image, b"gAMA", struct.pack(">I", 45455)),
    "wrong checksum of the pixels' size": lambda image, jpeg: png_with(image, b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    "wrong checksum of the time": lambda image, jpeg: png_with(image, b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5)),
    "wrong checksum of a private chunk": lambda image, jpeg: png_with(image, b"prVt", b"anything"),
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
    groups = {"damaged": DAMAGE, "unusual": UNUSUAL, "warned": HARMLESS}
    kinds = [(kind, change, group) for group, changes in groups.items() for kind, change in changes.items()] * each
    links = ["a link to nothing", "a pipe"] * each
    sample = random.Random(seed).sample(paths, len(kinds) + len(links) + len(NAMES) + len(BESIDE))
    chosen, others = sample[: len(kinds) + len(links)], sample[len(kinds) + len(links) :]
    report = {group: {} for group in groups}
    report |= {"renamed": {}, "beside": add_beside(out, others[len(NAMES) :])}
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
