"""dcgan-train --contrastive and --initialise from outside."""

import json
import signal
import subprocess
import time
import unittest

import numpy
from programs import NARROW, ProgramTest, program, write_image_folder
from safetensors.numpy import load_file

CONTRASTIVE = ["--contrastive", 1, "--adversarial", 0, "--initialise", "patches"]


class Contrastive(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 20)
        job = cls()
        job.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / "64.h5", "--size", 64)
        job.run_program("dcgan-prepare", "folder", cls.folder / "64.h5", "-o", cls.folder / "32.h5", "--size", 32)

    def train(self, run, *arguments, data="64.h5", **options):
        return self.run_program("dcgan-train", "--data", self.folder / data, "--out", self.folder / run, *NARROW,
                                *arguments, **options)

    def model(self, run):
        return load_file(self.folder / run / "model.safetensors")

    def test_all_but_the_views_sees_large_images_as_dcgan_prepare_makes_them_smaller(self):
        # The start, the statistics of the model, and the distance of samples from images.
        for data in ("64.h5", "32.h5"):
            self.train(f"of {data}", "--contrastive", 1, "--initialise", "patches", "--steps", 0, data=data)
        large, small = self.model("of 64.h5"), self.model("of 32.h5")
        self.assertEqual(set(large), set(small))
        for name, tensor in large.items():
            numpy.testing.assert_array_equal(tensor, small[name], err_msg=name)
        metrics = [(self.folder / run / "metrics.jsonl").read_text() for run in ("of 64.h5", "of 32.h5")]
        self.assertIn("frechet_distance", metrics[0])
        self.assertEqual(*metrics)

    def test_a_discriminator_alone_has_no_samples_and_explore_says_so(self):
        said = self.train("alone", *CONTRASTIVE, "--steps", 3, "--log-every", 1, "--sample-every", 1).stderr
        self.assertIn("Start from patches: convolution 6 of 6", said)
        self.assertTrue(all(name.startswith("discriminator.") for name in self.model("alone")))
        self.assertEqual(list((self.folder / "alone/samples").iterdir()), [])
        self.assert_refuses("dcgan-explore", "samples", "--model", self.folder / "alone/model.safetensors", "--out",
                            self.folder / "samples.png", code=1, says=["holds no generator"])
        self.run_program("dcgan-train", "report", self.folder / "alone")
        report = (self.folder / "alone/report.html").read_text()
        self.assertIn("the other view of the image is the nearest", report)
        self.assertNotIn("What the discriminator says", report)
        plan = self.train("plan", *CONTRASTIVE, "--dry-run").stdout
        self.assertIn("# no generator", plan)
        self.assertFalse((self.folder / "plan").exists())

    def test_progress_tells_the_losses_of_what_is_asked_and_no_others(self):
        asked = {"contrastive loss": ["--contrastive", 1], "rotation loss": ["--rotation", 1]}
        for loss, options in asked.items():
            said = self.train(loss, "--adversarial", 0, *options, "--steps", 40, "--log-every", 1, "--progress-every", 0.01,
                              data="32.h5").stderr
            self.assertIn(f"; {loss} ", said)
            for other in {"losses", "D(x)", *asked} - {loss}:
                self.assertNotIn(other, said)

    def test_killed_and_resumed_it_ends_with_the_same_bytes(self):
        options = [*CONTRASTIVE, "--steps", 12, "--checkpoint-every", 3, "--warm-up-steps", 4, "--weight-decay", "1e-4",
                   "--decoupled-weight-decay", "--average-decay", 0.9]
        self.train("whole", *options)
        command = [program("dcgan-train"), "--data", self.folder / "64.h5", "--out", self.folder / "killed", *NARROW,
                   *options]
        process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not list((self.folder / "killed").glob("checkpoints/*.safetensors")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertIn("Resumed after step", self.train("killed", *options, "--resume").stderr)
        self.assertEqual((self.folder / "killed/model.safetensors").read_bytes(),
                         (self.folder / "whole/model.safetensors").read_bytes())

    def test_a_model_is_gone_on_from_and_recorded(self):
        self.train("first", *CONTRASTIVE, "--steps", 1)
        first = self.folder / "first/model.safetensors"
        self.train("next", "--contrastive", 1, "--initialise", first, "--steps", 0)
        numpy.testing.assert_array_equal(self.model("next")["discriminator.conv3.weight"],
                                         self.model("first")["discriminator.conv3.weight"])
        options = json.loads((self.folder / "next/options.json").read_text())["options"]
        self.assertRegex(options["initialise"], r"^model\.safetensors \(SHA-256 [0-9a-f]{64}\)$")

    def test_what_does_not_fit_is_named(self):
        def refuses(*arguments, code=2, data="64.h5", says):
            self.assert_refuses("dcgan-train", "--data", self.folder / data, "--out", self.folder / "x", *NARROW,
                                *arguments, code=code, says=says)
            self.assertFalse((self.folder / "x").exists())

        refuses("--steps", 1, code=1, says=["images are 64 x 64", "takes 32 x 32", "--contrastive"])
        refuses("--contrastive", 0, "--adversarial", 0, says=["nothing would be trained"])
        refuses("--contrastive-layers", 1, says=["--contrastive-layers has nothing to do without --contrastive"])
        refuses("--contrastive", 1, "--image-size", 128, code=1, says=["images are 64 x 64", "takes 128 x 128"])
        refuses("--contrastive", 1, "--initialise", self.folder / "none.safetensors", code=1, says=["none.safetensors"])
        # At the published width: 60 x 36 patches of 8 x 8 maps, and as many values as 256 channels have in one.
        self.assert_refuses("dcgan-train", "--data", self.folder / "64.h5", "--out", self.folder / "x", "--batch-size", 16,
                            *CONTRASTIVE, "--steps", 0, code=2,
                            says=["--initialise patches: convolution 5 needs 2304 patches", "60 images have 2160"])
        self.assertFalse((self.folder / "x").exists())


if __name__ == "__main__":
    unittest.main()
