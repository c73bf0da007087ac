"""What tests of dcgan-explore have in common: a small model with its float64 twin, and grids read back."""

import json
import sys

import h5py
import numpy
from PIL import Image
from programs import SOURCE, ProgramTest, write_image_folder
from safetensors.numpy import load_file

sys.path.insert(0, str(SOURCE / "tests/golden"))
from dcgan_reference import Discriminator, Generator  # noqa: E402 (found by the line above)
from explore_reference import pixels  # noqa: E402

RELEASED = SOURCE / "tests/golden/released/svhn-like"  # a small network with noise of 6 dimensions
SIDE = 32


class ExploreTest(ProgramTest):
    """A model of the small released network, and its twin with the model's fixed statistics."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 8)
        cls.model = cls.folder / "model.safetensors"
        cls().run_program("dcgan-convert", "released", RELEASED, "-o", cls.model, "--statistics-from", cls.folder / "images")
        cls.tensors = load_file(cls.model)
        cls.generator, cls.discriminator = Generator(RELEASED), Discriminator(RELEASED)
        cls.nz = len(cls.generator.project)

    def explore(self, command, out, *arguments, model=None):
        """Runs a subcommand. Returns its JSON."""
        out = self.folder / out
        self.run_program("dcgan-explore", command, "--model", model or self.model, "--out", out, *arguments)
        return json.loads((out / f"{command}.json").read_text(encoding="utf-8"))

    def statistics(self, network, norms):
        """Fixed statistics of each layer as the model file has them."""
        return [(self.tensors[f"{network}.bn{i}.running_mean"], self.tensors[f"{network}.bn{i}.running_var"])
                if f"{network}.bn{i}.running_mean" in self.tensors else None for i in norms]

    def twin_images(self, z):
        """uint8 [N, 32, 32, 3] by the twin with fixed statistics."""
        images = self.generator.images(numpy.asarray(z, float), self.statistics("generator", range(3)))
        return pixels(images)

    def tiles(self, file, side=SIDE):
        """The images of a grid: [rows, columns, side, side, 3]; the lines between them are white."""
        grid = numpy.asarray(Image.open(self.folder / file)).astype(int)
        rows, columns = ((n + 1) // (side + 1) for n in grid.shape[:2])
        self.assertEqual(grid.shape, (rows * (side + 1) - 1, columns * (side + 1) - 1, 3))
        self.assertTrue((grid[side::side + 1] == 255).all() and (grid[:, side::side + 1] == 255).all())
        padded = numpy.full((rows * (side + 1), columns * (side + 1), 3), 255)
        padded[:-1, :-1] = grid
        return padded.reshape(rows, side + 1, columns, side + 1, 3)[:, :side, :, :side].swapaxes(1, 2)

    def images(self, file, side=SIDE):
        tiles = self.tiles(file, side)
        return tiles.reshape(-1, *tiles.shape[2:])

    def noise(self, file):
        with h5py.File(self.folder / file) as content:
            return content["z"][:], [name.decode() for name in content["names"][:]]

    def write_noise(self, name, z, names=None):
        with h5py.File(self.folder / name, "w") as content:
            content["z"] = numpy.asarray(z, numpy.float32)
            if names:
                content["names"] = names
        return self.folder / name

    def assert_pixels(self, found, expected):
        """One level of rounding apart at most."""
        self.assertEqual(found.shape, expected.shape)
        self.assertLessEqual(numpy.abs(found - expected).max(), 1)
        self.assertGreater(numpy.ptp(expected), 20, "a grid without contrast shows nothing")
