"""Discriminators of others from outside: dcgan-convert finds their layers, dcgan-extract makes the features that PyTorch
and Keras make (golden/make_networks.py, golden/make_keras.py)."""

import json
import zipfile

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
        for name, options in (("tutorial28.h5", []), ("tutorial28.keras", []), ("tutorial28.weights.h5", []),
                              ("example64.h5", []), ("example64.keras", []),
                              ("example64.weights.h5", ["--network", example, *scaled])):
            with self.subTest(name):
                model, said, facts = self.made(GOLDEN / f"keras/{name}", *options)
                golden = values[name.split(".")[0]]
                features, _, _ = self.extract(model, self.images(golden["size"]))
                self.assert_golden(golden, features)
                if name == "tutorial28.weights.h5":
                    self.assertIn("recognised as TensorFlow's DCGAN tutorial", said)
                    self.assertIn("LeakyReLU of slope 0.3", facts["training"]["assumed"])
                if name in ("example64.h5", "example64.keras"):
                    self.assertNotIn("LeakyReLU", said.split("assumed", 1)[-1])
                    self.assertEqual(facts["architecture"]["input-mean"], [0.0])

    def test_that_keras_generators_come_along(self):
        lists = {("tutorial28.keras", "generator28.h5"): "dense to 8x7x7; bn units 0.001 0.01; lrelu 0.3; deconv 5 1 2 to 6; "
                 "bn 0.001 0.2; lrelu 0.3; deconv 5 2 1+2 to 5; bn 0.001 0.01; lrelu 0.3; deconv 5 2 1+2 to 1; tanh",
                 ("generator64.h5", "example64.keras"): "dense to 6x8x8 bias; deconv 4 2 1 to 5 bias; lrelu 0.2; upsample 2; "
                 "deconv 3 1 1 to 7 bias; bn 0.001 0.01; relu; deconv 4 2 1 to 4 bias; lrelu 0.2; deconv 5 1 2 to 3 bias; sigmoid"}
        for files, expected in lists.items():
            model = self.folder / "both.safetensors"
            said = self.convert(*(GOLDEN / "keras" / name for name in files), "-o", model, "--overwrite").stdout
            self.assertIn(f"generator: {expected}\n", said)
            self.assertIn("noise of normal distribution", said)
        self.convert(GOLDEN / "keras/tutorial28.h5", GOLDEN / "keras/generator28.h5", "-o", self.folder / "a.safetensors")
        self.convert(GOLDEN / "keras/tutorial28.keras", GOLDEN / "keras/generator28.keras", "-o", self.folder / "b.safetensors")
        of_h5, of_keras = load_file(self.folder / "a.safetensors"), load_file(self.folder / "b.safetensors")
        self.assertEqual(of_h5.keys(), of_keras.keys())
        for name, values in of_h5.items():
            numpy.testing.assert_array_equal(of_keras[name], values)
        self.assert_refuses("dcgan-convert", "state-dict", GOLDEN / "keras/generator28.keras", "-o", self.folder / "c", code=1,
                            says=["generator28.keras", "it is a generator"])

    # keras.activations.leaky_relu has a slope of 0.2; a layer given as activation is written as the object that it is.
    def test_that_activations_within_keras_layers_are_those_behind_them(self):
        with zipfile.ZipFile(GOLDEN / "keras/example64.keras") as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        _, _, expected = self.made(GOLDEN / "keras/example64.keras")
        config = json.loads(members["config.json"])
        leaky = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "LeakyReLU")
        for activation in ("leaky_relu", leaky):
            changed = json.loads(members["config.json"])
            layers = changed["config"]["layers"]
            first = next(i for i, layer in enumerate(layers) if layer["class_name"] == "Conv2D")
            self.assertEqual(layers.pop(first + 1)["class_name"], "LeakyReLU")
            layers[first]["config"]["activation"] = activation
            file = self.folder / "inside.keras"
            with zipfile.ZipFile(file, "w") as archive:
                for name, content in {**members, "config.json": json.dumps(changed)}.items():
                    archive.writestr(name, content)
            _, said, facts = self.made(file)
            self.assertEqual(facts["layers"], expected["layers"])
            self.assertIn("network: as --network or the file's configuration says", said)

    def test_that_a_damaged_keras_archive_is_refused_in_one_line(self):
        whole = (GOLDEN / "keras/example64.keras").read_bytes()
        file, output = self.folder / "m.keras", self.folder / "of_archive.safetensors"
        with zipfile.ZipFile(GOLDEN / "keras/example64.keras") as archive:
            members = {name: archive.read(name) for name in archive.namelist()}

        def refused(*says):
            self.assert_refuses("dcgan-convert", "state-dict", file, "-o", output, code=1, says=[f"{file}: ", *says])

        def refused_members(says, changed, compression=zipfile.ZIP_STORED):
            with zipfile.ZipFile(file, "w", compression) as archive:
                for name, content in {**members, **changed}.items():
                    if content is not None:
                        archive.writestr(name, content)
            refused(*says)

        for length in (0, 3, 1000, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:length])
            refused("zip")
        weights = whole.index(b"\x89HDF\r\n")
        file.write_bytes(whole[: weights + 9000] + bytes([whole[weights + 9000] ^ 1]) + whole[weights + 9001 :])
        refused("its model.weights.h5: is damaged at this member")
        refused_members(["holds no model.weights.h5, only config.json, metadata.json, other.h5", "model.save"],
                        {"model.weights.h5": None, "other.h5": b"x"})
        refused_members(["holds no config.json"], {"config.json": None})
        refused_members(["its configuration has no list of layers", "model.discriminator.save"],
                        {"config.json": b'{"class_name": "Gan", "config": {}}'})
        refused_members(["its configuration is no JSON"], {"config.json": b"{"})
        refused_members(["its model.weights.h5: 8 bytes, without HDF5's signature"], {"model.weights.h5": b"not HDF5"})
        refused_members(["its model.weights.h5: is cut short: 20000 bytes, expected 45132"], {"model.weights.h5": members["model.weights.h5"][:20_000]})
        refused_members(["its config.json has 20000000 bytes"], {"config.json": b" " * 20_000_000},
                        zipfile.ZIP_DEFLATED)
        other = members["config.json"].replace(b'"class_name": "Dense"', b'"class_name": "SeparableConv2D"')
        refused_members(["is a SeparableConv2D, which no list of layers has"], {"config.json": other})
        config = json.loads(members["config.json"])
        nested = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv2D")
        nested["config"]["activation"] = json.loads(json.dumps(nested))
        refused_members(["has the activation Conv2D, which no list has"], {"config.json": json.dumps(config)})
        fewer = members["config.json"].replace(b'"class_name": "Dense"', b'"class_name": "Conv2D"')
        refused_members(['has no weights of its layer "dense'], {"config.json": fewer})
        zipped = file.rename(self.folder / "m.zip")
        self.assert_refuses("dcgan-convert", "state-dict", zipped, "-o", output, code=1,
                            says=["m.zip", "is a model of Keras 3; its name must end in .keras"])
        self.assertFalse(output.exists())
        # Compressed anew by somebody it is what it was.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        self.convert(file, "-o", output)
        self.convert(GOLDEN / "keras/example64.keras", "-o", self.folder / "stored.safetensors")
        plain, compressed = load_file(self.folder / "stored.safetensors"), load_file(output)
        for name, values in plain.items():
            numpy.testing.assert_array_equal(compressed[name], values)

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
        for shapes, says in (({"bn/moving_mean:0": ()}, '"bn" has a moving_mean []; expected one axis'),
                             ({"bn/moving_mean:0": (4,), "bn/moving_variance:0": (2,)}, '"bn" has a moving_variance [2]; expected [4]')):
            with h5py.File(self.folder / "odd.h5", "w") as file:
                for name, shape in {"conv2d/kernel:0": (4, 4, 3, 4), "bn/moving_variance:0": (4,), **shapes}.items():
                    file[name] = numpy.ones(shape, numpy.float32)
            self.assert_refuses("dcgan-convert", "state-dict", self.folder / "odd.h5", "-o", output, code=1, says=["odd.h5", says])
        with zipfile.ZipFile(GOLDEN / "keras/example64.keras") as archive, zipfile.ZipFile(self.folder / "six.keras", "w") as six:
            for name in archive.namelist():
                content = archive.read(name)
                if name == "config.json":
                    config = json.loads(content)
                    leaky = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "LeakyReLU")
                    leaky.update(class_name="ReLU", config={"name": "six", "max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0})
                    content = json.dumps(config)
                six.writestr(name, content)
        self.assert_refuses("dcgan-convert", "state-dict", self.folder / "six.keras", "-o", output, code=1,
                            says=["six.keras", 'its layer "six" is a ReLU with max_value 6.0'])
        with h5py.File(self.folder / "g.weights.h5", "w") as file:
            file["layers/conv2d_transpose/vars/0"] = numpy.ones((5, 5, 1, 4), numpy.float32)
        self.assert_refuses("dcgan-convert", "state-dict", self.folder / "g.weights.h5", "-o", output, code=1,
                            says=["g.weights.h5", "a generator's weights without its configuration", "generator.keras"])
        self.assertFalse(output.exists())


if __name__ == "__main__":
    import unittest

    unittest.main()
