"""dcgan-explore from outside: a grid of samples, each option with its effect."""

import json

import numpy
from PIL import Image
from programs import NARROW, ProgramTest, write_image_folder


class Samples(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 8)
        job = cls()
        job.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / "images.h5", "--size", 32)
        job.run_program("dcgan-train", "--data", cls.folder / "images.h5", "--out", cls.folder / "run", "--steps", 3, *NARROW)
        cls.model = cls.folder / "run/model.safetensors"

    def samples(self, name, *arguments):
        arguments = ["--model", self.model, "--out", self.folder / name, *arguments]
        self.run_program("dcgan-explore", "samples", *arguments)
        return numpy.asarray(Image.open(self.folder / name / "samples.png"))

    def test_a_grid_has_the_images_side_by_side_with_a_white_pixel_between(self):
        grid = self.samples("five", "--count", 5, "--columns", 3)
        self.assertEqual(grid.shape, (2 * 33 - 1, 3 * 33 - 1, 3))
        self.assertTrue((grid[32] == 255).all())
        self.assertTrue((grid[33:, 66:] == 255).all(), "the sixth place is empty")
        self.assertEqual(self.samples("square", "--count", 5).shape, grid.shape)

    def test_equal_seeds_give_equal_samples_and_other_options_do_not(self):
        first = self.samples("first", "--seed", 3)
        self.assertEqual(first.shape, (8 * 33 - 1, 8 * 33 - 1, 3))
        numpy.testing.assert_array_equal(first, self.samples("again", "--seed", 3))
        self.assertTrue((first != self.samples("other", "--seed", 4)).any())
        self.assertTrue((first != self.samples("fixed", "--seed", 3, "--fixed-statistics")).any())

    def test_fixed_statistics_make_a_sample_independent_of_the_others(self):
        few, many = (self.samples(f"fixed-{n}", "--fixed-statistics", "--count", n, "--columns", 4) for n in (4, 16))
        self.assertLessEqual(numpy.abs(few.astype(int) - many[:32].astype(int)).max(), 1)
        few, many = (self.samples(f"batch-{n}", "--count", n, "--columns", 4) for n in (4, 16))
        self.assertGreater(numpy.abs(few.astype(int) - many[:32].astype(int)).max(), 1)

    def test_a_name_that_ends_in_png_is_the_file_and_each_pixel_may_be_several(self):
        self.samples("plain", "--count", 4)
        path = self.folder / "new/pictures.png"
        self.run_program("dcgan-explore", "samples", "--model", self.model, "--out", path, "--count", 4, "--scale", 3)
        large = numpy.asarray(Image.open(path))
        self.assertEqual(large.shape, (2 * 97 - 1, 2 * 97 - 1, 3))
        small = numpy.asarray(Image.open(self.folder / "plain/samples.png"))
        numpy.testing.assert_array_equal(large[:96, :96], small[:32, :32].repeat(3, axis=0).repeat(3, axis=1))

    def test_separate_files_do_not_depend_on_how_many_there_are(self):
        def files(name, count, *arguments):
            folder = self.folder / name
            self.run_program("dcgan-explore", "samples", "--model", self.model, "--out", folder, "--separate", count,
                             *arguments)
            self.assertEqual(sorted(path.name for path in folder.iterdir()), [f"sample-{i:06d}.png" for i in range(count)])
            return [numpy.asarray(Image.open(folder / f"sample-{i:06d}.png")) for i in range(count)]

        many, few = files("many", 130), files("few", 3)
        self.assertEqual(many[0].shape, (32, 32, 3))
        numpy.testing.assert_array_equal(many[:3], few)
        self.assertEqual(len({picture.tobytes() for picture in many}), 130, "each is another one")
        self.assertTrue((numpy.array(few) != files("seed", 3, "--seed", 1)).any())
        self.assertTrue((numpy.array(few) != files("fixed-files", 3, "--fixed-statistics")).any())
        numpy.testing.assert_array_equal(files("scaled", 3, "--scale", 2)[2], few[2].repeat(2, axis=0).repeat(2, axis=1))
        again = ["dcgan-explore", "samples", "--model", self.model, "--out", self.folder / "many"]
        self.assert_refuses(*again, "--separate", 2, code=1, says=[self.folder / "many", "130 samples", "--overwrite"])
        self.assert_refuses(*again, "--separate", 2, "--columns", 2, code=2, says=["--columns", "--separate"])
        files("many", 2, "--overwrite")

    def test_json_names_the_file_the_seed_and_the_model(self):
        arguments = ["--model", self.model, "--out", self.folder / "json", "--json", "--seed", 9]
        report = json.loads(self.run_program("dcgan-explore", "samples", *arguments).stdout)
        facts = json.loads(self.run_program("dcgan-convert", "info", self.model, "--json").stdout)
        self.assertEqual(report, {"file": str(self.folder / "json/samples.png"), "count": 64, "seed": 9,
                                  "model-sha256": facts["sha256"]})

    def test_wrong_input_is_named(self):
        def refuses(*arguments, code, says):
            self.assert_refuses("dcgan-explore", "samples", *arguments, code=code, says=says)

        out = ["--out", self.folder / "refused"]
        refuses(*out, code=2, says=["--model is missing"])
        refuses("--model", self.model, code=2, says=["--out is missing"])
        refuses("--model", self.model, *out, "--count", 0, code=2, says=["--count is 0"])
        refuses("--model", self.folder / "none", *out, code=1, says=["none"])
        small = self.folder / "small.safetensors"
        self.run_program("dcgan-convert", "model", self.model, "-o", small, "--no-generator")
        refuses("--model", small, *out, code=1, says=[small, "no generator"])
        self.assertFalse((self.folder / "refused").exists())
        self.samples("there")
        refuses("--model", self.model, "--out", self.folder / "there", code=1, says=["samples.png", "--overwrite"])
        self.samples("there", "--overwrite")

