"""dcgan-eval knn against a search of every distance in NumPy."""

import json

import h5py
import numpy
from programs import ProgramTest


class Knn(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random = numpy.random.default_rng(3)
        centres = random.normal(size=(3, 20))
        cls.sets = {}
        for name, count in (("train", 60), ("test", 40)):
            labels = random.integers(0, 3, count)
            rows = (centres[labels] + 1.2 * random.normal(size=(count, 20))) * random.uniform(0.3, 3, (count, 1))
            cls.sets[name] = rows.astype(numpy.float32), labels
            with h5py.File(cls.folder / f"{name}.h5", "w") as file:
                file["features"], file["labels"] = cls.sets[name][0], labels.astype(numpy.int32)

    def knn(self, *arguments):
        result = self.run_program("dcgan-eval", "knn", "--train", self.folder / "train.h5", "--test", self.folder / "test.h5",
                                  *arguments, "--json")
        return json.loads(result.stdout)

    def expected(self, k, metric):
        (train, labels), (test, truth) = self.sets["train"], self.sets["test"]
        train, test = train.astype(float), test.astype(float)
        if metric == "cosine":
            train, test = (x / numpy.linalg.norm(x, axis=1, keepdims=True) for x in (train, test))
        order = numpy.argsort(numpy.linalg.norm(test[:, None] - train[None], axis=2), axis=1, kind="stable")[:, :k]
        right = 0
        for neighbours, label in zip(labels[order], truth):
            votes = numpy.bincount(neighbours, minlength=3)
            right += next(c for c in neighbours if votes[c] == votes.max()) == label
        return right / len(truth)

    def test_the_accuracy_is_that_of_every_distance_and_k_and_metric_change_it(self):
        found = {}
        for k in (1, 4, 9):
            for metric in ("euclidean", "cosine"):
                report = self.knn("-k", k, "--metric", metric)
                found[k, metric] = report["accuracy"]
                self.assertAlmostEqual(report["accuracy"], self.expected(k, metric))
                self.assertAlmostEqual(report["error"], 1 - report["accuracy"])
                self.assertEqual((report["k"], report["train_rows"], report["test_rows"]), (k, 60, 40))
        self.assertGreater(len({found[k, "euclidean"] for k in (1, 4, 9)}), 1)
        self.assertNotEqual(found[1, "euclidean"], found[1, "cosine"])

    def test_one_neighbour_of_the_file_itself_is_always_right(self):
        arguments = ["--train", self.folder / "train.h5", "--test", self.folder / "train.h5", "--json"]
        result = self.run_program("dcgan-eval", "knn", *arguments)
        self.assertEqual(json.loads(result.stdout)["accuracy"], 1)
        self.assertIn("same file", result.stderr)

    def test_little_memory_gives_the_same(self):
        self.assertEqual(self.knn("-k", 4), self.knn("-k", 4, "--max-memory", "1K"))

    def test_wrong_calls_are_named(self):
        pair = ["--train", self.folder / "train.h5", "--test", self.folder / "test.h5"]
        self.assert_refuses("dcgan-eval", "knn", *pair, "-k", 0, code=2, says=["--neighbours is 0"])
        self.assert_refuses("dcgan-eval", "knn", *pair, "--metric", "angle", code=2, says=["angle", "euclidean|cosine"])
        with h5py.File(self.folder / "narrow.h5", "w") as file:
            file["features"], file["labels"] = numpy.ones((3, 7), numpy.float32), numpy.zeros(3, numpy.int32)
        self.assert_refuses("dcgan-eval", "knn", *pair[:2], "--test", self.folder / "narrow.h5", code=1,
                            says=["narrow.h5", "7 features a row, expected 20"])
