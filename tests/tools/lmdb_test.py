"""dcgan-prepare lsun against LMDBs of another writer (python3-lmdb): order, options, and what is refused."""

import io
import json
import random
import unittest

import h5py
import lmdb
import numpy
from PIL import Image
from programs import ProgramTest, draw

KEYS = [f"{i * 2654435761 % 2**32:08x}" for i in range(40)]  # like LSUN's, hexadecimal and in no order


def write_lmdb(path, entries):
    with lmdb.open(str(path), map_size=1 << 28, lock=False) as environment, environment.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key.encode(), value)


def webp(generator, size, lossless=True):
    file = io.BytesIO()
    draw("discs", generator, size).save(file, "webp", lossless=lossless)
    return file.getvalue()


class Lsun(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generator = random.Random(3)
        cls.images = {key: webp(generator, (48, 40)) for key in KEYS}
        cls.lmdb = cls.folder / "bedroom_train_lmdb"
        write_lmdb(cls.lmdb, cls.images)

    def pack(self, source, name, *options, expect=0):
        self.run_program("dcgan-prepare", "lsun", source, "-o", self.folder / name, *options, expect=expect)
        with h5py.File(self.folder / name) as file:
            return file["images"][:], [p.decode() for p in file["paths"]], json.loads(file.attrs["preparation"])

    def test_images_come_in_the_order_of_the_keys_as_pillow_decodes_them(self):
        pixels, keys, preparation = self.pack(self.lmdb, "plain.h5", "--size", 40)
        self.assertEqual(keys, sorted(KEYS))
        for image, key in zip(pixels, keys):
            whole = numpy.asarray(Image.open(io.BytesIO(self.images[key])).convert("RGB"))
            numpy.testing.assert_array_equal(image, whole[:, 4:44])
        self.assertEqual(preparation["source"]["kind"], "image files in an LMDB")
        self.assertFalse((self.lmdb / "lock.mdb").exists())

    def test_its_size_is_64_and_the_file_itself_may_be_named(self):
        pixels, keys, _ = self.pack(self.lmdb / "data.mdb", "file.h5")
        self.assertEqual(pixels.shape, (40, 64, 64, 3))
        self.assertEqual(keys, sorted(KEYS))

    def test_the_shorter_side_may_be_larger_than_the_crop(self):
        plain, _, _ = self.pack(self.lmdb, "a.h5", "--size", 32)
        larger, _, preparation = self.pack(self.lmdb, "b.h5", "--size", 32, "--shorter-side", 40)
        self.assertEqual(preparation["resize"]["shorter_side_to"], 40)
        self.assertFalse(numpy.array_equal(plain, larger))
        whole = numpy.asarray(Image.open(io.BytesIO(self.images[min(KEYS)])).convert("RGB"))
        numpy.testing.assert_array_equal(larger[0], whole[4:36, 8:40])
        self.assert_refuses("dcgan-prepare", "lsun", self.lmdb, "-o", self.folder / "x.h5", "--shorter-side", 40,
                            code=2, says=["--shorter-side is 40", "64"])

    def test_a_list_names_keys_and_one_that_is_not_there_is_a_failure(self):
        names = self.folder / "keys.txt"
        names.write_text(f"{KEYS[7]}\nnowhere\n{KEYS[3]}\n")
        _, keys, _ = self.pack(self.lmdb, "listed.h5", "--list", names, expect=3)
        self.assertEqual(keys, [KEYS[7], KEYS[3]])
        with h5py.File(self.folder / "listed.h5") as file:
            self.assertEqual([p.decode() for p in file["failures/path"]], ["nowhere"])

    def test_a_broken_image_is_a_failure_also_if_it_is_the_first(self):
        broken = dict(self.images)
        broken[min(KEYS)] = broken[min(KEYS)][:60]
        broken["!"] = b"no image"
        write_lmdb(self.folder / "broken", broken)
        _, keys, _ = self.pack(self.folder / "broken", "broken.h5", expect=3)
        self.assertEqual(keys, sorted(KEYS)[1:])

    def test_features_are_extracted_from_it_directly(self):
        self.pack(self.lmdb, "small.h5", "--size", 32)
        self.run_program("dcgan-train", "--data", self.folder / "small.h5", "--out", self.folder / "run", "--steps", 1,
                         "--ndf", 4, "--ngf", 4, "--nz", 8, "--batch-size", 16, "--threads", 1)
        model = self.folder / "run/model.safetensors"
        for source, name in ((self.lmdb, "direct"), (self.folder / "small.h5", "packed")):
            self.run_program("dcgan-extract", source, "-o", self.folder / f"{name}.h5", "--model", model)
        with h5py.File(self.folder / "direct.h5") as direct, h5py.File(self.folder / "packed.h5") as packed:
            numpy.testing.assert_array_equal(direct["features"][:], packed["features"][:])

    def refuse(self, path, *says):
        self.assert_refuses("dcgan-prepare", "lsun", path, "-o", self.folder / "x.h5", code=1, says=[path, *says])
        self.assertFalse((self.folder / "x.h5").exists())

    def test_one_that_is_cut_short_is_named_with_both_lengths(self):
        whole = (self.lmdb / "data.mdb").read_bytes()
        cut = self.folder / "cut.mdb"
        for length in (len(whole) - 1, len(whole) // 2, 3 * 4096):
            with self.subTest(length=length):
                cut.write_bytes(whole[:length])
                self.refuse(cut, length, len(whole), "cut short")
        for length in (0, 10, 4096):
            with self.subTest(length=length):
                cut.write_bytes(whole[:length])
                self.refuse(cut)

    def test_what_is_no_lmdb_or_one_of_another_kind_is_named(self):
        foreign = self.folder / "foreign.mdb"
        foreign.write_bytes(bytes(range(256)) * 64)
        self.refuse(foreign, "no LMDB", "data.mdb")
        write_lmdb(self.folder / "caffe", {f"{i:08d}": b"\x08\x03\x10\x20\x18\x20" + bytes(90) for i in range(50)})
        self.refuse(self.folder / "caffe", "another kind", '"00000000"', "08 03 10")
        write_lmdb(self.folder / "empty", {})
        self.refuse(self.folder / "empty", "without entries")
        self.refuse(self.folder / "missing.mdb")


if __name__ == "__main__":
    unittest.main()
