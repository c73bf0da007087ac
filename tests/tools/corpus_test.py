"""Every image accounted for: a folder with forty kinds of damage, names and leftovers at known places
(tests/support/damaged_corpus.py)."""

import json
import os
import shutil
import unittest
from pathlib import Path

import h5py
import numpy
from damaged_corpus import BESIDE, DAMAGE, MAX_PIXELS, NAMES, UNUSUAL, damage_corpus
from programs import NARROW, ProgramTest, write_image_folder


def rows_by_path(path):
    with h5py.File(path) as file:
        return dict(zip((p.decode() for p in file["paths"]), file["features"][:]))


class Corpus(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole, cls.damaged = cls.folder / "whole", cls.folder / "damaged"
        data = os.environ.get("DCGAN_DATA_DIR")
        if data:
            shutil.copytree(Path(data) / "lfw", cls.whole)
        else:
            write_image_folder(cls.whole, 60)
        cls.corpus = damage_corpus(cls.whole, cls.damaged)
        test = cls()
        test.run_program("dcgan-prepare", "folder", cls.whole, "-o", cls.folder / "images.h5", "--size", 32)
        test.run_program("dcgan-train", "--data", cls.folder / "images.h5", "--out", cls.folder / "run", "--steps", 1,
                         *NARROW)
        test.extract(cls.whole, "whole.h5", expect=0)

    def extract(self, images, output, *arguments, expect):
        return self.run_program("dcgan-extract", images, "-o", self.folder / output, "--model",
                                self.folder / "run/model.safetensors", "--max-pixels", MAX_PIXELS, *arguments,
                                expect=expect)

    def test_each_damaged_image_is_a_failure_with_a_line_and_every_row_is_that_of_its_image(self):
        self.assertGreaterEqual(len(DAMAGE), 12)
        self.assertGreaterEqual(len(DAMAGE) + 2 + len(UNUSUAL) + len(NAMES) + len(BESIDE), 40)
        self.assertEqual(len(self.corpus["damaged"]), len(DAMAGE) + 2)
        for arguments in ([], ["--batch-size", 3, "--threads", 2], ["--decode", "scaled"]):
            with self.subTest(arguments=arguments):
                result = self.extract(self.damaged, "damaged.h5", "--overwrite", *arguments, expect=3)
                with h5py.File(self.folder / "damaged.h5") as file:
                    failed = [path.decode() for path in file["failures/path"]]
                    self.assertTrue(all(file["failures/reason"]))
                    self.assertTrue(numpy.isfinite(file["features"]).all())
                self.assertEqual({path: self.corpus["damaged"].get(path, "whole") for path in failed},
                                 self.corpus["damaged"])
                # The first ten are told, each in its line; the others are in the file.
                for i, path in enumerate(failed):
                    told = sum(line.startswith(path + ": ") for line in result.stderr.splitlines())
                    self.assertEqual(told, 1 if i < 10 else 0, path)
                self.assertIn(f"and {len(failed) - 10} more", result.stderr)
        # Row i is image i: equal to that of the same image among whole ones.
        self.extract(self.damaged, "damaged.h5", "--overwrite", expect=3)
        rows, expected = rows_by_path(self.folder / "damaged.h5"), rows_by_path(self.folder / "whole.h5")
        self.assertEqual(len(rows), len(expected) - len(failed))
        self.assertLessEqual(set(self.corpus["renamed"]), set(rows))
        for path, row in rows.items():
            self.assertTrue(numpy.array_equal(row, expected[self.corpus["renamed"].get(path, path)]), f"{path}, {self.corpus['unusual'].get(path, '')}")

    def test_preparing_and_archives_know_the_same_failures(self):
        packed = self.folder / "packed.h5"
        self.run_program("dcgan-prepare", "folder", self.damaged, "-o", packed, "--size", 32, "--max-pixels",
                         MAX_PIXELS, expect=3)
        archive = shutil.make_archive(self.folder / "damaged", "tar", self.damaged)
        self.extract(archive, "archive.h5", expect=3)
        # An archive has no member for what is no file; the others fail as in the folder.
        for output, missing in ((packed, []), (self.folder / "archive.h5", ["a link to nothing", "a pipe"])):
            with h5py.File(output) as file:
                failed = [path.decode() for path in file["failures/path"]]
                self.assertEqual(len(failed), len(set(failed)))
                wanted = [path for path, kind in self.corpus["damaged"].items() if kind not in missing]
                self.assertLessEqual(set(wanted), set(failed))
                self.assertLessEqual(set(failed), set(self.corpus["damaged"]))

    def test_strict_stops_at_the_first_failure_and_names_it(self):
        first = min(self.corpus["damaged"], key=os.fsencode)
        result = self.extract(self.damaged, "strict.h5", "--strict", expect=1)
        self.assertIn(first, result.stderr)
        self.assertFalse((self.folder / "strict.h5").exists())

    def test_verify_and_the_report_count_every_image(self):
        report = json.loads(self.extract(self.damaged, "counted.h5", "--json", expect=3).stdout)
        with h5py.File(self.folder / "counted.h5") as file:
            self.assertEqual(report["rows"], len(file["features"]))
            self.assertEqual(report["failures"], len(file["failures/path"]))
        self.assertEqual(report["passed_over"], self.corpus["beside"])
        self.assertEqual(report["rows"] + report["failures"], len(rows_by_path(self.folder / "whole.h5")))
        verified = self.run_program("dcgan-extract", "verify", self.folder / "counted.h5", "--rows", 20).stdout
        self.assertIn(f"{report['rows']} rows", verified)


if __name__ == "__main__":
    unittest.main()
