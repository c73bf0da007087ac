"""dcgan-eval compress and dcgan-extract --compress from outside: numpy's components beside ours, and who refuses what."""

import importlib.util
import json
import sys
import unittest
from pathlib import Path

import h5py
import numpy
from safetensors import safe_open

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/support"), str(SOURCE / "python")]
from programs import NARROW, ProgramTest, write_image_folder  # noqa: E402


def features_of(path):
    with h5py.File(path) as file:
        return file["features"][:].astype(float)


class Compress(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test, f = cls(), cls.folder
        for name, count, seed in (("train", 50, 1), ("test", 20, 2)):
            write_image_folder(f / name, count, seed=seed)
            test.run_program("dcgan-prepare", "folder", f / name, "-o", f / f"{name}.h5", "--size", 32)
        for name, seed in (("run", 1), ("other", 2)):
            test.run_program("dcgan-train", "--data", f / "train.h5", "--out", f / name, "--steps", 0, "--seed", seed, *NARROW)
        for name in ("train", "test"):
            test.extract(f"{name}.h5", f"{name}-features.h5")
        test.compress("pca.safetensors")

    def extract(self, images, output, *arguments, model="run", **options):
        return self.run_program("dcgan-extract", self.folder / images, "-o", self.folder / output, "--model",
                                self.folder / model, "--threads", 1, *arguments, **options)

    def compress(self, output, *arguments, features="train-features.h5", **options):
        return self.run_program("dcgan-eval", "compress", "--features", self.folder / features, "-o", self.folder / output,
                                "--dimensions", 6, "--passes", 8, *arguments, **options)

    def parts(self, name):
        with safe_open(self.folder / name, "numpy") as file:
            return file.get_tensor("weights").astype(float), file.get_tensor("offsets").astype(float), file.metadata()

    def refuses(self, name, *arguments, code, says):
        return self.assert_refuses(name, *arguments, code=code, says=says)

    def test_the_components_are_those_of_numpys_singular_values(self):
        rows = features_of(self.folder / "train-features.h5")
        deviations = rows.std(0, ddof=1)
        standardised = (rows - rows.mean(0)) / numpy.where(deviations > 0, deviations, numpy.inf)
        _, singular, directions = numpy.linalg.svd(standardised, full_matrices=False)
        weights, offsets, metadata = self.parts("pca.safetensors")
        found = rows @ weights.T + offsets
        expected = standardised @ directions[:6].T
        # The last of six may mix with the seventh, which the rows nearly have in equal measure.
        for k in range(4):
            sign = numpy.sign(found[:, k] @ expected[:, k])
            numpy.testing.assert_allclose(found[:, k], sign * expected[:, k], atol=0.02 * abs(expected[:, k]).max())
        kept = json.loads(metadata["record"])["kept-variance"]
        self.assertAlmostEqual(kept, (singular[:6] ** 2).sum() / (singular ** 2).sum(), delta=1e-3)

    def test_extraction_writes_the_components_of_the_features(self):
        self.extract("test.h5", "small.h5", "--compress", self.folder / "pca.safetensors")
        weights, offsets, _ = self.parts("pca.safetensors")
        expected = features_of(self.folder / "test-features.h5") @ weights.T + offsets
        found = features_of(self.folder / "small.h5")
        self.assertEqual(found.shape, (60, 6))
        numpy.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())
        facts = json.loads(self.run_program("dcgan-extract", "info", self.folder / "small.h5", "--json").stdout)
        self.assertEqual(facts["features"], 6)
        self.assertEqual(facts["preprocessing"]["compression"]["dimensions"], 6)
        verified = self.run_program("dcgan-extract", "verify", self.folder / "small.h5", "--threads", 1).stdout
        self.assertIn("32 extracted again", verified)
        self.extract("train.h5", "small-train.h5", "--compress", self.folder / "pca.safetensors")
        svm = ["dcgan-eval", "svm", "--train", self.folder / "small-train.h5", "--c", 1, "--test"]
        self.run_program(*svm, self.folder / "small.h5")
        self.refuses(*svm, self.folder / "test-features.h5", code=1, says=["896 features a row, expected 6"])

    @unittest.skipUnless(importlib.util.find_spec("torch"), "needs PyTorch")
    def test_in_pytorch_it_is_a_linear_layer_with_the_same_outputs(self):
        import torch
        from dcgan import networks

        self.extract("test.h5", "for-torch.h5", "--compress", self.folder / "pca.safetensors")
        layer = networks.load_compression(self.folder / "pca.safetensors")
        found = layer(torch.tensor(features_of(self.folder / "test-features.h5"), dtype=torch.float32))
        self.assertFalse(found.requires_grad)
        expected = features_of(self.folder / "for-torch.h5")
        numpy.testing.assert_allclose(found.numpy(), expected, atol=1e-4 * abs(expected).max())
        with self.assertRaisesRegex(ValueError, "no file of dcgan-eval compress"):
            networks.load_compression(self.folder / "run/model.safetensors")

    def test_whitened_rows_have_variance_one_and_equal_fits_equal_bytes(self):
        said = self.compress("white.safetensors", "--whiten").stdout
        self.assertIn("test on none of these", said)
        weights, offsets, metadata = self.parts("white.safetensors")
        rows = features_of(self.folder / "train-features.h5") @ weights.T + offsets
        numpy.testing.assert_allclose(numpy.cov(rows.T), numpy.eye(6), atol=1e-2)
        self.assertTrue(json.loads(metadata["record"])["whiten"])
        self.compress("again.safetensors", "--whiten", "--threads", 2)
        self.assertEqual((self.folder / "white.safetensors").read_bytes(), (self.folder / "again.safetensors").read_bytes())
        self.assertNotIn(bytes(self.folder), (self.folder / "white.safetensors").read_bytes(), "no path is in it")
        self.compress("seed.safetensors", "--whiten", "--seed", 3)
        self.assertNotEqual((self.folder / "white.safetensors").read_bytes(), (self.folder / "seed.safetensors").read_bytes())

    def test_rows_of_two_compressions_are_never_mixed(self):
        one, two = self.folder / "pca.safetensors", self.folder / "two.safetensors"
        self.compress("two.safetensors", "--whiten")
        for part in (0, 1):
            self.extract("test.h5", f"part-{part}.h5", "--shard", f"{part}/2", "--compress", (one, two)[part])
        merge = ["dcgan-extract", "merge", "-o", self.folder / "merged.h5", self.folder / "part-0.h5", self.folder / "part-1.h5"]
        self.refuses(*merge, code=1, says=["preprocessing"])
        self.extract("test.h5", "done.h5", "--compress", one)
        self.extract("test.h5", "done.h5", "--compress", one, "--resume")
        self.refuses("dcgan-extract", self.folder / "test.h5", "-o", self.folder / "done.h5", "--model", self.folder / "run",
                     "--compress", two, "--resume", code=1, says=["done.h5", "another --compress"])
        self.extract("train.h5", "fit-one.h5", "--compress", one)
        self.extract("test.h5", "test-two.h5", "--compress", two)
        self.refuses("dcgan-eval", "svm", "--train", self.folder / "fit-one.h5", "--test", self.folder / "test-two.h5", "--c", 1,
                     code=1, says=["test-two.h5", "compress"])

    def test_what_a_compression_was_not_fitted_to_is_refused(self):
        pca, output = self.folder / "pca.safetensors", self.folder / "refused.h5"
        base = ["dcgan-extract", self.folder / "test.h5", "-o", output, "--compress", pca, "--model"]
        self.refuses(*base, self.folder / "other", code=2, says=[pca, "the model"])
        self.refuses(*base, self.folder / "run", "--layers", 1, code=2, says=[pca, "layers"])
        self.refuses(*base, self.folder / "run", "--grid", 2, code=2, says=[pca, "grid"])
        self.refuses(*base, self.folder / "run", "--statistics-from", self.folder / "test.h5", code=2, says=[pca, "statistics"])
        self.assertFalse(output.exists() or Path(f"{output}.partial").exists())
        compress = ["dcgan-eval", "compress", "-o", self.folder / "new.safetensors", "--features"]
        self.refuses(*compress, self.folder / "train-features.h5", "--dimensions", 150, code=2,
                     says=["--dimensions is 150", "at most 149 for 150 rows of 896"])
        self.extract("train.h5", "compressed.h5", "--compress", pca)
        self.refuses(*compress, self.folder / "compressed.h5", code=1, says=["compressed.h5", "compressed already"])
        broken = self.folder / "broken.safetensors"
        broken.write_bytes(pca.read_bytes()[:-4])
        self.refuses(*base[:-3], "--compress", broken, "--model", self.folder / "run", code=1, says=[broken])


if __name__ == "__main__":
    unittest.main()
