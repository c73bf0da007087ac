"""The main job in miniature: image folder -> packed file -> training -> features -> accuracy, by the programs."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time

import h5py
import numpy
from programs import NARROW, ProgramTest, program, write_image_folder
from safetensors import safe_open

# (128 + 128 + 256 + 256 + 512 + 512) channels at ndf = 128, here ndf = 4; each map is pooled to 4x4.
FEATURES = (4 + 4 + 8 + 8 + 16 + 16) * 16


class MainJob(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.paths = write_image_folder(cls.folder / "train", 40, seed=1)
        cls.test_paths = write_image_folder(cls.folder / "test", 20, seed=2)
        job = cls()
        for part in ("train", "test"):
            job.run_program("dcgan-prepare", "folder", cls.folder / part, "-o", cls.folder / f"{part}.h5", "--size", 32)
        job.train("run", 6)
        for part in ("train", "test"):
            job.extract(cls.folder / f"{part}.h5", f"{part}-features.h5")

    def train(self, run, steps, *arguments, **options):
        data, out = self.folder / "train.h5", self.folder / run
        arguments = ["--data", data, "--out", out, "--steps", steps, *NARROW, *arguments]
        return self.run_program("dcgan-train", *arguments, **options)

    def extract(self, images, output, *arguments, **options):
        model = self.folder / "run/model.safetensors"
        arguments = [images, "-o", self.folder / output, "--model", model, *arguments]
        return self.run_program("dcgan-extract", *arguments, **options)

    def test_preparing_keeps_paths_labels_and_classes_in_byte_order(self):
        with h5py.File(self.folder / "train.h5") as file:
            self.assertEqual(file["images"].shape, (120, 32, 32, 3))
            self.assertEqual(file["images"].dtype, numpy.uint8)
            self.assertEqual([p.decode() for p in file["paths"]], self.paths)
            self.assertEqual([c.decode() for c in file["classes"]], ["discs", "squares", "stripes"])
            self.assertEqual(list(file["labels"]), [0] * 40 + [1] * 40 + [2] * 40)
            self.assertEqual(file.attrs["complete"], 1)

    def test_training_leaves_a_whole_run_folder(self):
        run = self.folder / "run"
        for line in (run / "metrics.jsonl").read_text().splitlines():
            self.assertIn("step", json.loads(line))
        self.assertEqual(json.loads((run / "options.json").read_text())["architecture"]["ndf"], 4)
        self.assertTrue(list((run / "samples").glob("*.png")))
        with safe_open(run / "model.safetensors", "numpy") as model:
            self.assertEqual(model.get_tensor("discriminator.conv1.weight").shape, (4, 3, 3, 3))
            self.assertEqual(model.get_tensor("generator.project.weight").shape, (16 * 4 * 4, 8))

    def test_features_describe_themselves_and_row_i_is_image_i(self):
        with h5py.File(self.folder / "test-features.h5") as file:
            self.assertEqual(file["features"].shape, (60, FEATURES))
            self.assertTrue(numpy.isfinite(file["features"][:]).all())
            self.assertEqual([p.decode() for p in file["paths"]], self.test_paths)
            self.assertEqual(list(file["labels"]), [0] * 20 + [1] * 20 + [2] * 20)
            self.assertEqual(file.attrs["format"], "dcgan-features")
            for name in ("format_version", "model_sha256", "architecture", "layers", "layer_offsets", "grid",
                         "preprocessing", "library_version", "command_line", "created", "complete"):
                self.assertIn(name, file.attrs)

    def test_a_folder_gives_the_same_features_as_its_packed_file(self):
        self.extract(self.folder / "test", "from-folder.h5")
        self.assert_same_features("from-folder.h5", "test-features.h5")

    def test_the_batch_size_does_not_change_the_features(self):
        self.extract(self.folder / "test.h5", "batch-7.h5", "--batch-size", 7)
        self.assert_same_features("batch-7.h5", "test-features.h5")

    def assert_same_features(self, first, second):
        with h5py.File(self.folder / first) as a, h5py.File(self.folder / second) as b:
            numpy.testing.assert_array_equal(a["features"][:], b["features"][:])
            self.assertEqual(list(a["paths"]), list(b["paths"]))

    def test_the_svm_tells_the_kinds_apart(self):
        train, test = self.folder / "train-features.h5", self.folder / "test-features.h5"
        result = self.run_program("dcgan-eval", "svm", "--train", train, "--test", test, "--c", 0.01, "--json")
        report = json.loads(result.stdout)
        for key in ("accuracy", "error", "c", "primal", "seconds"):
            self.assertIn(key, report)
        self.assertGreater(report["accuracy"], 0.6)  # chance is 0.33; the smallest value seen over 5 seeds was 0.8
        self.assertAlmostEqual(report["accuracy"] + report["error"], 1)

    def test_equal_seeds_give_equal_model_files_and_others_do_not(self):
        self.train("again", 6)
        self.train("other-seed", 6, "--seed", 7)
        model = (self.folder / "run/model.safetensors").read_bytes()
        self.assertEqual((self.folder / "again/model.safetensors").read_bytes(), model)
        self.assertNotEqual((self.folder / "other-seed/model.safetensors").read_bytes(), model)

    def test_a_folder_of_images_is_packed_into_the_run_folder_and_trained_on(self):
        images, run = self.folder / "few", self.folder / "few-run"
        paths = write_image_folder(images, 8, seed=4)

        def command(steps=1, batch=16):
            return ["dcgan-train", "--data", f"{images}/", "--out", run, "--json", "--steps", steps, *NARROW[:6],
                    "--batch-size", batch]

        refused = self.run_program(*command(batch=100), expect=2)  # more than there are
        self.assertIn("--batch-size is 100", refused.stderr)
        (images / paths[0]).write_bytes(b"no image")
        result = self.run_program(*command(), expect=3)  # packed again: the folder has changed
        self.assertEqual(json.loads(result.stdout)["steps"], 1)
        self.assertIn(paths[0], result.stderr)
        with h5py.File(run / "data.h5") as file:
            self.assertEqual([p.decode() for p in file["paths"]], paths[1:])
        self.assertEqual(json.loads((run / "options.json").read_text())["data"]["source"], "few")
        self.run_program(*command(steps=2), "--resume")
        before = (run / "data.h5").read_bytes()
        self.run_program(*command(batch=100), "--overwrite", expect=2)
        self.assertEqual((run / "data.h5").read_bytes(), before)  # a training that is refused replaces nothing
        self.run_program(*command(), "--overwrite", expect=3)
        self.assertFalse((run / "data.new.h5").exists())

    def test_code_that_decodes_images_is_loaded_only_where_the_data_is_not_packed(self):
        """libdcgan_images.so, with OpenCV behind it, as the loader names the files that it opens."""
        watched = {**os.environ, "LD_DEBUG": "files"}
        packed = self.train("watched", 1, env=watched).stderr
        self.assertIn("libdcgan.so", packed)
        self.assertNotIn("libdcgan_images", packed)
        self.assertNotIn("opencv", packed)
        archive = self.folder / "train.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(self.folder / "train", arcname=".")
        command = ["dcgan-train", "--data", archive, "--out", self.folder / "of-archive", "--steps", 1, *NARROW]
        self.assertIn("libdcgan_images", self.run_program(*command, env=watched).stderr)
        with h5py.File(self.folder / "of-archive/data.h5") as made, h5py.File(self.folder / "train.h5") as expected:
            numpy.testing.assert_array_equal(made["images"][:], expected["images"][:])

    def test_a_run_is_resumed_with_the_data_that_it_was_started_from(self):
        for name in ("cats", "dogs"):
            write_image_folder(self.folder / name, 8, seed=4)
        options = [*NARROW[:6], "--batch-size", 4, "--steps", 1, "--out"]
        packed = ["dcgan-train", "--data", self.folder / "train.h5", *options]
        self.run_program(*packed, self.folder / "from-file")
        folder = ["dcgan-train", "--data", self.folder / "cats", *options]
        self.run_program(*folder, self.folder / "from-folder")
        folder[2] = self.folder / "dogs"
        self.assert_refuses(*folder, self.folder / "from-folder", "--resume", code=2, says=["dogs", "from cats"])
        self.assert_refuses(*folder, self.folder / "from-file", "--resume", code=2,
                            says=["dogs", "from train.h5, a packed file"])
        self.assert_refuses(*folder, self.folder / "from-file", code=1, says=["holds a run already"])
        self.assert_refuses(*packed, self.folder / "from-folder", "--resume", code=2,
                            says=["other images", "cats (24 images)", "train.h5 (120 images)"])

    def test_a_run_killed_between_its_last_checkpoint_and_its_model_makes_the_model_on_resume(self):
        self.train("no-model", 4)
        model = self.folder / "no-model/model.safetensors"
        whole = model.read_bytes()
        model.unlink()
        self.train("no-model", 4, "--resume")
        self.assertEqual(model.read_bytes(), whole)
        before = model.stat().st_mtime_ns
        self.train("no-model", 4, "--resume")
        self.assertEqual(model.stat().st_mtime_ns, before)  # a finished run is left as it is

    def test_a_probe_keeps_the_best_model_and_wants_labels(self):
        self.train("probed", 4, "--checkpoint-every", 2, "--probe", self.folder / "test.h5", "--probe-images", 30)
        metrics = [json.loads(line) for line in (self.folder / "probed/metrics.jsonl").read_text().splitlines()]
        scores = {line["step"]: line["probe_score"] for line in metrics if "probe_score" in line}
        self.assertEqual(sorted(scores), [2, 4])
        self.assertTrue((self.folder / "probed/best.safetensors").exists())
        self.train("probed-c", 4, "--checkpoint-every", 2, "--probe", self.folder / "test.h5", "--probe-c", 1e-9)
        with h5py.File(self.folder / "test.h5") as file, h5py.File(self.folder / "unlabelled.h5", "w") as unlabelled:
            for name, value in file.attrs.items():
                unlabelled.attrs[name] = value
            for name in file:
                if name not in ("labels", "classes"):
                    file.copy(name, unlabelled)
        self.assert_refuses("dcgan-train", "--data", self.folder / "train.h5", "--out", self.folder / "x", "--steps", 1,
                            "--probe", self.folder / "unlabelled.h5", *NARROW, code=1,
                            says=["unlabelled.h5", "no labels", "--probe"])
        one = self.folder / "one-class.h5"
        self.run_program("dcgan-prepare", "folder", self.folder / "train/discs", "-o", one, "--size", 32)
        with h5py.File(one, "a") as file:  # labels without names
            file["labels"] = numpy.full(len(file["images"]), 7, numpy.int32)
        train = ["dcgan-train", "--data", self.folder / "train.h5", "--out", self.folder / "x", *NARROW, "--steps", 1]
        self.assert_refuses(*train, "--probe", one, code=1, says=["one-class.h5", "--probe", "one class"])
        self.assert_refuses(*train, "--probe-c", 1, code=2, says=["--probe-c", "without --probe"])
        self.assertFalse((self.folder / "x").exists())
        with h5py.File(one, "a") as file:
            file["labels"][::2] = 3
        self.train("numbered", 2, "--probe", one)
        self.assertTrue((self.folder / "numbered/best.safetensors").exists())

    def test_a_probe_that_does_not_converge_gives_no_score(self):
        same = self.folder / "same.h5"
        shutil.copy(self.folder / "test.h5", same)
        with h5py.File(same, "a") as file:  # what no machine can tell apart, and a C that will not have it
            file["images"][:] = file["images"][0]
        result = self.train("unscored", 2, "--probe", same, "--probe-c", 1e12)
        self.assertIn("warning: the probe's machine did not converge", result.stderr)
        self.assertNotIn("probe_score", (self.folder / "unscored/metrics.jsonl").read_text())
        self.assertFalse((self.folder / "unscored/best.safetensors").exists())

    def test_a_dry_run_prints_a_recipe_that_makes_the_same_training_and_writes_nothing(self):
        before = sorted(self.folder.iterdir())
        data = ["--data", self.folder / "train.h5"]
        plan = self.run_program("dcgan-train", *data, "--steps", 6, *NARROW, "--dry-run").stdout
        self.assertEqual(sorted(self.folder.iterdir()), before)
        for said in ("ndf = 4\n", "steps = 6\n", "896 features", "s a step", "of memory", "seed = 42\n"):
            self.assertIn(said, plan)
        recipe = self.folder / "plan.ini"
        recipe.write_text(plan)
        self.run_program("dcgan-train", *data, "--out", self.folder / "planned", "--recipe", recipe, "--threads", 1)
        self.assertEqual((self.folder / "planned/model.safetensors").read_bytes(),
                         (self.folder / "run/model.safetensors").read_bytes())

    def test_a_training_killed_at_any_moment_resumes_to_the_same_bytes(self):
        steps = 40
        arguments = [*map(str, ["--data", self.folder / "train.h5", "--steps", steps, "--checkpoint-every", 3,
                                "--log-every", 1, *NARROW])]
        self.run_program("dcgan-train", *arguments, "--out", self.folder / "unkilled")
        killed = self.folder / "killed"
        for delay in (0.0, 0.15, 0.3):
            with subprocess.Popen([program("dcgan-train"), *arguments, "--out", str(killed), "--resume"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                deadline = time.monotonic() + 120
                while process.poll() is None and time.monotonic() < deadline:
                    if list(killed.glob("checkpoints/*.safetensors")):
                        break
                    time.sleep(0.01)
                time.sleep(delay)
                process.kill()
        self.run_program("dcgan-train", *arguments, "--out", killed, "--resume")
        for name in ("model.safetensors", "options.json"):
            self.assertEqual((killed / name).read_bytes(), (self.folder / "unkilled" / name).read_bytes(), name)
        lines = map(json.loads, (killed / "metrics.jsonl").read_text().splitlines())
        steps_logged = [line["step"] for line in lines if "discriminator_loss" in line]
        self.assertEqual(steps_logged, list(range(1, steps + 1)))

    def test_an_interrupted_training_ends_with_130_and_resumes_to_the_same_bytes(self):
        steps = 60
        self.train("straight", steps)
        command = [program("dcgan-train"), "--data", self.folder / "train.h5", "--out", self.folder / "stopped",
                   "--steps", steps, "--log-every", 1, *NARROW]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(list(map(str, command)), **pipes) as process:
            metrics = self.folder / "stopped/metrics.jsonl"
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if metrics.exists() and metrics.stat().st_size:
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        done = json.loads(metrics.read_text().splitlines()[-1])["step"]
        self.assertGreater(done, 0)
        self.assertLess(done, steps)

        self.train("stopped", steps, "--log-every", 1, "--resume")
        self.assertEqual((self.folder / "stopped/model.safetensors").read_bytes(),
                         (self.folder / "straight/model.safetensors").read_bytes())

    def test_packing_that_is_killed_resumes_to_the_same_pixels(self):
        render = ["dcgan-prepare", "render", "--count", 4000, "--threads", 1, "-o"]
        start = time.monotonic()
        self.run_program(*render, self.folder / "straight.h5")
        whole_s = time.monotonic() - start
        killed, kills = self.folder / "killed.h5", 0
        command = [program(render[0]), *map(str, render[1:]), str(killed), "--resume"]
        while not killed.exists() and kills < 20:
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep((0.3 + 0.1 * kills) * whole_s)
                kills += process.poll() is None
                process.kill()
        self.assertGreater(kills, 0)
        with h5py.File(self.folder / "straight.h5") as a, h5py.File(killed) as b:
            for name in ("images", "labels", "paths"):
                numpy.testing.assert_array_equal(a[name], b[name], name)
        self.assertIn("complete already", self.run_program(*render, killed, "--resume").stdout)
        self.assert_refuses(*render, killed, code=1, says=["killed.h5", "--overwrite"])

    def test_an_image_that_cannot_be_read_is_listed_and_the_others_are_kept(self):
        folder = self.folder / "some-broken"
        paths = write_image_folder(folder, 3, seed=3)
        whole = (folder / paths[0]).read_bytes()
        (folder / paths[0]).write_bytes(whole[: len(whole) // 2])
        (folder / "discs/notes.txt").write_text("no image by its extension: passed over")
        self.extract(folder, "some-broken.h5", expect=3)
        with h5py.File(self.folder / "some-broken.h5") as file:
            self.assertEqual([p.decode() for p in file["paths"]], paths[1:])
            self.assertEqual([p.decode() for p in file["failures/path"]], paths[:1])
            self.assertTrue(file["failures/reason"][0])
        self.extract(folder, "strict.h5", "--strict", expect=1)

    def test_resume_of_a_complete_file_says_so_and_ends_well(self):
        output = self.folder / "complete.h5"
        self.extract(self.folder / "test.h5", output)
        before = output.read_bytes()
        result = self.extract(self.folder / "test.h5", output, "--resume")
        self.assertIn("complete", result.stdout + result.stderr)
        self.assertEqual(output.read_bytes(), before)
