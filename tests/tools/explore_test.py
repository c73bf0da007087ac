"""dcgan-explore from outside: each subcommand's grid beside that of a float64 twin in NumPy, its laws, and the effect of
each option."""

import json
import re
from random import Random

import h5py
import numpy
from explore_case import SIDE, ExploreTest  # before the next two, which it puts within reach
from dcgan_reference import golden_noise, pool
from explore_reference import guided, light, pixels, without
from make_explore import CALLS, OUT, words
from PIL import Image
from programs import SOURCE, ProgramTest, draw, write_image_folder
from safetensors.numpy import load_file


class Samples(ExploreTest):
    def test_a_grid_has_the_images_side_by_side_with_a_white_pixel_between(self):
        self.explore("samples", "five", "--count", 5, "--columns", 3)
        tiles = self.tiles("five/samples.png")
        self.assertEqual(tiles.shape[:2], (2, 3))
        self.assertTrue((tiles[1, 2] == 255).all(), "the sixth place is empty")
        self.explore("samples", "square", "--count", 5)
        self.assertEqual(self.tiles("square/samples.png").shape, tiles.shape)

    def test_the_images_are_those_of_the_twin_with_fixed_statistics(self):
        facts = self.explore("samples", "fixed", "--count", 12)
        self.assertEqual(facts["statistics"], "fixed")
        z, names = self.noise("fixed/samples.h5")
        self.assertEqual(z.shape, (12, self.nz))
        self.assertEqual(names, [str(i) for i in range(12)])
        self.assert_pixels(self.images("fixed/samples.png")[:12], self.twin_images(z))

    def test_the_authors_way_normalises_with_the_samples_own_statistics(self):
        z = golden_noise(8, self.nz)
        facts = self.explore("samples", "batch", "--z", self.write_noise("golden.h5", z), "--batch-statistics")
        self.assertEqual((facts["statistics"], facts["count"]), ("batch", 8))
        self.assert_pixels(self.images("batch/samples.png")[:8], pixels(self.generator.images(z)))

    def test_samples_of_imported_generators_are_those_of_pytorch_and_keras(self):
        golden = SOURCE / "tests/golden"
        z = self.write_noise("waves.h5", numpy.sin(numpy.arange(18)).reshape(3, 6))
        for kind, files, side, from_tanh in (
                ("networks", ["pytorch64.pt", "pytorch64G.pt"], 64, True),
                ("networks", ["pytorchgan32.pt", "pytorchgan32G.pt"], 32, True),
                ("keras", ["tutorial28.keras", "generator28.keras"], 28, True),
                ("keras", ["example64.h5", "generator64.h5"], 64, False)):
            with self.subTest(files[1]):
                name = files[1].split(".")[0]
                model = self.folder / f"{name}.safetensors"
                self.run_program("dcgan-convert", "state-dict", *(golden / kind / file for file in files), "-o", model)
                self.explore("samples", name, "--z", z, "--columns", 3, model=model)
                values = json.loads((golden / kind / "values.json").read_text())[name]["samples"]
                expected = numpy.array(values).reshape(3, -1) * (127.5 if from_tanh else 255) + (127.5 if from_tanh else 0)
                found = self.tiles(f"{name}/samples.png", side)[0, :, 3, 5, : expected.shape[1]]
                self.assertLess(numpy.abs(found - expected).max(), 0.51)  # rounded to whole pixels

    def test_with_fixed_statistics_a_sample_is_independent_of_the_others(self):
        for name, option in (("alone", []), ("together", ["--batch-statistics"])):
            self.explore("samples", f"few-{name}", "--count", 4, "--columns", 4, *option)
            self.explore("samples", f"many-{name}", "--count", 16, "--columns", 4, *option)
            few, many = (self.tiles(f"{n}-{name}/samples.png")[0] for n in ("few", "many"))
            check = self.assertGreater if option else self.assertLessEqual
            check(numpy.abs(few - many).max(), 1)

    def test_equal_seeds_give_equal_bytes_in_every_file_and_other_seeds_do_not(self):
        def files(name, seed):
            made = self.explore("samples", name, "--seed", seed, "--html")["files"]
            self.assertEqual(made, ["samples.png", "samples.h5", "samples.json", "samples.html"])
            return [(self.folder / name / file).read_bytes() for file in made]

        first = files("first", 3)
        self.assertEqual(first, files("again", 3))
        for one, other in zip(first, files("other", 4)):
            self.assertNotEqual(one, other)

    def test_kept_samples_are_saved_under_their_names_and_read_again(self):
        saved = self.folder / "kept/chosen.h5"
        self.explore("samples", "all", "--count", 9, "--keep", "7,2", "--names", "seven,two", "--save", saved)
        everything, (z, names) = self.noise("all/samples.h5")[0], self.noise(saved)
        self.assertEqual(names, ["seven", "two"])
        numpy.testing.assert_array_equal(z, everything[[7, 2]])
        self.explore("samples", "kept-again", "--z", saved, "--columns", 2)
        self.assert_pixels(self.images("kept-again/samples.png"), self.images("all/samples.png")[[7, 2]])
        self.explore("samples", "kept-by-name", "--z", saved, "--keep", "two", "--save", self.folder / "two.h5")
        numpy.testing.assert_array_equal(self.noise("two.h5")[0], everything[[2]])

    def test_a_name_that_ends_in_png_is_the_file_and_each_pixel_may_be_several(self):
        self.explore("samples", "plain", "--count", 4)
        path = self.folder / "new/pictures.png"
        self.run_program("dcgan-explore", "samples", "--model", self.model, "--out", path, "--count", 4, "--scale", 3)
        self.assertEqual([file.name for file in path.parent.iterdir()], ["pictures.png"])
        large, small = self.images("new/pictures.png", 3 * SIDE), self.images("plain/samples.png")
        numpy.testing.assert_array_equal(large, small.repeat(3, axis=1).repeat(3, axis=2))
        self.assert_refuses("dcgan-explore", "samples", "--model", self.model, "--out", self.folder / "page.png", "--html",
                            code=2, says=["--html needs a folder"])

    def test_separate_files_do_not_depend_on_how_many_there_are(self):
        def files(name, count, *arguments):
            folder = self.folder / name
            self.run_program("dcgan-explore", "samples", "--model", self.model, "--out", folder, "--separate", count,
                             *arguments)
            self.assertEqual(sorted(path.name for path in folder.iterdir()), [f"sample-{i:06d}.png" for i in range(count)])
            return [numpy.asarray(Image.open(folder / f"sample-{i:06d}.png")) for i in range(count)]

        many, few = files("many", 130), files("few", 3)
        self.assertEqual(many[0].shape, (SIDE, SIDE, 3))
        numpy.testing.assert_array_equal(many[:3], few)
        self.assertEqual(len({picture.tobytes() for picture in many}), 130, "each is another one")
        self.assertTrue((numpy.array(few) != files("seed", 3, "--seed", 1)).any())
        self.assertTrue((numpy.array(few) != files("batch-files", 3, "--batch-statistics")).any())
        numpy.testing.assert_array_equal(files("scaled", 3, "--scale", 2)[2], few[2].repeat(2, axis=0).repeat(2, axis=1))
        again = ["dcgan-explore", "samples", "--model", self.model, "--out", self.folder / "many"]
        self.assert_refuses(*again, "--separate", 2, code=1, says=[self.folder / "many", "130 samples", "--overwrite"])
        self.assert_refuses(*again, "--separate", 2, "--columns", 2, code=2, says=["--columns", "--separate"])
        files("many", 2, "--overwrite")

    def test_a_page_holds_its_pictures(self):
        self.explore("samples", "page", "--count", 4, "--html")
        page = (self.folder / "page/samples.html").read_text(encoding="utf-8")
        sources = re.findall(r'src="([^"]*)"', page)
        self.assertEqual(len(sources), 1)
        self.assertTrue(sources[0].startswith("data:image/png;base64,"))
        self.assertNotIn("http", page)

    def test_the_result_on_stdout_names_folder_and_files(self):
        arguments = ["--model", self.model, "--out", self.folder / "json", "--json", "--seed", 9]
        report = json.loads(self.run_program("dcgan-explore", "samples", *arguments).stdout)
        facts = json.loads(self.run_program("dcgan-convert", "info", self.model, "--json").stdout)
        self.assertEqual(report, {"folder": str(self.folder / "json"), "command": "dcgan-explore samples", "seed": 9,
                                  "model-sha256": facts["sha256"], "statistics": "fixed", "count": 64,
                                  "files": ["samples.png", "samples.h5", "samples.json"]})

    def test_wrong_input_is_named(self):
        def refuses(*arguments, code, says):
            self.assert_refuses("dcgan-explore", "samples", *arguments, code=code, says=says)

        out = ["--out", self.folder / "refused"]
        small = self.folder / "small.safetensors"
        self.run_program("dcgan-convert", "model", self.model, "-o", small, "--no-generator")
        refuses("--model", small, *out, code=1, says=[small, "no generator"])
        model = ["--model", self.model]
        wide = self.write_noise("wide.h5", golden_noise(2, self.nz + 1))
        refuses(*model, *out, "--z", wide, code=1, says=[wide, f"{self.nz + 1} dimensions, the model takes {self.nz}"])
        infinite = self.write_noise("infinite.h5", numpy.full((2, self.nz), numpy.inf))
        refuses(*model, *out, "--z", infinite, code=1, says=[infinite, "not finite"])
        short = self.write_noise("short.h5", golden_noise(3, self.nz), ["one"])
        refuses(*model, *out, "--z", short, code=1, says=[short, "1 names for 3 rows"])
        keep = [*model, *out, "--count", 4, "--save", self.folder / "never.h5", "--keep"]
        refuses(*keep, "4", code=2, says=["--keep names 4", "4 rows of noise, 0 to 3"])
        refuses(*keep, "1,,2", code=2, says=["--keep", "1,,2", "commas"])
        refuses(*keep, "1,2", "--names", "one", code=2, says=["--names has 1 names for the 2"])
        self.assertFalse((self.folder / "refused").exists())
        self.explore("samples", "there")
        refuses(*model, "--out", self.folder / "there", code=1, says=["samples.png", "--overwrite"])
        self.explore("samples", "there", "--overwrite")


