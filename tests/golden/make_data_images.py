#!/usr/bin/env python3
"""Writes golden/data/images/: one small picture in many formats, with the RGB pixels it must decode to.

Writer and reference decoder are Pillow; what Pillow cannot write (16-bit colour and interlaced PNG) is written here from
the PNG specification. NAME.rgb holds height, width (one byte each) and the pixels, uint8 [H, W, 3].
Run with Pillow 10 or later, numpy and tiffcp of libtiff-tools; the results are committed, since other versions of the codecs give other bytes.
"""
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).parent / "data" / "images"
HEIGHT, WIDTH = 16, 24
ORIENTATION = 0x0112


def picture():
    """Smooth, without any symmetry, with a bright corner: every wrong turn, mirror or channel order shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([x * 10, y * 15, (x + 2 * y) * 4], axis=-1).astype(np.uint8)
    rgb[:4, :4] = (250, 240, 200)
    return rgb


def keep(name, rgb):
    rgb = np.ascontiguousarray(rgb, dtype=np.uint8)
    (OUT / (name + ".rgb")).write_bytes(bytes(rgb.shape[:2]) + rgb.tobytes())


def save(name, image, expected=None, **options):
    image.save(OUT / name, **options)
    if expected is None:
        expected = np.asarray(ImageOps.exif_transpose(Image.open(OUT / name)).convert("RGB"))
    keep(name, expected)


def exif(orientation):
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(name, samples, interlaced=False, extra=b""):
    """samples: uint8 or uint16 [H, W, C], C = 1 or 3. PNG specification (W3C, 2003), sections 8.2 and 11.2."""
    depth = samples.dtype.itemsize * 8
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b""
    for first_y, first_x, step_y, step_x in passes if interlaced else [(0, 0, 1, 1)]:
        for row in samples[first_y::step_y, first_x::step_x]:
            if row.size:
                rows += b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes()
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if channels == 3 else 0, 0, 0, int(interlaced))
    (OUT / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
                             + chunk(b"IEND", b""))


def write_pnm(name, header, samples, gap=" "):
    """The kinds in ASCII, as netpbm's manual pages describe them; Pillow reads them."""
    (OUT / name).write_text(header + "\n".join(gap.join(str(int(v)) for v in row.reshape(-1)) for row in samples) + "\n")
    keep(name, np.asarray(Image.open(OUT / name).convert("RGB")))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rgb = picture()
    image = Image.fromarray(rgb)
    grey = image.convert("L")
    alpha = Image.fromarray(np.tile(np.arange(WIDTH, dtype=np.uint8) * 10, (HEIGHT, 1)))
    rgba = image.copy()
    rgba.putalpha(alpha)
    grey_alpha = Image.merge("LA", (grey, alpha))
    grey_rgb = np.asarray(grey.convert("RGB"))

    save("rgb.jpg", image, quality=95, subsampling=0)
    save("subsampled.jpg", image, quality=85, subsampling=2)
    save("progressive.jpg", image, quality=90, progressive=True)
    y, x = np.mgrid[0:64, 0:96]
    blocks = (x * 2 + y + 30 * ((x // 12 + y // 9) % 2)).astype(np.uint8)
    save("grey_progressive.jpg", Image.fromarray(blocks), quality=60, progressive=True)
    save("restarts.jpg", image, quality=90, restart_marker_blocks=1)
    save("grey.jpg", grey, quality=95)
    save("cmyk.jpg", image.convert("CMYK"), quality=95)
    for orientation in range(2, 9):
        save(f"orientation{orientation}.jpg", image, quality=90, exif=exif(orientation))

    save("rgb.png", image, rgb)
    save("grey.png", grey, grey_rgb)
    save("grey_alpha.png", grey_alpha, grey_rgb)
    save("rgba.png", rgba, rgb)
    save("palette.png", image.quantize(16))
    save("palette_transparent.png", image.quantize(16), transparency=0)
    save("one_bit.png", grey.point(lambda v: 255 * (v > 100)).convert("1"))
    save("orientation6.png", image, exif=exif(6))
    wide = rgb.astype(np.uint16) * 256 + rgb[::-1]
    scaled = np.round(wide / 257.0)
    write_png("sixteen_bits.png", wide)
    keep("sixteen_bits.png", scaled)
    write_png("sixteen_bits_grey.png", wide[:, :, :1])
    keep("sixteen_bits_grey.png", np.repeat(scaled[:, :, :1], 3, axis=2))
    write_png("interlaced.png", rgb, interlaced=True)
    keep("interlaced.png", rgb)

    save("lossless.webp", image, rgb, lossless=True)
    save("lossy.webp", image, quality=80)
    save("rgba.webp", rgba, rgb, lossless=True, exact=True)
    save("orientation8.webp", image, lossless=True, exif=exif(8))

    save("rgb.bmp", image, rgb)
    save("grey.bmp", grey, grey_rgb)
    save("palette.bmp", image.quantize(16))
    save("one_bit.bmp", grey.point(lambda v: 255 * (v > 100)).convert("1"))

    save("rgb.tif", image, rgb)
    save("lzw.tif", image, rgb, compression="tiff_lzw")
    save("deflate.tif", image, rgb, compression="tiff_adobe_deflate")
    save("grey.tif", grey, grey_rgb)
    save("rgba.tif", rgba, rgb)
    save("palette.tif", image.quantize(16))
    save("sixteen_bits_grey.tif", Image.fromarray(wide[:, :, 0]), np.repeat(scaled[:, :, :1], 3, axis=2))
    for orientation in range(2, 9):
        save(f"orientation{orientation}.tif", image, tiffinfo={ORIENTATION: orientation})

    # 12 bits in 16: PNG's sBIT and TIFF's MaxSampleValue (281) say so, or nobody does; BigTIFF by libtiff's tiffcp -8.
    twelve = wide // 16
    bright, dark = np.round(twelve * (255 / 4095)), np.round(twelve / 257)
    write_png("twelve_bits.png", twelve, extra=chunk(b"sBIT", bytes([12, 12, 12])))
    keep("twelve_bits.png", bright)
    write_png("twelve_bits_scaled.png", twelve * 16 + twelve // 256, extra=chunk(b"sBIT", bytes([12, 12, 12])))
    keep("twelve_bits_scaled.png", np.round((twelve * 16 + twelve // 256) / 257))
    write_png("dark.png", twelve)
    keep("dark.png", dark)
    grey_twelve = Image.fromarray(twelve[:, :, 0])
    save("twelve_bits.tif", grey_twelve, np.repeat(bright[:, :, :1], 3, axis=2), tiffinfo={281: 4095})
    save("dark.tif", grey_twelve, np.repeat(dark[:, :, :1], 3, axis=2))
    for name, options in (("big.tif", []), ("big_tiled.tif", ["-t", "-w", "16", "-l", "16", "-c", "lzw"]), ("big_endian.tif", ["-B"])):
        subprocess.run(["tiffcp", "-8", *options, OUT / "rgb.tif", OUT / name], check=True)
        keep(name, rgb)

    save("rgb.gif", image.quantize(16))
    save("interlaced.gif", image.quantize(16), interlace=1)
    save("grey.gif", grey)
    save("transparent.gif", image.quantize(16), transparency=3)

    save("rgb.ppm", image, rgb)
    save("grey.pgm", grey, grey_rgb)
    save("one_bit.pbm", grey.point(lambda v: 255 * (v > 100)).convert("1"))
    sixteenths = np.asarray(grey) // 16
    write_pnm("ascii.ppm", "P3\n# a comment\n24 16\n255\n", rgb)
    write_pnm("ascii_15.pgm", "P2 24 16 15\n", sixteenths)
    write_pnm("ascii.pbm", "P1 24 16\n", np.asarray(grey) > 100, gap="")
    for name, header, samples, expected in (
            ("largest_15.pgm", "P5 24 16 15\n", sixteenths, sixteenths * 17),
            ("sixteen_bits.ppm", "P6\n24 16\n65535\n", wide.astype(">u2"), scaled),
            ("largest_4095.pgm", "P5\n24 16\n4095\n", (wide[:, :, 0] // 16).astype(">u2"),
             np.round(wide[:, :, 0] // 16 * 255.0 / 4095))):
        (OUT / name).write_bytes(header.encode() + samples.tobytes())
        keep(name, expected if expected.ndim == 3 else np.repeat(expected[:, :, None], 3, axis=2))

    frames = [Image.fromarray(np.roll(rgb, shift, axis=1)) for shift in (0, 5)]
    save("animated.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)
    save("animated.png", frames[0], save_all=True, append_images=frames[1:])
    save("animated.gif", frames[0], save_all=True, append_images=frames[1:])


if __name__ == "__main__":
    main()
