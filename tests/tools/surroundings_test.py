"""What goes on around a program: streams that are closed, a terminal that goes away."""

import json
import os
import signal
import subprocess
import time
import unittest

import h5py
import numpy
from PIL import Image
from programs import NARROW, ProgramTest, program, write_image_folder


class Surroundings(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls()
        cls.images, cls.packed = cls.folder / "images", cls.folder / "packed.h5"
        cls.paths = write_image_folder(cls.images, 8)
        test.run_program("dcgan-prepare", "folder", cls.images, "-o", cls.packed)
        test.run_program("dcgan-train", "--data", cls.packed, "--out", cls.folder / "run", "--steps", 1, *NARROW)
        cls.model = cls.folder / "run/model.safetensors"

    def run_without(self, streams, *command, expect):
        """With closed streams, such as "1>&-"."""
        name, *arguments = command
        words = ["sh", "-c", f'exec "$@" {streams}', "sh", program(name), *map(str, arguments)]
        result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)

    def assert_same_rows(self, a, b):
        with h5py.File(a) as left, h5py.File(b) as right:
            for name in ("features", "paths"):
                numpy.testing.assert_array_equal(left[name], right[name], name)

    # --- closed streams

    def test_with_streams_closed_no_message_is_written_into_a_file(self):
        images, bad = self.folder / "mended", "squares/003.png"
        write_image_folder(images, 8)
        (images / bad).write_bytes(b"no image")
        extract = ["dcgan-extract", images, "--model", self.model, "--batch-size", 4, "--threads", 1]
        for number, streams in enumerate(("2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-")):
            output = self.folder / f"closed-{number}.h5"
            (images / bad).write_bytes(b"no image")
            self.run_without(streams, *extract, "-o", output, "--strict", expect=1)
            Image.new("RGB", (40, 34)).save(images / bad)
            self.run_without(streams, *extract, "-o", output, "--resume", expect=0)
            self.run_program(*extract, "-o", output.with_suffix(".whole"))
            self.assert_same_rows(output, output.with_suffix(".whole"))

    def test_a_training_with_streams_closed_has_the_files_of_any_other(self):
        train = ["dcgan-train", "--data", self.packed, "--steps", 3, "--log-every", 1, *NARROW, "--out"]
        self.run_program(*train, self.folder / "open")
        self.run_without("0<&- 1>&- 2>&-", *train, self.folder / "closed", expect=0)
        for name in ("model.safetensors", "options.json", "lock"):
            self.assertEqual((self.folder / "closed" / name).read_bytes(), (self.folder / "open" / name).read_bytes(),
                             name)
        for line in (self.folder / "closed/metrics.jsonl").read_text().splitlines():
            json.loads(line)

    def test_a_result_that_cannot_be_written_is_still_an_error(self):
        self.run_without(">/dev/full", "dcgan-prepare", "info", self.packed, expect=1)

    # --- another LibTorch

    def test_another_libtorch_in_ld_library_path_is_passed_over(self):
        other = self.folder / "other-libtorch"
        other.mkdir()
        for name in ("libc10.so", "libtorch.so", "libtorch_cpu.so"):
            subprocess.run(["cc", "-shared", f"-Wl,-soname,{name}", "-o", other / name, "-x", "c", "/dev/null"], check=True)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(other)}
        self.run_program("dcgan-train", "--data", self.packed, "--out", self.folder / "other", "--steps", 1, *NARROW,
                         env=environment)
        # Here the library is opened by a program that starts without it.
        self.run_program("dcgan-extract", self.packed, "-o", self.folder / "other.h5", "--model", self.model, "--precision",
                         "bf16", env=environment)

    # --- a terminal that goes away

    def start(self, *command, **options):
        name, *arguments = command
        return subprocess.Popen([program(name), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **options)

    def wait_for(self, path, process):
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if path.exists() and path.stat().st_size:
                return
            time.sleep(0.005)
        self.fail(f"{path} never came: {process.communicate()}")

    def long_extraction(self, output):
        lines = self.folder / "long-list.txt"
        lines.write_text("\n".join(self.paths * 400))
        return ["dcgan-extract", self.images, "-o", output, "--list", lines, "--threads", 1, "--batch-size", 8]

    def test_a_hangup_ends_an_extraction_after_a_flush_however_often_it_comes(self):
        output = self.folder / "hangup.h5"
        extract = self.long_extraction(output)
        with self.start(*extract) as process:
            self.wait_for(output.with_name("hangup.h5.partial"), process)
            for _ in range(3):
                process.send_signal(signal.SIGHUP)
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        self.assertRegex(errors, r"interrupted after \d+ of 9600 images; the same command with --resume goes on")

    def test_a_hangup_ends_an_extraction_whose_messages_nobody_reads_any_more(self):
        output = self.folder / "deaf.h5"
        extract = [*self.long_extraction(output), "--progress-every", 0.01]
        with self.start(*extract) as process:
            self.wait_for(output.with_name("deaf.h5.partial"), process)
            process.send_signal(signal.SIGHUP)
            process.stderr.close()
            process.stdout.close()
            process.wait(timeout=120)
        self.assertEqual(process.returncode, 130)
        self.assertTrue(output.with_name("deaf.h5.partial.journal").stat().st_size)

    def test_a_hangup_makes_a_training_keep_its_last_step(self):
        run = self.folder / "hangup"
        with self.start("dcgan-train", "--data", self.packed, "--out", run, "--steps", 100_000, "--log-every", 1,
                        "--checkpoint-every", 100_000, *NARROW) as process:
            self.wait_for(run / "metrics.jsonl", process)
            process.send_signal(signal.SIGHUP)
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"]
        self.assertEqual([path.name for path in (run / "checkpoints").iterdir()], [f"step-{last:08d}.safetensors"])

    def test_under_nohup_a_hangup_changes_nothing(self):
        output = self.folder / "nohup.h5"
        extract = ["dcgan-extract", self.packed, "-o", output, "--model", self.model, "--threads", 1]
        with self.start(*extract, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                process.send_signal(signal.SIGHUP)
                time.sleep(0.001)
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        self.assertTrue(output.exists())


if __name__ == "__main__":
    unittest.main()