class Walk(ExploreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.points = golden_noise(3, cls.nz)
        cls.z = cls().write_noise("points.h5", cls.points)

    def path(self, frames):
        """Linear interpolation, `frames` places from the first point to the last."""
        places = numpy.linspace(0, len(self.points) - 1, frames)
        return numpy.stack([numpy.interp(places, range(len(self.points)), column) for column in self.points.T], axis=1)

    def test_the_grid_is_one_path_through_the_points_row_by_row(self):
        self.explore("walk", "walk", "--z", self.z, "--frames", 11, "--columns", 4)
        numpy.testing.assert_allclose(self.noise("walk/walk.h5")[0], self.path(11), atol=1e-6)
        images = self.images("walk/walk.png")
        self.assertEqual(len(images), 12)
        self.assert_pixels(images[:11], self.twin_images(self.path(11)))
        self.assert_pixels(images[[0, 5, 10]], self.twin_images(self.points))

    def test_the_animation_shows_the_same_images_enlarged(self):
        self.explore("walk", "animated", "--z", self.z, "--frames", 5, "--columns", 5, "--scale", 2, "--milliseconds", 120)
        images = self.images("animated/walk.png")
        with Image.open(self.folder / "animated/walk.webp") as animation:
            self.assertEqual((animation.n_frames, animation.size, animation.info["loop"]), (5, (64, 64), 0))
            for number, image in enumerate(images):
                animation.seek(number)
                shown = numpy.asarray(animation.convert("RGB")).astype(int)
                self.assertEqual(animation.info["duration"], 120)
                numpy.testing.assert_array_equal(shown, image.repeat(2, axis=0).repeat(2, axis=1))

    def test_the_steps_are_distances_between_the_discriminators_features(self):
        facts = self.explore("walk", "smooth", "--z", self.z, "--frames", 8, "--columns", 8)
        images = self.images("smooth/walk.png").transpose(0, 3, 1, 2) / 127.5 - 1
        features = self.discriminator.features(images, self.statistics("discriminator", range(1, 4)))
        steps = numpy.linalg.norm(numpy.diff(numpy.concatenate(features, axis=1), axis=0), axis=1)
        numpy.testing.assert_allclose(facts["steps"], steps, rtol=1e-4)
        self.assertAlmostEqual(facts["largest-step"], steps.max(), delta=1e-4 * steps.max())
        self.assertAlmostEqual(facts["largest-to-mean"], steps.max() / steps.mean(), delta=1e-3)
        self.assertEqual(facts["largest-step-after-frame"], steps.argmax())

    def test_a_jump_stands_out(self):
        # Two clusters of points: the path leaps once.
        close = 0.01 * golden_noise(6, self.nz)
        jump = numpy.concatenate([close[:3] - 1, close[3:] + 1])
        facts = self.explore("walk", "jump", "--z", self.write_noise("jump.h5", jump), "--frames", 6)
        self.assertGreater(facts["largest-to-mean"], 2)
        self.assertEqual(facts["largest-step-after-frame"], 2)

    def test_every_option_changes_the_path(self):
        first = self.explore("walk", "random", "--frames", 6)
        self.assertEqual(first["points"], [str(i) for i in range(9)])
        path = self.noise("random/walk.h5")[0]
        for name, option in {"points": ["--points", 5], "closed": ["--closed"], "seed": ["--seed", 2],
                             "spherical": ["--interpolation", "spherical"]}.items():
            self.explore("walk", name, "--frames", 6, *option)
            self.assertGreater(numpy.abs(self.noise(f"{name}/walk.h5")[0] - path).max(), 1e-3, name)
        self.explore("walk", "batch", "--frames", 6, "--batch-statistics")
        self.assertTrue((self.images("batch/walk.png") != self.images("random/walk.png")).any())

    def test_one_point_is_no_walk(self):
        one = self.write_noise("one.h5", golden_noise(1, self.nz))
        self.assert_refuses("dcgan-explore", "walk", "--model", self.model, "--out", self.folder / "none", "--z", one,
                            code=1, says=[one, "one point"])


class Arithmetic(ExploreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.exemplars = golden_noise(9, cls.nz)
        names = [f"{concept}{i}" for concept in "abc" for i in range(3)]
        cls.z = cls().write_noise("exemplars.h5", cls.exemplars, names)

    def arithmetic(self, out, a, b, c, *arguments):
        return self.explore("arithmetic", out, "--z", self.z, "--a", a, "--b", b, "--c", c, *arguments)

    def test_the_middle_is_the_image_of_the_sum_and_around_it_are_its_neighbours(self):
        facts = self.arithmetic("sum", "a0,a1,a2", "3,4,5", "c0,c1,c2")
        self.assertEqual(facts["b"], ["b0", "b1", "b2"])
        z, names = self.noise("sum/arithmetic.h5")
        a, b, c = self.exemplars.reshape(3, 3, self.nz).mean(axis=1)
        numpy.testing.assert_allclose(z[0], a - b + c, atol=1e-6)
        numpy.testing.assert_allclose(z[9:], [a, b, c], atol=1e-6)
        self.assertEqual(names[0], "result")
        around = numpy.abs(z[1:9] - z[0])
        self.assertTrue((around.max(axis=1) > 0).all() and around.max() <= 0.25 and around.max() > 0.2)
        images = self.images("sum/arithmetic-result.png")
        self.assertEqual(self.tiles("sum/arithmetic-result.png").shape[:2], (3, 3))
        self.assert_pixels(images[4:5], self.twin_images([a - b + c]))
        self.assert_pixels(images[[0, 1, 2, 3, 5, 6, 7, 8]], self.twin_images(z[1:9]))

    def test_exemplars_stand_in_rows_with_the_image_of_their_mean(self):
        self.arithmetic("rows", "a0,a1,a2", "b0", "c0,c1,c2")
        tiles = self.tiles("rows/arithmetic.png")
        self.assertEqual(tiles.shape[:2], (3, 7))
        self.assert_pixels(tiles[0, :3], self.twin_images(self.exemplars[:3]))
        self.assert_pixels(tiles[2, 4:5], self.twin_images([self.exemplars[6:].mean(axis=0)]))
        self.assert_pixels(tiles[1, [0, 4]], self.twin_images(self.exemplars[[3, 3]]))
        self.assertTrue((tiles[:, 3] == 255).all() and (tiles[1, 1:3] == 255).all())

    def test_pixels_are_added_beside(self):
        self.arithmetic("pixels", "a0,a1,a2", "b0,b1,b2", "c0,c1,c2")
        a, b, c = self.twin_images(self.exemplars).reshape(3, 3, SIDE, SIDE, 3).mean(axis=1)
        expected = numpy.clip(a - b + c, 0, 255)
        self.assertLessEqual(numpy.abs(self.images("pixels/arithmetic-pixels.png")[0] - expected).max(), 3)

    def test_a_concept_less_itself_is_the_other_concept(self):
        self.arithmetic("same", "a0,a1", "a1,a0", "c0", "--noise", 0)
        images = self.images("same/arithmetic-result.png")
        for image in images:
            numpy.testing.assert_array_equal(image, images[0])
        self.assert_pixels(images[:1], self.twin_images(self.exemplars[6:7]))

    def test_noise_and_seed_make_other_neighbours_of_the_same_result(self):
        self.arithmetic("narrow", "a0", "b0", "c0", "--noise", 0.01)
        self.arithmetic("seed", "a0", "b0", "c0", "--noise", 0.01, "--seed", 2)
        narrow, seed = (self.noise(f"{name}/arithmetic.h5")[0] for name in ("narrow", "seed"))
        numpy.testing.assert_array_equal(narrow[0], seed[0])
        self.assertLessEqual(numpy.abs(narrow[1:9] - narrow[0]).max(), 0.0101)
        self.assertTrue((narrow[1:9] != seed[1:9]).any())


class Turn(ExploreTest):
    def test_new_samples_move_along_the_axis_from_one_group_to_the_other(self):
        groups = golden_noise(4, self.nz)
        z = self.write_noise("groups.h5", groups)
        self.explore("samples", "new", "--count", 3, "--seed", 7)
        new = self.noise("new/samples.h5")[0]
        self.explore("turn", "turn", "--z", z, "--from", "0,1", "--to", "2,3", "--count", 3, "--steps", 5, "--seed", 7,
                     "--reach", 0.8)
        axis = groups[2:].mean(axis=0) - groups[:2].mean(axis=0)
        expected = new[:, None] + numpy.linspace(-0.8, 0.8, 5)[:, None] * axis
        numpy.testing.assert_allclose(self.noise("turn/turn.h5")[0], expected.reshape(-1, self.nz), atol=1e-5)
        tiles = self.tiles("turn/turn.png")
        self.assertEqual(tiles.shape[:2], (3, 5))
        self.assert_pixels(tiles.reshape(15, SIDE, SIDE, 3), self.twin_images(expected.reshape(-1, self.nz)))
        self.assert_pixels(tiles[:, 2], self.twin_images(new))

    def test_the_paper_has_five_rows_of_eleven(self):
        z = self.write_noise("four.h5", golden_noise(4, self.nz))
        self.explore("turn", "paper", "--z", z, "--from", "0,1", "--to", "2,3")
        self.assertEqual(self.tiles("paper/turn.png").shape[:2], (5, 11))


class Filters(ExploreTest):
    def test_learned_kernels_stand_beside_random_ones_each_scaled_by_its_largest_weight(self):
        facts = self.explore("filters", "filters", "--columns", 3, "--scale", 2)
        learned = self.tensors["discriminator.conv1.weight"]
        count, _, size, _ = learned.shape
        self.assertEqual((facts["kernels"], facts["size"]), (count, size))
        self.assertAlmostEqual(facts["learned-deviation"], numpy.sqrt((learned ** 2).mean()), places=6)
        with h5py.File(self.folder / "filters/filters.h5") as file:
            numpy.testing.assert_array_equal(file["learned"][:], learned)
            random = file["random"][:]
        self.assertEqual(random.shape, learned.shape)
        tiles = self.tiles("filters/filters.png", side=2 * size)
        self.assertEqual(tiles.shape[:2], ((count + 2) // 3, 7))
        self.assertTrue((tiles[:, 3] == 255).all())
        for kernels, shown in ((learned, tiles[:, :3]), (random, tiles[:, 4:])):
            scaled = kernels / numpy.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
            expected = pixels(scaled).repeat(2, axis=1).repeat(2, axis=2)
            self.assert_pixels(shown.reshape(-1, *shown.shape[2:])[:count], expected)

    def test_the_seed_draws_the_random_ones(self):
        for name, seed in (("one", 1), ("two", 2)):
            self.explore("filters", name, "--seed", seed)
        with h5py.File(self.folder / "one/filters.h5") as one, h5py.File(self.folder / "two/filters.h5") as two:
            self.assertTrue((one["random"][:] != two["random"][:]).all())
            self.assertEqual(json.loads(one.attrs["facts"])["kernels"], len(one["learned"]))


class LookingTest(ExploreTest):
    """Beside the model, pictures of its own size in a folder, which nothing resizes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pictures = cls.folder / "pictures"
        cls.pictures.mkdir()
        random = Random(5)
        for i in range(12):
            draw(("discs", "squares", "stripes")[i % 3], random, (SIDE, SIDE)).save(cls.pictures / f"{i:02d}.png")
        cls.files = sorted(cls.pictures.iterdir())
        cls.photos = numpy.stack([numpy.asarray(Image.open(file)).astype(int) for file in cls.files])

    def activations(self, photos):
        """The twin's maps of each layer, of images uint8 [N, 32, 32, 3]."""
        inputs = photos.transpose(0, 3, 1, 2) / 127.5 - 1
        return self.discriminator.activations(inputs, self.statistics("discriminator", range(1, 4)))

    def features(self, photos):
        return numpy.concatenate([pool(maps) for maps in self.activations(photos)], axis=1)


class Maps(LookingTest):
    def test_the_strongest_maps_of_each_layer_light_the_image_and_name_their_columns(self):
        facts = self.explore("maps", "maps", self.files[3], "--strongest", 3, "--scale", 1)
        activations, offset = self.activations(self.photos[3:4]), 0
        tiles, cells = self.tiles("maps/maps.png"), self.tiles("maps/maps-cells.png")
        self.assertEqual(tiles.shape[:2], (3, 4))
        features = self.features(self.photos[3:4])[0]
        for layer, maps in enumerate(activations, 1):
            channels = numpy.argsort(-maps[0].max(axis=(1, 2)), kind="stable")[:3]
            entries = [m for m in facts["maps"] if m["layer"] == layer]
            self.assertEqual([m["channel"] for m in entries], channels.tolist())
            self.assertEqual([m["first-column"] for m in entries], (offset + 16 * channels).tolist())
            for entry in entries:
                columns = features[entry["first-column"]:entry["last-column"] + 1]
                numpy.testing.assert_allclose(entry["cells"], columns, atol=1e-4 * numpy.abs(maps).max())
            self.assert_pixels(tiles[layer - 1, :1], self.photos[3:4])
            self.assert_pixels(tiles[layer - 1, 1:], light(self.photos[3], maps[0][channels]))
            pooled = pool(maps).reshape(-1, 4, 4)[channels]
            self.assert_pixels(cells[layer - 1, 1:], light(self.photos[3], pooled))
            offset += 16 * maps.shape[1]

    def test_columns_are_looked_up(self):
        width = self.activations(self.photos[:1])[0].shape[1]
        facts = self.explore("maps", "columns", self.files[0], "--columns", f"5,{16 * width + 16 * 2 + 7}")
        found = [{key: m[key] for key in ("layer", "channel", "column", "cell")} for m in facts["maps"]]
        self.assertEqual(found, [{"layer": 1, "channel": 0, "column": 5, "cell": 5},
                                 {"layer": 2, "channel": 2, "column": 16 * width + 39, "cell": 7}])

    def test_layers_and_scale_change_the_picture(self):
        facts = self.explore("maps", "one", self.files[0], "--layers", 2, "--scale", 2, "--strongest", 2)
        self.assertEqual({m["layer"] for m in facts["maps"]}, {2})
        self.assertEqual(self.tiles("one/maps.png", side=2 * SIDE).shape[:2], (1, 3))


class MapsOfAClassifier(ExploreTest):
    """maps --svm: features of two layers on a grid of 2, and a classifier that was fitted to them."""

    LAYERS, GRID = [2, 3], 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.svm = cls.fit("svm", "--layers", "2,3", "--grid", cls.GRID)
        cls.image = cls.folder / "images/squares/003.png"
        with h5py.File(cls.folder / "svm.h5") as file:
            row = [path.decode() for path in file["paths"][:]].index("squares/003.png")
            cls.row = file["features"][row]
        cls.weights = dict(zip(("discs", "squares", "stripes"), load_file(cls.svm)["weights"]))

    @classmethod
    def fit(cls, name, *options, model=None):
        features, svm = cls.folder / f"{name}.h5", cls.folder / f"{name}.safetensors"
        cls().run_program("dcgan-extract", cls.folder / "images", "-o", features, "--model", model or cls.model, *options)
        cls().run_program("dcgan-eval", "svm", "--train", features, "--test", features, "--c", 1, "--save", svm)
        return svm

    def maps(self, out, *arguments):
        return self.explore("maps", out, self.image, "--svm", self.svm, *arguments)

    def test_the_columns_with_the_largest_weights_of_a_class_are_listed_heaviest_first(self):
        facts = self.maps("squares", "--class", "squares", "--heaviest", 11)
        weights = self.weights["squares"]
        heaviest = numpy.argsort(-weights, kind="stable")[:11]
        self.assertEqual([m["column"] for m in facts["maps"]], heaviest.tolist())
        numpy.testing.assert_allclose([m["weight"] for m in facts["maps"]], weights[heaviest], rtol=1e-6)
        scale = numpy.abs(self.row).max()
        numpy.testing.assert_allclose([m["value"] for m in facts["maps"]], self.row[heaviest], atol=1e-4 * scale)
        cells, channels = self.GRID ** 2, [len(self.tensors[f"discriminator.conv{layer}.weight"]) for layer in self.LAYERS]
        for m in facts["maps"]:
            layer, left = (2, m["column"]) if m["column"] < cells * channels[0] else (3, m["column"] - cells * channels[0])
            self.assertEqual((m["layer"], m["channel"], m["cell"]), (layer, *divmod(left, cells)))
        self.assertEqual({m["layer"] for m in facts["maps"]}, {2, 3}, "both layers are among them")
        text = self.run_program("dcgan-explore", "maps", self.image, "--model", self.model, "--svm", self.svm, "--class",
                                "squares", "--out", self.folder / "text").stdout.splitlines()
        self.assertEqual(len([line for line in text if line.startswith("weight ")]), 8)
        first = facts["maps"][0]
        for key in ("layer", "channel", "cell", "column"):
            self.assertIn(f"{key} {first[key]}", text[0])

    def test_their_maps_are_shown_with_the_cell_of_each_column_framed(self):
        facts = self.maps("shown", "--class", "discs", "--heaviest", 10, "--scale", 1)
        maps, cells = self.tiles("shown/maps.png"), self.tiles("shown/maps-cells.png")
        self.assertEqual(maps.shape[:2], (2, 9))
        self.assertTrue((maps[1, 3:] == 255).all(), "ten maps")
        columns = self.explore("maps", "looked-up", self.image, "--columns", self.of_all_layers(facts["maps"][0]), "--scale", 1)
        self.assertEqual(columns["maps"][0]["channel"], facts["maps"][0]["channel"])
        numpy.testing.assert_array_equal(self.tiles("looked-up/maps.png")[0, 1], maps[0, 1])
        side = SIDE // self.GRID
        for number, m in enumerate(facts["maps"][:8]):
            frame = numpy.zeros((SIDE, SIDE), bool)
            y, x = (side * v for v in divmod(m["cell"], self.GRID))
            frame[y:y + side, x:x + side] = True
            frame[y + 1:y + side - 1, x + 1:x + side - 1] = False
            numpy.testing.assert_array_equal((cells[0, 1 + number] == [255, 0, 0]).all(axis=2), frame)

    def of_all_layers(self, m):
        """The same cell's corner among the columns of all layers on a grid of 4."""
        widths = [len(self.tensors[f"discriminator.conv{layer}.weight"]) for layer in (1, 2, 3)]
        return 16 * (sum(widths[:m["layer"] - 1]) + m["channel"])

    def test_the_image_is_resized_as_those_that_the_classifier_was_fitted_to(self):
        Image.open(self.image).resize((2 * SIDE + 9, 2 * SIDE + 9), Image.Resampling.BICUBIC).save(self.folder / "large.png")
        for resize in ("linear", "area"):
            svm = self.fit(resize, "--layers", "2,3", "--grid", self.GRID, "--resize", resize)
            facts = self.explore("maps", f"of {resize}", self.folder / "large.png", "--svm", svm, "--class", "discs")
            rows = self.folder / f"large-{resize}.h5"
            self.run_program("dcgan-extract", self.folder / "large.png", "-o", rows, "--model", self.model, "--layers", "2,3",
                             "--grid", self.GRID, "--resize", resize)
            with h5py.File(rows) as file:
                row = file["features"][0]
            numpy.testing.assert_allclose([m["value"] for m in facts["maps"]], row[[m["column"] for m in facts["maps"]]],
                                          atol=1e-4 * numpy.abs(row).max())

    def test_class_and_number_change_what_is_listed_and_a_model_that_ships_is_found(self):
        self.assertNotEqual(self.maps("a", "--class", "discs")["maps"], self.maps("b", "--class", "stripes")["maps"])
        self.assertEqual(len(self.maps("three", "--class", "discs", "--heaviest", 3)["maps"]), 3)
        shipped = self.fit("shipped", "--layers", 1, "--grid", 1, model="tiny-imagenet32")
        self.run_program("dcgan-explore", "maps", self.image, "--svm", shipped, "--class", "discs", "--out", self.folder / "ship")
        facts = json.loads((self.folder / "ship/maps.json").read_text(encoding="utf-8"))
        self.assertEqual({m["layer"] for m in facts["maps"]}, {1})

    def test_a_classifier_of_other_features_is_refused(self):
        def refuses(*arguments, code, says):
            self.assert_refuses("dcgan-explore", "maps", self.image, "--out", self.folder / "refused", *arguments, code=code,
                                says=says)

        sha = json.loads(self.run_program("dcgan-convert", "info", self.model, "--json").stdout)["sha256"]
        svm = ["--svm", self.svm, "--class", "discs"]
        refuses(*svm, code=2, says=["--model is missing", self.svm, sha])
        refuses(*svm, "--model", "tiny-imagenet32", code=1, says=[self.svm, "not fitted to features of", "the model is", sha])
        model = ["--model", self.model]
        write_image_folder(self.folder / "others", 3, seed=2)
        inferred = self.fit("inferred", "--statistics-from", self.folder / "others")
        refuses(*model, "--svm", inferred, "--class", "discs", code=1, says=[inferred, "preprocessing"])
        self.run_program("dcgan-eval", "compress", "--features", self.folder / "svm.h5", "-o", self.folder / "pca.safetensors",
                         "--dimensions", 4)
        compressed = self.fit("compressed", "--layers", "2,3", "--grid", self.GRID, "--compress", self.folder / "pca.safetensors")
        refuses(*model, "--svm", compressed, "--class", "discs", code=1, says=[compressed, "--compress"])
        refuses(*model, "--svm", self.model, "--class", "discs", code=1, says=[self.model, "dcgan-eval svm --save"])
        refuses(*model, "--svm", self.svm, code=2, says=["--class is missing", "discs,squares,stripes"])
        refuses(*model, *svm[:2], "--class", "cat", code=2, says=["--class is cat", "discs,squares,stripes"])
        refuses(*model, *svm, "--layers", 2, code=2, says=["--svm says which maps", "--layers"])
        refuses(*model, *svm, "--columns", 2, code=2, says=["--svm says which maps", "--columns"])
        refuses(*model, *svm, "--heaviest", 0, code=2, says=["--heaviest is 0"])
        refuses(*model, "--class", "discs", code=2, says=["--class is of --svm"])
        refuses(*model, "--columns", 99999, code=2, says=["column 99999 is not there"])


class GoldenGrids(ProgramTest):
    """One grid of each subcommand, as golden/make_explore.py has computed it."""

    def test_every_subcommand_gives_its_golden_grid_within_a_level_of_rounding(self):
        features = self.folder / "features.h5"
        self.run_program("dcgan-extract", OUT / "images", "-o", features, "--model", OUT / "model.safetensors")
        for command, (file, _) in CALLS.items():
            with self.subTest(command=command):
                self.run_program("dcgan-explore", *words(command, self.folder / command, features))
                found, golden = (numpy.asarray(Image.open(path)).astype(int)
                                 for path in (self.folder / command / file, OUT / f"{command}.png"))
                if command == "guided":
                    self.assertEqual(found.shape[1], 2 * golden.shape[1] + SIDE + 2)
                    found = found[:, :golden.shape[1]]
                self.assertEqual(found.shape, golden.shape)
                self.assertLessEqual(numpy.abs(found - golden).max(), 1)
                self.assertGreater(golden.std(), 20, "a grid without contrast shows nothing")


class Guided(LookingTest):
    def test_the_gradients_of_the_strongest_images_are_those_of_the_twin(self):
        for layer in (1, 2, 3):
            with self.subTest(layer=layer):
                out = f"layer{layer}"
                facts = self.explore("guided", out, self.pictures, "--layer", layer, "--channels", "2,0", "--strongest", 3,
                                     "--scale", 1)
                responses = self.activations(self.photos)[layer - 1].max(axis=(2, 3))
                with h5py.File(self.folder / out / "guided.h5") as file:
                    learned = file["learned"][:]
                self.assertEqual(learned.shape, (2, 3, 3, SIDE, SIDE))
                tiles, shown = self.tiles(f"{out}/guided.png"), self.tiles(f"{out}/guided-images.png")
                self.assertEqual(tiles.shape[:2], (2, 7))
                for row, channel in enumerate((2, 0)):
                    strongest = numpy.argsort(-responses[:, channel], kind="stable")[:3]
                    images = facts["learned"][row]["images"]
                    self.assertEqual([i["path"] for i in images], [self.files[n].name for n in strongest])
                    gradients, expected = guided(self.discriminator, self.statistics("discriminator", range(1, 4)),
                                                 self.photos[strongest], layer, channel)
                    numpy.testing.assert_allclose([i["response"] for i in images], expected, rtol=1e-4)
                    numpy.testing.assert_allclose(learned[row], gradients, atol=1e-4 * numpy.abs(gradients).max())
                    largest = numpy.abs(gradients).max(axis=(1, 2, 3), keepdims=True)
                    self.assert_pixels(tiles[row, :3], pixels(gradients / largest))
                    self.assert_pixels(shown[row, :3], self.photos[strongest])

    def test_the_untrained_network_stands_beside_and_its_seed_draws_it(self):
        arrays = {}
        for seed in (1, 2):
            self.explore("guided", f"seed{seed}", self.pictures, "--channels", 1, "--strongest", 2, "--seed", seed)
            with h5py.File(self.folder / f"seed{seed}/guided.h5") as file:
                arrays[seed] = file["learned"][:], file["random"][:]
        numpy.testing.assert_array_equal(arrays[1][0], arrays[2][0])
        self.assertGreater(numpy.abs(arrays[1][1] - arrays[2][1]).max(), 0)
        self.assertEqual(self.tiles("seed1/guided.png", side=2 * SIDE).shape[:2], (1, 5))

    def test_images_that_cannot_be_read_are_passed_over_and_said(self):
        damaged = self.folder / "damaged"
        damaged.mkdir()
        for file in self.files[:3]:
            (damaged / file.name).write_bytes(file.read_bytes())
        (damaged / "cut.png").write_bytes(self.files[0].read_bytes()[:100])
        arguments = ["--model", self.model, "--out", self.folder / "passed", "--channels", 0]
        result = self.run_program("dcgan-explore", "guided", damaged, *arguments, expect=3)
        self.assertIn("cut.png", result.stderr)
        facts = json.loads((self.folder / "passed/guided.json").read_text(encoding="utf-8"))
        self.assertEqual((facts["images"], facts["failures"]), (3, 1))


class Drop(ExploreTest):
    LAYER, SAMPLES, BOX = 1, 60, 4  # a box is one place of the layer's maps of 8 x 8

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls()
        test.explore("samples", "all", "--count", cls.SAMPLES)
        cls.z = test.noise("all/samples.h5")[0]
        cls.fixed = test.statistics("generator", range(3))
        # Boxes around the place where the first map of the layer is largest.
        maps = cls.generator.hidden(cls.z.astype(float), cls.fixed)[cls.LAYER][:, 0]
        size = SIDE // maps.shape[1]
        cls.boxes = []
        for sample, m in enumerate(maps):
            y, x = numpy.unravel_index(m.argmax(), m.shape)
            corner = [int(size * v) for v in (x, y)]
            cls.boxes.append(dict(zip(("sample", "x", "y", "width", "height"), (sample, *corner, cls.BOX, cls.BOX))))
        (cls.folder / "boxes.json").write_text(json.dumps(cls.boxes))
        rows = [",".join(str(v) for v in box.values()) for box in cls.boxes]
        (cls.folder / "boxes.csv").write_text("sample,x,y,width,height\n" + "\n".join(rows) + "\n")

    def drop(self, out, *arguments, boxes="boxes.csv"):
        return self.explore("drop", out, "--boxes", self.folder / boxes, "--count", self.SAMPLES, *arguments)

    def without(self, z, channels):
        return without(self.generator, self.fixed, self.LAYER, z, channels)

    def test_maps_with_positive_weight_are_dropped_and_new_samples_shown_with_and_without(self):
        facts = self.drop("drop", "--fresh", 4)
        with h5py.File(self.folder / "drop/drop.h5") as file:
            weights, fresh = file["weights"][:], file["z"][:]
        self.assertEqual(facts["layer"], self.LAYER)  # the last but one of three
        self.assertEqual(facts["dropped"], numpy.flatnonzero(weights > 0).tolist())
        self.assertEqual((facts["maps"], facts["maps-dropped"]), (len(weights), (weights > 0).sum()))
        self.assertIn(0, facts["dropped"], "the map that the boxes were drawn by")
        self.assertNotEqual(len(facts["dropped"]), len(weights))
        tiles = self.tiles("drop/drop.png")
        self.assertEqual(tiles.shape[:2], (2, 4))
        self.assert_pixels(tiles[0], self.twin_images(fresh))
        self.assert_pixels(tiles[1], self.without(fresh, facts["dropped"]))
        self.assertFalse((fresh == self.z[:4]).any(), "new samples")

    def test_the_figures_say_how_well_places_are_told_apart_and_what_changed(self):
        facts = self.drop("figures")
        self.assertEqual((facts["boxes"], facts["held-out-samples"]), (self.SAMPLES, self.SAMPLES // 4))
        self.assertEqual(facts["places-inside"], facts["places-outside"])
        self.assertGreater(facts["held-out-accuracy"], 0.8)
        difference = numpy.abs(self.twin_images(self.z) - self.without(self.z, facts["dropped"]))
        inside = numpy.zeros(difference.shape[:3], bool)
        for box in self.boxes:
            inside[box["sample"], box["y"]:box["y"] + self.BOX, box["x"]:box["x"] + self.BOX] = True
        self.assertAlmostEqual(facts["change-inside"], difference[inside].mean(), delta=0.1)
        self.assertAlmostEqual(facts["change-outside"], difference[~inside].mean(), delta=0.1)

    def test_csv_and_json_say_the_same_and_every_option_changes_something(self):
        first = self.drop("csv")
        other = self.drop("json", boxes="boxes.json")
        self.assertEqual(first, other)
        for name, option in {"layer": ["--layer", 0], "c": ["--c", 1e-4], "seed": ["--seed", 2]}.items():
            self.drop(name, *option)
            with h5py.File(self.folder / "csv/drop.h5") as one, h5py.File(self.folder / name / "drop.h5") as two:
                same = one["weights"].shape == two["weights"].shape and (one["weights"][:] == two["weights"][:]).all()
                self.assertFalse(same, name)

    def test_boxes_that_cannot_be_are_refused_with_their_number(self):
        for text, says in {
                "0,1,1,0,4": ["box 1 is empty", "0 x 4"],
                "sample,x,y,width,height\n0,1,1,4,4\n1,30,1,3,4": ["box 2", "beyond its image of 32 x 32", "x 30"],
                "0,-1,1,4,4": ["box 1", "beyond"],
                "60,1,1,4,4": ["sample 60", "there are 60"],
                "0,1,1,4": ["line 1", "five whole numbers"],
                "0,1,1,4,4,5": ["line 1", "five whole numbers"],
                "0,1,1,4,4,": ["line 1", "five whole numbers"],
                "0,1,1,4,x": ["line 1", "five whole numbers"],
                "sample,x,y,width,height\n": ["no boxes"],
                '[{"sample": 0, "x": 1, "y": 1, "width": 3}]': ["box 1", '"height"'],
                '{"sample": 0}': ["array of objects"],
                "0,0,0,32,32": ["nothing outside"]}.items():
            with self.subTest(text=text):
                (self.folder / "wrong.csv").write_text(text)
                self.assert_refuses("dcgan-explore", "drop", "--model", self.model, "--out", self.folder / "refused",
                                    "--count", self.SAMPLES, "--boxes", self.folder / "wrong.csv", code=1,
                                    says=["wrong.csv", *says])


class Planted(ProgramTest):
    """dcgan-prepare render --plant, whose boxes drop reads."""

    def test_each_image_has_its_patch_in_its_box_and_a_resumed_or_repeated_run_the_same(self):
        boxes, images = self.folder / "new/boxes.csv", self.folder / "images.h5"
        render = ["dcgan-prepare", "render", "--count", 30, "--plant", boxes, "-o"]
        self.run_program(*render, images)
        head, *lines = boxes.read_text(encoding="utf-8").splitlines()
        self.assertEqual(head, "sample,x,y,width,height")
        with h5py.File(images) as file:
            pixels_of = file["images"][:]
        for number, (image, line) in enumerate(zip(pixels_of, lines, strict=True)):
            sample, x, y, width, height = map(int, line.split(","))
            self.assertEqual((sample, width, height), (number, 8, 8))
            magenta = (image == [255, 0, 255]).all(axis=2)
            self.assertTrue(magenta[y:y + height, x:x + width].all())
            self.assertEqual(magenta.sum(), 64, "nowhere else")
        self.assertGreater(len({line.split(",", 1)[1] for line in lines}), 20, "places of their own")
        text = boxes.read_text(encoding="utf-8")
        self.assert_refuses(*render, self.folder / "again.h5", code=1, says=[boxes, "--overwrite"])
        self.assertFalse((self.folder / "again.h5").exists())
        self.run_program(*render, self.folder / "again.h5", "--overwrite")
        self.run_program(*render, images, "--resume")
        self.assertEqual(boxes.read_text(encoding="utf-8"), text)
        self.run_program(*render, self.folder / "other.h5", "--overwrite", "--seed", 1)
        self.assertNotEqual(boxes.read_text(encoding="utf-8"), text)
        plain = ["dcgan-prepare", "render", "--count", 30, "-o", images, "--overwrite"]
        self.run_program(*plain)
        with h5py.File(images) as file:
            self.assertFalse((file["images"][:] == [255, 0, 255]).all(axis=3).any())


class Neighbours(LookingTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.folder / "features.h5"
        cls().run_program("dcgan-extract", cls.pictures, "-o", cls.file, "--model", cls.model)

    def neighbours(self, out, *arguments):
        return self.explore("neighbours", out, *arguments)["queries"]

    def expected(self, queries, rows, metric="euclidean"):
        """Distances [queries, rows] in float64."""
        if metric == "cosine":
            queries, rows = (v / numpy.linalg.norm(v, axis=1, keepdims=True) for v in (queries, rows))
            return 1 - queries @ rows.T
        return numpy.linalg.norm(queries[:, None] - rows[None], axis=2)

    def test_the_nearest_in_the_features_are_found_and_shown(self):
        rows = self.features(self.photos)
        for metric in ("euclidean", "cosine"):
            found = self.neighbours(metric, self.files[4], self.files[0], "--features", self.file, "--images", self.pictures,
                                    "-k", 3, "--metric", metric)
            self.assertEqual([q["query"] for q in found], [str(self.files[4]), str(self.files[0])])
            distances = self.expected(rows[[4, 0]], rows, metric)
            order = numpy.argsort(distances, axis=1)[:, :3]
            for i, query in enumerate(found):
                self.assertEqual([n["row"] for n in query["features"]], order[i].tolist())
                self.assertEqual([n["path"] for n in query["features"]], [self.files[n].name for n in order[i]])
                numpy.testing.assert_allclose([n["distance"] for n in query["features"]], distances[i, order[i]],
                                              atol=1e-4 * distances.max())
            self.assertEqual([q["features"][0]["row"] for q in found], [4, 0], "a row is its own nearest")
            tiles = self.tiles(f"{metric}/neighbours.png")
            self.assertEqual(tiles.shape[:2], (2, 5))
            self.assert_pixels(tiles[:, 0], self.photos[[4, 0]])
            self.assertTrue((tiles[:, 1] == 255).all())
            for i in range(2):
                self.assert_pixels(tiles[i, 2:], self.photos[order[i]])

    def test_the_nearest_in_the_pixels_come_with_the_papers_warning(self):
        arguments = [self.files[7], "--images", self.pictures, "--pixels", "-k", 4]
        facts = self.explore("neighbours", "pixels", *arguments, "--html")
        flat = self.photos.reshape(len(self.photos), -1) / 127.5 - 1
        distances = self.expected(flat[7:8], flat)[0]
        order = numpy.argsort(distances)[:4]
        self.assertEqual([n["path"] for n in facts["queries"][0]["pixels"]], [self.files[n].name for n in order])
        numpy.testing.assert_allclose([n["distance"] for n in facts["queries"][0]["pixels"]], distances[order], rtol=1e-5,
                                      atol=1e-5)
        self.assert_pixels(self.tiles("pixels/neighbours-pixels.png")[0, 2:], self.photos[order])
        self.assertIn("no test of memorisation", facts["notes"][0])
        self.assertIn("no test of memorisation", (self.folder / "pixels/neighbours.html").read_text(encoding="utf-8"))

    def test_samples_are_asked_for_where_no_image_is(self):
        found = self.neighbours("samples", "--features", self.file, "--count", 5, "-k", 2)
        self.explore("samples", "same", "--count", 5)
        samples = self.images("same/samples.png")[:5]
        distances = self.expected(self.features(samples), self.features(self.photos))
        self.assertEqual([q["query"] for q in found], [f"sample {i}" for i in range(5)])
        self.assertEqual([q["features"][0]["row"] for q in found], distances.argmin(axis=1).tolist())
        self.assertFalse((self.folder / "samples/neighbours.png").exists(), "without --images there is nothing to show")

    def test_layers_and_grid_of_the_file_are_those_of_the_query(self):
        file = self.folder / "layer2.h5"
        self.run_program("dcgan-extract", self.pictures, "-o", file, "--model", self.model, "--layers", 2, "--grid", 2)
        found = self.neighbours("layer2", self.files[1], "--features", file, "-k", 2)[0]["features"]
        rows = pool(self.activations(self.photos)[1], 2)
        distances = self.expected(rows[1:2], rows)[0]
        self.assertEqual([n["row"] for n in found], numpy.argsort(distances)[:2].tolist())
        self.assertLess(found[0]["distance"], 1e-4)

    def test_a_packed_file_stands_for_its_folder(self):
        packed, file = self.folder / "packed.h5", self.folder / "of-packed.h5"
        self.run_program("dcgan-prepare", "folder", self.pictures, "-o", packed, "--size", SIDE)
        self.run_program("dcgan-extract", packed, "-o", file, "--model", self.model)
        self.neighbours("packed", self.files[2], "--features", file, "--images", packed, "--pixels", "-k", 1)
        for name in ("neighbours.png", "neighbours-pixels.png"):
            self.assert_pixels(self.tiles(f"packed/{name}")[0, 2:], self.photos[2:3])

    def test_little_memory_finds_the_same(self):
        arguments = [self.pictures, "--features", self.file, "-k", 3]
        self.assertEqual(self.neighbours("much", *arguments), self.neighbours("little", *arguments, "--max-memory", "1K"))

    def test_a_model_that_ships_is_found_by_its_hash(self):
        file = self.folder / "shipped.h5"
        self.run_program("dcgan-extract", self.pictures, "-o", file, "--layers", 1, "--grid", 1)
        self.run_program("dcgan-explore", "neighbours", self.files[0], "--features", file, "--out", self.folder / "shipped")
        report = json.loads((self.folder / "shipped/neighbours.json").read_text(encoding="utf-8"))
        self.assertEqual(report["queries"][0]["features"][0]["row"], 0)

    def test_files_that_do_not_fit_are_refused(self):
        def refuses(*arguments, code, says):
            self.assert_refuses("dcgan-explore", "neighbours", self.files[0], "--out", self.folder / "refused", *arguments,
                                code=code, says=says)

        sha = json.loads(self.run_program("dcgan-convert", "info", self.model, "--json").stdout)["sha256"]
        refuses("--features", self.file, code=2, says=["--model is missing", sha])
        refuses("--features", self.file, "--model", "tiny-imagenet32", code=1, says=["another model", sha])
        inferred = self.folder / "inferred.h5"
        self.run_program("dcgan-extract", self.pictures, "-o", inferred, "--model", self.model, "--statistics-from",
                         self.pictures)
        refuses("--features", inferred, "--model", self.model, code=1, says=[inferred, "--statistics-from"])
        small, compressed = self.folder / "compression.safetensors", self.folder / "compressed.h5"
        self.run_program("dcgan-eval", "compress", "--features", self.file, "-o", small, "--dimensions", 4)
        self.run_program("dcgan-extract", self.pictures, "-o", compressed, "--model", self.model, "--compress", small)
        refuses("--features", compressed, "--model", self.model, code=1, says=[compressed, "--compress"])
        refuses("--features", self.file, "--model", self.model, "--images", self.folder / "images", code=1,
                says=[self.folder / "images", "has no image"])
        refuses("--features", self.file, "--pixels", code=2, says=["--images is missing"])
        refuses("--images", self.pictures, code=2, says=["--features is missing"])
        refuses("--images", self.pictures, "--pixels", code=2, says=["--model is missing"])
