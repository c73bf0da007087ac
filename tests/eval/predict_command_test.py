"""dcgan-eval svm --save and dcgan-eval predict from outside: from photographs to their classes."""

import json
import sys
import unittest
from pathlib import Path

import h5py
import numpy
from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import ProgramTest, write_image_folder  # noqa: E402

LAYERS = ["--layers", "1,2,3"]


class PredictCommand(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test, folder = cls(), cls.folder
        for name, count, seed in (("train", 24, 1), ("test", 8, 2)):
            write_image_folder(folder / name, count, seed)
            test.run_program("dcgan-extract", folder / name, "-o", folder / f"{name}.h5", *LAYERS)
        cls.machine = folder / "machines/shapes.safetensors"  # in a folder that is made
        cls.report = json.loads(test.fit(cls.machine).stdout)

    def fit(self, path, *arguments, train=None):
        return self.run_program("dcgan-eval", "svm", "--train", train or self.folder / "train.h5", "--test",
                                self.folder / "test.h5", "--c", "1e-3", "--save", path, "--json", *arguments)

    def predict(self, *arguments, expect=0):
        return self.run_program("dcgan-eval", "predict", "--classifier", self.machine, *arguments, expect=expect)

    def test_images_and_their_features_get_the_classes_and_the_accuracy_that_svm_reported(self):
        images = self.predict(self.folder / "test")
        rows = self.predict(self.folder / "test.h5")
        self.assertEqual(images.stdout, rows.stdout)
        self.assertEqual(len(images.stdout.splitlines()), 24)
        self.assertIn(f"{100 * self.report['accuracy']:.2f}% of 24 labelled inputs", images.stderr)
        self.assertGreater(self.report["accuracy"], 0.6)

    def test_scores_are_those_that_the_tensors_of_the_file_give(self):
        with safe_open(self.machine, "np") as file:
            weights, biases = file.get_tensor("weights"), file.get_tensor("biases")
            classes = json.loads(file.metadata()["classes"])
        with h5py.File(self.folder / "test.h5") as file:
            scores = file["features"][:].astype(float) @ weights.T.astype(float) + biases
            paths = [path.decode() for path in file["paths"][:]]
        report = json.loads(self.predict(self.folder / "test.h5", "--top", 2, "--json").stdout)
        self.assertEqual([row["path"] for row in report["rows"]], paths)
        self.assertEqual(report["accuracy"], self.report["accuracy"])
        for row, expected in zip(report["rows"], scores):
            order = numpy.argsort(-expected)[:2]
            self.assertEqual([best["class"] for best in row["best"]], [classes[k] for k in order])
            numpy.testing.assert_allclose([best["score"] for best in row["best"]], expected[order], rtol=1e-4, atol=1e-4)

    def test_a_broken_image_is_named_and_the_others_get_their_class(self):
        mixed = self.folder / "mixed"
        mixed.mkdir()
        whole = (self.folder / "test/discs/000.jpg").read_bytes()
        (mixed / "whole.jpg").write_bytes(whole)
        (mixed / "broken.jpg").write_bytes(whole[:-300])
        result = self.predict(mixed, expect=3)
        self.assertEqual([line.split("\t")[0] for line in result.stdout.splitlines()], ["whole.jpg"])
        self.assertIn("broken.jpg: damaged or truncated JPEG", result.stderr)
        small = self.predict(mixed, "--max-pixels", 100, expect=3)
        self.assertIn("whole.jpg: 40x34 is larger than --max-pixels 100", small.stderr)

    def test_equal_fits_give_equal_files_and_none_is_overwritten_unasked(self):
        again = self.folder / "again.safetensors"
        self.fit(again)
        self.assertEqual(again.read_bytes(), self.machine.read_bytes())
        self.assert_refuses("dcgan-eval", "svm", "--train", self.folder / "train.h5", "--test", self.folder / "test.h5",
                            "--c", "1", "--save", again, code=1, says=[again, "exists", "--overwrite"])
        self.fit(again, "--overwrite", "--seed", 7)
        with safe_open(again, "np") as file:
            self.assertEqual(json.loads(file.metadata()["record"])["seed"], 7)

    def test_features_of_another_model_or_preparation_are_refused(self):
        other = self.folder / "other.h5"
        for arguments, says in ((["--model", "tiny-imagenet32"], "the model is"), (["--grid", 2], "the grid is 2, expected 4"),
                                (["--resize", "area"], "the preprocessing is")):
            self.run_program("dcgan-extract", self.folder / "test", "-o", other, "--overwrite", *LAYERS, *arguments)
            self.assert_refuses("dcgan-eval", "predict", other, "--classifier", self.machine, code=1, says=[other, says])
        self.assert_refuses("dcgan-eval", "predict", self.folder / "test", "--classifier", self.machine, "--model",
                            "tiny-imagenet32", code=1, says=["the extractor: the model is"])

    def test_a_machine_of_compressed_features_takes_images_and_the_compression(self):
        pca, machine = self.folder / "pca.safetensors", self.folder / "small.safetensors"
        self.run_program("dcgan-eval", "compress", "--features", self.folder / "train.h5", "--dimensions", 8, "-o", pca)
        for name in ("train", "test"):
            self.run_program("dcgan-extract", self.folder / name, "-o", self.folder / f"{name}-small.h5", *LAYERS, "--compress", pca)
        small = self.folder / "test-small.h5"
        self.run_program("dcgan-eval", "svm", "--train", self.folder / "train-small.h5", "--test", small, "--c", 1, "--save", machine)
        predict = ["dcgan-eval", "predict", self.folder / "test", "--classifier", machine]
        of_rows = self.run_program(*predict[:2], small, *predict[3:]).stdout
        self.assertEqual(self.run_program(*predict, "--compress", pca).stdout, of_rows)
        self.assert_refuses(*predict, code=2, says=["--compress is missing", machine])
        other = self.folder / "other.safetensors"
        self.run_program("dcgan-eval", "compress", "--features", self.folder / "train.h5", "--dimensions", 8, "--whiten", "-o", other)
        self.assert_refuses(*predict, "--compress", other, code=1, says=["the extractor: the preprocessing is"])

    def test_what_is_no_machine_is_refused_by_name(self):
        self.assert_refuses("dcgan-eval", "predict", self.folder / "test", "--classifier", self.folder / "test.h5",
                            code=1, says=[self.folder / "test.h5"])
        self.assert_refuses("dcgan-eval", "predict", self.folder / "test", code=2, says=["--classifier is missing"])
        self.assert_refuses("dcgan-eval", "predict", "--classifier", self.machine, code=2, says=["no INPUTS given"])
        self.assert_refuses("dcgan-eval", "predict", "x.png", "--classifier", self.machine, "--top", 0, code=2,
                            says=["--top is 0; it must be 1 or more"])


if __name__ == "__main__":
    unittest.main()
