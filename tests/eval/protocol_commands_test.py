"""dcgan-eval cifar10 and svhn from outside, on small sets in class folders."""

import hashlib
import json
import sys
import unittest
from pathlib import Path

import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import NARROW, ProgramTest  # noqa: E402


def write_textures(folder, per_class, seed):
    """folder/texN/NNN.png: ten classes of stripes that differ in direction and width, in noise."""
    generator = numpy.random.default_rng(seed)
    row, column = numpy.indices((32, 32))
    for k in range(10):
        (folder / f"tex{k}").mkdir(parents=True)
        for i in range(per_class):
            angle, width = numpy.pi * (k % 5) / 5, 2 + 2 * (k // 5)
            wave = numpy.sin((row * numpy.sin(angle) + column * numpy.cos(angle)) / width + generator.uniform(0, 6))
            pixels = 128 + 60 * wave[:, :, None] + generator.normal(0, 5, (32, 32, 3))
            Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8)).save(folder / f"tex{k}/{i:03d}.png")


class ProtocolCommands(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "textures"
        write_textures(cls.data / "train", 24, seed=1)
        write_textures(cls.data / "test", 6, seed=2)

    def cifar10(self, *arguments, grid="1e-3,1e-2"):
        return self.run_program("dcgan-eval", "cifar10", "--data", self.data, "--per-class", 10, "--validation", 40,
                                "--selection-draws", 1, "--draws", 3, "--c-grid", grid, "--threads", 2, *arguments)

    def rows(self, *arguments):
        table = json.loads(self.cifar10("--json", *arguments).stdout)
        return {row["model"]: row for row in table["measured"]}

    def test_kmeans_needs_no_model_and_beats_pixels(self):
        rows = self.rows("--kmeans", 40, "--kmeans-patches", 4000, "--kmeans-iterations", 5)
        self.assertEqual(list(rows), ["raw pixels", "1 layer K-means, 40 centroids"])
        kmeans = rows["1 layer K-means, 40 centroids"]
        self.assertEqual(kmeans["features"], 160)
        self.assertIn("4000 patches", kmeans["notes"][0])
        for column in range(2):
            self.assertGreater(kmeans["results"][column]["accuracy"], rows["raw pixels"]["results"][column]["accuracy"])

    def test_the_options_of_kmeans_change_the_figures_and_the_seed_repeats_them(self):
        def features(*arguments):
            return self.cifar10("--json", "--no-baselines", "--all-labels-only", *arguments).stdout

        base = ["--kmeans", 20, "--kmeans-patches", 500, "--kmeans-iterations", 3]
        self.assertEqual(features(*base), features(*base))
        self.assertNotEqual(features(*base), features(*base, "--seed", 7))

    def test_fits_that_gave_up_carry_a_note_in_every_format(self):
        for form in ("text", "markdown", "csv", "json"):
            arguments = ["--kmeans", 4, "--kmeans-patches", 100, "--format", form]
            result = self.cifar10(*arguments, "--max-passes", 1)
            for phrase in ("not converged: the fit did not converge (gap ", "not converged: 3 of 3 fits did not converge",
                           "C was chosen without convergence: 2 of 2 fits"):
                self.assertIn(phrase, result.stdout, form)
            self.assertIn("warning: 1 layer K-means, 4 centroids, all labels: fits did not converge", result.stderr)
            self.assertNotIn("converge", self.cifar10(*arguments).stdout.replace('"converged":true', ""), form)

    def test_rules_are_checked_before_the_first_row_and_the_largest_that_fits_is_named(self):
        error = self.assert_refuses("dcgan-eval", "cifar10", "--data", self.data, "--kmeans", 4, code=2,
                                    says=["--per-class is 400", "beside 10 that choose C", "--per-class 14 is the largest"])
        self.assertNotIn("raw pixels", error)
        fits = ["--data", self.data, "--kmeans", 4, "--kmeans-patches", 100, "--per-class", 14, "--draws", 2, "--c-grid", 1e-3]
        self.run_program("dcgan-eval", "cifar10", *fits)
        self.assert_refuses("dcgan-eval", "svhn", "--data", self.digits(), "--kmeans", 4, code=2,
                            says=["--per-class is 100", "is the largest that fits"])

    def test_headings_come_from_what_was_done_and_progress_counts_fits(self):
        result = self.cifar10("--kmeans", 4, "--kmeans-patches", 100, "--no-baselines", "--progress-every", 1e-9)
        self.assertRegex(result.stdout, r"all labels +400 per class +10 per class +setting")
        self.assertRegex(result.stdout, r"DCGAN \+ L2-SVM +82.8% +73.8% \(±0.4%\) +published")
        self.assertIn("row 1 of 1, 1 layer K-means, 4 centroids: 16 features, 8 fits", result.stderr)
        self.assertRegex(result.stderr, r"row 1 of 1: fit 8/8 \(100%\), [0-9.]+/s, 0 s left")
        table = json.loads(self.cifar10("--kmeans", 4, "--kmeans-patches", 100, "--json").stdout)
        self.assertEqual(table["columns"], ["all labels", "400 per class", "10 per class"])
        self.assertEqual([r["column"] for r in table["measured"][0]["results"]], ["all labels", "10 per class"])
        alone = self.cifar10("--kmeans", 4, "--kmeans-patches", 100, "--all-labels-only").stdout
        self.assertNotIn("10 per class", alone)

    def test_details_say_which_classes_the_last_row_takes_for_which(self):
        page = self.folder / "new/page.html"
        arguments = ["--kmeans", 4, "--kmeans-patches", 100]
        table = json.loads(self.cifar10(*arguments, "--json", "--details", "--html", page).stdout)
        plain = json.loads(self.cifar10(*arguments, "--json").stdout)
        self.assertNotIn("details", plain)
        sections = table.pop("details")
        self.assertEqual(table, plain, "the figures stay")
        results = {result["column"]: result for result in table["measured"][-1]["results"]}
        self.assertEqual([section["figure"] for section in sections],
                         [f"1 layer K-means, 4 centroids, {column}" for column in results])
        for section, result in zip(sections, results.values()):
            confusion = numpy.array(section["confusion"])
            self.assertEqual(confusion.sum(1).tolist(), [6 * result["draws"]] * 10)
            self.assertAlmostEqual(confusion.trace() / confusion.sum(), result["accuracy"])
            self.assertEqual(len(section["mistakes"]), 60 - confusion.trace() if result["draws"] == 1 else 0)
        html = page.read_text(encoding="utf-8")
        for phrase in ("binomial interval", "in the mean of 3 draws", "data:image/png;base64,", sections[0]["mistakes"][0]["name"]):
            self.assertIn(phrase, html)
        text = self.cifar10(*arguments, "--details", "--format", "markdown").stdout
        for phrase in ("recall  precision", "in all 3 draws", "most confident mistakes", "```\n1 layer K-means, 4 centroids, all labels\n"):
            self.assertIn(phrase, text)
        refuses = ["dcgan-eval", "cifar10", "--data", self.data, *arguments]
        self.assert_refuses(*refuses, "--details", "--format", "csv", code=2, says=["--details", "csv", "--html"])
        self.assert_refuses(*refuses, "--html", page, code=1, says=[page, "--overwrite"])

    def test_model_or_kmeans_must_be_named(self):
        self.assert_refuses("dcgan-eval", "cifar10", "--data", self.data, code=2, says=["--model is missing", "--kmeans"])
        self.assert_refuses("dcgan-eval", "cifar10", "--data", self.data, "--kmeans", 1, code=2,
                            says=["--kmeans is 1", "at least 2"])

    def test_options_without_effect_are_reported(self):
        log = self.cifar10("--kmeans", 4, "--kmeans-patches", 100, "--layers", "1", "--all-labels-only").stderr
        self.assertIn("--layers is ignored: there is no --model.", log)

    def svhn(self, *arguments):
        """One trial takes a second; the set has too few images for the published sizes."""
        return ["svhn", "--data", self.digits(), "--per-class", 5, "--trials-epochs", 2, "--no-baselines", *arguments]

    def digits(self):
        folder = self.folder / "digits"
        if not folder.exists():
            write_textures(folder, 28, seed=3)
            lines = [f"{path.relative_to(folder)},{path.parent.name[3:]}" for path in sorted(folder.glob("*/*.png"))]
            (folder / "labels.csv").write_text("\n".join(["file,label", *lines]) + "\n")
        return folder

    def test_trials_go_on_after_a_kill_as_if_there_had_been_none(self):
        whole, cut = self.folder / "whole.jsonl", self.folder / "cut.jsonl"
        table = json.loads(self.run_program("dcgan-eval", *self.svhn("--trials", 3, "--trials-file", whole, "--json")).stdout)
        lines = whole.read_text().splitlines(keepends=True)
        self.assertEqual(len(lines), 3)
        cut.write_text(lines[0] + lines[1][:50])  # killed while it wrote the second
        self.run_program("dcgan-eval", *self.svhn("--trials", 3, "--trials-file", cut))
        self.assertEqual(cut.read_text(), whole.read_text())
        trials = [json.loads(line) for line in lines]
        best = table["measured"][0]["results"][0]
        self.assertAlmostEqual(best["error"], min(trial["validation_error"] for trial in trials), 12)
        self.assertEqual(best["test_rows"], 0)
        self.assertEqual(best["training_rows"], 50)
        self.assertIn("not a test error", table["measured"][0]["notes"][0])
        self.assertEqual(len({trial["seed"] for trial in trials}), 3)
        log = self.run_program("dcgan-eval", *self.svhn("--trials", 2, "--trials-file", whole)).stdout
        self.assertIn("best of 2 random trials", log)
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 3, "--trials-file", whole, "--seed", 7), code=1,
                            says=[whole, "line 1 was made with other data or options"])
        whole.write_text("{}\n")
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 3, "--trials-file", whole), code=1,
                            says=[whole, "line 1 is no trial"])

    def test_a_file_that_is_no_search_is_not_cut_off_by_one(self):
        kept = self.folder / "not-trials"
        for content in (b"no line end", b"\x89HDF\r\n\x1a\n\0\0", b"{}"):
            kept.write_bytes(content)
            self.assert_refuses("dcgan-eval", *self.svhn("--trials", 1, "--trials-file", kept), code=1,
                                says=[kept, "no trial"])
            self.assertEqual(kept.read_bytes(), content)

    def test_trials_need_a_file_and_a_known_architecture(self):
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 3), code=2, says=["--trials-file is missing"])
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", -1), code=2, says=["--trials is -1"])
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 1, "--trials-file", "x", "--trials-architecture", "vgg"),
                            code=2, says=["vgg", "svhn32"])

    def test_features_are_those_of_dcgan_extract(self):
        packed, model = self.folder / "train.h5", self.folder / "run/model.safetensors"
        self.run_program("dcgan-prepare", "folder", self.data / "train", "-o", packed)
        self.run_program("dcgan-train", "--data", packed, "--out", self.folder / "run", "--steps", 0, *NARROW)
        for split in ("train", "test"):
            self.run_program("dcgan-extract", self.data / split, "-o", self.folder / f"{split}-features.h5", "--model", model,
                             "--statistics-from", self.data / "train")
        apart = json.loads(self.run_program("dcgan-eval", "svm", "--train", self.folder / "train-features.h5", "--test",
                                            self.folder / "test-features.h5", "--c", "1e-2", "--json").stdout)
        row = json.loads(self.cifar10("--model", model, "--no-baselines", "--json", grid="1e-2").stdout)["measured"][0]
        self.assertEqual(row["results"][0]["accuracy"], apart["accuracy"])
        self.assertEqual(row["model_sha256"], hashlib.sha256(model.read_bytes()).hexdigest())
        notes = "; ".join(row["notes"])
        for phrase in ("GAN trained on", "not all convolutions of a published variant", "240 training images instead of 50,000",
                       "60 test images instead of 10,000"):
            self.assertIn(phrase, notes)

    def test_a_setting_that_differs_from_the_papers_is_said(self):
        result = self.run_program("dcgan-eval", "svhn", "--data", self.digits(), "--per-class", 5, "--draws", 3, "--kmeans", 4,
                                  "--kmeans-patches", 100, "--intercept", "none", "--c-grid", "1e-3,1e-2", "--format", "markdown")
        for phrase in ("5 labels per class instead of 100", "3 draws instead of 100", "another grid of C", "no intercept",
                       "draws overlap", "from the same part of SVHN", "95% confidence interval of the mean", "1.96 sd"):
            self.assertIn(phrase, result.stdout)

    def test_a_wrong_line_of_labels_csv_is_named(self):
        folder = self.folder / "wrong"
        folder.mkdir()
        (folder / "labels.csv").write_text("file,label\na.png,3\nb.png,12\n")
        self.assert_refuses("dcgan-eval", "svhn", "--data", folder, "--kmeans", 4, code=1,
                            says=[folder / "labels.csv", "b.png", "12", "0 to 9"])


if __name__ == "__main__":
    unittest.main()
