"""Outputs of every command: none is written over what the command reads, none replaces a link or what is no file.

The commands and their options come from the programs' --help: a new one fails here until it is listed below.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tarfile
import unittest

import lmdb
import numpy
from PIL import Image
from programs import BUILD, NARROW, SOURCE, ProgramTest, write_image_folder
from scipy.io import savemat

# What a command needs, apart from its output, and the files that it reads: each of these is tried as the output.
# Names in braces are files of the test's folder: see setUpClass.
READ = {
    "dcgan-prepare folder": [("{images}/discs/000.jpg", ["{images}/discs/000.jpg"]),
                             ("{images}", ["{images}/discs/000.jpg", "{images}/squares/001.png"]),
                             ("{packed}", ["{packed}"]), ("{tar}", ["{tar}"]),
                             ("{images} --list {list}", ["{list}", "{images}/discs/000.jpg"]),
                             ("{linked}", ["{images}/discs/000.jpg"]),
                             ("{images} --config {config}", ["{config}"])],
    "dcgan-prepare imagenet32": [("{images} --list {list}", ["{list}", "{images}/discs/000.jpg"])],
    "dcgan-prepare lsun": [("{lmdb}", ["{lmdb}/data.mdb"]), ("{lmdb}/data.mdb", ["{lmdb}/data.mdb"]),
                           ("{images} --list {list}", ["{list}"])],
    "dcgan-prepare faces": [("{images} --list {list}", ["{list}", "{images}/discs/000.jpg"]),
                            ("{images} --cascade {text}", ["{text}"])],
    "dcgan-prepare cifar10": [("--data {cifar}", ["{cifar}/train/airplane/0.png"]),
                              ("--data {batches}", ["{batches}/data_batch_3.bin"])],
    "dcgan-prepare svhn": [("--data {svhn}", ["{svhn}/train_32x32.mat"])],
    "dcgan-prepare render": [("--count 2 --config {config}", ["{config}"])],
    "dcgan-prepare dedup": [("{packed}", ["{packed}"])],
    "dcgan-prepare sheet": [("{packed}", ["{packed}"])],
    "dcgan-train report": [("{run}", ["{run}/model.safetensors", "{run}/metrics.jsonl", "{run}/options.json"])],
    "dcgan-extract": [("{images} --model {model}", ["{images}/discs/000.jpg", "{model}"]),
                      ("{images}/discs/000.jpg --model {run}", ["{images}/discs/000.jpg", "{model}"]),
                      ("{tar} --model {model}", ["{tar}"]), ("{packed} --model {model}", ["{packed}"]),
                      ("{images} --model {model} --list {list}", ["{list}"]),
                      ("{images} --model {model} --compress {text}", ["{text}"]),
                      ("{packed} --model {model} --statistics-from {images}", ["{images}/discs/000.jpg"]),
                      ("{packed} --model {model} --statistics-from {images} --statistics-list {list}", ["{list}"])],
    "dcgan-extract merge": [("{part}", ["{part}"]), ("{virtual}", ["{virtual}", "{part}"])],
    "dcgan-extract export": [("{features}", ["{features}"]), ("{virtual}", ["{virtual}", "{part}"])],
    "dcgan-eval compress": [("--features {features} --dimensions 4", ["{features}"]),
                            ("--features {virtual} --dimensions 4", ["{part}"])],
    "dcgan-eval svm": [("--train {features} --test {part} --c 1", ["{features}", "{part}"]),
                       ("--train {virtual} --test {features} --c 1 --details --test-images {packed}",
                        ["{part}", "{packed}"])],
    "dcgan-eval cifar10": [("--data {cifar} --model {model}", ["{cifar}/train/airplane/0.png", "{model}"])],
    "dcgan-convert onnx": [("{model}", ["{model}"]), ("{run} --compress {text}", ["{model}", "{text}"])],
    "dcgan-convert released": [("{released} --statistics-from {images}",
                                ["{released}/any.npy", "{images}/discs/000.jpg"]),
                               ("{released} --statistics-from {images} --statistics-list {list}", ["{list}"])],
    "dcgan-convert state-dict": [("{weights}", ["{weights}"]), ("{weights} --mapping {text}", ["{text}"]),
                                 ("{weights} --statistics-from {images} --statistics-list {list}",
                                  ["{list}", "{images}/discs/000.jpg"])],
    "dcgan-convert model": [("{model}", ["{model}"]), ("{run}", ["{model}"]),
                            ("{model} --statistics-from {packed}", ["{packed}"]),
                            ("{model} --statistics-from {images} --statistics-list {list}", ["{list}"])],
    "dcgan-convert equalise": [("{model} --statistics-from {images} --statistics-list {list}",
                                ["{model}", "{list}", "{images}/discs/000.jpg"])],
}
# Options that name a file to make, where it is not -o alone.
OUTPUTS = {"dcgan-prepare dedup": ["-o {} --sheet {other}", "-o {other} --sheet {}", "-o {other} --list {}"],
           "dcgan-prepare render": ["-o {}", "-o {other} --plant {}"],
           "dcgan-extract export": ["--npy {}", "--csv {}"],
           "dcgan-eval cifar10": ["--html {}"], "dcgan-eval svm": ["--save {}", "--html {}", "--mistakes {}"]}
# Options that name a file to read elsewhere, and one to make here.
MADE_HERE = {"dcgan-prepare dedup": ["list"], "dcgan-explore drop annotate": ["boxes"]}
# These name a folder, or a file that is also read; other tests look at them.
OTHERS = {"dcgan-prepare download": ["output"], "dcgan-train": ["out"], "dcgan-eval svhn": ["trials-file", "html"],
          "dcgan-explore samples": ["out", "save"], "dcgan-explore drop annotate": ["boxes"],
          **{f"dcgan-explore {command}": ["out"] for command in ("walk", "arithmetic", "turn", "filters", "neighbours", "maps",
                                                                 "guided", "drop")}}
READ_TEXTS = {"boxes", "cascade", "classifier", "compress", "config", "data", "images", "initialise", "list", "mapping",
              "model", "probe", "svm", "recipe", "statistics-from", "statistics-list", "test", "test-images", "train", "z"}
OTHER_TEXTS = {"a", "b", "c", "class", "device", "features", "from", "generator-network", "keep", "label-by", "labels",
               "max-memory", "md5", "mirror", "names", "network", "prefix", "shard", "to", "trials-architecture"}


def load_reference():
    specification = importlib.util.spec_from_file_location("programs_reference", SOURCE / "docs/programs.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def commands():
    """{"dcgan-prepare folder": its --help, ...}"""
    reference = load_reference()
    found = {}
    for name in (f"dcgan-{program}" for program in reference.PROGRAMS):
        text = reference.help_of(BUILD / "tools" / name)
        if f"Usage: {name} COMMAND" not in text:
            found[name] = text
        for command in reference.commands_of(text):
            found[f"{name} {command}"] = reference.help_of(BUILD / "tools" / name, command)
    return found


def text_options(help_text):
    return set(re.findall(r"--([a-z0-9-]+)(?: \])? (?:TEXT|FILE)\b", help_text))


class Outputs(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test, path = cls(), cls.folder
        names = ["images", "linked", "lmdb", "cifar", "batches", "svhn", "released", "run"]
        cls.files = {name: str(path / name) for name in names}
        cls.files |= {"packed": str(path / "packed.h5"), "tar": str(path / "images.tar"), "list": str(path / "list.txt"),
                      "config": str(path / "some.ini"), "text": str(path / "text.xml"), "part": str(path / "part.h5"),
                      "virtual": str(path / "virtual.h5"), "features": str(path / "features.h5"),
                      "weights": str(path / "weights.pt"), "model": str(path / "run/model.safetensors"),
                      "other": str(path / "other")}
        paths = write_image_folder(path / "images", 3)
        (path / "linked/discs").mkdir(parents=True)
        (path / "linked/discs/a.jpg").symlink_to(path / "images/discs/000.jpg")
        with tarfile.open(path / "images.tar", "w") as tar:
            tar.add(path / "images", "images")
        (path / "list.txt").write_text("\n".join(paths) + "\n")
        (path / "some.ini").write_text("seed = 7\n")
        (path / "text.xml").write_text("{}\n")
        for folder in ("lmdb", "batches", "released"):
            (path / folder).mkdir()
        (path / "released/any.npy").write_bytes(b"no array")
        for name in ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"):
            (path / "cifar/train" / name).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(path / "cifar/train" / name / "0.png")
        for i in range(1, 6):
            records = numpy.zeros((10000, 3073), numpy.uint8)
            (path / f"batches/data_batch_{i}.bin").write_bytes(records.tobytes())
        cls.write_svhn(path / "svhn")
        cls.write_lmdb(path / "lmdb")
        shutil.copy(SOURCE / "tests/golden/state_dict/netD.pt", path / "weights.pt")
        test.run_program("dcgan-prepare", "folder", path / "images", "-o", path / "packed.h5")
        test.run_program("dcgan-train", "--data", path / "packed.h5", "--out", path / "run", "--steps", 1, *NARROW[:6],
                         "--batch-size", 8, "--threads", 1)
        for name, arguments in (("features", []), ("part", ["--shard", "0/1"])):
            test.run_program("dcgan-extract", path / "packed.h5", "-o", path / f"{name}.h5", "--model", cls.files["model"],
                             *arguments)
        test.run_program("dcgan-extract", "merge", "--virtual", path / "part.h5", "-o", path / "virtual.h5")
        cls.commands = commands()

    @staticmethod
    def write_svhn(folder):
        folder.mkdir()
        savemat(folder / "train_32x32.mat", {"X": numpy.zeros((32, 32, 3, 2), numpy.uint8),
                                             "y": numpy.array([[1], [2]], numpy.uint8)})

    @staticmethod
    def write_lmdb(folder):
        with lmdb.open(str(folder), map_size=1 << 20, lock=False) as environment, environment.begin(write=True) as all_of:
            all_of.put(b"0" * 40, (folder.parent / "images/discs/000.jpg").read_bytes())

    def content(self):
        """What every file of the test's folder holds, and where every link leads to."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_symlink():
                found[path] = os.readlink(path)
            elif path.is_file():
                found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[path] = stat.S_IFMT(path.stat().st_mode)
        return found

    def words(self, text, **more):
        return [word.format(**self.files, **more) for word in text.split()]

    def calls(self):
        """(command, words without an output, options that name the output, what is read)"""
        for command, tries in READ.items():
            for words, read in tries:
                for option in OUTPUTS.get(command, ["-o {}"]):
                    for file in read:
                        yield command, words, option, self.words(file)[0]

    # --- nothing is missing above

    def test_every_command_that_makes_a_file_and_every_file_that_it_reads_is_tried_here(self):
        for command, text in self.commands.items():
            with self.subTest(command=command):
                options = text_options(text)
                made = options - READ_TEXTS - OTHER_TEXTS | (options & set(MADE_HERE.get(command, [])))
                if not made or command in OTHERS:
                    self.assertEqual(made, set(OTHERS.get(command, [])))
                    self.assertNotIn(command, READ)
                    continue
                tried = {option for words in OUTPUTS.get(command, []) for option in re.findall(r"--([a-z-]+)", words)}
                self.assertEqual(made - {"output"}, tried)
                words = " ".join(words for words, _ in READ[command])
                read = (options & READ_TEXTS) - made - {"config"}
                self.assertEqual(read - set(re.findall(r"--([a-z-]+)", words)), set())

    # --- the input as the output

    def test_no_output_is_written_over_what_the_command_reads(self):
        before = self.content()
        for number, (command, words, option, file) in enumerate(self.calls()):
            link, hard = self.folder / "link", self.folder / "hard"
            link.symlink_to(file)
            os.link(file, hard)
            with_links = self.content()
            other_names = (link, hard, self.folder / "run/.." / os.path.relpath(file, self.folder))
            for output in (file, other_names[number % 3]):
                call = [*command.split(), *self.words(words), *option.format(output, **self.files).split(), "--overwrite"]
                with self.subTest(call=" ".join(call)):
                    error = self.assert_refuses(*call, code=1, says=[output, "which this command reads"])
                    self.assertIn("name another output", error)
                    self.assertEqual(self.content(), with_links)
            link.unlink()
            hard.unlink()
        self.assertEqual(self.content(), before)

    def test_no_partial_file_is_written_over_what_the_command_reads(self):
        for number, (command, words, option, file) in enumerate(self.calls()):
            new = self.folder / "new"
            partial = self.folder / ("new.partial.journal" if number % 2 else "new.partial")
            os.link(file, partial)
            before = self.content()
            call = [*command.split(), *self.words(words), *option.format(new, **self.files).split(), "--overwrite"]
            with self.subTest(call=" ".join(call), partial=partial.name):
                self.assert_refuses(*call, code=1, says=[new, "which this command reads", partial])
                self.assertEqual(self.content(), before)
            partial.unlink()

    def test_what_explore_finds_is_not_written_over_the_model(self):
        out = self.folder / "pictures"
        out.mkdir()
        for name in ("samples.png", "samples.h5", "walk.json", "filters.json", "one.png", "noise.h5"):
            os.link(self.files["model"], out / name)
        before = self.content()
        for model in (self.files["model"], self.files["run"]):
            for command, words, file in (("samples", ["--out", out], "samples.png"), ("walk", ["--out", out], "walk.json"),
                                         ("filters", ["--out", out], "filters.json"),
                                         ("samples", ["--out", out / "one.png"], "one.png"),
                                         ("samples", ["--out", out / "new", "--keep", "1", "--save", out / "noise.h5"], "noise.h5")):
                with self.subTest(command=command, file=file):
                    self.assert_refuses("dcgan-explore", command, "--model", model, *words, "--overwrite", code=1,
                                        says=[out / file, "which this command reads"])
        self.assertEqual(self.content(), before)
        shutil.rmtree(out)

    def test_two_outputs_of_a_command_are_two_files(self):
        both = self.folder / "both"
        for command, words in (("dcgan-extract export", "{features} --npy {both} --csv {both}"),
                               ("dcgan-prepare dedup", "{packed} -o {both} --sheet {both}"),
                               ("dcgan-prepare dedup", "{packed} -o {other} --list {both} --sheet {folder}/./both")):
            with self.subTest(words=words):
                self.assert_refuses(*command.split(), *self.words(words, both=both, folder=self.folder), code=2,
                                    says=["both", "another option"])
        self.assertFalse(both.exists())

    def test_a_new_training_is_not_written_over_what_it_reads(self):
        run, train = self.folder / "again", ["dcgan-train", "--steps", 1, *NARROW[:6], "--batch-size", 8, "--threads", 1]
        self.run_program(*train, "--data", self.files["images"], "--out", run)
        os.link(self.files["packed"], run / "best.safetensors")
        before = self.content()
        for words, file in ((["--data", run / "best.safetensors"], "best.safetensors"), (["--data", run / "samples"], "samples"),
                            (["--data", self.files["packed"], "--initialise", run / "model.safetensors"], "model.safetensors"),
                            (["--data", self.files["packed"], "--probe", run / "best.safetensors"], "best.safetensors")):
            with self.subTest(words=words):
                self.assert_refuses(*train, *words, "--out", run, "--overwrite", code=1,
                                    says=[run / file, "which this command reads"])
                self.assertEqual(self.content(), before)
        # What no run writes may lie there.
        self.run_program(*train, "--data", run / "data.h5", "--out", run, "--overwrite")
        shutil.rmtree(run)

    # --- links and what is no file

    # One good call of each, with {} for the output.
    MAKES = ["dcgan-prepare folder {images} -o {}", "dcgan-prepare render --count 2 -o {}",
             "dcgan-prepare sheet {packed} -o {}", "dcgan-prepare cifar10 --data {cifar} -o {}",
             "dcgan-prepare dedup {packed} -o {other} --overwrite --list {} --epochs 1",
             "dcgan-train report {run} -o {}", "dcgan-extract {packed} --model {model} -o {}",
             "dcgan-extract merge {part} -o {}", "dcgan-extract merge {part} --virtual -o {}",
             "dcgan-extract export {features} --npy {}", "dcgan-extract export {features} --csv {}",
             "dcgan-convert model {model} -o {}"]

    def test_an_output_that_is_a_link_is_written_where_it_leads_to(self):
        place = self.folder / "elsewhere"
        for call in self.MAKES:
            for there in (True, False):
                with self.subTest(call=call, there=there):
                    place.mkdir()
                    link, second, target = self.folder / "a-link", place / "b-link", place / "target.bin"
                    second.symlink_to("target.bin")
                    link.symlink_to(second)
                    if there:
                        target.write_bytes(b"before")
                    self.run_program(*self.words(call.replace("{}", "{link}"), link=link), *self.overwrite(call))
                    self.assertEqual(os.readlink(link), str(second))
                    self.assertEqual(os.readlink(second), "target.bin")
                    self.assertNotEqual(target.read_bytes(), b"before")
                    self.assertFalse(target.is_symlink())
                    self.assertEqual(sorted(os.listdir(place)), ["b-link", "target.bin"])
                    link.unlink()
                    shutil.rmtree(place)
                    (self.folder / "other").unlink(missing_ok=True)

    def test_an_interrupted_output_behind_a_link_is_resumed_there(self):
        bad, link = self.folder / "one-bad", self.folder / "to-resume"
        write_image_folder(bad, 2)
        (bad / "squares/001.png").write_bytes(b"no image")
        (self.folder / "there").mkdir()
        link.symlink_to("there/rows.h5")
        extract = ["dcgan-extract", bad, "--model", self.files["model"], "-o", link]
        self.run_program(*extract, "--strict", expect=1)
        self.assertEqual(sorted(os.listdir(self.folder / "there")), ["rows.h5.partial", "rows.h5.partial.journal"])
        Image.new("RGB", (33, 33)).save(bad / "squares/001.png")
        self.run_program(*extract, "--resume")
        self.assertEqual(os.listdir(self.folder / "there"), ["rows.h5"])
        for path in (bad, self.folder / "there"):
            shutil.rmtree(path)
        link.unlink()

    def test_an_output_that_is_no_regular_file_is_refused_and_left_alone(self):
        pipe, folder, round_and_round = self.folder / "pipe", self.folder / "a-folder", self.folder / "round"
        os.mkfifo(pipe)
        folder.mkdir()
        round_and_round.symlink_to("round")
        for call in self.MAKES:
            for path, kind in ((pipe, "is a pipe"), (folder, "is a folder"), ("/dev/full", "is a device"),
                               (round_and_round, "link")):
                with self.subTest(call=call, path=path):
                    self.assert_refuses(*self.words(call.replace("{}", "{path}"), path=path), *self.overwrite(call),
                                        code=1, says=[path, kind, "name"])
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        self.assertEqual(os.listdir(folder), [])
        pipe.unlink()
        folder.rmdir()
        round_and_round.unlink()

    # --- what is refused leaves nothing behind

    def test_a_refused_run_leaves_nothing_behind(self):
        before = self.content()
        train = ["dcgan-train", "--steps", 1, *NARROW[:6], "--threads", 1, "--out"]
        for call in ([*train, self.folder / "a/run", "--data", self.files["images"], "--batch-size", 64],
                     [*train, self.folder / "a/run", "--data", self.files["packed"], "--batch-size", 64],
                     [*train, self.folder / "a/run", "--data", self.files["images"], "--batch-size", 8, "--initialise", self.files["text"]],
                     ["dcgan-extract", self.files["text"], "--model", self.files["text"], "-o", self.folder / "a/b.h5"],
                     ["dcgan-prepare", "sheet", self.files["text"], "-o", self.folder / "a/b/c.png"],
                     ["dcgan-convert", "model", self.files["text"], "-o", self.folder / "a/b"]):
            with self.subTest(call=call):
                self.assertNotEqual(self.exit_code(*call), 0)
                self.assertEqual(self.content(), before)
        # In the folder of a run that is there, too.
        self.assertNotEqual(self.exit_code(*train, self.files["run"], "--overwrite", "--data", self.files["images"], "--batch-size",
                                           64), 0)
        self.assertEqual(self.content(), before)

    @staticmethod
    def overwrite(call):
        return [] if "--overwrite" in call else ["--overwrite"]

    def exit_code(self, name, *arguments):
        command = [str(BUILD / "tools" / name), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False, timeout=240).returncode


if __name__ == "__main__":
    unittest.main()
