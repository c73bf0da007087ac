"""The programs of examples/, which docs/library.md shows, built against an installed tree that was moved: what they print
is what the programs of the project say."""

import os
import re
import signal
import subprocess
import unittest

import h5py
import numpy
from programs import BUILD, SANITIZED, SOURCE, ProgramTest, write_image_folder

DEFAULT = SOURCE / "data/models/tiny-imagenet32-contrastive.safetensors"
PAGE = SOURCE / "docs/library.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


class Documents(unittest.TestCase):
    def test_the_page_shows_the_examples_as_they_are(self):
        shown = blocks("cpp") + blocks("c") + blocks("python")
        for path in sorted((SOURCE / "examples").glob("*.*")):
            if path.suffix in (".cpp", ".c", ".py"):
                self.assertIn(path.read_text(encoding="utf-8"), shown, path.name)


@unittest.skipIf(SANITIZED, "a program built without the sanitizer cannot load a library built with it")
class Examples(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test, first = cls(), cls.folder / "first"
        test.command("cmake", "--install", BUILD, "--prefix", first)
        cls.prefix = cls.folder / "moved"
        first.rename(cls.prefix)
        cls.build = cls.folder / "build"
        test.command("cmake", "-S", SOURCE / "examples", "-B", cls.build, "-DCMAKE_BUILD_TYPE=Release",
                     "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror",
                     f"-DCMAKE_PREFIX_PATH={cls.prefix}")
        test.command("cmake", "--build", cls.build)
        cls.images, cls.machine = cls.folder / "images", cls.folder / "machine.safetensors"
        cls.names = write_image_folder(cls.images, 6)
        test.run_program("dcgan-extract", cls.images, "-o", cls.folder / "images.h5")
        test.run_program("dcgan-eval", "svm", "--train", cls.folder / "images.h5", "--test", cls.folder / "images.h5", "--c",
                         "0.01", "--save", cls.machine)
        with h5py.File(cls.folder / "images.h5") as file:
            cls.largest = [f"{cls.images / name}\t28672\t{row.max():.6g}" for name, row in zip(cls.names, file["features"][:])]

    def command(self, *words, expect=0, **environment):
        # Nothing but the path: what is run finds its libraries by itself.
        result = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                                env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment})
        self.assertEqual(result.returncode, expect, f"{words}\n{result.stdout}{result.stderr}")
        return result.stdout if expect == 0 else result.stderr

    def predicted(self, *paths):
        told = self.run_program("dcgan-eval", "predict", *paths, "--classifier", self.machine, "--top", 3).stdout
        return [line.split("\t")[1:] for line in told.splitlines()]

    def test_cpp_tells_the_classes_that_predict_tells(self):
        for name in self.names[:3]:
            told = self.command(self.build / "classify", DEFAULT, self.machine, self.images / name)
            self.assertEqual(told.split(), self.predicted(self.images / name)[0])

    def test_cpp_says_in_one_line_what_is_wrong(self):
        other = SOURCE / "data/models/tiny-imagenet32.safetensors"
        self.assertIn("error: the extractor: the model is",
                      self.command(self.build / "classify", other, self.machine, self.images / self.names[0], expect=1))
        self.assertIn("error: none.png: cannot be opened",
                      self.command(self.build / "classify", DEFAULT, self.machine, "none.png", expect=1))

    def test_cpp_takes_many_files_tells_of_broken_ones_and_stops_when_asked(self):
        broken = self.folder / "broken.png"
        broken.write_text("no picture")
        paths = [self.images / name for name in self.names]
        command = [str(word) for word in (self.build / "folder", DEFAULT, *paths[:3], broken, *paths[3:])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.splitlines(), self.largest)
        self.assertIn(f"{broken}: not an image", done.stderr)
        many = [str(word) for word in (self.build / "folder", DEFAULT, *paths * 200)]
        with subprocess.Popen(many, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            self.assertEqual(running.stderr.readline(), "256 of 3600\n")
            running.send_signal(signal.SIGINT)
            told = running.communicate()[0].splitlines()
        self.assertEqual(running.returncode, 0)
        self.assertEqual(told, (self.largest * 200)[:len(told)])
        self.assertTrue(256 <= len(told) < 3600, len(told))

    def test_frames_of_a_camera_go_in_as_opencv_holds_them(self):
        from PIL import Image

        frames = []
        for i, name in enumerate(self.names[::5]):
            frames.append(self.folder / f"frame{i}.png")
            Image.open(self.images / name).resize((1280, 720)).save(frames[-1])
        told = [line.split("\t")[1:] for line in self.command(self.build / "frames", DEFAULT, self.machine, *frames).splitlines()]
        self.assertEqual(told, [self.predicted(frame)[0][:2] for frame in frames])

    def test_c_gives_the_features_of_dcgan_extract(self):
        paths = [self.images / name for name in self.names]
        self.assertEqual(self.command(self.build / "features", DEFAULT, *paths).splitlines(), self.largest)
        self.assertIn("error: none.png: cannot be opened", self.command(self.build / "features", DEFAULT, "none.png", expect=1))

    def test_c_by_pkg_config_does_the_same(self):
        flags = self.command("pkg-config", "--cflags", "--libs", "dcgan-images", PKG_CONFIG_PATH=str(self.prefix / "lib/pkgconfig"))
        self.assertIn(f"-I{self.prefix}/lib/pkgconfig/../../include", flags)
        program = self.folder / "by-pkg-config"
        self.command("gcc", "-std=c11", SOURCE / "examples/features.c", *flags.split(), f"-Wl,-rpath,{self.prefix}/lib", "-o", program)
        paths = [self.images / name for name in self.names[:2]]
        self.assertEqual(self.command(program, DEFAULT, *paths).splitlines(), self.largest[:2])

    def test_ctypes_does_the_same(self):
        for name, expected in zip(self.names[:2], self.largest):
            told = self.command("/usr/bin/python3", SOURCE / "examples/features_ctypes.py", DEFAULT, self.images / name,
                                LD_LIBRARY_PATH=str(self.prefix / "lib"))
            self.assertEqual(told.strip(), expected)

    def test_the_python_package_works_with_the_installed_libraries(self):
        code = ("import dcgan, numpy, sys; "
                "numpy.save(sys.argv[1], dcgan.Extractor(sys.argv[2])(sys.argv[3:]))")
        self.command("/usr/bin/python3", "-c", code, self.folder / "features.npy", DEFAULT, *(self.images / name for name in self.names),
                     PYTHONPATH=str(SOURCE / "python"), LD_LIBRARY_PATH=str(self.prefix / "lib"), PYTHONDONTWRITEBYTECODE="1")
        with h5py.File(self.folder / "images.h5") as file:
            numpy.testing.assert_array_equal(numpy.load(self.folder / "features.npy"), file["features"][:])

    def test_a_component_that_is_not_there_is_named(self):
        project = self.folder / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n"
                                                "find_package(dcgan CONFIG REQUIRED COMPONENTS features magic)\n")
        said = self.command("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}", expect=1)
        self.assertIn('"magic" is none', " ".join(said.split()))


if __name__ == "__main__":
    unittest.main()
