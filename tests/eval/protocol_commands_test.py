"""dcgan-eval cifar10 and svhn from outside, on small sets in class folders."""

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

    def cifar10(self, *arguments, **options):
        return self.run_program("dcgan-eval", "cifar10", "--data", self.data, "--per-class", 10, "--validation", 40,
                                "--selection-draws", 1, "--draws", 3, "--c-grid", "1e-3,1e-2", "--threads", 2,
                                *arguments, **options)

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
            write_textures(folder, 20, seed=3)
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
        self.assertEqual(best["error"], min(trial["validation_error"] for trial in trials))
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

    def test_trials_need_a_file_and_a_known_architecture(self):
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 3), code=2, says=["--trials-file is missing"])
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", -1), code=2, says=["--trials is -1"])
        self.assert_refuses("dcgan-eval", *self.svhn("--trials", 1, "--trials-file", "x", "--trials-architecture", "vgg"),
                            code=2, says=["vgg", "svhn32"])


if __name__ == "__main__":
    unittest.main()
