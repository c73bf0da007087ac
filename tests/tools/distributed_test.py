"""dcgan-train --distributed: several processes, one training."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest

import numpy
from programs import NARROW, ProgramTest, program, write_image_folder

STEPS = 6
# ThreadSanitizer does not see where LibTorch's threads give back their mutexes, and ends when one "holds" 64 of them.
NO_LOCK_ORDER = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + ":detect_deadlocks=0"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "discriminator_loss" in line]


class Distributed(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 20)
        cls.packed = cls.folder / "images.h5"
        cls().run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.packed, "--size", 32)

    def command(self, run, *arguments, data=None):
        options = NARROW[:-2] if "--threads" in arguments else NARROW
        return ["dcgan-train", "--data", data or self.packed, "--out", self.folder / run, *options, "--log-every", 1,
                *arguments]

    def launch(self, run, *arguments, rank, processes, port, data=None):
        """One of the processes that torchrun would start."""
        env = {**os.environ, "RANK": str(rank), "WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1",
               "MASTER_PORT": str(port), **NO_LOCK_ORDER}
        name, *rest = self.command(run, "--distributed", *arguments, data=data)
        process = subprocess.Popen([program(name), *map(str, rest)], env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def start(self, run, *arguments, processes=2, data=None):
        """All of them, first rank first."""
        port = free_port()
        return [self.launch(run, *arguments, rank=rank, processes=processes, port=port, data=data and data[rank])
                for rank in range(processes)]

    def finish(self, processes, codes):
        ended = [process.communicate(timeout=240) for process in processes]
        self.assertEqual([process.returncode for process in processes], codes, ended)
        return ended

    def test_the_cores_are_divided_among_the_processes_unless_threads_says_otherwise(self):
        cores = len(os.sched_getaffinity(0))
        for threads, each in ((0, max(1, cores // 2)), (3, 3)):
            (_, log), _ = self.train(f"threads-{threads}", "--steps", 1, "--threads", threads)
            self.assertIn(f"2 processes of {each} thread", log)
        slurm = {"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
        for more, each in (({}, cores), ({"SLURM_CPUS_PER_TASK": "3"}, 3)):
            log = self.run_program(*self.command(f"slurm-{each}", "--distributed", "--steps", 1, "--threads", 0),
                                   env={**os.environ, **slurm, **more}).stderr
            self.assertIn(f"with {each} thread", log)

    def test_an_earlier_run_is_not_overwritten_where_one_process_is_refused(self):
        self.run_program(*self.command("earlier", "--steps", 1))
        before = (self.folder / "earlier/model.safetensors").read_bytes()
        other = self.folder / "others.h5"
        write_image_folder(self.folder / "others", 20, seed=8)
        self.run_program("dcgan-prepare", "folder", self.folder / "others", "-o", other, "--size", 32)
        self.finish(self.start("earlier", "--steps", 2, "--overwrite", data=[self.packed, other]), [1, 1])
        self.assertEqual((self.folder / "earlier/model.safetensors").read_bytes(), before)

    def train(self, run, *arguments, **options):
        processes = self.start(run, *arguments, **options)
        return self.finish(processes, [0] * len(processes))

    def single(self, run, *arguments):
        return self.run_program(*self.command(run, *arguments))

    def assert_near(self, run, other, tolerance, steps=STEPS):
        for a, b in zip(metrics(self.folder / run)[:steps], metrics(self.folder / other)[:steps], strict=True):
            for key in ("discriminator_loss", "generator_loss", "real_probability", "discriminator_gradient"):
                numpy.testing.assert_allclose(a[key], b[key], rtol=tolerance, err_msg=f"step {a['step']}, {key}")

    def test_with_shared_batch_norm_the_losses_are_those_of_one_process(self):
        # 60 images, minibatches of 16: the last one of an epoch has 12, which three processes share unevenly with 16.
        self.single("one", "--steps", STEPS)
        for processes in (2, 3):
            run = f"shared {processes}"
            outputs = self.train(run, "--steps", STEPS, "--sync-batch-norm", processes=processes)
            # Adam's first steps are the signs of the gradients, so that roundings grow.
            self.assert_near(run, "one", 1e-4, steps=1)
            self.assert_near(run, "one", 0.02)
            self.assertIn(f"{processes} processes of 1 thread each", outputs[0][1])
            self.assertEqual([output[0] for output in outputs[1:]], [""] * (processes - 1))
        self.train("own", "--steps", STEPS)
        with self.assertRaises(AssertionError, msg="--sync-batch-norm changes nothing"):
            self.assert_near("own", "one", 1e-4, steps=1)

    def test_the_contrastive_objective_tells_views_from_those_of_all_processes(self):
        contrastive = ["--adversarial", 0, "--contrastive", 1, "--sync-batch-norm", "--steps", 4]
        self.single("alone", *contrastive)

        def losses(run):
            lines = (self.folder / run / "metrics.jsonl").read_text().splitlines()
            return numpy.array([[json.loads(line)[key] for key in ("contrastive_loss", "discriminator_gradient")]
                                for line in lines])

        for processes in (2, 3):
            run = f"contrast {processes}"
            self.train(run, *contrastive, processes=processes)
            # Adam's first steps are the signs of the gradients, so that roundings grow.
            numpy.testing.assert_allclose(losses(run)[0], losses("alone")[0], rtol=1e-4)
            numpy.testing.assert_allclose(losses(run), losses("alone"), rtol=0.02)
        outputs = self.finish(self.start("refused", *contrastive[:4], "--steps", 4), [2, 2])
        self.assertIn("--contrastive with several processes needs --sync-batch-norm", outputs[0][1])

    def test_equal_runs_of_two_processes_give_equal_files(self):
        for run in ("first", "second"):
            self.train(run, "--steps", 3)
        first, second = ((self.folder / run / "model.safetensors").read_bytes() for run in ("first", "second"))
        self.assertEqual(first, second)

    def test_another_number_of_processes_goes_on_from_the_same_checkpoint(self):
        shared = "--sync-batch-norm"
        self.single("whole", "--steps", STEPS, shared)
        self.single("parts", "--steps", 2, shared)
        outputs = self.train("parts", "--steps", 4, shared, "--resume")
        self.assertIn("Resumed after step 2", outputs[0][1])
        self.assertIn("started with 1 thread;", outputs[0][1])
        self.train("parts", "--steps", STEPS, shared, "--resume", processes=3)
        self.assertEqual([entry["step"] for entry in metrics(self.folder / "parts")], list(range(1, STEPS + 1)))
        self.assert_near("parts", "whole", 0.02)

    def test_a_killed_process_ends_the_others_with_a_message_and_no_checkpoint_is_lost(self):
        for killed in (0, 1):
            run = f"killed {killed}"
            processes = self.start(run, "--steps", 100000, "--checkpoint-every", 5)
            deadline = time.monotonic() + 60
            while not list((self.folder / run).glob("checkpoints/*.safetensors")):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            processes[killed].kill()
            other = processes[1 - killed]
            errors = other.communicate(timeout=60)[1]
            self.assertEqual(other.returncode, 1, errors)
            self.assertIn("has ended", errors)
            self.assertEqual(len([line for line in errors.splitlines() if line.startswith("error: ")]), 1, errors)
            processes[killed].communicate()
            step = max(int(path.stem[5:]) for path in (self.folder / run).glob("checkpoints/*.safetensors"))
            outputs = self.train(run, "--steps", step + 2, "--checkpoint-every", 5, "--resume")
            self.assertIn(f"Resumed after step {step}", outputs[0][1])

    def test_an_interrupt_of_one_ends_all_after_a_checkpoint(self):
        processes = self.start("interrupted", "--steps", 100000)
        deadline = time.monotonic() + 60
        while not (self.folder / "interrupted/metrics.jsonl").exists() or not metrics(self.folder / "interrupted"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        processes[1].send_signal(signal.SIGINT)
        self.finish(processes, [130, 130])
        self.assertEqual(len(list((self.folder / "interrupted").glob("checkpoints/*.safetensors"))), 1)

    def start_one(self, rank, *arguments, port):
        return self.launch(self._testMethodName, "--steps", 1, *arguments, rank=rank, processes=3, port=port)

    def test_who_has_not_come_is_said_every_ten_seconds_and_one_signal_ends_the_wait(self):
        port = free_port()
        for rank, says, number in ((0, "Waiting for processes 1, 2 of 0 to 2 to come", signal.SIGINT),
                                   (1, f"Waiting for process 0, at 127.0.0.1:{port} (Connection refused), to come",
                                    signal.SIGTERM)):
            process = self.start_one(rank, port=port)
            lines = []
            start = time.monotonic()
            while sum(says in line for line in lines) < 2:
                lines.append(process.stderr.readline())
                self.assertTrue(lines[-1], lines)
            self.assertLess(abs(time.monotonic() - start - 20), 15)
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=20), 130)
            process.communicate()
        self.assertFalse((self.folder / self._testMethodName).exists())

    def test_a_process_that_gave_up_waiting_is_missed_and_may_come_again(self):
        port = free_port()
        first, second = self.start_one(0, port=port), self.start_one(1, port=port)
        line = ""
        while "process 2 of 0 to 2" not in line:
            line = first.stderr.readline()
            self.assertTrue(line)
        second.send_signal(signal.SIGINT)
        self.assertEqual(second.wait(timeout=20), 130)
        while "processes 1, 2 of 0 to 2" not in line:
            line = first.stderr.readline()
            self.assertTrue(line)
        others = [self.start_one(rank, port=port) for rank in (1, 2)]
        self.finish([first, *others], [0, 0, 0])
        second.communicate()

    def test_with_quiet_nothing_is_said_while_others_are_missing(self):
        process = self.start_one(0, "--quiet", port=free_port())
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=14)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=20)[1].replace("interrupted\n", ""), "")

    def test_a_process_with_other_images_is_refused(self):
        write_image_folder(self.folder / "other", 20, seed=9)
        other = self.folder / "other.h5"
        self.run_program("dcgan-prepare", "folder", self.folder / "other", "-o", other, "--size", 32)
        outputs = self.finish(self.start("images", "--steps", 2, data=[self.packed, other]), [1, 1])
        self.assertIn(f"{other}: process 1 has other images there, or other options", outputs[1][1])

    def test_what_the_environment_lacks_is_named(self):
        def refuses(*says, **environment):
            self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.folder / "x", *NARROW,
                                "--distributed", code=2, env=environment, says=["--distributed", *says])

        refuses("RANK", "SLURM_PROCID", "torchrun")
        refuses("WORLD_SIZE is not set", RANK="0")
        refuses("RANK is 2 and WORLD_SIZE 2", RANK="2", WORLD_SIZE="2")
        refuses("MASTER_ADDR", RANK="0", WORLD_SIZE="2")
        refuses("MASTER_PORT is not set", SLURM_PROCID="0", SLURM_NTASKS="2", MASTER_ADDR="127.0.0.1")
        refuses('MASTER_PORT is "x"', RANK="0", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="x")
        self.assert_refuses("dcgan-train", "--data", self.packed, *NARROW, "--distributed", "--dry-run", code=2,
                            says=["--dry-run", "--distributed"])
        small = {"RANK": "0", "WORLD_SIZE": "9", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.folder / "x", *NARROW, "--distributed",
                            code=2, env=small, says=["--batch-size is 16", "18 or more", "9 processes"])


if __name__ == "__main__":
    unittest.main()
