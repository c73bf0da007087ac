"""An installed tree without libdcgan_train.so: everything but what LibTorch does works, and that says what is missing.
Then without libdcgan_images.so."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy
from programs import BUILD, SOURCE, ProgramTest, write_image_folder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "eval"))
from protocol_commands_test import write_textures  # noqa: E402

MODEL = "tiny-imagenet32-contrastive"  # the default
MISSING = "libdcgan_train.so"


class WithoutTraining(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = cls.folder / "installed"
        cls.install(cls.prefix, without=MISSING)
        cls.images = cls.folder / "images"
        write_image_folder(cls.images, 6)

    @staticmethod
    def install(prefix, without):
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, capture_output=True)
        for file in prefix.glob(f"lib*/{without}*"):
            file.unlink()

    def installed(self, name, *arguments, expect=0, prefix=None):
        command = [(prefix or self.prefix) / "bin" / name, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        self.assertEqual(result.returncode, expect, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
        return result

    def assert_says(self, result, *phrases):
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        for phrase in phrases:
            self.assertIn(phrase, errors[0])

    def rows(self, file):
        with h5py.File(self.folder / file) as features:
            return features["features"][:]

    def test_features_are_those_of_the_whole_installation_bit_for_bit(self):
        self.installed("dcgan-extract", self.images, "-o", self.folder / "small.h5")
        self.run_program("dcgan-extract", self.images, "-o", self.folder / "whole.h5")
        numpy.testing.assert_array_equal(self.rows("small.h5"), self.rows("whole.h5"))

    def test_statistics_are_inferred_for_features_and_for_models(self):
        self.installed("dcgan-extract", self.images, "-o", self.folder / "inferred.h5", "--statistics-from", self.images)
        model = self.folder / "inferred.safetensors"
        self.installed("dcgan-convert", "model", MODEL, "-o", model, "--statistics-from", self.images)
        self.installed("dcgan-extract", self.images, "-o", self.folder / "converted.h5", "--model", model)
        inferred, converted = self.rows("inferred.h5"), self.rows("converted.h5")
        self.assertGreater(numpy.ptp(inferred), 0)
        numpy.testing.assert_array_equal(inferred, converted)

    def test_what_only_libtorch_can_do_is_refused_in_one_sentence(self):
        out = self.folder / "refused.h5"
        for option in (["--precision", "bf16"], ["--device", "cuda"], ["--device", "cuda:1"]):
            with self.subTest(option=option):
                result = self.installed("dcgan-extract", self.images, "-o", out, *option, expect=1)
                self.assert_says(result, " ".join(option), MISSING)
                self.assertFalse(out.exists())

    def test_filters_are_drawn_and_what_runs_a_generator_is_refused_in_one_sentence(self):
        self.installed("dcgan-explore", "filters", "--model", MODEL, "--out", self.folder / "filters")
        self.assertTrue((self.folder / "filters/filters.png").exists())
        model = self.folder / "generator.safetensors"
        released = SOURCE / "tests/golden/released/svhn-like"
        self.installed("dcgan-convert", "released", released, "-o", model, "--statistics-from", self.images)
        result = self.installed("dcgan-explore", "walk", "--model", model, "--out", self.folder / "walk", expect=1)
        self.assert_says(result, "running a model's networks", MISSING)

    def test_near_duplicates_are_refused_in_one_sentence(self):
        self.installed("dcgan-prepare", "folder", self.images, "-o", self.folder / "packed.h5")
        result = self.installed("dcgan-prepare", "dedup", self.folder / "packed.h5", "-o", self.folder / "unique.h5", expect=1)
        self.assert_says(result, "dcgan-prepare dedup", MISSING)

    def test_a_table_has_every_other_row(self):
        data = self.folder / "textures"
        write_textures(data / "train", 24, seed=1)
        write_textures(data / "test", 6, seed=2)
        result = self.installed("dcgan-eval", "cifar10", "--data", data, "--per-class", 10, "--validation", 40,
                                "--selection-draws", 1, "--draws", 1, "--c-grid", "1e-2", "--model", MODEL, "--layers", 1,
                                "--all-labels-only", "--json")
        models = [row["model"] for row in json.loads(result.stdout)["measured"]]
        self.assertEqual(models, ["raw pixels", "DCGAN features + L2-SVM"])
        told = [line for line in result.stderr.splitlines() if MISSING in line]
        self.assertEqual(len(told), 1, result.stderr)
        self.assertIn("the untrained network needs LibTorch", told[0])

    def test_without_the_image_library_packed_images_are_read_and_pictures_refused_in_one_sentence(self):
        prefix = self.folder / "without-images"
        self.install(prefix, without="libdcgan_images")
        packed = self.folder / "to-read.h5"
        self.installed("dcgan-prepare", "folder", self.images, "-o", packed, "--size", 32)
        self.installed("dcgan-extract", packed, "-o", self.folder / "of-packed.h5", prefix=prefix)
        self.installed("dcgan-extract", packed, "-o", self.folder / "of-packed-too.h5")
        numpy.testing.assert_array_equal(self.rows("of-packed.h5"), self.rows("of-packed-too.h5"))
        result = self.installed("dcgan-extract", self.images, "-o", self.folder / "none.h5", expect=1, prefix=prefix)
        self.assert_says(result, "libdcgan_images.so")


if __name__ == "__main__":
    unittest.main()
