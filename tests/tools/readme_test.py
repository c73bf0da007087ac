"""README and docs/tour.md are right: their commands and the C++ example are run as they stand there."""

import os
import re
import subprocess
import unittest

from programs import BUILD, SANITIZED, SOURCE, ProgramTest, write_image_folder


def blocks(language, page="README.md"):
    return re.findall(rf"```{language}\n(.*?)```", (SOURCE / page).read_text(encoding="utf-8"), flags=re.S)


class Readme(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "photos", 44, seed=1)
        write_image_folder(cls.folder / "more-photos", 10, seed=2)
        for block in blocks("sh", "docs/tour.md"):
            cls.shell(block)

    @classmethod
    def shell(cls, script):
        environment = {**os.environ, "PATH": f"{BUILD / 'tools'}:{os.environ['PATH']}"}
        result = subprocess.run(["bash", "-e", "-c", script], cwd=cls.folder, env=environment, capture_output=True,
                                text=True, check=False, timeout=240)
        if result.returncode:
            raise AssertionError(f"{script}\n{result.stdout}{result.stderr}")

    def test_the_commands_leave_what_the_tour_says(self):
        for name in ("photos.h5", "runs/photos/model.safetensors", "photos-features.h5", "test-features.h5", "small-features.h5"):
            self.assertTrue((self.folder / name).exists(), name)

    @unittest.skipIf(SANITIZED, "a program built without the sanitizer cannot load a library built with it")
    def test_the_library_example_compiles_and_runs(self):
        install, *_ = [block for block in blocks("sh") if "--install" in block]
        prefix = self.folder / "prefix"
        self.shell(install.replace("build/release", str(BUILD)).replace("/usr/local", str(prefix)))
        project, example = self.folder / "example", blocks("cpp")[0]
        project.mkdir()
        (project / "main.cpp").write_text(example)
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(example LANGUAGES CXX)\n"
            "add_executable(my_program main.cpp)\n" + blocks("cmake")[0])
        self.shell(f"cmake -S example -B example/build -DCMAKE_PREFIX_PATH={prefix} && cmake --build example/build")
        self.shell("example/build/my_program | grep -x '3584 features'")
