"""dcgan-prepare svhn and dcgan-eval svhn on files written by scipy."""

import sys
import unittest
from pathlib import Path

import h5py
import numpy
from scipy.io import savemat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import NARROW, ProgramTest  # noqa: E402


def digits(count, seed=1):
    """Images whose brightness tells the digit, as official files hold them: X [32, 32, 3, N], y [N, 1]."""
    generator = numpy.random.default_rng(seed)
    labels = numpy.arange(count) % 10
    images = generator.integers(0, 40, (32, 32, 3, count)) + 20 * labels
    return images.astype(numpy.uint8), numpy.where(labels == 0, 10, labels).astype(numpy.uint8)[:, None]


class SvhnMat(ProgramTest):
    def pack(self, variables, expect=0, compressed=True, split="test", **options):
        folder = self.folder / self.id().split(".")[-1]
        folder.mkdir(exist_ok=True)
        path = folder / f"{split}_32x32.mat"
        savemat(path, variables, do_compression=compressed)
        arguments = ["svhn", "--data", folder, "--split", split, "-o", folder / "out.h5", "--overwrite"]
        if expect:
            return self.assert_refuses("dcgan-prepare", *arguments, code=expect, says=[path, *options["says"]])
        self.run_program("dcgan-prepare", *arguments)
        return folder / "out.h5"

    def test_packed_images_are_scipys(self):
        images, labels = digits(50)
        for compressed in (True, False):
            for y in (labels.T, *(labels.astype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)),
                      labels.astype("f4"), labels.astype("f8")):
                with h5py.File(self.pack({"y": y, "X": images}, compressed=compressed)) as packed:
                    numpy.testing.assert_array_equal(packed["images"][:], images.transpose(3, 0, 1, 2))
                    numpy.testing.assert_array_equal(packed["labels"][:], labels[:, 0] % 10)
                    self.assertEqual(list(packed["classes"].asstr()), list("0123456789"))
                    self.assertEqual(packed["paths"].asstr()[49], "test_32x32/000049")

    def test_other_variables_and_shapes_are_named(self):
        images, labels = digits(20)
        wrong = labels.copy()
        wrong[7] = 11
        for variables, says in (
            ({"X": images}, ["has no variable y, only X"]),
            ({"a": 1, "b": 2}, ["has no variable X, only a, b"]),
            ({"X": images.astype(float), "y": labels}, ["X is double 32x32x3x20, expected uint8 32x32x3xN"]),
            ({"X": images[:28, :28], "y": labels}, ["X is uint8 28x28x3x20"]),
            ({"X": images.transpose(3, 0, 1, 2), "y": labels}, ["X is uint8 20x32x32x3"]),
            ({"X": images, "y": labels[:19]}, ["y has 19 labels", "20 images"]),
            ({"X": images, "y": labels.reshape(4, 5)}, ["y is uint8 4x5"]),
            ({"X": images, "y": "text"}, ["y is char"]),
            ({"X": images, "y": wrong}, ["y(8) is 11", "1 to 10"]),
        ):
            self.pack(variables, expect=1, says=says)

    def test_hdf5_and_missing_files_are_named(self):
        folder = self.folder / "hdf5"
        folder.mkdir()
        arguments = ["svhn", "--data", folder, "-o", self.folder / "none.h5"]
        self.assert_refuses("dcgan-prepare", *arguments, code=1, says=[folder / "train_32x32.mat", "cannot be opened"])
        with h5py.File(folder / "train_32x32.mat", "w", userblock_size=512) as file:
            file["X"] = digits(3)[0]
        with open(folder / "train_32x32.mat", "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
        self.assert_refuses("dcgan-prepare", *arguments, code=1, says=["MATLAB 7.3", "version 5"])

    def test_the_protocol_runs_on_official_files(self):
        folder = self.folder / "svhn"
        folder.mkdir()
        for split, count, seed in (("train", 300, 1), ("test", 60, 2)):
            images, labels = digits(count, seed)
            savemat(folder / f"{split}_32x32.mat", {"X": images, "y": labels}, do_compression=True)
        packed = self.folder / "train.h5"
        self.run_program("dcgan-prepare", "svhn", "--data", folder, "-o", packed)
        self.run_program("dcgan-train", "--data", packed, "--out", self.folder / "run", "--steps", 0, *NARROW)
        table = self.run_program("dcgan-eval", "svhn", "--data", folder, "--model", self.folder / "run/model.safetensors",
                                 "--per-class", 10, "--selection-draws", 1, "--draws", 2).stdout
        self.assertIn("raw pixels", table)
        self.assertIn("22.48%", table)
        self.assertIn("tested on 60", table)


if __name__ == "__main__":
    unittest.main()
