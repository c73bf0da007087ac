"""dcgan-extract from outside: shards and merging, verifying, planning, archives, exports, interruptions."""

import json
import unittest

import h5py
import numpy
from programs import NARROW, ProgramTest, write_image_folder

DATASETS = ["features", "paths", "labels", "classes", "failures/path", "failures/reason"]


def whole(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in DATASETS if name in file}


class Extract(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images = cls.folder / "images"
        cls.paths = write_image_folder(cls.images, 20, seed=1)
        cls.damaged = ["discs/004.jpg", "squares/013.png"]
        for path in cls.damaged:
            content = (cls.images / path).read_bytes()
            (cls.images / path).write_bytes(content[: len(content) * 2 // 3])
        cls.good = [path for path in cls.paths if path not in cls.damaged]
        test = cls()
        packed = cls.folder / "images.h5"
        test.run_program("dcgan-prepare", "folder", cls.images, "-o", packed, "--size", 32, expect=3)
        test.run_program("dcgan-train", "--data", packed, "--out", cls.folder / "run", "--steps", 1, *NARROW)
        cls.model = cls.folder / "run/model.safetensors"
        test.extract("straight.h5")

    def path(self, name):
        return self.folder / name

    def extract(self, output, *arguments, images=None, expect=3, **options):
        arguments = [images or self.images, "-o", self.path(output), "--model", self.model, *arguments]
        return self.run_program("dcgan-extract", *arguments, expect=expect, **options)

    def assert_same(self, first, second="straight.h5"):
        a, b = whole(self.path(first)), whole(self.path(second))
        self.assertEqual(list(a), list(b))
        for name, values in a.items():
            numpy.testing.assert_array_equal(values, b[name], name)

    # --- shards and merging

    def test_merged_shards_equal_the_extraction_in_one_piece_in_every_dataset(self):
        for shard in range(3):
            # A shard without a failure ends with 0.
            self.extract("part-{shard}.h5", "--shard", f"{shard}/3", expect=0 if shard == 2 else 3)
        parts = [self.path(f"part-{shard}.h5") for shard in (2, 0, 1)]
        self.run_program("dcgan-extract", "merge", "-o", self.path("merged.h5"), *parts)
        self.assert_same("merged.h5")
        report = self.run_program("dcgan-extract", "merge", "--virtual", "-o", self.path("virtual.h5"), *parts, "--json")
        self.assertEqual(json.loads(report.stdout)["rows"], len(self.good))
        self.assert_same("virtual.h5")
        with h5py.File(self.path("virtual.h5")) as file:
            self.assertTrue(file["features"].is_virtual)

        merge = ["dcgan-extract", "merge", "-o", self.path("x.h5")]
        self.assert_refuses(*merge, *parts[:2], code=1, says=["part-2.h5", "inputs 20 to 39 of 60", "part-0.h5"])
        self.assert_refuses(*merge, *parts, parts[1], code=1, says=["part-0.h5", "inputs 0 to 19"])
        self.extract("foreign.h5", "--shard", "2/3", "--layers", "1,2", expect=0)
        self.assert_refuses(*merge, *parts[1:], self.path("foreign.h5"), code=1, says=["foreign.h5", "layers", "1,2"])
        self.assert_refuses(*merge, code=2, says=["PART.h5"])
        self.assertFalse(self.path("x.h5").exists())

    def test_shard_auto_asks_the_environment_of_slurm_arrays_and_torchrun(self):
        def extract(output, **environment):
            self.extract(output, "--shard", "auto", "--layers", 1, "--overwrite", env=environment, expect=code)
            with h5py.File(self.path(output.replace("{shard}", index))) as file:
                return int(file.attrs["first_input"]), int(file.attrs["input_count"])

        code, index = 0, "3"
        slurm = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "4"}
        self.assertEqual(extract("slurm-{shard}.h5", **slurm), (45, 15))
        code, index = 3, "1"
        self.assertEqual(extract("rank-{shard}.h5", RANK="1", WORLD_SIZE="2"), (30, 30))
        code, index = 0, "7"
        self.assertEqual(extract("both-{shard}.h5", RANK="1", WORLD_SIZE="2", **slurm), (52, 8))

        refuses = ["dcgan-extract", self.images, "-o", self.path("x.h5"), "--shard", "auto"]
        self.assert_refuses(*refuses, code=2, env={}, says=["--shard auto", "SLURM_ARRAY_TASK_ID", "RANK"])
        self.assert_refuses(*refuses, code=2, env={"RANK": "2", "WORLD_SIZE": "2"}, says=["RANK is 2", "WORLD_SIZE 2"])
        self.assert_refuses(*refuses, code=2, env={"RANK": "2"}, says=["WORLD_SIZE is not set"])
        self.assert_refuses(*refuses, code=2, env={**slurm, "SLURM_ARRAY_TASK_ID": "9"}, says=["evenly spaced"])
        self.assert_refuses(*refuses[:-1], "4/4", code=2, says=["--shard", "4/4", "I/N"])


if __name__ == "__main__":
    unittest.main()
