"""dcgan-convert from outside: files of PyTorch in, float16, what a model file holds; the package safetensors both ways."""

import json
import os
import shutil

import h5py
import numpy
from programs import NARROW, SOURCE, ProgramTest, write_image_folder
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

GOLDEN = SOURCE / "tests/golden/state_dict"
ARCHITECTURE = ["--image-size", 16, "--ndf", 3, "--ngf", 2, "--nz", 4]


class Convert(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 6)
        write_image_folder(cls.folder / "others", 5, seed=2)
        job = cls()
        job.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / "images.h5", "--size", 32)
        job.run_program("dcgan-train", "--data", cls.folder / "images.h5", "--out", cls.folder / "run", "--steps", 2, *NARROW)
        cls.model = cls.folder / "run/model.safetensors"

    def run_program(self, name, *arguments, **options):
        # On a busy machine OpenMP's threads wait for each other in loops.
        return super().run_program(name, *arguments, env={**os.environ, "OMP_NUM_THREADS": "1"}, **options)

    def convert(self, *arguments, **options):
        return self.run_program("dcgan-convert", *arguments, **options)

    def info(self, model):
        return json.loads(self.convert("info", model, "--json").stdout)

    def features(self, model):
        output = self.folder / "features.h5"
        self.run_program("dcgan-extract", self.folder / "images.h5", "-o", output, "--model", model, "--overwrite")
        with h5py.File(output) as file:
            return file["features"][:]

    # --- checkpoints

    def test_a_checkpoint_becomes_the_model_of_its_step(self):
        run, output = self.folder / "averaged", self.folder / "of-step.safetensors"
        for decay in (0, 0.5):
            self.run_program("dcgan-train", "--data", self.folder / "images.h5", "--out", run, "--steps", 3, "--overwrite",
                             "--average-decay", decay, "--seed", 3, *NARROW)
            checkpoint = run / "checkpoints/step-00000003.safetensors"
            self.convert("model", checkpoint, "-o", output, "--overwrite")
            found, expected = load_file(output), load_file(run / "model.safetensors")
            self.assertEqual(found.keys(), expected.keys())
            for name, tensor in expected.items():
                # The training's own kernels round otherwise; the generator's noise is drawn in another number.
                tolerance = 0 if ".running_" not in name else 1e-4 if name.startswith("discriminator") else 0.5
                numpy.testing.assert_allclose(found[name], tensor, rtol=tolerance, atol=tolerance / 10, err_msg=name)
            facts = self.info(output)
            self.assertEqual(facts["training"], self.info(run / "model.safetensors")["training"])
            self.assertEqual(facts["statistics"]["source"], "training images")
            self.assertNotIn(bytes(self.folder), output.read_bytes(), "no path enters a model")
        self.convert("model", checkpoint, "-o", output, "--overwrite", "--statistics-from", self.folder / "others")
        self.assertGreater(abs(load_file(output)["discriminator.bn2.running_mean"] -
                               expected["discriminator.bn2.running_mean"]).max(), 3e-4)

    def test_a_checkpoint_without_its_run_or_its_images_says_what_is_missing(self):
        run = self.folder / "moved"
        shutil.copytree(self.folder / "run", run)
        checkpoint, output = run / "checkpoints/step-00000002.safetensors", self.folder / "refused.safetensors"
        self.assert_refuses("dcgan-extract", self.folder / "images.h5", "-o", self.folder / "refused.h5", "--model",
                            checkpoint, code=1, says=["dcgan-checkpoint", "dcgan-convert model makes"])

        def refuses(*says):
            self.assert_refuses("dcgan-convert", "model", checkpoint, "-o", output, code=1, says=says)

        call = json.loads((run / "resume.json").read_text())
        (run / "resume.json").write_text(json.dumps({**call, "data": "/nowhere/images.h5"}))
        refuses(checkpoint, "/nowhere/images.h5", "--statistics-from")
        (run / "resume.json").unlink()
        refuses(checkpoint, "not known", "--statistics-from")
        self.convert("model", checkpoint, "-o", output, "--statistics-from", self.folder / "images.h5")
        output.unlink()
        (run / "options.json").write_text('{"architecture": 3}')
        refuses(checkpoint, "options.json of its run is damaged")
        (run / "options.json").unlink()
        refuses(run / "options.json", "a checkpoint needs the options of its run")
        self.assertFalse(output.exists())

    # --- equalise

    def test_equalised_channels_have_one_deviation_and_say_so(self):
        output = self.folder / "equal.safetensors"
        arguments = ["equalise", self.model, "-o", output]
        self.assert_refuses("dcgan-convert", *arguments, code=2, says=["--statistics-from is missing"])
        self.convert(*arguments, "--statistics-from", self.folder / "images.h5")

        def deviations(model):
            return numpy.sqrt(self.features(model).reshape(18, -1, 16).var(0).mean(1))

        before, after = deviations(self.model), deviations(output)
        self.assertGreater(before.max() / before.min(), 2)
        numpy.testing.assert_allclose(after, after.mean(), rtol=1e-2)
        facts = self.info(output)
        self.assertEqual(facts["training"]["equalised"], {"source": str(self.folder / "images.h5"), "images": 18})
        self.assertEqual(facts["statistics"], self.info(self.model)["statistics"])
        self.assertTrue(facts["generator"])

    # --- state-dict

    def test_two_files_of_pytorch_make_a_model_through_a_mapping(self):
        output = self.folder / "from-pytorch.safetensors"
        arguments = ["state-dict", GOLDEN / "netD.pt", GOLDEN / "netG.pt", "-o", output, "--mapping",
                     GOLDEN / "mapping.json", *ARCHITECTURE]
        self.assertIn("4 convolutions and the generator", self.convert(*arguments).stdout)
        facts = self.info(output)
        self.assertEqual(facts["statistics"], {"source": "running averages of netD.pt, netG.pt"})
        self.assertEqual(facts["training"], {"source": "state_dict of netD.pt, netG.pt"})
        variance = load_file(output)["discriminator.bn2.running_var"]
        self.convert(*arguments, "--overwrite", "--batch-norm-epsilon", 0.25)
        numpy.testing.assert_allclose(load_file(output)["discriminator.bn2.running_var"] - variance, 0.25 - 1e-5, rtol=1e-4)
        self.convert(*arguments, "--overwrite", "--no-generator")
        self.assertFalse(self.info(output)["generator"])
        self.convert(*arguments, "--overwrite", "--statistics-from", self.folder / "images")
        self.assertEqual(self.info(output)["statistics"]["images"], 18)

    def test_a_list_says_what_the_files_hold(self):
        listed = self.convert("state-dict", GOLDEN / "netD.pt", "--list").stdout.splitlines()
        self.assertIn("0.weight  float32  [3,3,3,3]", listed)
        self.assertIn("3.num_batches_tracked  int64  []", listed)
        listed = json.loads(self.convert("state-dict", GOLDEN / "kinds.pt", "--list", "--json").stdout)
        self.assertEqual(listed[str(GOLDEN / "kinds.pt")]["model.bfloat16"], {"dtype": "bfloat16", "shape": [2, 3, 4]})

    def test_wrong_input_is_named(self):
        output = self.folder / "x.safetensors"

        def refuses(*arguments, code=1, says):
            self.assert_refuses("dcgan-convert", "state-dict", *arguments, "-o", output, code=code, says=says)
            self.assertFalse(output.exists())

        net = GOLDEN / "netD.pt"
        refuses(code=2, says=["no FILE given"])
        refuses(net, says=["stand in no file", '--image-size 16 --network "conv 3 1 1; lrelu 0.2; conv 3 2 1; bn 1e-05'])
        refuses(net, "--ndf", 128, says=["discriminator.bn2.bias [128]", "and 26 others", "--mapping", "0.weight [3,3,3,3]"])
        refuses(net, "--ndf", 0, code=2, says=["--ndf is 0"])
        refuses(net, "--mapping", self.folder / "none.json", says=["none.json", "cannot be opened"])
        refuses(GOLDEN / "call.pt", says=["call.pt", "posix.system"])
        self.assertFalse((self.folder / "called").exists())
        refuses(self.folder / "images.h5", says=["images.h5", "no arrays of floats", "Keras"])
        mapping = self.folder / "mapping.json"
        for text, says in (("[", "no JSON object"), ('{"a": 1}', '"a" is no text'),
                           ('{"a": "b"}', 'names "a", which this architecture does not have')):
            mapping.write_text(text)
            refuses(net, "--mapping", mapping, code=2 if "names" in says else 1, says=[says])
        self.assert_refuses("dcgan-convert", "state-dict", net, "-o", self.model, code=1, says=[self.model, "--overwrite"])
        self.assert_refuses("dcgan-convert", "state-dict", net, code=2, says=["-o is missing"])

    # --- model

    def test_float16_halves_the_file_and_the_features_stay_within_its_precision(self):
        small = self.folder / "small.safetensors"
        self.convert("model", self.model, "-o", small, "--storage", "f16", "--no-generator")
        facts, before = self.info(small), self.info(self.model)
        self.assertEqual((facts["storage"], before["storage"]), ("f16", "f32"))
        self.assertEqual((facts["generator"], before["generator"]), (False, True))
        self.assertEqual(facts["discriminator-parameters"], before["discriminator-parameters"])
        self.assertEqual(facts["statistics"], before["statistics"])
        tensors = load_file(small)
        self.assertEqual(tensors["discriminator.conv2.weight"].dtype, numpy.float16)
        self.assertEqual(tensors["discriminator.bn2.running_var"].dtype, numpy.float32)
        whole, half = self.features(self.model), self.features(small)
        self.assertLess(numpy.abs(whole - half).max(), 5e-3 * numpy.abs(whole).max())
        self.assertGreater(numpy.abs(whole - half).max(), 0)

        widened = self.folder / "widened.safetensors"
        self.convert("model", small, "-o", widened)
        self.assertEqual(self.info(widened)["storage"], "f32")
        numpy.testing.assert_array_equal(self.features(widened), half)

    def test_an_unchanged_model_is_written_byte_for_byte(self):
        again = self.folder / "again.safetensors"
        self.convert("model", self.model, "-o", again)
        self.assertEqual(again.read_bytes(), self.model.read_bytes())

    def test_other_statistics_change_the_statistics_only(self):
        other = self.folder / "other.safetensors"
        self.convert("model", self.model, "-o", other, "--statistics-from", self.folder / "others", "--no-generator")
        before, after = load_file(self.model), load_file(other)
        for name, tensor in after.items():
            self.assertEqual(numpy.array_equal(before[name], tensor), "running" not in name, name)
        self.assertEqual(self.info(other)["statistics"]["images"], 15)

    def test_a_weight_too_large_for_float16_is_named(self):
        tensors, broken = load_file(self.model), self.folder / "large.safetensors"
        tensors["discriminator.conv1.weight"][0, 0, 0, 0] = 1e5
        with safe_open(self.model, "numpy") as file:
            save_file(tensors, broken, metadata=file.metadata())
        self.assert_refuses("dcgan-convert", "model", broken, "-o", self.folder / "x.safetensors", "--storage", "f16",
                            code=1, says=["discriminator.conv1.weight", "65504"])

    def test_what_the_python_package_writes_gives_the_same_features(self):
        copy = self.folder / "copy.safetensors"
        with safe_open(self.model, "numpy") as file:
            save_file({name: file.get_tensor(name) for name in file.keys()}, copy, metadata=file.metadata())
        numpy.testing.assert_array_equal(self.features(copy), self.features(self.model))

    # --- info

    def test_info_is_complete_for_programs_and_readable_for_people(self):
        facts = self.info(self.model)
        # 3x3 kernels of 3-4-4-8-8-16-16 channels, two numbers per channel of batch norm, and the head of 16 * 16.
        discriminator = 9 * (3 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16) + 2 * (4 + 8 + 8 + 16 + 16) + 256
        self.assertEqual(facts["discriminator-parameters"], discriminator)
        self.assertEqual(facts["features"], 16 * (4 + 4 + 8 + 8 + 16 + 16))
        self.assertEqual(facts["bytes"], self.model.stat().st_size)
        self.assertEqual(facts["architecture"]["ndf"], 4)
        self.assertEqual(facts["training"]["step"], 2)
        self.assertEqual(facts["convolutions"], 6)
        text = self.convert("info", self.model).stdout
        for phrase in (facts["sha256"], "  ndf ", "statistics\n", "  step ", "features "):
            self.assertIn(phrase, text)
        broken = self.folder / "broken.safetensors"
        shutil.copy(self.model, broken)
        with open(broken, "r+b") as file:
            file.truncate(1000)
        self.assert_refuses("dcgan-convert", "info", broken, code=1, says=[broken])
        self.assert_refuses("dcgan-convert", "info", self.model, broken, code=2, says=["2 were named"])
