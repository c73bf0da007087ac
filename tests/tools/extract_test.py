"""dcgan-extract from outside: shards and merging, verifying, planning, archives, exports, interruptions."""

import csv
import gzip
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import unittest
from pathlib import Path

import h5py
import numpy
from PIL import Image
from programs import NARROW, ProgramTest, program, write_image_folder

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
        for name in ("merged.h5", "virtual.h5"):  # the command line of a merged file is that of its first part
            self.assertIn("58 extracted again", self.verify(name, "--rows", 58, "--tolerance", 0).stdout)

        merge = ["dcgan-extract", "merge", "-o", self.path("x.h5")]
        self.assert_refuses(*merge, *parts[:2], code=1, says=["part-2.h5", "inputs 20 to 39 of 60", "part-0.h5"])
        self.assert_refuses(*merge, *parts, parts[1], code=2, says=["part-0.h5", "named twice"])
        self.extract("foreign.h5", "--shard", "2/3", "--layers", "1,2", expect=0)
        self.assert_refuses(*merge, *parts[1:], self.path("foreign.h5"), code=1, says=["foreign.h5", "layers", "1,2"])
        self.assert_refuses(*merge, code=2, says=["PART.h5"])
        self.assertFalse(self.path("x.h5").exists())

        # A merge that is complete is looked at; a virtual one leaves nothing of an interrupted one that copied.
        again = ["dcgan-extract", "merge", "-o", self.path("merged.h5"), "--resume", "--json"]
        self.assertEqual(json.loads(self.run_program(*again, *parts).stdout)["rows"], len(self.good))
        self.extract("layers.h5", "--shard", "0/1", "--layers", "1,2")
        self.assert_refuses(*again, self.path("layers.h5"), code=1, says=["merged.h5", "layers", "--overwrite"])
        for left in ("virtual.h5.partial", "virtual.h5.partial.journal"):
            self.path(left).write_bytes(b"left")
        self.run_program("dcgan-extract", "merge", "--virtual", "--overwrite", "-o", self.path("virtual.h5"), *parts)
        self.assert_same("virtual.h5")
        self.assertFalse(list(self.folder.glob("virtual.h5.*")))

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

    def test_a_list_on_stdin_names_the_images_in_its_order(self):
        wanted = [*reversed(self.good[:10]), self.damaged[0]]
        arguments = ["--list", "-"]
        self.extract("stdin.h5", *arguments, input="".join(f"{path}\n" for path in wanted))
        with h5py.File(self.path("stdin.h5")) as file, h5py.File(self.path("straight.h5")) as straight:
            self.assertEqual([path.decode() for path in file["paths"]], wanted[:10])
            self.assertEqual([path.decode() for path in file["failures/path"]], wanted[10:])
            numpy.testing.assert_array_equal(file["features"], straight["features"][:10][::-1])
        # Without a folder the paths are relative to the current one; a missing file is a failure among the others.
        output = self.path("here.h5")
        self.run_program("dcgan-extract", *arguments, "-o", output, "--model", self.model, cwd=self.images, expect=3,
                         input=f"{wanted[0]}\nno-such.png\n")
        with h5py.File(output) as file:
            self.assertEqual([path.decode() for path in file["failures/path"]], ["no-such.png"])
        ours, theirs = socket.socketpair()  # as from inetd or a container's runtime: it cannot be opened by a name
        theirs.sendall(f"{wanted[0]}\n".encode())
        theirs.close()
        self.extract("socket.h5", *arguments, stdin=ours, expect=0)
        ours.close()
        nothing = ["dcgan-extract", self.images, *arguments, "-o", self.path("x.h5"), "--model", self.model]
        self.assert_refuses(*nothing, input="", code=1, says=["standard input", "one path a line"])

    # --- verifying

    def verify(self, name, *arguments, **options):
        return self.run_program("dcgan-extract", "verify", self.path(name), *arguments, **options)

    def assert_verify_refuses(self, name, *arguments, says, code=1):
        self.assert_refuses("dcgan-extract", "verify", self.path(name), *arguments, code=code, says=says)

    def changed(self, name, change):
        """A copy of straight.h5 that `change(file)` has changed with h5py."""
        shutil.copy(self.path("straight.h5"), self.path(name))
        with h5py.File(self.path(name), "r+") as file:
            change(file)
        return name

    def test_verify_says_what_it_checked(self):
        text = self.verify("straight.h5").stdout
        for phrase in ("complete, 58 rows of 896 finite features, 2 failures", f"model: {self.model} has the recorded hash",
                       "rows: 32 extracted again, equal"):
            self.assertIn(phrase, text)
        report = json.loads(self.verify("straight.h5", "--rows", 58, "--tolerance", 0, "--json").stdout)
        self.assertEqual(report["rows_extracted_again"], 58)
        self.assertEqual(report["largest_difference"], 0)
        self.assertIn("not checked", self.verify("straight.h5", "--rows", 0).stdout)

    def test_verify_knows_halves_shards_lists_and_other_options_of_the_extraction(self):
        lines = self.path("list.txt")
        lines.write_text("\n".join(reversed(self.paths)))
        for number, arguments in enumerate((
                ["--storage", "f16"], ["--shard", "1/2"], ["--list", lines], ["--layers", "2,3", "--grid", 2],
                ["--resize", "area"], ["--statistics-from", self.images, "--statistics-images", 32])):
            with self.subTest(arguments=arguments):
                name = f"verify {number}.h5"  # a name with a space, too
                self.extract(name, *arguments)
                self.assertIn("16 extracted again", self.verify(name, "--rows", 16).stdout)

    def test_verify_reads_what_was_asked_for_and_of_older_files_the_command_line(self):
        self.extract("asked.h5", "--grid", 1, "--resize", "area")
        with h5py.File(self.path("asked.h5")) as file:
            options = json.loads(file.attrs["options"])
            self.assertEqual((options["images"], options["grid"], options["resize"]), ([str(self.images)], 1, "area"))
        shutil.copy(self.path("asked.h5"), self.path("older.h5"))
        with h5py.File(self.path("asked.h5"), "r+") as file:
            file.attrs["command_line"] = "dcgan-extract of-another-day --resize linear"
        with h5py.File(self.path("older.h5"), "r+") as file:
            del file.attrs["options"]
        for name in ("asked.h5", "older.h5"):
            self.assertIn("58 extracted again, equal", self.verify(name, "--rows", 58, "--tolerance", 0).stdout)
        with h5py.File(self.path("asked.h5"), "r+") as file:
            file.attrs["options"] = '{"images": [1]}'
        self.assert_verify_refuses("asked.h5", says=["options", "damaged"])

    def test_verify_names_what_differs(self):
        def swap_paths(file):
            file["paths"][[4, 5]] = file["paths"][:][[5, 4]]

        def swap_labels(file):
            file["labels"][:] = file["labels"][:][::-1]

        def set_value(file, value):
            file["features"][3, 7] = value

        every = ["--rows", 58]
        self.assert_verify_refuses(self.changed("nan.h5", lambda f: set_value(f, numpy.nan)),
                                   says=["row 3, feature 7 is nan"])
        self.assert_verify_refuses(self.changed("value.h5", lambda f: set_value(f, 77)), *every,
                                   says=["row 3", self.good[3], "feature 7 is 77", "extracted again"])
        self.assert_verify_refuses(self.changed("paths.h5", swap_paths), says=["input 5", self.good[4]])
        self.assert_verify_refuses(self.changed("labels.h5", swap_labels), *every, says=["label", "stripes", "discs"])
        self.assert_verify_refuses(self.changed("failures.h5", lambda f: f["failures/path"].resize((1,)) or
                                                f["failures/reason"].resize((1,))), says=["58 rows and 1 failures"])
        self.assert_verify_refuses(
            self.changed("incomplete.h5", lambda f: f.attrs.modify("complete", 0)), says=["incomplete", "--resume"])
        self.assert_verify_refuses(
            self.changed("model.h5", lambda f: f.attrs.modify("model_sha256", "a" * 64)), says=["aaaa", self.model])
        cut = self.path("cut.h5")
        cut.write_bytes(self.path("straight.h5").read_bytes()[:-1000])
        self.assert_verify_refuses("cut.h5", says=[cut])

    def test_verify_compares_with_the_images_as_they_are_now(self):
        shutil.copytree(self.images, self.path("now"))
        self.extract("now.h5", images=self.path("now"))
        self.verify("now.h5", "--rows", 58)
        shutil.copy(self.path("now") / self.good[1], self.path("now") / self.good[0])
        self.assert_verify_refuses("now.h5", "--rows", 58, says=["row 0", self.good[0], "differs"])
        (self.path("now") / self.good[0]).unlink()
        self.assert_verify_refuses("now.h5", "--rows", 58, says=["60 inputs", "59"])
        shutil.rmtree(self.path("now"))
        self.assertIn("not checked", self.verify("now.h5").stdout)
        self.assert_verify_refuses("now.h5", "--rows", 3, says=["is not here"])
        self.assertIn("3 extracted again", self.verify("now.h5", self.images, "--rows", 3).stdout)

    # --- archives

    def test_an_archive_of_any_format_gives_what_its_folder_gives(self):
        for name, tar_format in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT),
                                 ("pax", tarfile.PAX_FORMAT)):
            with self.subTest(format=name):
                with tarfile.open(self.path(f"{name}.tar"), "w", format=tar_format) as archive:
                    for path in reversed(self.paths):  # the order inside does not matter
                        archive.add(self.images / path, arcname=path)
                self.extract(f"{name}.h5", images=self.path(f"{name}.tar"))
                self.assert_same(f"{name}.h5")
                self.verify(f"{name}.h5")
        subprocess.run(["tar", "-C", self.images, "-cf", self.path("posix.tar"), "--format=posix", "."], check=True)
        self.extract("posix.h5", images=self.path("posix.tar"))
        self.assert_same("posix.h5")
        packed = self.path("packed-from-tar.h5")
        self.run_program("dcgan-prepare", "imagenet32", self.path("posix.tar"), "-o", packed, expect=3)
        with h5py.File(packed) as of_tar, h5py.File(self.path("images.h5")) as of_folder:
            numpy.testing.assert_array_equal(of_tar["images"][:], of_folder["images"][:])

    def test_an_archive_of_archives_gives_what_its_folders_give(self):
        with tarfile.open(self.path("nested.tar"), "w") as outer:
            for kind in sorted({path.split("/")[0] for path in self.paths}):
                inner = self.path(f"{kind}.tar")
                with tarfile.open(inner, "w") as archive:
                    for path in self.paths:
                        if path.startswith(kind + "/"):
                            archive.add(self.images / path, arcname=path.split("/")[1])
                outer.add(inner, arcname=inner.name)
        self.extract("nested.h5", images=self.path("nested.tar"))
        self.assert_same("nested.h5")

    def test_long_names_links_and_other_members_of_an_archive_are_accounted_for(self):
        long = "discs/" + "d" * 90 + "/" + "\u00e4" * 100 + ".png"
        source = self.images / self.good[0]
        for name, tar_format in (("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
            with self.subTest(format=name):
                with tarfile.open(self.path("odd.tar"), "w", format=tar_format) as archive:
                    archive.add(source, arcname=long)
                    link = tarfile.TarInfo("discs/hard.png")
                    link.type, link.linkname = tarfile.LNKTYPE, long
                    archive.addfile(link)
                    link = tarfile.TarInfo("discs/soft.png")
                    link.type, link.linkname = tarfile.SYMTYPE, "hard.png"
                    archive.addfile(link)
                self.extract("odd.h5", "--overwrite", images=self.path("odd.tar"))
                with h5py.File(self.path("odd.h5")) as file:
                    self.assertEqual([p.decode() for p in file["paths"]], [long, "discs/hard.png"])
                    numpy.testing.assert_array_equal(file["features"][0], file["features"][1])
                    self.assertEqual([p.decode() for p in file["failures/path"]], ["discs/soft.png"])
                    self.assertIn("symbolic link", file["failures/reason"][0].decode())

    def test_an_archive_with_two_members_of_one_name_says_that_one_is_left_out(self):
        with tarfile.open(self.path("inner.tar"), "w") as archive:
            archive.add(self.images / self.good[0], arcname="1.png")
        with tarfile.open(self.path("twice.tar"), "w") as archive:
            archive.add(self.images / self.good[1], arcname="n01/1.png")
            archive.add(self.path("inner.tar"), arcname="n01.tar")
        result = self.extract("twice.h5", images=self.path("twice.tar"), expect=0)
        self.assertIn("of members of one name, such as n01/1.png, only the last is taken; that leaves 1 out", result.stderr)
        with h5py.File(self.path("twice.h5")) as file, h5py.File(self.path("straight.h5")) as straight:
            numpy.testing.assert_array_equal(file["features"][:], straight["features"][:1])

    def test_an_archive_that_is_compressed_or_cut_short_is_refused_with_what_to_do(self):
        with tarfile.open(self.path("whole.tar"), "w") as archive:
            archive.add(self.images, arcname="")
        content = self.path("whole.tar").read_bytes()
        for name, damaged, says in (("cut.tar", content[: len(content) // 2], "cut short"),
                                    ("x.tar.gz", gzip.compress(content), "gzip")):
            self.path(name).write_bytes(damaged)
            self.assert_refuses("dcgan-extract", self.path(name), "-o", self.path("x.h5"), "--model", self.model, code=1,
                                says=[name, says])

    # --- decoding

    def test_scaled_decoding_is_recorded_and_changes_large_jpegs_a_little(self):
        folder = self.path("large")
        folder.mkdir()
        for i, path in enumerate(self.good[:4]):
            with Image.open(self.images / path) as picture:
                picture.convert("RGB").resize((300, 260), Image.BICUBIC).save(folder / f"{i}.{'png' if i == 3 else 'jpg'}")
        rows = []
        for decode in ("exact", "scaled"):
            self.extract(f"{decode}.h5", "--decode", decode, "--resize", "area", images=folder, expect=0)
            with h5py.File(self.path(f"{decode}.h5")) as file:
                preprocessing = json.loads(file.attrs["preprocessing"])
                self.assertIn(decode, preprocessing["images"]["decoder"]["jpeg"])
                rows.append(file["features"][:].astype(float))
            self.verify(f"{decode}.h5")
        difference = numpy.linalg.norm(rows[1] - rows[0], axis=1) / numpy.linalg.norm(rows[0], axis=1)
        self.assertEqual(difference[3], 0)  # the PNG
        self.assertTrue((difference[:3] > 0).all())
        self.assertLess(difference.max(), 0.2)

    # --- the model that ships

    def test_without_a_model_the_one_that_ships_gives_28672_features(self):
        self.assertIn("=tiny-imagenet32-contrastive", self.run_program("dcgan-extract", "--help").stdout)
        output = self.path("shipped.h5")
        report = json.loads(self.run_program("dcgan-extract", self.images, "-o", output, "--json", expect=3).stdout)
        self.assertEqual((report["rows"], report["features"]), (58, 28672))
        self.assertIn("4 extracted again", self.verify("shipped.h5", "--rows", 4).stdout)
        facts = json.loads(self.run_program("dcgan-convert", "info", "tiny-imagenet32-contrastive", "--json").stdout)
        self.assertEqual((facts["storage"], facts["generator"], facts["convolutions"]), ("f16", False, 6))
        with h5py.File(output) as file:
            self.assertEqual(file.attrs["model_sha256"], facts["sha256"])
            features = file["features"][:]
        # It was trained: every layer tells the kinds of shapes apart better than chance, which here is 1/3.
        kinds = numpy.array([path.split("/")[0] for path in self.good])
        centred = features - features.mean(0)
        centred /= numpy.linalg.norm(centred, axis=1, keepdims=True)
        similar = centred @ centred.T
        numpy.fill_diagonal(similar, -1)
        self.assertGreater((kinds[similar.argmax(1)] == kinds).mean(), 0.7)

    # --- precision

    def test_bfloat16_is_recorded_and_changes_the_features_a_little(self):
        self.extract("bf16.h5", "--precision", "bf16", "--device", "cpu")
        with h5py.File(self.path("bf16.h5")) as file, h5py.File(self.path("straight.h5")) as straight:
            self.assertEqual(json.loads(file.attrs["preprocessing"])["precision"], "bf16")
            self.assertNotIn("precision", json.loads(straight.attrs["preprocessing"]))
            largest = straight["features"][:].max()
            difference = abs(file["features"][:] - straight["features"][:]).max() / largest
        self.assertGreater(difference, 0)
        self.assertLess(difference, 0.03)
        self.verify("bf16.h5", "--device", "cpu")
        self.assert_refuses("dcgan-extract", self.images, "-o", self.path("x.h5"), "--model", self.model, "--device", "cpu",
                            "--precision", "tf32", code=2, says=["--precision is tf32", "GPU"])

    # --- exports

    def test_exports_are_what_numpy_and_csv_readers_expect(self):
        odd = self.path("quoted")
        (odd / "a, \"b\"").mkdir(parents=True)
        shutil.copy(self.images / self.good[0], odd / "a, \"b\"" / "x\ny.png")
        self.extract("quoted.h5", images=odd, expect=0)
        self.extract("half.h5", "--storage", "f16")
        for name, dtype in (("straight", "float32"), ("half", "float16"), ("quoted", "float32")):
            with self.subTest(name=name):
                npy, table = self.path(f"{name}.npy"), self.path(f"{name}.csv")
                self.run_program("dcgan-extract", "export", self.path(f"{name}.h5"), "--npy", npy, "--csv", table)
                content = whole(self.path(f"{name}.h5"))
                exported = numpy.load(npy, mmap_mode="r")
                self.assertEqual(exported.dtype, dtype)
                numpy.testing.assert_array_equal(exported, content["features"])
                with open(table, newline="", encoding="utf-8") as lines:
                    rows = list(csv.DictReader(lines))
                self.assertEqual([row["path"] for row in rows], [path.decode() for path in content["paths"]])
                self.assertEqual([int(row["label"]) for row in rows], list(content["labels"]))
                self.assertEqual([row["class"] for row in rows],
                                 [content["classes"][label].decode() for label in content["labels"]])
        export = ["dcgan-extract", "export", self.path("straight.h5")]
        self.assert_refuses(*export, "--npy", self.path("half.npy"), code=1, says=["half.npy", "--overwrite"])
        self.assert_refuses(*export, code=2, says=["--npy", "--csv"])
        self.run_program(*export, "--npy", self.path("half.npy"), "--overwrite")

    # --- the report

    def test_the_report_says_what_the_run_was_and_where_its_time_went(self):
        report = json.loads(self.extract("report.h5", "--json").stdout)
        self.assertEqual((report["rows"], report["failures"], report["features"]), (58, 2, 896))
        self.assertIn(report["bound_by"], ("decoding", "the network", "writing"))
        self.assertGreater(report["peak_memory_bytes"], 10e6)
        self.assertAlmostEqual(report["images_per_second"], 60 / report["seconds"], delta=0.1)
        for share in ("decode_share", "network_share", "write_share"):
            self.assertGreater(report[share], 0)
            self.assertLessEqual(report[share], 1)

    # --- planning

    def test_a_dry_run_says_what_would_be_done_and_writes_nothing(self):
        text = self.extract("dry.h5", "--dry-run", expect=0).stdout
        for phrase in ("60 images (30 jpg, 30 png)", "896 features each: 210.0 KiB", "free in", "images/s"):
            self.assertIn(phrase, text)
        plan = json.loads(self.extract("dry.h5", "--dry-run", "--storage", "f16", "--json", expect=0).stdout)
        self.assertEqual(plan["output_bytes"], 60 * 896 * 2)
        self.assertEqual(plan["types"], {"jpg": 30, "png": 30})
        self.assertGreater(plan["images_per_second"], 0)
        self.assertFalse(list(self.folder.glob("dry*")))

    def test_what_is_wrong_is_said_before_anything_is_computed(self):
        statistics = ["--statistics-from", self.path("no-such-folder")]
        extract = ["dcgan-extract", self.images, "-o", self.path("straight.h5")]
        self.assert_refuses(*extract, "--model", self.model, *statistics, code=1, says=["straight.h5", "--overwrite"])
        extract[-1] = self.path("x.h5")
        self.assert_refuses(*extract, "--model", self.model, "--layers", "1,", code=2, says=["--layers", '"1,"'])
        self.assert_refuses("dcgan-extract", self.images, *extract[2:], "--model", "no-such", code=2,
                            says=["--model", '"no-such"', "tiny-imagenet32"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a small file system")
    def test_too_little_room_stops_a_run_before_it_starts_unless_forced(self):
        disk = self.path("disk")
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], check=False).returncode:
            self.skipTest("this machine does not allow to mount a file system")
        try:
            extract = [self.images, "-o", disk / "x.h5", "--model", self.model]
            self.assert_refuses("dcgan-extract", *extract, code=1, says=["x.h5", "needs 214.5 KiB", "200.0 KiB free", "--force"])
            self.assertEqual(list(disk.iterdir()), [])
            self.assert_refuses("dcgan-extract", *extract, "--force", code=1, says=["No space left"])
            self.assertEqual(list(disk.iterdir()), [])  # nothing was begun; --resume begins
            subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
            self.run_program("dcgan-extract", *extract, "--resume", expect=3)
            shutil.copy(disk / "x.h5", self.path("disk.h5"))
        finally:
            subprocess.run(["umount", disk], check=False)
        self.assert_same("disk.h5")

    # --- interruptions

    def run_until(self, arguments, seconds, number):
        """Sends the signal after some time. Returns the exit code."""
        with subprocess.Popen([program("dcgan-extract"), *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            process.communicate(timeout=120)
            return process.returncode

    def test_killed_at_random_moments_and_resumed_it_ends_with_the_rows_of_an_uninterrupted_run(self):
        lines, output = self.path("long-list.txt"), self.path("killed.h5")
        lines.write_text("\n".join(self.paths * 80))
        start = time.monotonic()
        self.extract("long.h5", "--list", lines, "--threads", 1)
        whole_s = time.monotonic() - start
        arguments = [self.images, "-o", output, "--model", self.model, "--list", lines, "--threads", 1, "--resume"]
        generator, kills, most = random.Random(1), 0, 40
        while not output.exists() and kills < most:
            # One in four is Ctrl-C, which keeps everything; a killed run loses what came after its last flush.
            number = signal.SIGINT if kills % 4 == 3 else signal.SIGKILL
            # The machine may have become busier since the whole run was timed: each life is a little longer than the last.
            code = self.run_until(arguments, generator.uniform(0.1, 0.7) * whole_s * 1.1**kills, number)
            # A signal that comes before the handlers are installed ends the process at once.
            self.assertIn(code, (3, 130, -signal.SIGKILL, -signal.SIGINT))
            kills += code != 3
        self.assertGreater(kills, 0)
        self.assertLess(kills, most, "it started over and over")
        self.assert_same("killed.h5", "long.h5")
        self.assertFalse(list(self.folder.glob("killed.h5.*")))

    def test_a_strict_run_goes_on_with_the_image_that_failed(self):
        shutil.copytree(self.images, self.path("mended"))
        strict = ["--strict", "--batch-size", 16]
        self.extract("strict.h5", *strict, images=self.path("mended"), expect=1)
        self.extract("strict.h5", *strict, "--resume", images=self.path("mended"), expect=1)  # it still fails
        for path in self.damaged:
            Image.new("RGB", (40, 34)).save(self.path("mended") / path, {".jpg": "JPEG", ".png": "PNG"}[path[-4:]])
        self.extract("strict.h5", *strict, "--resume", images=self.path("mended"), expect=0)
        self.extract("mended.h5", images=self.path("mended"), expect=0)
        self.assert_same("strict.h5", "mended.h5")

    def test_resume_of_a_complete_file_looks_whether_it_is_what_was_asked_for(self):
        complete = json.loads(self.extract("straight.h5", "--resume", "--json", expect=0).stdout)
        self.assertEqual((complete["rows"], complete["failures"]), (58, 2))
        resume = ["dcgan-extract", self.images, "--model", self.model, "--resume"]
        self.assert_refuses(*resume, "-o", self.path("straight.h5"), "--layers", "1,2", code=1,
                            says=["straight.h5", "layers 1,2,3,4,5,6", "now it is 1,2", "--overwrite"])
        (self.path("notes.txt")).write_text("notes")
        self.assert_refuses(*resume, "-o", self.path("notes.txt"), code=1, says=["notes.txt", "HDF5"])
        self.assert_refuses(*resume, "-o", self.folder, code=1, says=[self.folder, "is a folder"])
        self.assert_refuses(*resume[:-1], "-o", self.path("x.h5"), "--batch-size", 2**63 - 1, code=2,
                            says=["--batch-size", "16384"])

    def test_resume_notices_that_the_images_of_these_names_are_others(self):
        strict = ["--strict", "--batch-size", 4]
        for name, number in (("front", 0), ("back", -1)):
            with self.subTest(changed=name):
                folder, moved = self.path(f"{name}-images"), self.path(f"{name}-moved")
                shutil.copytree(self.images, folder)
                done = [path for path in self.good if path < self.damaged[1]]
                (folder / self.damaged[0]).unlink()
                shutil.copy(folder / done[0], folder / self.damaged[0])
                self.extract(f"{name}.h5", *strict, images=folder, expect=1)
                folder.rename(moved)
                shutil.copy(moved / done[number], self.path("kept.png"))
                shutil.copy(self.images / self.good[-1], moved / done[number])
                resume = ["dcgan-extract", moved, "-o", self.path(f"{name}.h5"), "--model", self.model, "--resume"]
                self.assert_refuses(*resume, code=1, says=[done[number], "has other features now", "--overwrite"])
                # The same images elsewhere are the same images.
                shutil.copy(self.path("kept.png"), moved / done[number])
                self.run_program(*resume, expect=3)

    def test_a_second_run_into_the_output_of_one_at_work_says_so(self):
        lines, output = self.path("many.txt"), self.path("busy.h5")
        lines.write_text("\n".join(self.paths * 400))
        command = [self.images, "-o", output, "--model", self.model, "--list", lines]
        with subprocess.Popen([program("dcgan-extract"), *map(str, command)], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not Path(f"{output}.partial").exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGSTOP)
            self.assert_refuses("dcgan-extract", *command, code=1, says=["busy.h5", "another process"])
            process.kill()

    def test_a_name_with_a_newline_takes_one_line(self):
        odd = self.path("odd/discs")
        odd.mkdir(parents=True)
        (odd / "two\nlines.png").write_text("no image")
        shutil.copy(self.images / self.good[0], odd)
        result = self.extract("odd.h5", images=odd.parent)
        self.assertIn("discs/two\\nlines.png: not an image", result.stderr)

    def test_resume_says_what_changed(self):
        lines, output = self.path("resume-list.txt"), self.path("changed.h5")
        lines.write_text("\n".join(self.paths))
        command = [self.images, "-o", output, "--model", self.model, "--list", lines]
        # --strict stops at a damaged image and leaves a partial file.
        self.assert_refuses("dcgan-extract", *command, "--strict", code=1, says=["--strict", "--resume"])
        refuses = ["dcgan-extract", *command, "--resume"]
        self.assert_refuses(*refuses, "--resize", "area", code=1, says=["preprocessing", "area", "--overwrite"])
        self.assert_refuses(*refuses, "--grid", 2, code=1, says=["layer_offsets"])
        self.assert_refuses(*refuses, "--storage", "f16", code=1, says=["storage", "f32", "f16"])
        lines.write_text("\n".join(reversed(self.paths)))
        self.assert_refuses(*refuses, code=1, says=["input_list"])


if __name__ == "__main__":
    unittest.main()
