"""dcgan-prepare imagenet32 on class folders and on the nested archive that ImageNet comes as, with its odd files."""

import io
import json
import random
import resource
import shutil
import tarfile
import unittest

import h5py
import numpy
from damaged_corpus import DAMAGE, UNUSUAL, encoded
from PIL import Image
from programs import ProgramTest, draw

CLASSES = ["n01440764", "n02110185", "n04258138"]
PER_CLASS = 8
# What the set is known for, and what a copy of it may have become; by class and number of the file.
ODD = {(0, 2): "CMYK", (0, 5): "PNG under a JPEG's name", (1, 0): "EXIF that is nonsense"}
BAD = {(0, 3): "cut in the middle", (1, 7): "empty", (2, 4): "text"}


def name_of(wnid, i):
    return f"{wnid}_{100 + i}.JPEG"


def content_of(kind, image):
    jpeg = encoded(image, "JPEG", quality=95)
    if kind == "CMYK":
        return encoded(image.convert("CMYK"), "JPEG", quality=95)
    return {**DAMAGE, **UNUSUAL}[kind](image, jpeg) if kind else jpeg


def add_bytes(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


class ImageNet(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generator = random.Random(5)
        cls.images, cls.contents = {}, {}
        for c, wnid in enumerate(CLASSES):
            for i in range(PER_CLASS):
                image = draw("discs", generator, (50, 40) if i % 2 else (40, 53))
                path = f"{wnid}/{name_of(wnid, i)}"
                cls.images[path] = image
                cls.contents[path] = content_of(ODD.get((c, i)) or BAD.get((c, i)), image)
        cls.good = [p for p in sorted(cls.contents) if p not in cls.paths_of(BAD)]
        cls.train = cls.folder / "train"
        for path, content in cls.contents.items():
            (cls.train / path).parent.mkdir(parents=True, exist_ok=True)
            (cls.train / path).write_bytes(content)
        cls.archive = cls.folder / "ILSVRC2012_img_train.tar"
        with tarfile.open(cls.archive, "w") as outer:
            for wnid in reversed(CLASSES):  # the order inside does not matter
                inner = io.BytesIO()
                with tarfile.open(fileobj=inner, mode="w") as archive:
                    for path, content in reversed(cls.contents.items()):
                        if path.startswith(wnid):
                            add_bytes(archive, path.split("/")[1], content)
                add_bytes(outer, f"{wnid}.tar", inner.getvalue())
        cls().pack(cls.train, "folder.h5")

    @staticmethod
    def paths_of(kinds):
        return sorted(f"{CLASSES[c]}/{name_of(CLASSES[c], i)}" for c, i in kinds)

    def pack(self, source, name, *options):
        self.run_program("dcgan-prepare", "imagenet32", source, "-o", self.folder / name, *options, expect=3)

    def info(self, name):
        return json.loads(self.run_program("dcgan-prepare", "info", self.folder / name, "--json").stdout)

    def test_odd_files_are_rows_and_damaged_ones_failures_each_at_its_place(self):
        with h5py.File(self.folder / "folder.h5") as file:
            self.assertEqual([p.decode() for p in file["paths"]], self.good)
            self.assertEqual([p.decode() for p in file["classes"]], CLASSES)
            self.assertEqual([CLASSES[label] for label in file["labels"]], [p.split("/")[0] for p in self.good])
            self.assertEqual([p.decode() for p in file["failures/path"]], self.paths_of(BAD))
            self.assertTrue(all(file["failures/reason"]))
            rows = file["images"][:]
        for path, row in zip(self.good, rows):
            # Pillow's reading of the file itself, enlarged or reduced a little: near enough to tell images apart.
            image = Image.open(io.BytesIO(self.contents[path])).convert("RGB")
            self.assertEqual(image.size, self.images[path].size)
            scale = 32 / min(image.size)
            image = image.resize([round(scale * s) for s in image.size], Image.Resampling.BILINEAR)
            left, top = (s - 32 for s in image.size)
            expected = numpy.asarray(image.crop((left // 2, top // 2, left // 2 + 32, top // 2 + 32)), dtype=int)
            self.assertLess(numpy.abs(row - expected).mean(), 6, path)

    def test_the_nested_archive_gives_what_the_folders_give(self):
        self.pack(self.archive, "archive.h5")
        of_folder, of_archive = self.info("folder.h5"), self.info("archive.h5")
        for field in ("images", "classes", "class_counts", "failures", "pixels_sha256"):
            self.assertEqual(of_archive[field], of_folder[field], field)
        with h5py.File(self.folder / "folder.h5") as a, h5py.File(self.folder / "archive.h5") as b:
            for name in ("paths", "labels", "failures/path", "failures/reason"):
                numpy.testing.assert_array_equal(a[name], b[name], name)

    def test_the_resize_changes_the_pixels_and_is_recorded(self):
        self.pack(self.train, "area.h5", "--resize", "area")
        linear, area = self.info("folder.h5"), self.info("area.h5")
        self.assertNotEqual(linear["pixels_sha256"], area["pixels_sha256"])
        self.assertEqual([made["preparation"]["resize"]["resize"] for made in (linear, area)], ["linear", "area"])

    def test_an_archive_that_is_cut_short_is_named_and_leaves_nothing(self):
        whole = self.archive.read_bytes()
        cut = self.folder / "cut.tar"
        for share in (0.3, 0.8):
            with self.subTest(share=share):
                cut.write_bytes(whole[: int(share * len(whole))])
                self.assert_refuses("dcgan-prepare", "imagenet32", cut, "-o", self.folder / "cut.h5", code=1,
                                    says=[cut, "cut short"])
                self.assertEqual(list(self.folder.glob("cut.h5*")), [])

    def test_folders_without_images_are_named(self):
        (self.folder / "none/n01440764").mkdir(parents=True)
        (self.folder / "none/n01440764/readme.txt").write_text("no image")
        self.assert_refuses("dcgan-prepare", "imagenet32", self.folder / "none", "-o", self.folder / "none.h5", code=1,
                            says=[self.folder / "none", "jpeg"])
        self.assertEqual(list(self.folder.glob("none.h5*")), [])

    def test_on_a_full_disk_it_keeps_what_it_has_and_goes_on_once_there_is_room(self):
        output = self.folder / "full.h5"
        arguments = ["dcgan-prepare", "imagenet32", self.archive, "-o", output]

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

        self.assert_refuses(*arguments, code=1, says=[output, "--resume"], preexec_fn=limit)
        self.assertFalse(output.exists())
        self.assert_refuses(*arguments, code=1, says=[f"{output}.partial", "--resume", "--overwrite"])
        self.run_program(*arguments, "--resume", expect=3)
        self.assertEqual(self.info("full.h5")["pixels_sha256"], self.info("folder.h5")["pixels_sha256"])

    def test_the_same_images_in_another_folder_have_the_same_checksum(self):
        shutil.copytree(self.train, self.folder / "copy")
        self.pack(self.folder / "copy", "copy.h5", "--threads", 2)
        self.assertEqual(self.info("copy.h5")["pixels_sha256"], self.info("folder.h5")["pixels_sha256"])


if __name__ == "__main__":
    unittest.main()
