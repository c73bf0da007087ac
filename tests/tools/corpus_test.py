"""Every image accounted for: a folder with more than forty kinds of damage, names and leftovers at known places
(tests/support/damaged_corpus.py)."""

import json
import os
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import h5py
import numpy
from damaged_corpus import BESIDE, DAMAGE, HARMLESS, MAX_PIXELS, NAMES, UNUSUAL, damage_corpus
from PIL import Image, ImageFile
from programs import NARROW, ProgramTest, program, write_image_folder


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
        self.assertGreaterEqual(min(len(DAMAGE), len(HARMLESS)), 10)
        self.assertGreaterEqual(len(DAMAGE) + 2 + len(UNUSUAL) + len(HARMLESS) + len(NAMES) + len(BESIDE), 40)
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

    def test_what_counts_with_a_warning_has_every_pixel_for_pillow_and_what_fails_has_not(self):
        def pixels(path, lenient=False):
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
            try:
                return numpy.asarray(Image.open(path).convert("RGB"))
            except Exception:  # pylint: disable=broad-exception-caught
                return None
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False

        for path, kind in self.corpus["warned"].items():
            with self.subTest(kind=kind):
                # Otherwise Pillow refuses a wrong checksum of any chunk of a PNG.
                found = pixels(self.damaged / path, lenient=kind.startswith("wrong checksum"))
                numpy.testing.assert_array_equal(found, pixels(self.whole / path))
        # Pillow takes these, and they have all pixels, which others of their kind have not.
        taken = ("without its last byte", "PNG without its end", "cut GIF", "animation cut in its second frame",
                 "wrong checksum of a PNG's data", "bytes between the tables")
        for path, kind in self.corpus["damaged"].items():
            if (self.damaged / path).is_file() and kind not in taken:
                with self.subTest(kind=kind):
                    self.assertFalse(numpy.array_equal(pixels(self.damaged / path), pixels(self.whole / path)))

    def test_harmless_damage_is_counted_and_listed_and_refused_where_it_is_asked_for(self):
        result = self.extract(self.damaged, "warned.h5", "--json", expect=3)
        with h5py.File(self.folder / "warned.h5") as file:
            listed = [path.decode() for path in file["warnings/path"]]
            # Of a grey JPEG libjpeg cares for no colour transform, and sometimes not for a few surplus bytes.
            self.assertEqual(listed, sorted(listed, key=os.fsencode))
            self.assertLessEqual(set(listed), set(self.corpus["warned"]))
            self.assertGreaterEqual(len(listed), len(HARMLESS) - 3)
            self.assertEqual(json.loads(result.stdout)["warnings"], len(listed))
            self.assertTrue(all(file["warnings/reason"]))
            self.assertFalse(set(file["warnings/path"]) & set(file["failures/path"]))
        # Parts, and what is merged of them, resumed or not, list the same.
        parts = []
        for i in range(3):
            parts.append(self.folder / f"warned-{i}.h5")
            self.extract(self.damaged, parts[-1].name, "--shard", f"{i}/3", expect=3)
        for arguments in ([], ["--virtual"]):
            merged = self.folder / f"merged{len(arguments)}.h5"
            self.run_program("dcgan-extract", "merge", *parts, "-o", merged, *arguments)
            with h5py.File(merged) as file:
                self.assertEqual([path.decode() for path in file["warnings/path"]], listed)
        # --strict stops at each of them.
        kinds = {path: self.corpus["warned"][path] for path in listed}
        only = self.folder / "only-warned"
        for path in kinds:
            (only / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.damaged / path, only / path)
        self.assertEqual(self.extract(only, "only.h5", expect=0).stderr.count("\n" + listed[0]), 0)
        for path, kind in kinds.items():
            with self.subTest(kind=kind):
                self.extract(only / path, "strict-warned.h5", "--strict", "--overwrite", expect=1)
        self.assertIn(f"{len(kinds)} warnings", self.run_program(
            "dcgan-prepare", "folder", only, "-o", self.folder / "warned-packed.h5", "--size", 32).stdout)
        self.assertRegex(self.run_program("dcgan-prepare", "info", self.folder / "warned-packed.h5").stdout,
                         rf"warnings +{len(kinds)}\n")

    def test_a_run_that_stops_and_goes_on_lists_every_warning_once(self):
        names = sorted(str(path.relative_to(self.damaged)) for path in self.damaged.rglob("*") if path.is_file())
        lines, output = self.folder / "names.txt", self.folder / "stopped.h5"
        lines.write_text("\n".join(names * 15) + "\n")
        several = ["--list", lines, "--batch-size", 4, "--threads", 1]
        self.extract(self.damaged, "at-once.h5", *several, expect=3)
        command = [program("dcgan-extract"), self.damaged, "-o", output, "--model", self.folder / "run/model.safetensors",
                   "--max-pixels", MAX_PIXELS, *several, "--resume"]
        partial, stops = output.with_name("stopped.h5.partial"), 0
        for rows in (200, 900):
            with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None and not (partial.exists() and partial.stat().st_size > rows * 4 * 896):
                    time.sleep(0.002)
                process.terminate()
            stops += process.returncode == 130
        self.assertGreater(stops, 0)
        if not output.exists():
            self.run_program("dcgan-extract", *command[1:], expect=3)
        with h5py.File(self.folder / "at-once.h5") as a, h5py.File(output) as b:
            self.assertGreaterEqual(len(a["warnings/path"]), 15 * 10)
            for name in ("warnings/path", "warnings/reason", "failures/path", "paths"):
                self.assertEqual(list(a[name]), list(b[name]), name)

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
