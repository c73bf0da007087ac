"""dcgan-train --out RUN --resume, without another word: data and options come from the run folder."""

import json
import shutil
import unittest

from programs import NARROW, ProgramTest, write_image_folder


class Resume(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 12)
        cls().run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / "images.h5", "--size", 32)

    def train(self, *arguments, **options):
        return self.run_program("dcgan-train", *arguments, **options)

    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def begin(self, run, *arguments, data="images.h5", steps=4):
        """Some steps, with options that are no defaults and paths that are relative to the test's folder."""
        return self.train("--data", data, "--out", run, "--steps", steps, *NARROW, "--beta1", 0.4, "--seed", 5, "--log-every", 2,
                          *arguments, cwd=self.folder)

    def go_on(self, run, *arguments, **options):
        return self.train("--out", self.folder / run, "--resume", *arguments, cwd="/", **options)

    def test_a_run_goes_on_to_the_model_of_one_that_never_stopped(self):
        self.begin("whole", "--probe", "images.h5", "--probe-images", 30, steps=8)
        self.begin("run", "--probe", "images.h5", "--probe-images", 30)
        result = self.go_on("run", "--steps", 8)
        self.assertIn("8 of 8 steps", result.stdout)
        self.assertNotIn("with others the results agree", result.stderr, "the number of threads was taken, too")
        self.assertEqual(self.model("run"), self.model("whole"))
        self.assertTrue((self.folder / "run/best.safetensors").exists())
        recorded = json.loads((self.folder / "run/resume.json").read_text())
        self.assertEqual((recorded["data"], recorded["probe"], recorded["steps"], recorded["beta1"], recorded["seed"]),
                         (str(self.folder / "images.h5"), str(self.folder / "images.h5"), 8, 0.4, 5))

    def test_paths_enter_neither_model_nor_options(self):
        self.begin("paths")
        for name in ("model.safetensors", "options.json", "checkpoints/step-00000004.safetensors"):
            self.assertNotIn(bytes(self.folder), (self.folder / "paths" / name).read_bytes(), name)

    def test_what_is_done_already_is_told_from_what_was_asked_for(self):
        self.begin("done")
        self.assertIn("4 of 4 steps", self.go_on("done").stdout)
        less = self.go_on("done", "--steps", 3)
        self.assertIn("4 steps were done before, more than --steps 3 asks for; nothing was left to do", less.stdout)
        self.assertEqual(json.loads(self.go_on("done", "--steps", 3, "--json").stdout),
                         {"steps": 4, "asked": 3, "model": str(self.folder / "done/model.safetensors")})

    def test_other_options_are_refused_as_without_the_record(self):
        self.begin("other")
        refuses = ["dcgan-train", "--out", self.folder / "other", "--resume", "--steps", 6]
        self.assert_refuses(*refuses, "--beta1", 0.5, code=2, says=["--beta1 0.4, now it is 0.5"])
        self.assert_refuses(*refuses, "--recipe", "svhn32", "--batch-size", 16, code=2, says=["the run was made with --", "now it is"])
        self.go_on("other", "--steps", 6, "--learning-rate", 2e-4)

    def test_data_that_was_moved_is_asked_for(self):
        shutil.copy(self.folder / "images.h5", self.folder / "here.h5")
        shutil.copy(self.folder / "images.h5", self.folder / "labelled.h5")
        self.begin("moved", "--probe", "labelled.h5", data="here.h5")
        (self.folder / "here.h5").rename(self.folder / "there.h5")
        refuses = ["dcgan-train", "--out", self.folder / "moved", "--resume", "--steps", 6]
        self.assert_refuses(*refuses, code=2, says=["resume.json", f"--data {self.folder / 'here.h5'}", "say with --data"])
        self.go_on("moved", "--steps", 5, "--data", self.folder / "there.h5")
        self.go_on("moved", "--steps", 6)
        (self.folder / "labelled.h5").unlink()
        self.assert_refuses(*refuses, code=2, says=[f"--probe {self.folder / 'labelled.h5'}", "say with --probe"])

    def test_a_folder_that_was_packed_is_not_needed_any_more(self):
        shutil.copytree(self.folder / "images", self.folder / "gone")
        self.begin("packed", data="gone")
        shutil.rmtree(self.folder / "gone")
        self.assertIn("6 of 6 steps", self.go_on("packed", "--steps", 6).stdout)

    def test_a_run_without_the_record_asks_for_its_data(self):
        self.begin("old")
        record = self.folder / "old/resume.json"
        record.write_text("{")
        refuses = ["dcgan-train", "--out", self.folder / "old", "--resume"]
        self.assert_refuses(*refuses, code=1, says=[record, "damaged"])
        record.write_text('{"beta1": "x"}')
        self.assert_refuses(*refuses, code=1, says=[record, "damaged", "beta1"])
        record.unlink()
        self.assert_refuses(*refuses, code=2, says=["--data is missing"])
        self.begin("old", "--resume", steps=6)
        self.assertTrue(record.exists())


if __name__ == "__main__":
    unittest.main()
