"""dcgan-convert released and dcgan-extract against a float64 twin in NumPy, layer by layer, on images.

The small networks of golden/released/ stand in for the released ones; these run too where DCGAN_DATA_DIR names the folder
that holds released-weights/, svhn-part/ and cifar10/.
"""

import os
import random
import shutil
import sys
import unittest
from pathlib import Path

import h5py
import numpy
from PIL import Image
from programs import SOURCE, ProgramTest, draw
from safetensors.numpy import load_file

sys.path.insert(0, str(SOURCE / "tests/golden"))
from dcgan_reference import Discriminator  # noqa: E402 (found by the line above)

DATA = os.environ.get("DCGAN_DATA_DIR")
KINDS = ("discs", "squares", "stripes")


def read_images(files):
    """float64 [N, 3, 32, 32] in [-1, 1]"""
    pixels = numpy.stack([numpy.asarray(Image.open(f).convert("RGB")) for f in files])
    return pixels.transpose(0, 3, 1, 2) / 127.5 - 1


class Released(ProgramTest):
    def check(self, released, files, *arguments):
        """Converts `released` with the statistics of these image files in this order, extracts their features, and
        compares statistics and features with the reference: 1e-4 of each layer's largest value."""
        folder = self.folder / self._testMethodName
        images, model, output = folder / "images", folder / "model.safetensors", folder / "features.h5"
        images.mkdir(parents=True)
        names = [f"{i:03d}{Path(f).suffix}" for i, f in enumerate(files)]
        for name, file in zip(names, files):
            shutil.copy(file, images / name)
        (folder / "list.txt").write_text("".join(f"{n}\n" for n in names))
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # on a busy machine OpenMP's wait for each other in loops
        self.run_program("dcgan-convert", "released", released, "-o", model, "--statistics-from", images,
                         "--statistics-list", folder / "list.txt", *arguments, env=one_thread)
        self.run_program("dcgan-extract", images, "-o", output, "--model", model, env=one_thread)

        reference, pixels = Discriminator(released), read_images(files)
        statistics = reference.average_statistics(pixels)
        tensors = load_file(model)
        for number, layer in enumerate(statistics, 1):
            if layer is not None:
                for what, expected in zip(("mean", "var"), layer):
                    name = f"discriminator.bn{number}.running_{what}"
                    self.assert_near(name, tensors[name], expected)
        features = reference.features(pixels, statistics)
        with h5py.File(output) as file:
            offsets = file.attrs["layer_offsets"]
            self.assertEqual(len(offsets), len(features) + 1)
            for number, (begin, end, expected) in enumerate(zip(offsets, offsets[1:], features), 1):
                self.assert_near(f"layer {number}", file["features"][:, begin:end], expected)
        return tensors

    def assert_near(self, name, actual, expected):
        self.assertEqual(actual.shape, expected.shape, name)
        difference = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
        self.assertLess(difference, 1e-4, name)

    def drawn_files(self):
        """150 pictures: a whole minibatch and one of 22."""
        generator, folder = random.Random(5), self.folder / "drawn"
        folder.mkdir(exist_ok=True)
        files = [folder / f"{i}.png" for i in range(150)]
        for i, file in enumerate(files):
            if not file.exists():
                draw(KINDS[i % 3], generator, (32, 32)).save(file)
        return files

    def test_a_small_net_of_5x5_kernels(self):
        tensors = self.check(SOURCE / "tests/golden/released/svhn-like", self.drawn_files())
        self.assertIn("generator.deconv3.weight", tensors)

    def test_a_small_net_of_3x3_kernels(self):
        tensors = self.check(SOURCE / "tests/golden/released/imagenet32-like", self.drawn_files())
        self.assertIn("generator.deconv6.weight", tensors)

    def test_the_lower_convolutions_of_a_net_whose_upper_ones_are_missing(self):
        folder = self.folder / "missing"
        shutil.copytree(SOURCE / "tests/golden/released/imagenet32-like", folder)
        for name in ("discrim_params.jl_11", "discrim_params.jl_14", "gen_params.jl_04"):
            (folder / f"7_{name}.npy").unlink()
        tensors = self.check(folder, self.drawn_files(), "--partial")
        self.assertIn("discriminator.conv4.weight", tensors)
        self.assertFalse([n for n in tensors if n.startswith("generator.") or "5" in n or "head" in n])

    @unittest.skipUnless(DATA, "DCGAN_DATA_DIR is not set")
    def test_the_released_svhn_net_on_house_numbers(self):
        self.check(Path(DATA) / "released-weights/svhn", sorted(Path(DATA, "svhn-part").glob("*/*.webp"))[::33][:150])

    @unittest.skipUnless(DATA, "DCGAN_DATA_DIR is not set")
    def test_the_released_imagenet32_convolutions_on_cifar10(self):
        files = sorted(Path(DATA, "cifar10/test").glob("*/*.webp"))[::333][:30]
        self.check(Path(DATA) / "released-weights/imagenet32", files, "--partial")

