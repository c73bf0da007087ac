"""Wrong input: one line that names the file or flag, what was found, what was expected and what to do."""

import json
import os
import resource
import shutil
import struct
import subprocess
import unittest

import h5py
import numpy
from programs import NARROW, SANITIZED, ProgramTest, program, write_image_folder

CIFAR_RECORD = 1 + 3 * 32 * 32
CIFAR_BATCH = 10000


def file_size_limit(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class BadInput(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 12)
        cls.packed = cls.folder / "images.h5"
        test = cls()
        test.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.packed, "--size", 32)
        test.run_program("dcgan-train", "--data", cls.packed, "--out", cls.folder / "run", "--steps", 1, *NARROW)
        cls.model = cls.folder / "run/model.safetensors"
        cls.features = cls.folder / "features.h5"
        test.run_program("dcgan-extract", cls.packed, "-o", cls.features, "--model", cls.model)

    def path(self, name):
        return self.folder / name

    def assert_extract_refuses(self, images, *arguments, **expected):
        self.assert_refuses("dcgan-extract", images, "-o", self.path("x.h5"), *arguments, **expected)

    @unittest.skipIf(SANITIZED, "the sanitizer maps more memory than the limit of this test")
    def test_a_training_that_finds_too_little_memory_says_how_much_it_needs(self):
        # The weights of the third layer alone are 3 x 3 x 4,096 x 8,192 float32, 1.2 GB.
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.path("wide"), "--ndf", 4096, "--ngf", 4, "--batch-size", 4, code=1,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)),
                            says=["--device auto has not enough memory", "needs at least", "--batch-size"])

    def test_batch_norm_that_is_not_there_cannot_be_synchronised(self):
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.path("x"), *NARROW, "--batch-norm", "none",
                            "--sync-batch-norm", code=2, says=["--sync-batch-norm", "--batch-norm none"])

    # --- folders and images

    def test_a_missing_folder_is_named(self):
        missing = self.path("no-such-folder")
        self.assert_refuses("dcgan-prepare", "folder", missing, "-o", self.path("x.h5"), code=1, says=[missing])
        self.assert_extract_refuses(missing, "--model", self.model, code=1, says=[missing])
        self.assert_refuses("dcgan-train", "--data", missing, "--out", self.path("x"), *NARROW, code=1, says=[missing])

    def test_an_empty_folder_is_named_with_the_extensions_that_were_looked_for(self):
        empty = self.path("empty")
        empty.mkdir()
        for program in ("dcgan-prepare", "dcgan-extract"):
            with self.subTest(program=program):
                arguments = ["folder", empty] if program == "dcgan-prepare" else [empty, "--model", self.model]
                self.assert_refuses(program, *arguments, "-o", self.path("x.h5"), code=1,
                                    says=[empty, "jpg", "png", "webp"])
        self.assertFalse(self.path("x.h5").exists())

    def test_images_that_cannot_be_read_are_failures_with_a_reason_each(self):
        folder = self.path("broken")
        paths = write_image_folder(folder, 4, seed=5)
        jpeg, png = (next(p for p in paths if p.endswith(e)) for e in ("jpg", "png"))
        for name in (jpeg, png):
            whole = (folder / name).read_bytes()
            (folder / name).write_bytes(whole[: len(whole) * 2 // 3])
        (folder / "discs/text.png").write_text("no PNG")
        (folder / "discs/nothing.jpg").write_bytes(b"")
        output = self.path("broken.h5")
        result = self.run_program("dcgan-prepare", "folder", folder, "-o", output, "--size", 32, expect=3)
        with h5py.File(output) as file:
            failed = sorted(p.decode() for p in file["failures/path"])
            self.assertEqual(failed, sorted([jpeg, png, "discs/text.png", "discs/nothing.jpg"]))
            self.assertTrue(all(file["failures/reason"]))
            self.assertEqual(len(file["paths"]), 10)
        self.assertIn("4 failures", result.stdout + result.stderr)

    # --- CIFAR-10

    def write_cifar10(self, name, damage):
        """The official binary layout, damaged by `damage(batches)`, a map of file name to bytes."""
        generator = numpy.random.default_rng(1)
        batches = {}
        for batch in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            records = generator.integers(0, 256, (CIFAR_BATCH, CIFAR_RECORD), dtype=numpy.uint8)
            records[:, 0] %= 10
            batches[batch] = records.tobytes()
        damage(batches)
        folder = self.path(name)
        folder.mkdir()
        for batch, content in batches.items():
            (folder / batch).write_bytes(content)
        return folder

    def test_a_cifar_batch_of_the_wrong_length_is_named_with_both_lengths(self):
        for name, change in (("short", lambda b: b[:-1]), ("long", lambda b: b + b"\0")):
            with self.subTest(name=name):
                folder = self.write_cifar10(
                    f"cifar-{name}", lambda b, c=change: b.update({"data_batch_3.bin": c(b["data_batch_3.bin"])}))
                found = "30,729,999" if name == "short" else "30,730,001"
                self.assert_refuses("dcgan-prepare", "cifar10", "--data", folder, "-o", self.path("cifar.h5"), code=1,
                                    says=["data_batch_3.bin", found, "30,730,000"])
                shutil.rmtree(folder)

    def test_a_cifar_label_out_of_range_is_named_with_its_record(self):
        def damage(batches):
            content = bytearray(batches["data_batch_2.bin"])
            content[7 * CIFAR_RECORD] = 10
            batches["data_batch_2.bin"] = bytes(content)

        folder = self.write_cifar10("cifar-label", damage)
        self.assert_refuses("dcgan-prepare", "cifar10", "--data", folder, "-o", self.path("cifar.h5"), code=1,
                            says=["data_batch_2.bin", "label 10", "record 7"])
        self.assertFalse(self.path("cifar.h5").exists())
        shutil.rmtree(folder)

    # --- models

    def test_a_model_that_is_cut_short_is_named(self):
        whole = self.model.read_bytes()
        for length in (4, 100, len(whole) - 1):
            with self.subTest(length=length):
                cut = self.path("cut.safetensors")
                cut.write_bytes(whole[:length])
                self.assert_extract_refuses(self.packed, "--model", cut, code=1, says=[cut])

    def test_a_model_of_another_architecture_is_refused_with_the_tensor_and_both_shapes(self):
        whole = self.model.read_bytes()
        (length,) = struct.unpack("<Q", whole[:8])
        header = json.loads(whole[8 : 8 + length])
        for key, value in header["__metadata__"].items():
            header["__metadata__"][key] = value.replace('"ndf":4', '"ndf":8')
        text = json.dumps(header).encode()
        other = self.path("other.safetensors")
        other.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])
        self.assert_extract_refuses(self.packed, "--model", other, code=1,
                            says=[other, "discriminator.", "4", "8"])

    def test_images_of_another_size_than_the_network_takes_are_refused(self):
        large = self.path("large.h5")
        self.run_program("dcgan-prepare", "folder", self.folder / "images", "-o", large, "--size", 64)
        self.assert_refuses("dcgan-train", "--data", large, "--out", self.path("x"), *NARROW, code=1, says=["64", "32"])

    def test_resuming_with_other_options_names_the_option(self):
        arguments = ["--data", self.packed, "--out", self.folder / "run", "--steps", 2, *NARROW]
        arguments[arguments.index("--ndf") + 1] = 8
        result = self.run_program("dcgan-train", *arguments, "--resume", expect=2)
        self.assertIn("ndf", result.stderr)

    # --- files

    def test_a_feature_file_that_is_cut_short_is_named(self):
        cut = self.path("cut.h5")
        whole = self.features.read_bytes()
        cut.write_bytes(whole[: len(whole) // 2])
        self.assert_refuses("dcgan-eval", "svm", "--train", cut, "--test", self.features, code=1, says=[cut])

    def test_a_file_of_another_kind_is_named_with_what_was_expected(self):
        self.assert_refuses("dcgan-eval", "svm", "--train", self.packed, "--test", self.features, code=1,
                            says=[self.packed, "dcgan-images", "dcgan-features"])
        self.assert_refuses("dcgan-train", "--data", self.features, "--out", self.path("x"), *NARROW, code=1,
                            says=[self.features, "dcgan-features", "dcgan-images"])

    def test_an_output_that_exists_is_kept_and_the_flag_is_named(self):
        before = self.features.read_bytes()
        self.assert_refuses("dcgan-extract", self.packed, "-o", self.features, "--model", self.model, code=1,
                            says=[self.features, "--overwrite"])
        self.assertEqual(self.features.read_bytes(), before)
        packed = self.packed.read_bytes()
        self.assert_refuses("dcgan-prepare", "folder", self.folder / "images", "-o", self.packed, code=1,
                            says=[self.packed, "--overwrite"])
        self.assertEqual(self.packed.read_bytes(), packed)
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.folder / "run", *NARROW, code=1,
                            says=[self.folder / "run", "--overwrite", "--resume"])

    # --- flags

    def test_an_unknown_flag_is_named_with_the_nearest_known_one(self):
        for program, arguments, flag, nearest in (
            ("dcgan-prepare", ["folder", self.folder / "images", "-o", self.path("x.h5")], "--sise", "--size"),
            ("dcgan-train", ["--data", self.packed, "--out", self.path("x")], "--batch-sise", "--batch-size"),
            ("dcgan-extract", [self.packed, "-o", self.path("x.h5")], "--modle", "--model"),
            ("dcgan-eval", ["svm", "--train", self.features], "--tets", "--test"),
        ):
            with self.subTest(program=program):
                self.assert_refuses(program, *arguments, flag, "1", code=2, says=[flag, nearest])

    def test_an_unknown_command_is_named_with_the_nearest_known_one(self):
        self.assert_refuses("dcgan-eval", "smv", code=2, says=["smv", "svm"])
        self.assert_refuses("dcgan-prepare", "foldr", code=2, says=["foldr", "folder"])

    def test_a_value_against_the_rule_is_named_with_flag_value_and_rule(self):
        train = ["dcgan-train", "--data", self.packed, "--out", self.path("x")]
        self.assert_refuses(*train, "--batch-size", 0, code=2, says=["--batch-size", "0"])
        self.assert_refuses(*train, "--batch-size", "many", code=2, says=["--batch-size", "many"])
        self.assert_refuses(*train, "--kernel", 4, code=2, says=["--kernel", "4", "odd"])
        self.assert_extract_refuses(self.packed, "--model", self.model, "--grid", 3, code=2, says=["--grid", "3"])
        self.assert_extract_refuses(self.packed, "--model", self.model, "--layers", "1,9", code=2,
                                    says=["--layers", "9", "6"])

    def test_a_device_that_is_missing_is_an_error(self):
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.path("x"), "--batch-size", "8",
                            "--device", "cuda:7", code=2, says=["cuda:7"])

    # --- full disk

    def test_a_full_standard_output_is_noticed(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run(
                [program("dcgan-eval"), "svm", "--train", self.features, "--test", self.features, "--c", "1e-3"],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("full", result.stderr)

    def test_a_write_past_a_size_limit_is_an_error_that_names_the_file(self):
        limit = file_size_limit(64 * 1024)
        output = self.path("limited.h5")
        self.assert_refuses("dcgan-prepare", "folder", self.folder / "images", "-o", output, code=1, says=[output],
                            preexec_fn=limit)
        self.assertFalse(output.exists())
        self.assert_refuses("dcgan-extract", self.packed, "-o", output, "--model", self.model, code=1, says=[output],
                            preexec_fn=limit)
        self.assertFalse(output.exists())
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.path("limited"), "--steps", 1, *NARROW,
                            code=1, says=[self.path("limited")], preexec_fn=limit)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a small file system")
    def test_on_a_full_disk_an_extraction_keeps_what_it_has_and_resumes_once_there_is_room(self):
        disk = self.path("disk")
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", disk]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            self.skipTest("this machine does not allow to mount a file system")
        try:
            output = disk / "features.h5"
            arguments = [self.packed, "-o", output, "--model", self.model, "--batch-size", 4, "--force"]
            self.assert_refuses("dcgan-extract", *arguments, code=1, says=[output])
            self.assertFalse(output.exists())
            subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
            self.run_program("dcgan-extract", *arguments, "--resume")
            with h5py.File(output) as resumed, h5py.File(self.features) as straight:
                numpy.testing.assert_array_equal(resumed["features"][:], straight["features"][:])
        finally:
            subprocess.run(["umount", disk], check=False)
