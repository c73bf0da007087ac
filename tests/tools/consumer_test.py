"""Somebody else's program, built against an installed libdcgan, gets the same numbers as dcgan-extract."""

import os
import re
import subprocess
import unittest

import h5py
import numpy
from programs import BUILD, NARROW, SANITIZED, SOURCE, ProgramTest, write_image_folder


class Consumer(ProgramTest):
    def command(self, *arguments, **options):
        command = list(map(str, arguments))
        result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        self.assertEqual(result.returncode, 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return result.stdout

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls()
        cls.prefix = cls.folder / "installed"
        test.command("cmake", "--install", BUILD, "--prefix", cls.prefix)
        packed, run = cls.folder / "images.h5", cls.folder / "run"
        write_image_folder(cls.folder / "images", 8)
        test.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", packed, "--size", 32)
        test.run_program("dcgan-train", "--data", packed, "--out", run, "--steps", 2, *NARROW)
        cls.model = run / "model.safetensors"
        test.run_program("dcgan-extract", packed, "-o", cls.folder / "features.h5", "--model", cls.model)
        with h5py.File(packed) as file:
            (cls.folder / "images.raw").write_bytes(file["images"][:].tobytes())

    def assert_same_as_extract(self, consumer):
        output = self.folder / "features.f32"
        self.command(consumer, self.model, self.folder / "images.raw", output, env={"PATH": os.environ["PATH"]})
        with h5py.File(self.folder / "features.h5") as file:
            expected = file["features"][:]
        numpy.testing.assert_array_equal(numpy.fromfile(output, "<f4").reshape(expected.shape), expected)

    @unittest.skipIf(SANITIZED, "a program built without the sanitizer cannot load a library built with it")
    def test_a_cmake_project_that_finds_the_installed_package_gets_the_same_features_and_model_bit_for_bit(self):
        build = self.folder / "consumer-build"
        self.command("cmake", "-S", SOURCE / "tests/consumer", "-B", build, "-DCMAKE_BUILD_TYPE=Release",
                     f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.command("cmake", "--build", build)
        self.assert_same_as_extract(build / "consumer")
        run = self.folder / "consumer-run"
        said = self.command(build / "trainer", self.folder / "images.h5", run, env={"PATH": os.environ["PATH"]})
        self.assertEqual(said, "step 1 of 2\nstep 2 of 2\n")
        self.assertEqual((run / "model.safetensors").read_bytes(), self.model.read_bytes())

    @unittest.skipIf(SANITIZED, "a program built without the sanitizer cannot load a library built with it")
    def test_a_compiler_that_asks_pkg_config_gets_the_same_features_bit_for_bit(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        flags = self.command("pkg-config", "--cflags", "--libs", "dcgan", env=environment).split()
        consumer = self.folder / "consumer"
        self.command("g++", "-std=c++17", SOURCE / "tests/consumer/consumer.cpp", *flags,
                     f"-Wl,-rpath,{self.prefix}/lib", "-o", consumer)
        self.assert_same_as_extract(consumer)

    def test_the_installed_programs_run_from_where_they_were_installed(self):
        for name in ("prepare", "train", "extract", "eval"):
            self.assertIn(f"dcgan-{name}", self.command(self.prefix / "bin" / f"dcgan-{name}", "--version"))
        facts = self.command(self.prefix / "bin/dcgan-convert", "info", "tiny-imagenet32")
        self.assertIn(str(self.prefix / "share/dcgan/models/tiny-imagenet32.safetensors"), facts)

    def test_what_is_installed_looks_for_libraries_in_its_own_tree_only(self):
        places = {}
        for path in [*(self.prefix / "bin").iterdir(), *(self.prefix / "lib").glob("*.so")]:
            said = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=False).stdout
            for found in re.findall(r"Library r(?:un)?path: \[(.*)\]", said):
                places[path.name] = found.split(":")
        self.assertIn("libdcgan_train.so", places)
        for name, folders in places.items():
            self.assertEqual([folder for folder in folders if not folder.startswith("$ORIGIN")], [], name)

    def test_one_command_of_the_installed_tree_makes_a_model_as_the_one_that_ships(self):
        train_model, model = self.prefix / "share/dcgan/recipes/train-model", self.folder / "made.safetensors"
        self.assertIn("usage: train-model", self.command(train_model, "--help"))
        self.command(train_model, self.folder / "images", model, "--steps", 2, *NARROW)
        facts = self.command(self.prefix / "bin/dcgan-convert", "info", model)
        for phrase in ("storage                   f16", "generator                 false", "step                    2"):
            self.assertIn(phrase, facts)
        before = (self.folder / "made.run/metrics.jsonl").read_text()
        self.command(train_model, self.folder / "images", model, "--steps", 3, *NARROW)  # goes on
        self.assertTrue((self.folder / "made.run/metrics.jsonl").read_text().startswith(before))
        other = self.folder / "other.safetensors"
        other.write_text("not made here")
        (self.folder / "others").mkdir()
        for arguments, says in (([self.folder / "others", model], "not from"), ([self.folder / "images", other], "exists")):
            refused = subprocess.run([train_model, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(says, refused.stderr)
        self.assertEqual(other.read_text(), "not made here")
        self.assertIn("step                    3", self.command(self.prefix / "bin/dcgan-convert", "info", model))

    def test_one_command_makes_a_contrastive_model_of_larger_images_with_equal_channels(self):
        train_model, model = self.prefix / "share/dcgan/recipes/train-model", self.folder / "contrastive.safetensors"
        self.command(train_model, self.folder / "images", model, "--recipe", "tiny-imagenet32-contrastive", "--steps", 2,
                     *NARROW)
        facts = self.command(self.prefix / "bin/dcgan-convert", "info", model)
        for phrase in ("storage                   f16", "generator                 false", "equalised", "patches"):
            self.assertIn(phrase, facts)
        packed = self.command(self.prefix / "bin/dcgan-prepare", "info", self.folder / "contrastive.images.h5")
        self.assertRegex(packed, r"height +64")

    def test_no_installed_header_asks_for_one_of_another_library(self):
        for header in (self.prefix / "include/dcgan").glob("*.h"):
            for line in header.read_text().splitlines():
                if line.startswith("#include"):
                    name = line.split()[1].strip('<">')
                    self.assertRegex(name, r"^(dcgan/|[a-z_]+$|std(def|int)\.h$)", f"{header}: {line}")
                    if name.startswith("dcgan/"):
                        self.assertTrue((self.prefix / "include" / name).exists(), f"{header}: {line}")
