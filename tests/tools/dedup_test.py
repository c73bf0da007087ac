"""dcgan-prepare dedup: planted copies go, the first of them stays, and the lists say so."""

import json
import random
import unittest

import h5py
import numpy
from PIL import Image
from programs import ProgramTest, draw, write_image_folder


class Dedup(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        photos = cls.folder / "photos"
        cls.paths = write_image_folder(photos, 60)
        for path in cls.paths[::10]:
            with Image.open(photos / path) as image:
                image.save((photos / path).with_suffix(".copy.png"))
        cls.packed = cls.folder / "packed.h5"
        cls("run_program").run_program("dcgan-prepare", "folder", photos, "-o", cls.packed, "--size", 48)

    def dedup(self, name, *options, expect=0):
        return self.run_program("dcgan-prepare", "dedup", self.packed, "-o", self.folder / name, "--train-images", 150,
                                "--epochs", 4, "--batch-size", 32, *options, expect=expect)

    def test_copies_go_the_first_stays_and_the_files_say_so(self):
        listed, sheet = self.folder / "groups.tsv", self.folder / "groups.png"
        result = self.dedup("unique.h5", "--unsure-bits", 0, "--list", listed, "--sheet", sheet, "--json")
        report = json.loads(result.stdout)
        pairs = [line.split("\t") for line in listed.read_text().splitlines()]
        copies = {path for path in self.stored(self.packed) if ".copy." in path}
        self.assertEqual(len(copies), 18)
        self.assertLessEqual(copies, {b for _, b in pairs} | {a for a, _ in pairs})
        kept = self.stored(self.folder / "unique.h5")
        removed = [b for _, b in pairs]
        self.assertEqual(kept, [p for p in self.stored(self.packed) if p not in removed])
        self.assertEqual((report["images"], report["duplicates"]), (len(kept), len(removed)))
        order = {path: i for i, path in enumerate(self.stored(self.packed))}
        self.assertTrue(all(order[a] < order[b] for a, b in pairs))
        with Image.open(sheet) as picture:
            self.assertEqual((picture.width + 1) % 49, 0)
        with h5py.File(self.packed) as old, h5py.File(self.folder / "unique.h5") as new:
            numpy.testing.assert_array_equal(new["images"][:], old["images"][:][[order[p] for p in kept]])
            made = json.loads(new.attrs["preparation"])
        self.assertEqual(made["duplicates_removed"]["epochs"], 4)
        self.assertIn("preparation", made["source"])
        # The same command goes on: here there is nothing left to do.
        again = self.dedup("unique.h5", "--unsure-bits", 0, "--list", listed, "--sheet", sheet, "--resume")
        self.assertIn("complete already", again.stdout)
        self.assertEqual([line.split("\t") for line in listed.read_text().splitlines()], pairs)

    @staticmethod
    def stored(path):
        with h5py.File(path) as file:
            return [p.decode() for p in file["paths"]]

    def test_more_unsure_bits_find_no_fewer(self):
        counts = []
        for bits in (0, 6):
            result = self.dedup(f"u{bits}.h5", "--unsure-bits", bits, "--json")
            counts.append(json.loads(result.stdout)["duplicates"])
        self.assertGreaterEqual(counts[1], counts[0])

    def test_wrong_use_is_named(self):
        output = self.folder / "x.h5"
        self.assert_refuses("dcgan-prepare", "dedup", "-o", output, code=2, says=["0 were named"])
        self.assert_refuses("dcgan-prepare", "dedup", self.packed, code=2, says=["-o is missing"])
        self.assert_refuses("dcgan-prepare", "dedup", self.packed, "-o", output, "--unsure-bits", 20, code=2,
                            says=["--unsure-bits is 20"])
        self.assert_refuses("dcgan-prepare", "dedup", self.packed, "-o", self.packed, code=1,
                            says=[self.packed, "--overwrite"])
        picture = self.folder / "one.png"
        draw("discs", random.Random(1), (40, 40)).save(picture)
        self.assert_refuses("dcgan-prepare", "dedup", picture, "-o", output, code=1, says=[picture])
        self.assertFalse(output.exists())


if __name__ == "__main__":
    unittest.main()
