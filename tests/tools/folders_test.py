"""What people's folders and archives hold beside images: what is passed over, what fails, and what is refused up front.

Archives are Python's (tarfile, zipfile); folders are laid out as macOS, NAS, Jupyter, img2dataset and ImageNet leave them.
"""

import bz2
import csv
import ctypes
import gzip
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import tarfile
import unicodedata
import unittest
import zipfile

import h5py
import lmdb
import numpy
from programs import NARROW, ProgramTest, draw, program

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(3000)
LEFT = ["__MACOSX/cat/._000.jpg", "cat/._000.jpg", ".ipynb_checkpoints/000-checkpoint.jpg", "cat/@eaDir/000.jpg/THUMB.jpg",
        ".Trash-1000/files/old.jpg", "lost+found/x.png"]


def jpeg(seed, kind="discs"):
    file = io.BytesIO()
    draw(kind, random.Random(seed), (40, 34)).save(file, "JPEG", quality=95)
    return file.getvalue()


def write_files(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def write_tar(path, files):
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def pets(per_class=3):
    return {f"{kind}/{i:03d}.jpg": jpeg(10 * k + i, ("discs", "stripes")[k])
            for k, kind in enumerate(("cat", "dog")) for i in range(per_class)}


class FoldersTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder.chmod(0o755)

    def pack(self, *arguments, expect=0):
        """The report, and paths, labels by name, pixels of the packed file, of which nothing is left where it is refused."""
        output = self.folder / "packed.h5"
        report = json.loads(self.run_program("dcgan-prepare", "folder", *arguments, "-o", output, "--overwrite", "--size",
                                             16, "--json", expect=expect).stdout)
        with h5py.File(output) as file:
            paths = [path.decode() for path in file["paths"]]
            classes = [name.decode() for name in file["classes"]] if "classes" in file else []
            labels = [classes[label] if label >= 0 else None for label in file["labels"]] if classes else []
            return report, paths, labels, file["images"][:]

    def refused(self, *arguments, says):
        output = self.folder / "refused/packed.h5"
        self.assert_refuses("dcgan-prepare", "folder", *arguments, "-o", output, code=1, says=says)
        self.assertFalse(output.exists() or output.parent.exists() and os.listdir(output.parent))


class PassedOver(FoldersTest):
    def test_what_systems_leave_is_no_input_in_folders_and_archives_and_is_counted_by_kind(self):
        files = {**pets(), **{path: jpeg(7) for path in LEFT}, "cat/.DS_Store": b"Bud1", "dog/Thumbs.db": b"\xd0\xcf"}
        folder, tar, zipped = self.folder / "left", self.folder / "left.tar", self.folder / "left.zip"
        write_files(folder, files)
        write_tar(tar, files)
        write_zip(zipped, files)
        counted = {"__MACOSX": 1, "._*": 1, ".ipynb_checkpoints": 1, "@eaDir": 1, ".Trash-1000": 1, "lost+found": 1}
        for source in (folder, tar, zipped):
            with self.subTest(source=source):
                report, paths, labels, _ = self.pack(source)
                self.assertEqual(paths, sorted(pets()))
                self.assertEqual(labels, ["cat"] * 3 + ["dog"] * 3)
                self.assertEqual(report["passed_over"], counted)
                report, paths, _, _ = self.pack(source, "--hidden")
                self.assertEqual(len(paths), 12)
                self.assertEqual(report["passed_over"], {})
        text = self.run_program("dcgan-prepare", "folder", folder, "-o", self.folder / "text.h5").stdout
        self.assertIn("6 files passed over: 1 .Trash-1000, 1 ._*, 1 .ipynb_checkpoints", text)

    def test_images_that_are_not_read_are_counted_in_reports_plans_and_errors(self):
        files = {**pets(), "cat/a.HEIC": HEIC, "cat/b.heic": HEIC, "dog/c.avif": HEIC, "dog/d.jxl": b"\xff\x0a", "dog/e.cr2": b"II*\0",
                 "dog/photo": jpeg(1), "dog/photo.bak": jpeg(2), "dog/notes": b"text", "dog/caption.txt": b"text"}
        folder, tar = self.folder / "phone", self.folder / "phone.tar"
        write_files(folder, files)
        write_tar(tar, files)
        counted = {".heic": 2, ".avif": 1, ".jxl": 1, ".cr2": 1, "JPEG without extension": 1, "JPEG named .bak": 1}
        for source in (folder, tar):
            report, paths, _, _ = self.pack(source)
            self.assertEqual((report["passed_over"], paths), (counted, sorted(pets())))
        line = "7 files passed over: 2 .heic"
        extract = ["dcgan-extract", folder, "-o", self.folder / "phone.h5", "--layers", 1]
        self.assertIn(line, self.run_program(*extract, "--dry-run").stdout)
        self.assertEqual(json.loads(self.run_program(*extract, "--dry-run", "--json").stdout)["passed_over"], counted)
        self.assertIn(line, self.run_program(*extract).stdout)
        (self.folder / "only").mkdir()
        (self.folder / "only/a.heic").write_bytes(HEIC)
        self.refused(self.folder / "only", says=["holds no images", "1 file passed over: 1 .heic"])

    def test_a_heic_called_jpg_fails_by_its_own_name_and_what_a_list_names_is_taken(self):
        folder = self.folder / "named"
        write_files(folder, {"a.jpg": HEIC, "b.jpg": jpeg(1), "photo": jpeg(2), ".hidden.jpg": jpeg(3)})
        report, paths, _, _ = self.pack(folder, expect=3)
        self.assertEqual((paths, report["failures"], report["passed_over"]),
                         (["b.jpg"], 1, {"JPEG without extension": 1, "hidden": 1}))
        with h5py.File(self.folder / "packed.h5") as file:
            self.assertIn("HEIC", file["failures/reason"][0].decode())
        (self.folder / "names").write_text("photo\n.hidden.jpg\n")
        self.assertEqual(self.pack(folder, "--list", self.folder / "names")[1], ["photo", ".hidden.jpg"])

    def test_gif_pnm_and_first_frames_are_rows_and_animations_are_counted(self):
        folder = self.folder / "formats"
        folder.mkdir()
        frames = [draw("discs", random.Random(i), (40, 34)).quantize(64) for i in range(3)]
        frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
        frames[0].convert("RGB").save(folder / "b.ppm")
        frames[0].convert("RGB").save(folder / "c.png", save_all=True, append_images=[f.convert("RGB") for f in frames[1:]])
        frames[0].convert("RGB").save(folder / "d.webp", save_all=True, lossless=True, append_images=[frames[1].convert("RGB")])
        frames[0].save(folder / "e.gif")
        report, paths, _, images = self.pack(folder)
        self.assertEqual(paths, ["a.gif", "b.ppm", "c.png", "d.webp", "e.gif"])
        for path, image in zip(paths, images):
            numpy.testing.assert_array_equal(image, images[1], path)  # all are one picture
        self.assertEqual(list(report["remarks"].values()), [3])
        self.assertIn("3 images animated", self.run_program("dcgan-prepare", "folder", folder, "-o", self.folder / "f.h5").stdout)


class Unreadable(FoldersTest):
    """A folder without permission: root may read it, so that the programs run without root's capability to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.photos = cls.folder / "photos"
        write_files(cls.photos, {**pets(), "locked/1.jpg": jpeg(1), "lost+found/2.jpg": jpeg(2)})
        cls.out = cls.folder / "out"
        cls.out.mkdir()
        for name in ("locked", "lost+found"):
            (cls.photos / name).chmod(0)
            cls.addClassCleanup((cls.photos / name).chmod, 0o755)

    @staticmethod
    def heed_permissions():
        """What a program of root's started after this reads is what its owner may (prctl(2), capabilities(7))."""
        pr_capbset_drop, cap_dac_override, cap_dac_read_search = 24, 1, 2
        for capability in (cap_dac_override, cap_dac_read_search):
            ctypes.CDLL(None).prctl(pr_capbset_drop, capability, 0, 0, 0)

    def run_heeding(self, *arguments, expect=0):
        return self.run_program(*arguments, expect=expect, preexec_fn=self.heed_permissions)

    def extract(self, output, *options, expect):
        return self.run_heeding("dcgan-extract", self.photos, "-o", self.out / output, "--layers", 1, *options, expect=expect)

    def failures(self, output):
        with h5py.File(self.out / output) as file:
            return [(path.decode(), reason.decode()) for path, reason in zip(file["failures/path"], file["failures/reason"])]

    def test_it_is_an_input_that_failed_and_everything_adds_up(self):
        result = self.extract("all.h5", expect=3)
        locked = [("locked", "is a folder that cannot be listed: Permission denied")]
        self.assertEqual(self.failures("all.h5"), locked)
        self.assertIn("locked: is a folder", result.stderr)
        self.assertIn("1 file passed over: 1 lost+found", result.stdout)
        for part in range(3):
            self.extract(f"part-{part}.h5", "--shard", f"{part}/3", expect=3 if part == 2 else 0)
        self.run_heeding("dcgan-extract", "merge", "-o", self.out / "merged.h5", *(self.out / f"part-{i}.h5" for i in range(3)))
        self.assertEqual(self.failures("merged.h5"), locked)
        with h5py.File(self.out / "all.h5") as whole, h5py.File(self.out / "merged.h5") as merged:
            numpy.testing.assert_array_equal(whole["features"][:], merged["features"][:])
            self.assertEqual([c.decode() for c in whole["classes"]], ["cat", "dog"])
        self.run_heeding("dcgan-extract", "verify", self.out / "merged.h5")

    def test_strict_stops_there_and_a_later_run_with_permission_says_that_the_inputs_differ(self):
        result = self.extract("strict.h5", "--strict", expect=1)
        self.assertIn("locked", result.stderr)
        self.assertFalse((self.out / "strict.h5").exists())
        self.extract("strict.h5", "--resume", expect=3)
        self.assertEqual(len(self.failures("strict.h5")), 1)

    def test_packing_and_a_run_with_only_such_folders_say_so(self):
        self.run_heeding("dcgan-prepare", "folder", self.photos, "-o", self.out / "packed.h5", expect=3)
        self.assertEqual([path for path, _ in self.failures("packed.h5")], ["locked"])
        result = self.run_heeding("dcgan-prepare", "folder", self.photos / "locked", "-o", self.out / "x.h5", expect=1)
        self.assertIn("cannot be listed: Permission denied", result.stderr)


class Archives(FoldersTest):
    def test_a_folder_of_shards_is_one_set_and_the_numbers_are_no_classes(self):
        shards = self.folder / "shards"
        shards.mkdir()
        every = {}
        for shard in range(3):
            files = {f"{shard:05d}{i:04d}.jpg": jpeg(10 * shard + i) for i in range(3)}
            every.update({f"{shard:05d}/{path}": content for path, content in files.items()})
            extras = {path.replace("jpg", ending): b"text" for path in files for ending in ("txt", "json", "cls")}
            write_tar(shards / f"{shard:05d}.tar", {**files, **extras})
            (shards / f"{shard:05d}.parquet").write_bytes(b"PAR1")
        write_files(self.folder / "unpacked", every)
        report, paths, labels, images = self.pack(shards)
        self.assertEqual((paths, labels, report["passed_over"]), (sorted(every), [], {}))
        numpy.testing.assert_array_equal(images, self.pack(self.folder / "unpacked", "--unlabelled")[3])
        named = self.pack(*sorted(shards.glob("*.tar")))
        self.assertEqual((named[1], named[2]), ([f"{shards}/{path}" for path in sorted(every)], []))
        numpy.testing.assert_array_equal(named[3], images)

    def test_shards_with_class_folders_keep_these(self):
        shards = self.folder / "folders-in-shards"
        shards.mkdir()
        for shard in range(2):
            write_tar(shards / f"train-{shard:03d}.tar", pets(2))
        _, paths, labels, _ = self.pack(shards)
        self.assertEqual(paths[0], "train-000/cat/000.jpg")
        self.assertEqual(labels, ["cat", "cat", "dog", "dog"] * 2)

    def test_class_tars_beside_each_other_are_classes_named_or_as_a_folder(self):
        folder = self.folder / "imagenet"
        folder.mkdir()
        for k, name in enumerate(("n01440764", "n01443537")):
            write_tar(folder / f"{name}.tar", {f"{name}_{i}.JPEG": jpeg(10 * k + i) for i in range(2)})
        for sources in ([folder], sorted(folder.glob("*.tar"))):
            _, paths, labels, _ = self.pack(*sources)
            self.assertEqual(labels, ["n01440764"] * 2 + ["n01443537"] * 2)
            self.assertTrue(paths[0].endswith("n01440764/n01440764_0.JPEG"))

    def test_a_zip_of_any_compression_is_the_folder_that_it_unpacks_to(self):
        folder = self.folder / "unzipped"
        write_files(folder, pets())
        expected = self.pack(folder)
        for name, compression in (("stored.zip", zipfile.ZIP_STORED), ("deflated.zip", zipfile.ZIP_DEFLATED),
                                  ("bzip2.zip", zipfile.ZIP_BZIP2), ("renamed.tar", zipfile.ZIP_DEFLATED)):
            write_zip(self.folder / name, pets(), compression)
            found = self.pack(self.folder / name, "--threads", 4)
            self.assertEqual(found[1:3], expected[1:3])
            numpy.testing.assert_array_equal(found[3], expected[3])
        features = [self.folder / name for name in ("zip.h5", "folder.h5")]
        for source, output in zip((self.folder / "deflated.zip", folder), features):
            self.run_program("dcgan-extract", source, "-o", output, "--layers", 1)
        with h5py.File(features[0]) as of_zip, h5py.File(features[1]) as of_folder:
            numpy.testing.assert_array_equal(of_zip["features"][:], of_folder["features"][:])
        self.run_program("dcgan-extract", "verify", features[0])

    def test_a_damaged_member_of_a_zip_fails_alone_and_a_cut_zip_is_refused(self):
        path = self.folder / "damaged.zip"
        write_zip(path, pets(), zipfile.ZIP_STORED)
        content = path.read_bytes()
        at = content.index(pets()["cat/001.jpg"]) + 400
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        _, paths, _, _ = self.pack(path, expect=3)
        self.assertEqual(len(paths), 5)
        with h5py.File(self.folder / "packed.h5") as file:
            self.assertEqual(file["failures/path"][0], b"cat/001.jpg")
            self.assertIn("CRC error", file["failures/reason"][0].decode())
        (self.folder / "cut.zip").write_bytes(content[: len(content) // 2])
        self.refused(self.folder / "cut.zip", says=["cut.zip", "zip", "fetch it again"])

    def test_a_zip_of_a_windows_program_has_the_classes_that_its_back_slashes_separate(self):
        path = self.folder / "windows.zip"
        for folder in ("", "photos/"):
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in pets().items():
                    entry = zipfile.ZipInfo()  # which turns no slashes
                    entry.filename = (folder + name).replace("/", "\\")
                    archive.writestr(entry, content)
            _, paths, labels, _ = self.pack(path)
            self.assertEqual((paths, labels), ([folder + name for name in sorted(pets())], ["cat"] * 3 + ["dog"] * 3))
        # Where slashes separate, a back slash is a letter.
        write_zip(path, {"a\\b/1.jpg": jpeg(1), "c/2.jpg": jpeg(2)})
        self.assertEqual(self.pack(path)[1:3], (["a\\b/1.jpg", "c/2.jpg"], ["a\\b", "c"]))

    def test_a_zip_whose_first_bytes_are_others_is_read_and_a_member_packed_by_an_unknown_method_fails(self):
        for name, first in (("program.zip", b"MZ" + bytes(100)), ("segments.zip", b"PK\x07\x08")):
            with open(self.folder / name, "wb") as file:
                file.write(first)
                with zipfile.ZipFile(file, "a") as archive:
                    for path, content in pets().items():
                        archive.writestr(path, content)
            self.assertEqual(self.pack(self.folder / name)[1], sorted(pets()))
        write_zip(self.folder / "method.zip", pets(), zipfile.ZIP_STORED)
        content = bytearray((self.folder / "method.zip").read_bytes())
        for header, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            content[content.index(header) + method] = 97  # WavPack
        (self.folder / "method.zip").write_bytes(content)
        self.assertEqual(len(self.pack(self.folder / "method.zip", expect=3)[1]), 5)
        with h5py.File(self.folder / "packed.h5") as file:
            self.assertIn("method 97", file["failures/reason"][0].decode())

    def test_archives_in_archives_are_read_or_counted(self):
        write_zip(self.folder / "inner.zip", pets())
        write_zip(self.folder / "outer.zip", {"inner.zip": (self.folder / "inner.zip").read_bytes()})
        self.refused(self.folder / "outer.zip", says=["holds no images", "1 file passed over: 1 .zip"])
        write_tar(self.folder / "outer.tar", {**pets(), "inner.zip": (self.folder / "inner.zip").read_bytes()})
        self.assertEqual(self.pack(self.folder / "outer.tar")[0]["passed_over"], {".zip": 1})

    def test_archives_beside_images_are_counted_and_a_folder_of_them_alone_is_read(self):
        folder = self.folder / "mixed"
        write_files(folder, pets())
        write_tar(folder / "old.tar", pets())
        write_zip(folder / "cat/old.zip", pets())
        report, paths, _, _ = self.pack(folder)
        self.assertEqual((len(paths), report["passed_over"]), (6, {".tar": 1, ".zip": 1}))
        shutil.rmtree(folder / "cat")
        shutil.rmtree(folder / "dog")
        self.assertEqual(self.pack(folder)[1], [f"old/{path}" for path in sorted(pets())])

    def test_files_folders_and_archives_may_be_named_together(self):
        folder, tar, zipped = self.folder / "a", self.folder / "b.tar", self.folder / "c.zip"
        write_files(folder, pets(1))
        write_tar(tar, pets(1))
        write_zip(zipped, pets(1))
        (self.folder / "d.jpg").write_bytes(jpeg(5))
        _, paths, _, _ = self.pack(folder, tar, zipped, self.folder / "d.jpg")
        names = [f"{source}/{path}" for source in "abc" for path in sorted(pets(1))] + ["d.jpg"]
        self.assertEqual(paths, [f"{self.folder}/{name}" for name in names])
        _, _, labels, _ = self.pack(folder, tar, zipped)
        self.assertEqual(labels, ["cat", "dog"] * 3)

    def test_what_cannot_be_read_is_refused_before_an_output_is_made(self):
        content = self.folder / "x.tar"
        write_tar(content, pets())
        for name, packed, says in (("x.tar.gz", gzip.compress(content.read_bytes()), ["gzip", "mkdir x && tar -xf ", " -C x"]),
                                   ("y.tar", gzip.compress(content.read_bytes()), ["gzip", "tar -xf"]),
                                   ("x.tar.xz", lzma.compress(content.read_bytes()), ["xz", "tar -xf"]),
                                   ("x.tar.bz2", bz2.compress(content.read_bytes()), ["bzip2", "tar -xf"]),
                                   ("x.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), ["7-Zip", "7z x "]),
                                   ("x.rar", b"Rar!\x1a\x07\x01\0" + bytes(50), ["RAR", "unrar x "]),
                                   ("x.tar.lz4", b"\x04\x22\x4d\x18" + bytes(50), ["lz4", "tar -xf"]),
                                   ("x.tar.Z", b"\x1f\x9d\x90" + bytes(50), ["compress", "tar -xf"]),
                                   ("x.parquet", b"PAR1" + bytes(50), ["Parquet"])):
            (self.folder / name).write_bytes(packed)
            self.refused(self.folder / name, says=[name, *says])
        (self.folder / "compressed").mkdir()
        (self.folder / "compressed/x.tar.gz").write_bytes(gzip.compress(content.read_bytes()))
        self.refused(self.folder / "compressed", says=["compressed/x.tar.gz", "tar -xf"])
        with zipfile.ZipFile(self.folder / "empty.zip", "w"):
            pass
        self.refused(self.folder / "empty.zip", says=["empty.zip", "holds no images"])

    def test_the_command_in_the_message_does_what_it_says(self):
        write_tar(self.folder / "my photos.tar", pets())
        with open(self.folder / "my photos.tar", "rb") as tar, gzip.open(self.folder / "my photos.tar.gz", "wb") as packed:
            packed.write(tar.read())
        error = self.assert_refuses("dcgan-prepare", "folder", "my photos.tar.gz", "-o", "x.h5", code=1, says=["unpack it: "],
                                    cwd=self.folder)
        subprocess.run(error.split("unpack it: ")[1], shell=True, check=True, cwd=self.folder)
        self.assertEqual(self.pack(self.folder / "my photos")[1], sorted(pets()))

    def test_an_lmdb_in_one_file_is_read_whatever_its_name(self):
        path = self.folder / "train.lmdb"
        with lmdb.open(str(path), subdir=False, map_size=1 << 24, lock=False) as environment:
            with environment.begin(write=True) as transaction:
                for name, content in pets().items():
                    transaction.put(name.encode(), content)
        _, paths, labels, _ = self.pack(path)
        self.assertEqual((paths, labels), (sorted(pets()), ["cat"] * 3 + ["dog"] * 3))


class Labels(FoldersTest):
    def log(self, *arguments):
        return self.run_program("dcgan-prepare", "folder", *arguments, "-o", self.folder / "log.h5", "--overwrite").stderr

    def test_loose_files_are_rows_without_a_label_that_every_program_leaves_out_and_counts(self):
        photos = self.folder / "photos"
        write_files(photos, {**pets(8), "loose-1.jpg": jpeg(1), "loose-2.jpg": jpeg(2), "broken.jpg": b"no image"})
        said = self.run_program("dcgan-prepare", "folder", photos, "-o", self.folder / "said.h5", expect=3).stderr
        self.assertIn("3 of 19 images lie in no class folder; they are rows without a label", said)
        report, _, labels, _ = self.pack(photos, expect=3)
        self.assertEqual(labels, ["cat"] * 8 + ["dog"] * 8 + [None] * 2)
        self.assertEqual((report["class_counts"], report["unlabelled"]), ({"cat": 8, "dog": 8}, 2))
        info = json.loads(self.run_program("dcgan-prepare", "info", self.folder / "packed.h5", "--json").stdout)
        self.assertEqual((info["class_counts"], info["unlabelled"]), ([8, 8], 2))

        features, parts = self.folder / "photos.h5", [self.folder / f"part-{i}.h5" for i in range(3)]
        extract = ["dcgan-extract", photos, "--layers", 1]
        result = self.run_program(*extract, "-o", features, expect=3)
        self.assertIn("classes: cat 8, dog 8; 2 without a label", result.stdout)
        for i, part in enumerate(parts):
            self.run_program(*extract, "-o", part, "--shard", f"{i}/3", expect=3 if i == 0 else 0)
        merged = json.loads(self.run_program("dcgan-extract", "merge", "-o", self.folder / "merged.h5", *parts, "--json").stdout)
        self.assertEqual(merged["unlabelled"], 2)
        self.run_program("dcgan-extract", "merge", "--virtual", "-o", self.folder / "virtual.h5", *parts)
        versions = {}
        for path in (features, *parts, self.folder / "merged.h5", self.folder / "virtual.h5", self.folder / "packed.h5"):
            with h5py.File(path) as file:
                versions[path.name] = (int(file.attrs["format_version"]), int((file["labels"][:] == -1).sum()))
        self.assertEqual(versions, {"photos.h5": (2, 2), "part-0.h5": (1, 0), "part-1.h5": (1, 0), "part-2.h5": (2, 2),
                                    "merged.h5": (2, 2), "virtual.h5": (2, 2), "packed.h5": (2, 2)})
        self.run_program("dcgan-extract", "verify", self.folder / "merged.h5")

        exported = self.folder / "photos.csv"
        said = self.run_program("dcgan-extract", "export", features, "--csv", exported).stdout
        self.assertIn("18 rows, 2 without a label", said)
        with open(exported, newline="", encoding="utf-8") as file:
            self.assertEqual([row["class"] for row in csv.DictReader(file)], ["cat"] * 8 + ["dog"] * 8 + ["", ""])

        # The fit and its figure are those of a file without such rows, also where a row without a label lies in between.
        with h5py.File(features) as file, h5py.File(self.folder / "labelled.h5", "w") as labelled:
            whole = file["labels"][:] >= 0
            labelled["features"], labelled["labels"] = file["features"][:][whole], file["labels"][:][whole]
            labelled["classes"] = file["classes"][:]
        svm = ["dcgan-eval", "svm", "--c", 0.01, "--json"]
        mixed = self.run_program(*svm, "--train", features, "--test", features)
        alone = self.run_program(*svm, "--train", self.folder / "labelled.h5", "--test", self.folder / "labelled.h5")
        self.assertIn("2 rows without a label are left out", mixed.stderr)
        mixed, alone = json.loads(mixed.stdout), json.loads(alone.stdout)
        self.assertEqual(mixed["unlabelled_rows_left_out"], 4)
        for name in ("train_rows", "test_rows", "accuracy", "primal", "dual", "classes"):
            self.assertEqual(mixed[name], alone[name], name)

    def test_minus_one_stays_a_class_in_files_of_other_programs(self):
        generator = numpy.random.default_rng(1)
        labels = numpy.tile([-1, 1], 20)
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["features"] = generator.normal(size=(40, 5)).astype("f4") + labels[:, None]
            file["labels"] = labels
        svm = self.run_program("dcgan-eval", "svm", "--c", 1, "--train", self.folder / "other.h5", "--test",
                               self.folder / "other.h5", "--json")
        report = json.loads(svm.stdout)
        self.assertEqual((report["classes"], report["train_rows"]), (["-1", "1"], 40))

    def test_labels_by_first_parent_none_and_a_table(self):
        photos = self.folder / "nested"
        write_files(photos, {f"{season}/{path}": content for season in ("summer", "winter") for path, content in pets(2).items()})
        (self.folder / "labels.csv").write_text("file,label,house\nsummer/cat/000.jpg,tabby,1\nsummer/dog/001.jpg,pug,2\n")
        expected = {"first": ["summer"] * 4 + ["winter"] * 4, "parent": ["cat", "cat", "dog", "dog"] * 2, "none": [],
                    self.folder / "labels.csv": ["tabby", None, None, "pug"] + [None] * 4}
        for label_by, labels in expected.items():
            self.assertEqual(self.pack(photos, "--label-by", label_by)[2], labels)
        self.assertEqual(self.pack(photos, "--unlabelled")[2], [])
        tar = self.folder / "nested.tar"
        write_tar(tar, {f"nested/{path.relative_to(photos)}": path.read_bytes() for path in sorted(photos.rglob("*.jpg"))})
        self.assertEqual(self.pack(tar)[2], expected["first"])
        self.assertEqual(self.pack(tar, "--label-by", "parent")[2], expected["parent"])
        self.assertIn("everything lies in nested/; the classes are the folders in it", self.log(tar))
        features = self.folder / "by-parent.h5"
        self.run_program("dcgan-extract", photos, "-o", features, "--layers", 1, "--label-by", "parent")
        self.run_program("dcgan-extract", "verify", features)

    def test_a_table_may_name_files_in_full_or_from_where_it_lies_and_says_what_columns_it_has_instead(self):
        photos, table = self.folder / "tables/photos", self.folder / "tables/labels.csv"
        write_files(photos, {"0.jpg": jpeg(0), "1.jpg": jpeg(1), "2.jpg": jpeg(2)})
        table.write_text(f"file,label\n0.jpg,a\nphotos/1.jpg,b\n{photos}/2.jpg,c\n")
        for source in (photos, os.path.relpath(photos)):
            self.assertEqual(self.pack(source, "--label-by", table)[2], ["a", "b", "c"])
        table.write_text("file;label\n0.jpg;a\n")
        self.refused(photos, "--label-by", table, says=[table, "file;label", "file and label, with a comma"])

    def test_parts_of_a_set_and_several_folders_are_spoken_about(self):
        photos = self.folder / "sets"
        write_files(photos, {f"{part}/{path}": content for part in ("train", "test") for path, content in pets(1).items()})
        self.assertIn(f"one with {photos}/test, and one with {photos}/train", self.log(photos))
        folders = [photos / "train/cat", photos / "train/dog"]
        self.assertIn("--label-by parent makes the 2 folders", self.log(*folders))
        self.assertEqual(self.pack(*folders, "--label-by", "parent")[2], ["cat", "dog"])
        (self.folder / "absolute").write_text("".join(f"{folder}/000.jpg\n" for folder in folders))
        self.assertIn("--label-by parent makes the 2 folders", self.log("--list", self.folder / "absolute"))
        self.assertEqual(self.pack("--list", self.folder / "absolute", "--label-by", "parent")[2], ["cat", "dog"])

    def test_the_probe_of_a_training_takes_labelled_images_only(self):
        if not os.path.exists(program("dcgan-train")):
            self.skipTest("built without training")
        photos = self.folder / "probe"
        write_files(photos, {**pets(16), **{f"{i}.jpg": jpeg(i) for i in range(30)}})
        packed = self.folder / "probe.h5"
        self.run_program("dcgan-prepare", "folder", photos, "-o", packed, "--size", 32)
        self.run_program("dcgan-train", "--data", packed, "--probe", packed, "--out", self.folder / "run", "--steps", 1, *NARROW)
        self.assertTrue((self.folder / "run/best.safetensors").exists())


class Names(FoldersTest):
    def test_accents_composed_in_one_set_and_decomposed_in_the_other_are_one_class(self):
        files = {"train": "NFC", "test": "NFD"}
        for part, form in files.items():
            for k, name in enumerate(("caf\u00e9", "pi\u00f1ata")):
                folder = unicodedata.normalize(form, name)
                write_files(self.folder / part, {f"{folder}/{i}.jpg": jpeg(50 * k + i, ("discs", "stripes")[k]) for i in range(4)})
            self.run_program("dcgan-extract", self.folder / part, "-o", self.folder / f"{part}.h5", "--layers", 1)
        report = self.run_program("dcgan-eval", "svm", "--c", 0.01, "--train", self.folder / "train.h5", "--test",
                                  self.folder / "test.h5", "--json")
        self.assertEqual(json.loads(report.stdout)["test_rows"], 8)
        _, _, labels, _ = self.pack(self.folder / "train", self.folder / "test")
        self.assertEqual(sorted(set(labels)), sorted(unicodedata.normalize("NFD", name) for name in ("caf\u00e9", "pi\u00f1ata")))

    def test_names_that_are_no_utf8_break_no_json(self):
        root = os.fsencode(self.folder) + b"/bilder-\xe4"
        for name, content in {b"caf\xe9/a-\xfc.jpg": jpeg(1), b"M\xfcnchen/b.jpg": jpeg(2, "stripes"),
                              b"caf\xe9/kaputt-\xfc.jpg": b"\xff\xd8\xff"}.items():
            os.makedirs(os.path.dirname(root + b"/" + name), exist_ok=True)
            with open(root + b"/" + name, "wb") as file:
                file.write(content)
        packed, features = (os.fsencode(self.folder) + b"/" + name for name in (b"b-\xe4.h5", b"f-\xe4.h5"))

        def run(name, *arguments, expect=0):
            command = [program(name), *arguments]
            result = subprocess.run(command, capture_output=True, check=False, timeout=240)
            self.assertEqual(result.returncode, expect, f"{command}\n{result.stderr}")
            return json.loads(result.stdout.decode()) if b"--json" in arguments else result.stdout

        report = run("dcgan-prepare", b"folder", root, b"-o", packed, b"--json", expect=3)
        self.assertEqual((report["images"], list(report["class_counts"].values())), (2, [1, 1]))
        self.assertIn("\ufffd", report["output"])
        self.assertEqual(run("dcgan-prepare", b"info", packed, b"--json")["images"], 2)
        self.assertIn(b"caf", run("dcgan-prepare", b"info", packed))
        extract = [root, b"-o", features, b"--layers", b"1", b"--statistics-from", root, b"--json"]
        self.assertEqual(run("dcgan-extract", *extract, expect=3)["rows"], 2)
        self.assertEqual(run("dcgan-extract", b"verify", features, b"--json")["rows"], 2)
        self.assertEqual(run("dcgan-eval", b"svm", b"--c", b"1", b"--train", features, b"--test", features, b"--json")["test_rows"], 2)
        if os.path.exists(program("dcgan-train")):
            out = os.fsencode(self.folder) + b"/lauf-\xe4"
            run("dcgan-train", b"--data", root, b"--out", out, b"--steps", b"1", b"--ndf", b"4", b"--ngf", b"4",
                b"--nz", b"8", b"--batch-size", b"2", b"--quiet", expect=3)
            model = out + b"/model.safetensors"
            self.assertIn("architecture", json.dumps(run("dcgan-convert", b"info", model, b"--json")))
            run("dcgan-convert", b"model", model, b"-o", out + b"/half-\xe4.safetensors", b"--storage", b"f16", b"--json")

    def test_lists_of_windows_are_read_and_lists_with_labels_are_refused_by_what_stands_behind_the_paths(self):
        folder, lines = self.folder / "listed", self.folder / "lines.txt"
        write_files(folder, {**pets(), "odd\\name.jpg": jpeg(1)})
        lines.write_text("".join(path.replace("/", "\\") + "\r\n" for path in pets()))
        self.assertEqual(self.pack(folder, "--list", lines)[1:3], (list(pets()), ["cat"] * 3 + ["dog"] * 3))
        lines.write_text("odd\\name.jpg\ncat/000.jpg\n")  # which is the name of a file
        self.assertEqual(self.pack(folder, "--list", lines)[1], ["odd\\name.jpg", "cat/000.jpg"])
        for first, between in (("", " "), ("", "\t"), ("path,label\n", ",")):
            lines.write_text(first + "".join(f"{path}{between}{path[:3]}\n" for path in pets()))
            self.refused(folder, "--list", lines, says=[lines, f"cat/000.jpg{between}cat", "one path a line", "--label-by"])

    def test_marks_of_other_editors_in_lists_and_configurations_are_understood_or_named(self):
        photos = self.folder / "listed"
        write_files(photos, pets(2))
        names = sorted(pets(2))
        lines = "\r\n".join(names) + "\r\n"
        (self.folder / "marked").write_bytes(b"\xef\xbb\xbf" + lines.encode())
        self.assertEqual(self.pack(photos, "--list", self.folder / "marked")[1], names)
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            (self.folder / "wide").write_bytes(lines.encode(encoding))
            self.refused(photos, "--list", self.folder / "wide", says=["wide", "UTF-16", "iconv"])
        (self.folder / "marked.ini").write_bytes(b"\xef\xbb\xbfsize = 24\r\nresize = area\r\n")
        self.pack(photos, "--config", self.folder / "marked.ini")
        self.run_program("dcgan-prepare", "folder", photos, "-o", self.folder / "configured.h5", "--config", self.folder / "marked.ini")
        with h5py.File(self.folder / "configured.h5") as file:
            self.assertEqual(file["images"].shape[1], 24)
        (self.folder / "wide.ini").write_bytes("size = 24\n".encode("utf-16"))
        self.refused(photos, "--config", self.folder / "wide.ini", says=["wide.ini", "UTF-16", "iconv"])


if __name__ == "__main__":
    unittest.main()
