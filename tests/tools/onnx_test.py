"""dcgan-convert onnx: a reader of the file in NumPy, and ONNX Runtime where it is installed, give dcgan-extract's features."""

import importlib.util
import json
import struct
import unittest

import h5py
import numpy
from networks_test import GOLDEN as GOLDEN_FILES, IMAGENET, OWN48, golden_pixels
from programs import NARROW, ProgramTest, write_image_folder
from protobuf import fields

GOLDEN = GOLDEN_FILES / "networks"

LIMIT = 1e-5  # of the largest value


def message(data):
    found = {}
    for number, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


class OnnxFile:
    """What onnx.proto says of a model's fields, and the operators that are used, as ONNX defines them."""

    def __init__(self, path):
        self.model = message(path.read_bytes())
        graph = message(self.model[7][0])
        self.opset = message(self.model[8][0])[2][0]
        self.facts = {m[1][0].decode(): m[2][0].decode() for m in map(message, self.model[14])}
        self.nodes = [message(node) for node in graph[1]]
        self.constants = {}
        for tensor in map(message, graph[5]):
            kind = {1: "<f4", 7: "<i8"}[tensor[2][0]]
            self.constants[tensor[8][0].decode()] = numpy.frombuffer(tensor[9][0], kind).reshape(tensor.get(1, []))

    def attributes(self, node):
        values = {}
        for attribute in map(message, node.get(5, [])):
            kind = attribute[20][0]
            values[attribute[1][0].decode()] = (struct.unpack("<f", attribute[2][0])[0] if kind == 1 else
                                                attribute[3][0] if kind == 2 else attribute[8])
        return values

    def run(self, pixels):
        values = {"pixels": pixels, **self.constants}
        for node in self.nodes:
            inputs = [values[name.decode()] for name in node[1]]
            values[node[2][0].decode()] = OPERATORS[node[4][0].decode()](self.attributes(node), *inputs)
        return values["features"]


def windows(x, kernel, strides):
    view = numpy.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return view[:, :, ::strides[0], ::strides[1]]


def convolution(a, x, weight, bias):
    top, left, bottom, right = a.get("pads", (0, 0, 0, 0))
    padded = numpy.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)])
    places = windows(padded, weight.shape[2:], a.get("strides", (1, 1)))
    maps = numpy.einsum("nchwyx,ocyx->nohw", places, weight)
    return maps + bias[:, None, None]


OPERATORS = {
    "Cast": lambda a, x: x.astype({1: numpy.float64}[a["to"]]),
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Div": lambda a, x, y: x / y,
    "Sub": lambda a, x, y: x - y,
    "Add": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Floor": lambda a, x: numpy.floor(x),
    "Gather": lambda a, x, indices: numpy.take(x, indices, a["axis"]),
    "ReduceMax": lambda a, x: x.max(axis=tuple(a["axes"])),
    "Conv": convolution,
    "LeakyRelu": lambda a, x: numpy.where(x < 0, a["alpha"] * x, x),
    "MaxPool": lambda a, x: windows(x, a["kernel_shape"], a["strides"]).max(axis=(4, 5)),
    "Flatten": lambda a, x: x.reshape(len(x), -1),
    "Concat": lambda a, *x: numpy.concatenate(x, a["axis"]),
    "Gemm": lambda a, x, weights, offsets: x @ weights.T + offsets,
}


