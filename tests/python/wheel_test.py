"""The Python wheel, installed in an environment without a compiler: what it holds, and that its features are those of
dcgan-extract."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import unittest
import zipfile
from pathlib import Path

import h5py
import numpy

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/support"), str(SOURCE / "python")]
import wheel_backend  # noqa: E402
from damaged_corpus import damage_corpus  # noqa: E402
from programs import BUILD, SANITIZED, ProgramTest, write_image_folder  # noqa: E402


@unittest.skipIf(SANITIZED, "Python would have to be built with the sanitizer, too")
class Wheel(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = subprocess.run([SOURCE / "tools/wheel", cls.folder / "dist"], capture_output=True, text=True, check=False,
                              env={**os.environ, "DCGAN_BUILD": str(BUILD)})
        if made.returncode:
            raise AssertionError(made.stdout + made.stderr)
        cls.wheel = Path(made.stdout.strip().splitlines()[-1])
        cls.environment = cls.folder / "environment"
        # NumPy, h5py and Pillow are Debian's.
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", "--without-pip", cls.environment], check=True)
        subprocess.run(["/usr/bin/python3", "-m", "pip", "--python", cls.environment, "--disable-pip-version-check",
                        "install", "--quiet", "--no-index", "--no-deps", cls.wheel], check=True)
        cls.photographs = cls.folder / "photographs"
        write_image_folder(cls.photographs, 4)
        cls().run_program("dcgan-extract", cls.photographs, "-o", cls.folder / "photographs.h5")

    def python(self, code, *arguments, expect=0):
        """What a program prints in the environment, where nothing but Python is on the path."""
        result = subprocess.run([self.environment / "bin/python", "-c", textwrap.dedent(code), *map(str, arguments)],
                                cwd=self.folder, env={"PATH": str(self.environment / "bin"), "HOME": str(self.folder)},
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result.stdout

    def test_the_library_needs_glibc_and_libgcc_alone_and_one_of_the_build_would_be_refused(self):
        with zipfile.ZipFile(self.wheel) as wheel:
            library = wheel.extract("dcgan/libdcgan.so", self.folder)
        self.assertEqual(list(wheel_backend.faults(library)), [])
        self.assertTrue(any("needs libstdc++" in fault for fault in wheel_backend.faults(BUILD / "libdcgan/libdcgan.so")))

    def test_it_is_small_holds_one_model_and_the_same_bytes_when_made_again(self):
        self.assertLess(self.wheel.stat().st_size, 15_000_000)
        with zipfile.ZipFile(self.wheel) as wheel:
            names = wheel.namelist()
        self.assertEqual([name for name in names if name.endswith(".safetensors")],
                         ["dcgan/weights/tiny-imagenet32-contrastive.safetensors"])
        self.assertIn("dcgan/py.typed", names)
        self.assertIn("dcgan-0.1.0.dist-info/licenses/libpng", names)
        again = self.folder / "again"
        subprocess.run([SOURCE / "tools/wheel", again], check=True, capture_output=True, env={**os.environ, "DCGAN_BUILD": str(BUILD)})
        self.assertEqual((again / self.wheel.name).read_bytes(), self.wheel.read_bytes())

    def test_three_lines_give_the_features_of_photographs_that_dcgan_extract_gives(self):
        self.python("""
            import dcgan, glob, numpy
            photographs = sorted(glob.glob("photographs/*/*"))
            features = dcgan.Extractor()(photographs)
            numpy.save("features.npy", features)
            """)
        with h5py.File(self.folder / "photographs.h5") as file:
            numpy.testing.assert_array_equal(numpy.load(self.folder / "features.npy"), file["features"][:])

    def test_arrays_pil_images_bytes_and_tensors_give_the_same_as_paths(self):
        self.python("""
            import dcgan, glob, numpy
            from PIL import Image
            class Tensor:  # as much of torch.Tensor as is asked for
                def __init__(self, array): self.array, self.shape = array, array.shape
                def detach(self): return self
                def cpu(self): return self
                def numpy(self): return self.array
                def __len__(self): return len(self.array)
                def __getitem__(self, i): return Tensor(self.array[i])
            paths = sorted(glob.glob("photographs/*/*.png"))[:6]
            extractor = dcgan.Extractor(layers=[1, 4], batch_size=4)
            expected = extractor(paths)
            arrays = [dcgan.decode(path) for path in paths]
            same = lambda images: numpy.testing.assert_array_equal(extractor(images), expected)
            same(arrays)
            same([Image.open(path) for path in paths])
            same([open(path, "rb").read() for path in paths])
            same([numpy.dstack([array, array[:, :, :1]]) for array in arrays])       # RGBA
            same([numpy.asfortranarray(array) for array in arrays])                  # gaps
            same([numpy.pad(array, ((1, 2), (3, 4), (0, 0)))[1:-2, 3:-4] for array in arrays])
            same([Tensor(array.transpose(2, 0, 1)) for array in arrays])
            batch = numpy.stack([numpy.resize(array, (50, 40, 3)) for array in arrays])
            expected = extractor(list(batch))
            same(batch)
            same(Tensor(batch.transpose(0, 3, 1, 2)))
            grey = batch[:, :, :, :1]
            numpy.testing.assert_array_equal(extractor(grey), extractor(numpy.repeat(grey, 3, 3)))
            half = dcgan.Extractor(layers=[1, 4], dtype="float16")(batch)
            assert half.dtype == numpy.float16 and numpy.array_equal(half, expected.astype(numpy.float16))
            assert extractor([]).shape == (0, extractor.feature_count)
            """)

    def test_every_option_changes_the_features_or_their_shape(self):
        self.python("""
            import dcgan, glob, numpy
            paths = sorted(glob.glob("photographs/*/*.png"))
            plain = dcgan.Extractor(layers=[1])(paths)
            assert dcgan.Extractor(layers=[1], grid=2)(paths).shape[1] * 4 == plain.shape[1]
            assert not numpy.array_equal(dcgan.Extractor(layers=[1], resize="area")(paths), plain)
            assert numpy.array_equal(dcgan.Extractor(layers=[1], threads=1, batch_size=3)(paths), plain)
            try:
                dcgan.Extractor(max_pixels=100)(paths)
            except dcgan.ImageError as error:
                assert "larger than --max-pixels 100" in str(error), error
            else:
                raise AssertionError("decoded")
            """)

    def test_a_function_follows_the_work_and_what_it_raises_stops_it(self):
        self.python("""
            import dcgan, glob, numpy
            paths = sorted(glob.glob("photographs/*/*"))[:12] * 30
            images = [open(path, "rb").read() for path in paths]
            options = {"layers": [1], "grid": 1}
            expected = dcgan.Extractor(**options)(images)
            told = []
            extractor = dcgan.Extractor(progress=lambda done, total: told.append((done, total)), **options)
            numpy.testing.assert_array_equal(extractor(paths), expected)
            assert told == [(256, 360), (360, 360)], told
            told.clear()
            numpy.testing.assert_array_equal(extractor(images), expected)
            assert told == [(256, 360), (360, 360)], told
            told.clear()
            numpy.testing.assert_array_equal(extractor([bytearray(image) for image in images]), expected)    # decoded in Python
            assert told == [(done, 360) for done in (64, 128, 192, 256, 320, 360)], told
            class Enough(Exception): pass
            def stop(done, total):
                if done >= 256: raise Enough(done)
            extractor.set_params(progress=stop)
            for given in (paths, images):
                try:
                    extractor(given)
                except Enough as error:
                    assert error.args == (256,)
                else:
                    raise AssertionError("was not stopped")
            numpy.testing.assert_array_equal(extractor(paths[:12]), expected[:12])        # goes on being of use
            # A function that uses the extractor which calls it, or opens it anew.
            extractor.set_params(progress=lambda done, total: extractor(paths[:1]))
            try:
                extractor(paths)
            except dcgan.Error as error:
                assert "make another Extractor" in str(error), error
            else:
                raise AssertionError("was not refused")
            # What it sets is for the calls that follow.
            extractor.set_params(progress=lambda done, total: extractor.set_params(progress=False, layers=[1, 2], dtype="float16"))
            numpy.testing.assert_array_equal(extractor(paths), expected)
            assert extractor.set_params(layers=[1], dtype="float32").feature_count == expected.shape[1]
            """)

    def test_an_interrupt_ends_the_work_wherever_it_comes(self):
        self.python("""
            import dcgan, glob, numpy, os, signal, threading
            paths = sorted(glob.glob("photographs/*/*"))[:12]
            array = numpy.zeros((40, 50, 3), numpy.uint8)
            for many, progress in ((["none.png"] * 300_000, False), (paths * 2000, False), (paths * 2000, lambda done, total: None)):
                extractor = dcgan.Extractor(layers=[1], grid=1, progress=progress)
                expected = extractor([array])
                failures = []
                for seconds in (0.02, 0.1, 0.25):
                    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
                    timer.start()
                    try:
                        extractor(many, failures)
                    except KeyboardInterrupt:
                        pass
                    else:
                        raise AssertionError(f"went on, {len(failures)} failures")
                    numpy.testing.assert_array_equal(extractor([array] * 3), expected.repeat(3, 0))
                    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            """)

    def test_half_precision_and_files_that_are_none(self):
        self.python("""
            import dcgan, glob, numpy
            paths = sorted(glob.glob("photographs/*/*"))[:12] * 30
            options = {"layers": [1], "grid": 1}
            expected = dcgan.Extractor(**options)(paths)
            # float16, and a file that is none, in the second of its blocks.
            many, failures = paths * 3, []
            many[1030] = "none.png"
            rows = dcgan.Extractor(dtype="float16", **options)(many, failures)
            assert failures == [(1030, "none.png", "cannot be opened: No such file or directory")], failures
            assert numpy.isnan(rows[1030]).all()
            numpy.testing.assert_array_equal(numpy.delete(rows, 1030, 0), numpy.delete(numpy.tile(expected, (3, 1)), 1030, 0).astype("f2"))
            """)

    def test_compressed_features_are_those_of_dcgan_extract(self):
        folder = self.folder
        self.run_program("dcgan-eval", "compress", "--features", folder / "photographs.h5", "--dimensions", 3, "-o", folder / "pca.safetensors")
        self.run_program("dcgan-extract", self.photographs, "-o", folder / "small.h5", "--compress", folder / "pca.safetensors")
        said = self.python("""
            import dcgan, glob, numpy
            extractor = dcgan.Extractor(compress="pca.safetensors")
            numpy.save("small.npy", extractor(sorted(glob.glob("photographs/*/*"))))
            print(list(extractor.get_feature_names_out()), extractor.info["preprocessing"]["compression"]["dimensions"])
            """)
        self.assertEqual(said, "['component_0', 'component_1', 'component_2'] 3\n")
        with h5py.File(folder / "small.h5") as file:
            numpy.testing.assert_array_equal(numpy.load(folder / "small.npy"), file["features"][:])

    def test_what_the_project_cannot_decode_python_cannot_for_the_same_reasons(self):
        damaged, whole = self.folder / "damaged", self.folder / "whole"
        write_image_folder(whole, 60)
        damage_corpus(whole, damaged)
        self.run_program("dcgan-extract", damaged, "-o", self.folder / "damaged.h5", "--max-pixels", 400_000, "--layers",
                         1, expect=3)
        with h5py.File(self.folder / "damaged.h5") as file:
            expected = {path.decode(): reason.decode() for path, reason in zip(file["failures/path"], file["failures/reason"])}
            inputs = sorted([path.decode() for path in file["paths"]] + list(expected))
        found = json.loads(self.python("""
            import dcgan, json, os, sys
            paths = [os.path.join("damaged", path) for path in json.loads(sys.argv[1])]
            failures = []
            features = dcgan.Extractor(layers=[1], max_pixels=400_000)(paths, failures)
            assert [f.index for f in failures] == [i for i, row in enumerate(features) if row[0] != row[0]]
            print(json.dumps({os.path.relpath(f.path, "damaged"): f.reason for f in failures}))
            """, json.dumps(inputs)))
        self.assertGreater(len(expected), 15)
        unlike = {path: reason for path, reason in found.items() if expected.get(path) != reason}
        self.assertEqual({reason.split(";")[0] for reason in unlike.values()},
                         {f"{kind} is not decoded by this package, only JPEG and PNG" for kind in ("BMP", "GIF", "PNM", "WebP")})
        self.assertLessEqual(set(expected), set(found))

    def test_pixels_are_those_of_the_golden_images(self):
        folder = SOURCE / "tests/golden/data/images"
        files = [path for path in sorted(folder.glob("*.*")) if path.suffix in (".jpg", ".png") and Path(f"{path}.rgb").exists()]
        self.assertGreater(len(files), 15)
        self.python("""
            import dcgan, numpy, sys
            for path in sys.argv[1:]:
                height, width, *expected = open(path + ".rgb", "rb").read()
                found = dcgan.decode(path)
                assert found.shape == (height, width, 3), path
                difference = numpy.abs(found.ravel().astype(int) - expected).max()
                assert difference <= (2 if path.endswith(".jpg") else 0), (path, difference)  # decoders of JPEG may round
            """, *files)

    def test_importing_it_imports_numpy_and_the_standard_library_only(self):
        modules = self.python("""
            import sys, numpy
            before = set(sys.modules)
            import dcgan
            print(*sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
            """)
        self.assertEqual(modules.split(), ["dcgan"])

    def test_the_networks_need_no_library_and_say_what_they_need(self):
        shutil.copytree(SOURCE / "python/dcgan", self.folder / "without/dcgan")
        said = self.python("""
            import sys
            sys.path.insert(0, "without")
            import dcgan
            assert dcgan.__file__.startswith(sys.path[0]) or "without" in dcgan.__file__
            try:
                import torch
            except ImportError:
                try:
                    dcgan.networks
                except ImportError as error:
                    print(error)
            else:
                print("torch", dcgan.networks.Discriminator)
            """)
        self.assertIn("torch", said)

    def test_the_models_of_the_package_are_listed(self):
        listed = subprocess.run([self.environment / "bin/python", "-m", "dcgan", "models"], capture_output=True, text=True, check=True).stdout
        size = (SOURCE / "data/models/tiny-imagenet32-contrastive.safetensors").stat().st_size
        self.assertIn(f"tiny-imagenet32-contrastive\t{size} bytes", listed)
        self.assertIn(str(self.environment), listed)
        self.assertIn("(default)", listed)

    def test_feature_files_are_read(self):
        self.python("""
            import dcgan, numpy
            read = dcgan.read_features("photographs.h5")
            assert read.features.shape == (12, 28672) and read.paths[0] == "discs/000.jpg", read.paths
            assert read.classes == ["discs", "squares", "stripes"] and list(read.labels[:5]) == [0, 0, 0, 0, 1]
            part = dcgan.read_features("photographs.h5", slice(4, 6))
            assert numpy.array_equal(part.features, read.features[4:6]) and part.paths == read.paths[4:6]
            assert list(part.labels) == list(read.labels[4:6])
            """)

    def test_a_machine_of_dcgan_eval_tells_the_classes_of_pictures(self):
        self.run_program("dcgan-eval", "svm", "--train", self.folder / "photographs.h5", "--test", self.folder / "photographs.h5",
                         "--c", "0.01", "--save", self.folder / "shapes.safetensors")
        told = self.run_program("dcgan-eval", "predict", self.photographs, "--classifier", self.folder / "shapes.safetensors").stdout
        self.python("""
            import dcgan, sys
            machine = dcgan.Classifier("shapes.safetensors")
            lines = [line.split("\\t") for line in sys.argv[1].splitlines()]
            extractor = machine.extractor()
            features = extractor(["photographs/" + path for path, _, _ in lines])
            assert list(machine.predict(features)) == [name for _, name, _ in lines]
            for scores, (_, _, best) in zip(machine.scores(features), lines):
                assert abs(scores.max() - float(best)) < 1e-4
            try:
                machine.require(dcgan.Extractor(resize="area"))
            except ValueError as error:
                assert "the preprocessing is" in str(error)
            else:
                raise AssertionError("taken")
            """, told)

    def test_machines_of_scikit_learn_become_ours_and_ours_theirs(self):
        self.python("""
            import dcgan, glob, numpy
            from sklearn.svm import LinearSVC
            extractor = dcgan.Extractor(layers=[1, 2])
            paths = sorted(glob.glob("photographs/*/*"))
            features = extractor(paths)
            for names in ([path.split("/")[1] for path in paths], ["striped" if "stripes" in path else "other" for path in paths]):
                fitted = LinearSVC(C=1e-3).fit(features, names)
                dcgan.save_classifier("theirs.safetensors", fitted, extractor)
                machine = dcgan.Classifier("theirs.safetensors")
                scores, expected = machine.scores(machine.extractor()(paths)), fitted.decision_function(features)
                numpy.testing.assert_allclose(scores[:, 1] if len(machine.classes) == 2 else scores, expected, rtol=1e-4, atol=1e-4)
                assert list(machine.predict(features)) == list(fitted.predict(features))
                again = machine.to_sklearn()
                assert again.C == 1e-3 and list(again.predict(features)) == list(fitted.predict(features))
            """)
        told = self.run_program("dcgan-eval", "predict", self.photographs, "--classifier", self.folder / "theirs.safetensors").stdout
        self.assertEqual({line.split("\t")[1] for line in told.splitlines()}, {"striped", "other"})

    def test_it_stands_in_a_pipeline_of_scikit_learn(self):
        self.python("""
            import dcgan, numpy
            from sklearn.base import clone
            from sklearn.model_selection import cross_val_score
            from sklearn.pipeline import make_pipeline
            from sklearn.svm import LinearSVC
            random = numpy.random.default_rng(0)
            names = numpy.array(["dark", "light"] * 10)
            images = numpy.stack([random.integers(0, 120 if name == "dark" else 256, (40, 50, 3), numpy.uint8) for name in names])
            pipeline = clone(make_pipeline(dcgan.Extractor(layers=[1], grid=1), LinearSVC(C=0.01)))
            assert (pipeline.fit(images, names).predict(images) == names).all()
            assert cross_val_score(pipeline, images, names, cv=2).min() == 1
            assert list(pipeline[:-1].get_feature_names_out()[:2]) == ["conv1_0", "conv1_1"]
            assert pipeline.set_params(extractor__grid=2).fit(images, names)[-1].coef_.shape == (1, 512)
            """)

    def test_extractors_are_copied_to_other_processes_and_used_by_many_threads(self):
        self.python("""
            import dcgan, glob, numpy, pickle
            from concurrent.futures import ThreadPoolExecutor
            paths = sorted(glob.glob("photographs/*/*"))
            extractor = dcgan.Extractor(layers=[1], grid=1)
            expected = extractor(paths)
            assert numpy.array_equal(pickle.loads(pickle.dumps(extractor))(paths), expected)
            with ThreadPoolExecutor(4) as pool:
                for result in pool.map(lambda _: extractor(paths), range(8)):
                    assert numpy.array_equal(result, expected)
            names = extractor.get_feature_names_out()
            assert names.shape == (128,) and names[0] == "conv1_0" and names[-1] == "conv1_127"
            assert extractor.set_params(grid=2).fit(paths).transform(paths).shape == (12, 512)
            assert extractor.get_params()["grid"] == 2
            """)

    def test_wrong_images_and_options_are_refused_in_one_sentence(self):
        self.python("""
            import dcgan, numpy
            extractor = dcgan.Extractor(layers=[1])
            def refuses(kind, why, call):
                try:
                    call()
                except kind as error:
                    assert why in str(error), error
                else:
                    raise AssertionError("accepted: " + why)
            refuses(TypeError, "one image alone", lambda: extractor("photographs/discs/000.jpg"))
            refuses(ValueError, "expected [N, H, W, channels]", lambda: extractor(numpy.zeros((9, 9, 3), numpy.uint8)))
            refuses(ValueError, "is float64, expected uint8", lambda: extractor(numpy.zeros((1, 9, 9, 3))))
            refuses(ValueError, "has the shape (9, 9, 2)", lambda: extractor(numpy.zeros((1, 9, 9, 2), numpy.uint8)))
            refuses(ValueError, "0 x 9", lambda: extractor(numpy.zeros((1, 9, 0, 3), numpy.uint8)))
            refuses(TypeError, "an image is a int", lambda: extractor([3]))
            refuses(dcgan.ImageError, "none.jpg: cannot be opened", lambda: extractor(["none.jpg"]))
            refuses(ValueError, "--grid is 3", lambda: dcgan.Extractor(grid=3))
            refuses(ValueError, "dtype is int8", lambda: dcgan.Extractor(dtype="int8"))
            refuses(ValueError, "tiny is no file, and no model in the package: tiny-imagenet32-contrastive", lambda: dcgan.Extractor("tiny"))
            refuses(dcgan.Error, "none.safetensors", lambda: dcgan.Extractor("none.safetensors"))
            """)

    def test_the_page_on_the_library_runs(self):
        fragments = re.findall(r"```python\n(.*?)```", (SOURCE / "docs/library.md").read_text(encoding="utf-8"), flags=re.S)[:4]
        self.assertIn("save_classifier", fragments[3])
        page = self.folder / "page"
        (page / "photographs").mkdir(parents=True)
        for path in self.photographs.glob("*/*.jpg"):
            shutil.copy(path, page / "photographs" / f"{path.parent.name}-{path.name}")
        self.python("import os, sys\nos.chdir('page')\n" + fragments[0] + fragments[1] +
                    "labels = [path.split('-')[0] for path in photographs]\n" + fragments[2] + fragments[3] +
                    "assert list(same.predict(extractor(photographs))) == list(again.predict(extractor(photographs)))\n")

    def test_the_examples_of_the_documentation_run(self):
        self.python("""
            import doctest, glob, importlib, pathlib, shutil
            pathlib.Path("examples/photographs").mkdir(parents=True)
            for path in glob.glob("photographs/*/*.jpg"):
                shutil.copy(path, "examples/photographs/" + path.replace("/", "-"))
            import os
            os.chdir("examples")
            tried = 0
            for name in ("dcgan", "dcgan.extractor"):
                result = doctest.testmod(importlib.import_module(name))
                assert result.failed == 0
                tried += result.attempted
            assert tried >= 6, tried
            """)


if __name__ == "__main__":
    unittest.main()
