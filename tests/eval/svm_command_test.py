"""dcgan-eval svm from outside, on feature files written with h5py."""

import json
import re
import sys
import unittest
from pathlib import Path

import h5py
import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import ProgramTest, write_image_folder  # noqa: E402


def write(path, features, labels=None, classes=None, features_name="features", labels_name="labels"):
    with h5py.File(path, "w") as file:
        file[features_name] = numpy.asarray(features, numpy.float32)
        if labels is not None:
            file[labels_name] = numpy.asarray(labels, numpy.int32)
        if classes is not None:
            file.create_dataset("classes", data=classes, dtype=h5py.string_dtype())
    return path


def clouds(seed, n=90, columns=6):
    generator = numpy.random.default_rng(seed)
    labels = numpy.arange(n) % 3
    features = generator.standard_normal((n, columns))
    features[numpy.arange(n), labels] += 4
    return features, labels


class SvmCommand(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.train = write(cls.folder / "train.h5", *clouds(1), ["ant", "bee", "cat"])
        cls.test = write(cls.folder / "test.h5", *clouds(2), ["ant", "bee", "cat"])

    def report(self, *arguments, train=None, test=None):
        result = self.run_program("dcgan-eval", "svm", "--train", train or self.train, "--test", test or self.test,
                                  "--json", *arguments)
        return json.loads(result.stdout), result.stderr

    def refuses(self, *arguments, code=1, says):
        return self.assert_refuses("dcgan-eval", "svm", *arguments, code=code, says=says)

    def refuses_test_file(self, name, *contents, says, **names):
        path = write(self.folder / name, *contents, **names)
        self.refuses("--train", self.train, "--test", path, says=[path, *says])

    def test_details_say_which_classes_are_taken_for_which(self):
        far, labels = clouds(3)
        far[7] = [0, 0, 9, 0, 0, 0]  # an ant... where cats are
        self.assertEqual(labels[7], 1)
        far[9] = [0, 5, 0, 0, 0, 0]
        test = write(self.folder / "far.h5", far, labels, ["ant", "bee", "cat"])
        plain, _ = self.report("--c", "0.01", test=test)
        self.assertNotIn("confusion", plain)
        report, _ = self.report("--c", "0.01", "--details", test=test)
        confusion = numpy.array(report["confusion"])
        self.assertEqual(confusion.sum(1).tolist(), [30, 30, 30])
        self.assertEqual(confusion.trace() / 90, report["accuracy"])
        self.assertGreaterEqual(confusion[1, 2], 1)
        numpy.testing.assert_allclose(report["recall"], confusion.diagonal() / confusion.sum(1))
        numpy.testing.assert_allclose(report["precision"], confusion.diagonal() / confusion.sum(0))
        self.assertEqual(len(report["mistakes"]), 90 - confusion.trace())
        self.assertEqual({key: report["mistakes"][0][key] for key in ("row", "label", "taken_for")},
                         {"row": 7, "label": "bee", "taken_for": "cat"})
        leads = [mistake["lead"] for mistake in report["mistakes"]]
        self.assertEqual(leads, sorted(leads, reverse=True))
        self.assertLess(report["binomial_low"], report["accuracy"])
        text = self.run_program("dcgan-eval", "svm", "--train", self.train, "--test", test, "--c", 0.01, "--details").stdout
        for phrase in ("95% binomial interval", "recall  precision", "row 7: bee, taken for cat"):
            self.assertIn(phrase, text)

    def test_a_page_and_a_sheet_show_the_most_confident_mistakes(self):
        folder = self.folder / "pictures"
        for split, seed in (("train", 1), ("test", 2)):
            write_image_folder(folder / split, 12, seed=seed)
            self.run_program("dcgan-prepare", "folder", folder / split, "-o", folder / f"{split}.h5", "--size", 16)
        train, test = folder / "train.h5", folder / "test.h5"
        page, sheet = folder / "new/page.html", folder / "new/sheet.png"
        report, _ = self.report("--c", "1e-9", "--html", page, "--mistakes", sheet, train=train, test=test)
        mistakes = report["mistakes"]
        self.assertGreater(len(mistakes), 2, "the case is too easy")
        picture = numpy.asarray(Image.open(sheet))
        self.assertEqual(picture.shape[1], 17 * min(8, len(mistakes)) - 1)
        with h5py.File(test) as file:
            numpy.testing.assert_array_equal(picture[:16, :16], file["images"][mistakes[0]["row"]])
            numpy.testing.assert_array_equal(picture[:16, 17:33], file["images"][mistakes[1]["row"]])
            self.assertEqual(mistakes[0]["name"].encode(), file["paths"][mistakes[0]["row"]])
        html = page.read_text(encoding="utf-8")
        for phrase in ("binomial interval", mistakes[0]["name"], "data:image/png;base64,", "stripes", "recall"):
            self.assertIn(phrase, html)
        again = ["--train", train, "--test", test, "--c", 1]
        self.refuses(*again, "--html", page, says=[page, "--overwrite"])
        self.run_program("dcgan-eval", "svm", *again, "--html", page, "--overwrite")
        features = ["--train", self.train, "--test", self.test, "--c", 1, "--mistakes", folder / "x.png"]
        self.refuses(*features, code=2, says=["--mistakes needs --test-images"])
        self.refuses(*features, "--test-images", test, says=[test, "other images than the rows of", self.test])

    def test_the_report_has_the_promised_keys(self):
        report, _ = self.report("--c", "0.01")
        for key in ("accuracy", "error", "c", "primal", "seconds", "dual", "gap", "passes"):
            self.assertIn(key, report)
        self.assertGreater(report["accuracy"], 0.9)
        self.assertLessEqual(report["gap"], 1e-4)
        self.assertLessEqual(report["dual"], report["primal"])

    def test_liblinear_and_the_dense_solver_agree(self):
        dense, _ = self.report("--c", "0.1")
        liblinear, _ = self.report("--c", "0.1", "--solver", "liblinear")
        self.assertAlmostEqual(dense["primal"], liblinear["primal"], delta=1e-2 * dense["primal"])
        self.assertNotIn("gap", liblinear)

    def test_classes_are_matched_by_name(self):
        features, labels = clouds(2)
        turned = write(self.folder / "turned.h5", features, 2 - labels, ["cat", "bee", "ant"])
        self.assertEqual(self.report("--c", "0.01", test=turned)[0]["accuracy"], self.report("--c", "0.01")[0]["accuracy"])

    def test_files_of_other_programs_are_read_by_the_names_of_their_datasets(self):
        features, labels = clouds(1)
        other = write(self.folder / "other.h5", features, labels + 1, features_name="X", labels_name="y")
        report, _ = self.report("--c", "0.01", "--features", "X", "--labels", "y", train=other, test=other)
        self.assertEqual(report["classes"], ["1", "2", "3"])

    def test_rows_on_disk_give_the_same_accuracy(self):
        wide = clouds(1, n=600, columns=70000)
        train = write(self.folder / "wide.h5", *wide)
        whole, _ = self.report("--c", "0.0001", train=train, test=train)
        parts, log = self.report("--c", "0.0001", "--max-memory", "200M", "--progress-every", "0.001", train=train, test=train)
        self.assertIn("pass 2", log)
        self.assertAlmostEqual(whole["primal"], parts["primal"], delta=2e-4 * whole["primal"])
        self.assertAlmostEqual(whole["accuracy"], parts["accuracy"], delta=0.01)

    def test_each_fit_that_chooses_c_is_reported(self):
        _, log = self.report("--c-grid", "1e-3,1e-8", "--folds", 2)
        fits = re.findall(r"^C = ([0-9.e-]+): [0-9.]+% of the held-out rows are right", log, re.MULTILINE)
        self.assertEqual(list(map(float, fits)), [1e-8, 1e-3, 1e-8, 1e-3])

    def test_fits_that_gave_up_are_named_wherever_their_figures_are(self):
        hard = ["--max-passes", 1, "--tolerance", "1e-6", "--c-grid", "1e-1,1"]
        report, log = self.report(*hard)
        self.assertFalse(report["converged"])
        self.assertEqual([point["converged"] for point in report["c_grid"]], [False, False])
        self.assertIn("warning: the fit did not converge (gap ", log)
        self.assertIn("warning: C was chosen without convergence: 2 of 2 fits", log)
        text = self.run_program("dcgan-eval", "svm", "--train", self.train, "--test", self.test, *hard).stdout
        self.assertRegex(text, r"(?m)^C .*not converged$")
        self.assertRegex(text, r"(?m)^fit .*not converged$")
        easy = self.run_program("dcgan-eval", "svm", "--train", self.train, "--test", self.test, "--c-grid", "1e-1,1").stdout
        self.assertNotIn("not converged", easy)

    def test_liblinear_says_where_it_gave_up(self):
        features, labels = clouds(1)
        scaled = write(self.folder / "scaled.h5", features * 10.0 ** numpy.arange(-3, 3), labels, ["ant", "bee", "cat"])
        report, log = self.report("--c", 10, "--solver", "liblinear", train=scaled, test=scaled)
        self.assertFalse(report["converged"])
        self.assertIn("LIBLINEAR's limit of iterations", log)

    def test_c_is_chosen_from_the_grid_and_an_edge_is_reported(self):
        report, log = self.report("--c-grid", "1e-3,1e-8")
        self.assertEqual(report["c"], 1e-8)  # both get everything right, and the smaller one wins
        self.assertEqual(len(report["c_grid"]), 2)
        self.assertIn("smallest of the grid", log)

    def test_a_file_tested_on_itself_gets_a_warning(self):
        _, log = self.report("--c", "0.01", test=self.train)
        self.assertIn("warning: --train and --test are the same file", log)

    def test_another_width_names_both_widths(self):
        features, labels = clouds(2)
        self.refuses_test_file("narrow.h5", features[:, :5], labels, ["ant", "bee", "cat"], says=["5", "6"])

    def test_no_labels_names_the_dataset(self):
        self.refuses_test_file("unlabelled.h5", clouds(2)[0], says=["labels"])

    def test_an_unknown_class_is_named(self):
        self.refuses_test_file("dog.h5", *clouds(2), ["ant", "bee", "dog"], says=['"dog"', "ant, bee, cat"])

    def test_one_class_only_says_that_two_are_needed(self):
        one = write(self.folder / "one.h5", clouds(1)[0], numpy.zeros(90), ["ant"])
        self.refuses("--train", one, "--test", one, "--c", "1", says=[one, "at least 2"])

    def test_a_value_that_is_not_finite_is_named_by_row_and_column(self):
        features, labels = clouds(1)
        for value in (numpy.nan, numpy.inf, -numpy.inf):
            features[41, 3] = value
            bad = write(self.folder / "bad.h5", features, labels, ["ant", "bee", "cat"])
            self.refuses("--train", bad, "--test", self.test, "--c", "1", says=[bad, "row 41", "column 3"])
            self.refuses("--train", self.train, "--test", bad, "--c", "1", says=[bad, "row 41", "column 3"])

    def test_wrong_values_are_named_with_flag_value_and_rule(self):
        both = ["--train", self.train, "--test", self.test]
        self.refuses(*both, "--c-grid", "1e-3,-1", code=2, says=["--c-grid", "-1", "positive"])
        self.refuses(*both, "--c", "0", code=2, says=["--c", "0", "positive"])
        self.refuses(*both, "--c", "1", "--c-grid", "1,2", code=2, says=["--c", "--c-grid"])
        self.refuses(*both, "--tolerance", "2", code=2, says=["--tolerance", "2", "between 0 and 1"])
        self.refuses(*both, "--max-memory", "2Q", code=2, says=["--max-memory", "2Q", "2G"])
        self.refuses(*both, "--solver", "magic", code=2, says=["--solver", "magic", "dense|liblinear"])
        self.refuses("--train", self.train, code=2, says=["--test"])

    def test_an_option_without_effect_is_reported(self):
        _, log = self.report("--c", "0.1", "--solver", "liblinear", "--tolerance", "1e-3")
        self.assertIn("--tolerance is ignored", log)


if __name__ == "__main__":
    unittest.main()
