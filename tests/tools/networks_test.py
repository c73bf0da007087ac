"""Discriminators of others from outside: dcgan-convert finds their layers, dcgan-extract makes the features that PyTorch
and Keras make (golden/make_networks.py, golden/make_keras.py)."""

import json

import h5py
import numpy
from PIL import Image
from programs import SOURCE, ProgramTest
from safetensors.numpy import load_file, save_file

GOLDEN = SOURCE / "tests/golden"
OWN48 = ("conv 7 2 3; bn 1e-3; lrelu 0.3; conv 3 1 1; relu; maxpool 2; conv 4 2 1; bn 1e-5; lrelu 0.3; flatten; dense; "
         "lrelu 0.3; dense to 1")
IMAGENET = ["--input-order", "bgr", "--input-mean", "0.485,0.456,0.406", "--input-deviation", "0.229,0.224,0.225"]


def golden_pixels(size):
    k = numpy.arange(2 * size * size * 3, dtype=numpy.int64)
    return ((k * k // 7 + k * 31) % 256).astype(numpy.uint8).reshape(2, size, size, 3)


class Networks(ProgramTest):
    def convert(self, *arguments, **options):
        return self.run_program("dcgan-convert", "state-dict", *arguments, **options)

    def made(self, file, *options):
        """The model of a file, and what is said of it."""
        model = self.folder / f"{file.name}.safetensors"
        said = self.convert(file, "-o", model, "--overwrite", *options).stdout
        return model, said, json.loads(self.run_program("dcgan-convert", "info", model, "--json").stdout)

    def extract(self, model, images, *options):
        output = self.folder / "features.h5"
        result = self.run_program("dcgan-extract", images, "-o", output, "--model", model, "--overwrite", "--threads", 1, *options)
        with h5py.File(output) as file:
            return file["features"][:], dict(file.attrs), result

    def images(self, size):
        folder = self.folder / f"images{size}"
        folder.mkdir(exist_ok=True)
        for i, pixels in enumerate(golden_pixels(size)):
            Image.fromarray(pixels).save(folder / f"{i}.png")
        return folder

    def assert_golden(self, values, features):
        expected = numpy.array(values["features"]).reshape(2, -1)
        self.assertLess(numpy.abs(features - expected).max(), 1e-5 * numpy.abs(expected).max())

    def test_that_networks_of_pytorch_are_found_and_have_its_features(self):
        values = json.loads((GOLDEN / "networks/values.json").read_text())
        for name, family, options in (("pytorch64", "PyTorch's DCGAN example", []), ("grey28", "28x28 grey", []),
                                      ("own48", None, ["--network", OWN48, *IMAGENET])):
            with self.subTest(name):
                model, said, facts = self.made(GOLDEN / f"networks/{name}.pt", *options)
                if family:
                    self.assertIn(f"recognised as {family}", said)
                    self.assertIn(family, facts["training"]["family"])
                self.assertIn("assumed: ", said)
                features, attributes, result = self.extract(model, self.images(values[name]["size"]))
                self.assert_golden(values[name], features)
                self.assertIn("network", json.loads(attributes["architecture"]))
                self.assertEqual(load_file(model).keys() & {"discriminator.head.weight"}, {"discriminator.head.weight"})
                if name == "grey28":
                    self.assertIn("2 images with colours, taken as grey by their luma", result.stdout)
                    self.assertIn("assumed of the model: grey pixels", result.stderr)

    def test_that_the_input_a_model_records_is_applied_and_recorded(self):
        file = GOLDEN / "networks/own48.pt"
        images = self.images(48)
        model, _, facts = self.made(file, "--network", OWN48, *IMAGENET, "--input-resize", "area")
        self.assertEqual(facts["architecture"]["input-order"], "bgr")
        _, attributes, _ = self.extract(model, images)
        self.assertIn("bgr", attributes["preprocessing"])
        self.assertEqual(json.loads(attributes["preprocessing"])["resize"]["resize"], "area")
        _, attributes, _ = self.extract(model, images, "--resize", "linear")
        self.assertEqual(json.loads(attributes["preprocessing"])["resize"]["resize"], "linear")
        self.run_program("dcgan-extract", "verify", self.folder / "features.h5")
        plain, _, _ = self.extract(self.made(file, "--network", OWN48)[0], images)
        other, _, _ = self.extract(self.made(file, "--network", OWN48, *IMAGENET)[0], images)
        self.assertGreater(numpy.abs(plain - other).max(), 0.1)

    def test_that_a_list_may_be_a_file_of_text_or_json(self):
        file = GOLDEN / "networks/own48.pt"
        _, _, expected = self.made(file, "--network", OWN48)
        texts = {"list.txt": OWN48.replace("; ", "\n"), "list.json": json.dumps(OWN48.split("; ")),
                 "object.json": json.dumps({"network": OWN48, "input-order": "bgr"})}
        for name, text in texts.items():
            (self.folder / name).write_text(text)
            _, _, facts = self.made(file, "--network", self.folder / name)
            self.assertEqual(facts["layers"], expected["layers"])
        self.assertEqual(facts["architecture"]["input-order"], "bgr")
        (self.folder / "bad.json").write_text('{"layers": 3}')
        self.assert_refuses("dcgan-convert", "state-dict", file, "-o", self.folder / "x", "--network", self.folder / "bad.json",
                            code=1, says=["bad.json", 'no JSON with a "network"'])

    def test_that_list_shows_tensors_and_the_guess_or_why_there_is_none(self):
        said = self.convert(GOLDEN / "networks/pytorch64.pt", "--list").stdout
        self.assertIn("main.0.weight  float32  [4,3,4,4]", said)
        self.assertIn("network: recognised as PyTorch's DCGAN example", said)
        said = self.convert(GOLDEN / "networks/own48.pt", "--list").stdout
        self.assertIn("no network was recognised", said)
        self.assertIn('--network "conv 7 2 3', said)
        listed = json.loads(self.convert(GOLDEN / "networks/pytorch64.pt", "--list", "--json").stdout)
        self.assertEqual(listed["network"]["architecture"]["image-size"], 64)

    def test_that_keras_models_are_read_whole_and_as_weights(self):
        values = json.loads((GOLDEN / "keras/values.json").read_text())
        example = "conv 4 2 same; lrelu 0.2; conv 4 2 same; bn 1e-3; lrelu 0.2; conv 5 2 same; bn 1e-3; lrelu 0.2; dense"
        scaled = ["--input-mean", 0, "--input-deviation", 1]
        for name, options in (("tutorial28.h5", []), ("tutorial28.weights.h5", []), ("example64.h5", []),
                              ("example64.weights.h5", ["--network", example, *scaled])):
            with self.subTest(name):
                model, said, facts = self.made(GOLDEN / f"keras/{name}", *options)
                golden = values[name.split(".")[0]]
                features, _, _ = self.extract(model, self.images(golden["size"]))
                self.assert_golden(golden, features)
                if name == "tutorial28.weights.h5":
                    self.assertIn("recognised as TensorFlow's DCGAN tutorial", said)
                    self.assertIn("LeakyReLU of slope 0.3", facts["training"]["assumed"])
                if name == "example64.h5":
                    self.assertNotIn("LeakyReLU", said.split("assumed", 1)[-1])
                    self.assertEqual(facts["architecture"]["input-mean"], [0.0])

    def test_that_what_is_no_discriminator_is_refused_in_one_line(self):
        output = self.folder / "none.safetensors"
        generator = GOLDEN / "networks/pytorch64G.pt"
        self.assert_refuses("dcgan-convert", "state-dict", generator, "-o", output, code=1, says=[generator, "it is a generator"])
        weights = {f"{i}.weight": numpy.full(shape, numpy.nan, numpy.float32)
                   for i, shape in ((0, (4, 3, 4, 4)), (2, (8, 4, 4, 4)), (4, (1, 8, 4, 4)))}
        save_file(weights, self.folder / "nan.safetensors")
        self.assert_refuses("dcgan-convert", "state-dict", self.folder / "nan.safetensors", "-o", output, code=1,
                            says=["0.weight", "no numbers"])
        self.assert_refuses("dcgan-convert", "state-dict", GOLDEN / "networks/pytorch64.pt", "-o", output, "--network",
                            "conv 3 2 1; lrelu 0.2; dense to 1", code=1, says=["the list has 1 convolutions", "the file 4"])
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x/y"] = numpy.ones(3, numpy.float32)
        self.assert_refuses("dcgan-convert", "state-dict", self.folder / "other.h5", "-o", output, code=1, says=["other.h5"])
        self.assertFalse(output.exists())


if __name__ == "__main__":
    import unittest

    unittest.main()
