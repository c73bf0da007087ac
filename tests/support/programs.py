"""Runs the project's programs and makes small inputs for them with Pillow and numpy."""

import os
import random
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from PIL import Image, ImageDraw

BUILD = Path(os.environ.get("DCGAN_BUILD", "build/ci")).resolve()
SOURCE = Path(__file__).resolve().parents[2]
SANITIZED = bool(os.environ.get("DCGAN_SANITIZE"))

# A net that trains in a second: 32x32 like the paper's, but a few channels wide.
NARROW = ["--ndf", 4, "--ngf", 4, "--nz", 8, "--batch-size", 16, "--threads", 1]


def program(name):
    return str(BUILD / "tools" / name)


class ProgramTest(unittest.TestCase):
    """A scratch folder per class; run_program() checks the exit code and shows what was said if it differs."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="dcgan-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def run_program(self, name, *arguments, expect=0, **options):
        command = [program(name), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, **options)
        self.assertEqual(result.returncode, expect, f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return result

    def assert_refuses(self, name, *arguments, code, says, **options):
        """The program ends with `code`, and with one line of error that holds every phrase of `says`."""
        result = self.run_program(name, *arguments, expect=code, **options)
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        for phrase in says:
            self.assertIn(str(phrase), errors[0])
        return errors[0]


def draw(kind, generator, size):
    """A picture of one kind ("discs", "squares", "stripes"), light on dark, in random colours at a random place."""

    def colour(low, high):
        return tuple(generator.randrange(low, high) for _ in range(3))

    picture, ink = Image.new("RGB", size, colour(0, 90)), colour(160, 256)
    pen = ImageDraw.Draw(picture)
    width, height = size
    if kind == "stripes":
        step = generator.randrange(4, 7)
        for x in range(-height, width, 2 * step):
            pen.line([(x, 0), (x + height, height)], fill=ink, width=step)
    else:
        side = generator.randrange(12, 24)
        x, y = generator.randrange(width - side), generator.randrange(height - side)
        (pen.ellipse if kind == "discs" else pen.rectangle)([x, y, x + side, y + side], fill=ink)
    return picture


def write_image_folder(folder, per_class, seed=1, kinds=("discs", "squares", "stripes")):
    """folder/KIND/NNN.{png,jpg}, PNG and JPEG by turns, in two sizes that are not square. Returns the paths."""
    generator = random.Random(seed)
    paths = []
    for kind in kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            size = (40, 34) if i % 4 < 2 else (33, 47)
            path = folder / kind / f"{i:03d}.{'png' if i % 2 else 'jpg'}"
            draw(kind, generator, size).save(path, quality=95)
            paths.append(f"{kind}/{path.name}")
    return sorted(paths)
