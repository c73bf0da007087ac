"""dcgan-prepare faces on drawn faces, which OpenCV's detector takes for real ones: boxes, crops and options."""

import json
import subprocess
import unittest

import h5py
import numpy
from PIL import Image, ImageDraw, ImageFilter
from programs import ProgramTest, program


def draw_face(picture, x, y, side):
    """Light and dark where a Haar cascade looks for them: brows, eyes, the ridge of the nose, a mouth."""
    pen = ImageDraw.Draw(picture)

    def box(left, top, right, bottom):
        return [x + left * side, y + top * side, x + right * side, y + bottom * side]

    pen.ellipse(box(-0.05, -0.15, 1.05, 1.2), fill=(196, 164, 140))
    pen.pieslice(box(-0.1, -0.3, 1.1, 0.6), 180, 360, fill=(50, 40, 34))
    pen.ellipse(box(0.02, 0.02, 0.98, 1.15), fill=(204, 172, 148))
    for left in (0.16, 0.58):
        pen.rectangle(box(left, 0.24, left + 0.26, 0.29), fill=(60, 46, 38))
        pen.ellipse(box(left, 0.33, left + 0.26, 0.46), fill=(120, 96, 84))
        pen.ellipse(box(left + 0.05, 0.35, left + 0.21, 0.45), fill=(240, 238, 232))
        pen.ellipse(box(left + 0.08, 0.35, left + 0.18, 0.45), fill=(30, 24, 22))
    pen.polygon([(x + 0.46 * side, y + 0.36 * side), (x + 0.54 * side, y + 0.36 * side),
                 (x + 0.58 * side, y + 0.66 * side), (x + 0.42 * side, y + 0.66 * side)], fill=(222, 190, 166))
    pen.rectangle(box(0.41, 0.64, 0.59, 0.67), fill=(140, 104, 88))
    pen.ellipse(box(0.32, 0.76, 0.68, 0.86), fill=(128, 60, 58))
    pen.rectangle(box(0.34, 0.80, 0.66, 0.815), fill=(70, 30, 30))


def photograph(*faces, size=(420, 300)):
    picture = Image.new("RGB", size, (110, 120, 130))
    for x, y, side in faces:
        draw_face(picture, x, y, side)
    return picture.filter(ImageFilter.GaussianBlur(1.5))


class Faces(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        built = subprocess.run([program("dcgan-prepare"), "faces", "--help"], capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise unittest.SkipTest("built without libopencv-objdetect-dev or opencv-data")
        for name, faces in {"a/one.png": [(140, 80, 140)], "b/two.png": [(30, 60, 120), (250, 90, 130)],
                            "b/none.png": []}.items():
            path = cls.folder / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            photograph(*faces).save(path)
        cls.found = cls.pack(cls("run_program"), "found.h5")

    def pack(self, name, *options, expect=0):
        self.run_program("dcgan-prepare", "faces", self.folder / "photos", "-o", self.folder / name, *options,
                         expect=expect)
        with h5py.File(self.folder / name) as file:
            return {"images": file["images"][:], "paths": [p.decode() for p in file["paths"]],
                    "labels": list(file["labels"]), "faces": json.loads(file.attrs["preparation"])["faces"]}

    @staticmethod
    def box(path):
        return tuple(int(n) for n in path.rpartition("#")[2].split(","))

    def test_every_face_is_an_image_named_by_its_photograph_and_its_box(self):
        names = [p.rpartition("#")[0] for p in self.found["paths"]]
        self.assertEqual(names, ["a/one.png", "b/two.png", "b/two.png"])
        self.assertEqual(self.found["labels"], [0, 1, 1])
        for path, (x, y, side) in zip(self.found["paths"], [(140, 80, 140), (30, 60, 120), (250, 90, 130)]):
            left, top, found = self.box(path)
            self.assertAlmostEqual(left + found / 2, x + side / 2, delta=side / 5)
            self.assertAlmostEqual(top + found / 2, y + side / 2, delta=side / 5)

    def test_the_centre_of_the_box_at_128_pixels_is_cut_out(self):
        left, top, side = self.box(self.found["paths"][0])
        with Image.open(self.folder / "photos/a/one.png") as photo:
            box = photo.crop((left, top, left + side, top + side)).resize((128, 128), Image.Resampling.BOX)
        expected = numpy.asarray(box, dtype=int)[32:96, 32:96]
        self.assertLess(numpy.abs(expected - self.found["images"][0]).mean(), 4)
        self.assertEqual(self.found["faces"]["box"], 128)

    def test_every_option_changes_the_result(self):
        def boxes(*options):
            made = self.pack("x.h5", "--overwrite", *options)
            return made["paths"], made["images"]

        images = self.found["images"]
        largest = max(self.box(p)[2] for p in self.found["paths"])
        self.assertLess(len(boxes("--min-face", largest)[0]), 3)
        self.assertEqual(len(boxes("--max-faces", 1)[0]), 2)
        for options in (["--box", 64], ["--margin", 0.3], ["--resize", "linear"], ["--scale-step", 1.3]):
            with self.subTest(options=options):
                self.assertFalse(numpy.array_equal(boxes(*options)[1], images))
        self.assertEqual(boxes("--size", 32)[1].shape[1:], (32, 32, 3))
        self.assertGreaterEqual(len(boxes("--neighbours", 0)[0]), 10)
        numpy.testing.assert_array_equal(boxes("--threads", 3)[1], images)

    def test_wrong_options_and_photographs_without_faces_are_named(self):
        self.assert_refuses("dcgan-prepare", "faces", self.folder / "photos", "-o", self.folder / "y.h5", "--box", 32,
                            code=2, says=["--box is 32", "--size (64)"])
        wrong = self.folder / "wrong.xml"
        wrong.write_text("<a></a>")
        for cascade in (wrong, self.folder / "missing.xml"):
            self.assert_refuses("dcgan-prepare", "faces", self.folder / "photos", "-o", self.folder / "y.h5",
                                "--cascade", cascade, code=1, says=[cascade, "--cascade"])
        self.assert_refuses("dcgan-prepare", "faces", self.folder / "photos", "-o", self.folder / "y.h5", "--min-face",
                            250, code=1, says=["none of the 3 inputs"])
        self.assertFalse((self.folder / "y.h5").exists())


if __name__ == "__main__":
    unittest.main()