class Onnx(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 5)
        job = cls()
        job.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / "images.h5", "--size", 32)
        for name, options in (("run", []), ("pooled", ["--scaling", "pooling", "--activation", "relu"])):
            job.run_program("dcgan-train", "--data", cls.folder / "images.h5", "--out", cls.folder / name, "--steps", 2,
                            *NARROW[:6], "--batch-size", 8, "--threads", 1, *options)
        with h5py.File(cls.folder / "images.h5") as file:
            cls.pixels = file["images"][:]

    def both(self, name, *options, run="run"):
        """The file, and the features that it should give."""
        model, rows = self.folder / run, self.folder / f"{name}.h5"
        self.run_program("dcgan-convert", "onnx", model, "-o", self.folder / f"{name}.onnx", *options)
        self.run_program("dcgan-extract", self.folder / "images.h5", "-o", rows, "--model", model, *options)
        with h5py.File(rows) as file:
            return self.folder / f"{name}.onnx", file["features"][:]

    def assert_near(self, found, expected):
        self.assertEqual(found.shape, expected.shape)
        self.assertLess(abs(found - expected).max(), LIMIT * abs(expected).max())

    def cases(self):
        self.run_program("dcgan-extract", self.folder / "images.h5", "-o", self.folder / "plain.h5", "--model", self.folder / "run",
                         "--overwrite")
        compression = self.folder / "pca.safetensors"
        self.run_program("dcgan-eval", "compress", "--features", self.folder / "plain.h5", "--dimensions", 5, "-o", compression,
                         "--overwrite")
        return {"all": [], "some": ["--layers", "2,5", "--grid", 2], "single": ["--layers", 3, "--grid", 1],
                "small": ["--compress", compression]}

    def test_what_the_file_says_are_the_features_of_dcgan_extract(self):
        for name, options in self.cases().items():
            with self.subTest(name):
                path, expected = self.both(name, *options)
                self.assert_near(OnnxFile(path).run(self.pixels), expected)
        with self.subTest("pooling and ReLU"):
            path, expected = self.both("other", run="pooled")
            self.assert_near(OnnxFile(path).run(self.pixels), expected)

    def networks_of_others(self):
        """Lists of layers: other inputs, maps that a grid does not divide, padding that differs from side to side."""
        values = json.loads((GOLDEN / "values.json").read_text())
        for name, options in {"grey28": [], "pytorch64": [], "tensorflow64": [], "own48": ["--network", OWN48, *IMAGENET]}.items():
            model, path = self.folder / f"{name}.safetensors", self.folder / f"{name}.onnx"
            self.run_program("dcgan-convert", "state-dict", GOLDEN / f"{name}.pt", "-o", model, "--overwrite", *options)
            self.run_program("dcgan-convert", "onnx", model, "-o", path, "--overwrite")
            yield name, path, golden_pixels(values[name]["size"]), numpy.array(values[name]["features"]).reshape(2, -1)

    def test_a_network_of_others_gives_the_features_of_pytorch(self):
        for name, path, pixels, expected in self.networks_of_others():
            with self.subTest(name):
                self.assert_near(OnnxFile(path).run(pixels), expected)

    @unittest.skipUnless(importlib.util.find_spec("onnxruntime"), "needs onnxruntime (PyPI)")
    def test_a_network_of_others_gives_them_in_onnx_runtime(self):
        import onnxruntime

        for name, path, pixels, expected in self.networks_of_others():
            with self.subTest(name):
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                self.assert_near(session.run(None, {"pixels": pixels})[0], expected)

    @unittest.skipUnless(importlib.util.find_spec("onnxruntime"), "needs onnxruntime (PyPI)")
    def test_onnx_runtime_makes_the_features_of_dcgan_extract(self):
        import onnxruntime

        for name, options in self.cases().items():
            path, expected = self.both(f"runtime-{name}", *options)
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            (given,), (made,) = session.get_inputs(), session.get_outputs()
            self.assertEqual((given.name, given.type, given.shape), ("pixels", "tensor(uint8)", ["N", 32, 32, 3]))
            self.assertEqual((made.name, made.type, made.shape), ("features", "tensor(float)", ["N", expected.shape[1]]))
            self.assert_near(session.run(None, {"pixels": self.pixels})[0], expected)
            self.assert_near(session.run(None, {"pixels": self.pixels[:1]})[0], expected[:1])

    def test_it_says_what_it_was_made_of_and_equal_models_give_equal_bytes(self):
        one, two = self.folder / "one.onnx", self.folder / "deep/er/two.onnx"
        for path in (one, two):
            self.run_program("dcgan-convert", "onnx", self.folder / "run", "-o", path)
        self.assertEqual(one.read_bytes(), two.read_bytes())
        self.assertNotIn(bytes(self.folder), one.read_bytes(), "no path is in it")
        file = OnnxFile(one)
        self.assertEqual(file.opset, 17)
        info = self.run_program("dcgan-convert", "info", self.folder / "run", "--json").stdout
        self.assertIn(file.facts["model_sha256"], info)
        self.assertEqual((file.facts["layers"], file.facts["grid"]), ("[1,2,3,4,5,6]", "4"))

    def test_a_compression_of_other_features_is_refused(self):
        self.cases()
        self.assert_refuses("dcgan-convert", "onnx", self.folder / "pooled", "-o", self.folder / "refused.onnx", "--compress",
                            self.folder / "pca.safetensors", code=2, says=["pca.safetensors", "the model is"])
        self.assertFalse((self.folder / "refused.onnx").exists())


if __name__ == "__main__":
    unittest.main()
