"""dcgan-train with packed images that are larger than the memory they may take."""

import unittest

import h5py
import numpy
from programs import NARROW, ProgramTest, write_image_folder


class LargeData(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 20)
        cls.packed = cls.folder / "images.h5"
        cls().run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.packed, "--size", 32)

    def train(self, run, *arguments, data=None):
        # 60 images, 4 minibatches an epoch, 2 of them for each network.
        return self.run_program("dcgan-train", "--data", data or self.packed, "--out", self.folder / run, *NARROW,
                                "--steps", 5, *arguments)

    def test_trains_the_same_parameters_from_the_file_as_from_memory(self):
        loaded = self.train("loaded")
        self.assertNotIn("--max-memory", loaded.stderr)
        # 60 * 32 * 32 * 3 = 184,320 bytes.
        self.assertNotIn("--max-memory", self.train("fits", "--max-memory", "180K").stderr)
        log = self.train("read", "--max-memory", "179K").stderr
        for phrase in ("180.0 KiB", "179.0 KiB", "--max-memory", str(self.packed)):
            self.assertIn(phrase, log)
        models = [(self.folder / run / "model.safetensors").read_bytes() for run in ("loaded", "read")]
        self.assertEqual(models[0], models[1])

    def test_a_run_goes_on_with_another_limit(self):
        self.train("stops", "--max-memory", "10K")
        self.run_program("dcgan-train", "--data", self.packed, "--out", self.folder / "stops", *NARROW, "--steps", 6,
                         "--resume", "--max-memory", "1G")

    def test_a_row_that_cannot_be_read_ends_the_run_with_one_line(self):
        damaged = self.folder / "damaged.h5"
        images = numpy.random.default_rng(1).integers(0, 256, (600, 32, 32, 3), dtype=numpy.uint8)
        with h5py.File(damaged, "w") as file:
            rows = file.create_dataset("images", data=images, chunks=(1, 32, 32, 3), compression="gzip")
            chunk = rows.id.get_chunk_info(1)
        with open(damaged, "r+b") as file:
            file.seek(chunk.byte_offset + 100)
            file.write(bytes(100))
        # Row 1 is none of those that tell data sets apart at the start; an epoch has 38 minibatches.
        says = [damaged, "rows 1 to 1 cannot be read"]
        arguments = ["dcgan-train", "--data", damaged, "--out", self.folder / "damaged", *NARROW, "--schedule", "both",
                     "--steps", 38, "--max-memory", "10K"]
        self.assert_refuses(*arguments, code=1, says=says)

    def test_a_limit_that_is_no_size_is_refused(self):
        self.assert_refuses("dcgan-train", "--data", self.packed, "--out", self.folder / "no", "--max-memory", "much",
                            code=2, says=["--max-memory", "much", "2G"])


if __name__ == "__main__":
    unittest.main()
