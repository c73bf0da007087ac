"""The recipes are what is published, and the guidelines of the paper's section 3 are options, by dcgan-train from outside."""

import json
import math
import unittest

import h5py
import numpy
from PIL import Image
from programs import NARROW, SOURCE, ProgramTest, write_image_folder
from safetensors.numpy import load_file

# arXiv:1511.06434, sections 4 and 5.1, figure 1; the authors' faces/train_uncond_dcgan.py, and the names and shapes of the
# weights that they released. One epoch of their alternating schedule is half a pair of updates a minibatch.
PUBLISHED = {
    "imagenet32": {"images": 1_281_167, "epochs": 30, "discriminator": 4_586_112, "generator": 6_690_688,
                   "features": 28_672, "image-size": 32, "kernel": 3, "convs-per-scale": 2, "ndf": 128, "ngf": 128,
                   "nz": 256, "latent": "uniform", "batch-size": 128, "learning-rate": 2e-4, "weight-decay": 0},
    "faces64": {"images": 350_000, "epochs": 25, "discriminator": 17_232_768, "generator": 18_885_760,
                "features": 30_720, "image-size": 64, "kernel": 5, "convs-per-scale": 1, "ndf": 128, "ngf": 128,
                "nz": 100, "latent": "uniform", "batch-size": 128, "learning-rate": 2e-4, "weight-decay": 1e-5},
    "lsun64": {"images": 3_033_042, "epochs": 5, "discriminator": 17_232_768, "generator": 18_885_760,
               "features": 30_720, "image-size": 64, "kernel": 5, "convs-per-scale": 1, "ndf": 128, "ngf": 128,
               "nz": 100, "latent": "uniform", "batch-size": 128, "learning-rate": 2e-4, "weight-decay": 0},
    "svhn32": {"images": 73_257, "epochs": 200, "discriminator": 1_033_664, "generator": 1_446_976,
               "features": 7_168, "image-size": 32, "kernel": 5, "convs-per-scale": 1, "ndf": 64, "ngf": 64,
               "nz": 100, "latent": "normal", "batch-size": 64, "learning-rate": 5e-4, "weight-decay": 0},
}
SHIPPED = "tiny-imagenet32"
CONTRASTIVE = "tiny-imagenet32-contrastive"
LISTS = ["pytorch64", "pytorch128", "grey28"]  # networks of others
FOR_ALL = {"schedule": "alternating", "beta1": 0.5, "beta2": 0.999, "decay-steps": 0, "average-decay": 0,
           "scaling": "strides", "batch-norm": "published", "hidden-dense": 0, "head": "flatten",
           "activation": "leaky-relu"}


class Training(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 43)
        job = cls()
        for size in (28, 32, 64):
            job.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.folder / f"{size}.h5",
                            "--size", size)

    def plan(self, size, *arguments):
        """What --dry-run prints: the options, and what is said about them."""
        lines = self.run_program("dcgan-train", "--data", self.folder / f"{size}.h5", "--dry-run",
                                 *arguments).stdout.splitlines()
        options = dict(line.split(" = ") for line in lines if not line.startswith("#"))
        return options, "\n".join(line for line in lines if line.startswith("#"))


class Recipes(Training):
    def test_each_is_the_published_training(self):
        recipes = sorted(path.stem for path in (SOURCE / "tools/recipes").glob("*.ini"))
        self.assertEqual(recipes, sorted([*PUBLISHED, SHIPPED, CONTRASTIVE, *LISTS]))
        for name, published in PUBLISHED.items():
            with self.subTest(recipe=name):
                # Twice, so that a step takes a second: with the published minibatch, and at the published width.
                recipe = [published["image-size"], "--threads", 1, "--recipe", name]
                narrow, _ = self.plan(*recipe, "--ndf", 2, "--ngf", 2)
                options, said = self.plan(*recipe, "--batch-size", 2)
                options["batch-size"] = narrow["batch-size"]
                for flag, value in {**published, **FOR_ALL}.items():
                    if flag in options:
                        self.assertEqual(type(value)(options[flag]), value, flag)
                minibatches = math.ceil(published["images"] / published["batch-size"])
                self.assertEqual(int(options["steps"]), math.ceil(published["epochs"] * minibatches / 2))
                self.assertIn(f"# discriminator: {published['discriminator']} parameters, "
                              f"{published['features']} features", said)
                self.assertIn(f"# generator: {published['generator']} parameters", said)

    def test_that_of_pytorchs_example_has_its_networks_and_its_loop(self):
        options, said = self.plan(64, "--threads", 1, "--recipe", "pytorch64", "--batch-size", 2)
        self.assertIn("# discriminator: 2765568 parameters, 15360 features", said)  # as PyTorch counts those of its example
        self.assertIn("# generator: 3576704 parameters", said)
        self.assertEqual((options["schedule"], options["latent"], options["nz"]), ("both", "normal", "100"))
        self.assertEqual(options["shared-noise"], "true")

    def test_that_of_grey_images_trains_a_model_that_takes_grey_and_colours(self):
        run = self.folder / "grey"
        self.run_program("dcgan-train", "--data", self.folder / "28.h5", "--out", run, "--recipe", "grey28", "--steps", 2,
                         "--batch-size", 6, "--threads", 1)
        with Image.open(next((run / "samples").glob("*.png"))) as samples:
            pixels = numpy.asarray(samples.convert("RGB"))
        self.assertTrue((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())
        features = self.folder / "grey.h5"
        said = self.run_program("dcgan-extract", self.folder / "28.h5", "-o", features, "--model", run / "model.safetensors").stdout
        self.assertIn("with colours, taken as grey by their luma", said)
        with h5py.File(features) as file:
            self.assertEqual(file["features"].shape[1], 16 * (64 + 128))
        self.run_program("dcgan-train", "--data", self.folder / "28.h5", "--out", run, "--resume", "--steps", 3, "--threads", 1)
        self.assert_refuses("dcgan-train", "--data", self.folder / "28.h5", "--out", self.folder / "other", "--recipe", "grey28",
                            "--initialise", self.folder / "none.safetensors", code=1, says=["none.safetensors"])

    def test_a_model_of_a_list_is_what_another_training_begins_with(self):
        run = ["dcgan-train", "--data", self.folder / "28.h5", "--recipe", "grey28", "--batch-size", 6, "--threads", 1]
        self.run_program(*run, "--out", self.folder / "first", "--steps", 2)
        model = self.folder / "first/model.safetensors"
        self.run_program(*run, "--out", self.folder / "second", "--steps", 0, "--initialise", model, "--seed", 7)
        before, after = load_file(model), load_file(self.folder / "second/model.safetensors")
        for name in before:
            if ".running_" not in name:
                numpy.testing.assert_array_equal(before[name], after[name], err_msg=name)
        narrow = "conv 4 2 1 to 5; lrelu 0.2; conv 4 2 1 to 128; bn 1e-5; lrelu 0.2; dense to 1"
        self.assert_refuses(*run, "--out", self.folder / "third", "--steps", 0, "--initialise", model, "--network", narrow, code=1,
                            says=["discriminator.conv1.weight is 64 x 1 x 4 x 4", "the network to be trained has 5 x 1 x 4 x 4"])

    def test_that_of_the_model_that_ships_has_the_networks_of_imagenet32_and_smaller_minibatches(self):
        narrow = [32, "--threads", 1, "--ndf", 2, "--ngf", 2, "--recipe"]
        theirs, ours = self.plan(*narrow, "imagenet32")[0], self.plan(*narrow, SHIPPED)[0]
        differ = {flag for flag, value in ours.items() if theirs[flag] != value}
        self.assertEqual(differ, {"batch-size", "steps", "checkpoint-every"})
        self.assertEqual(ours["batch-size"], "32")

    def test_that_of_the_contrastive_model_has_the_discriminator_of_imagenet32_and_another_objective(self):
        narrow = ["--threads", 1, "--ndf", 2, "--recipe"]
        theirs = self.plan(32, *narrow, "imagenet32", "--ngf", 2)[0]
        ours, said = self.plan(64, *narrow, CONTRASTIVE, "--batch-size", 64)  # 512 are more than there are
        differ = {flag for flag, value in ours.items() if theirs[flag] != value}
        self.assertEqual(differ, {"ngf", "precision", "batch-size", "initialise", "adversarial", "contrastive",
                                  "learning-rate", "beta1", "beta2", "weight-decay", "decoupled-weight-decay", "warm-up-steps", "steps", "decay-steps",
                                  "decay-shape", "checkpoint-every"})
        self.assertIn("# no generator", said)

    def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known_one(self):
        recipe = self.folder / "mine.ini"
        recipe.write_text("ndf = 4\nlerning-rate = 1e-3\n")
        self.assert_refuses("dcgan-train", "--data", self.folder / "32.h5", "--out", self.folder / "x", "--recipe",
                            recipe, code=2, says=["--lerning-rate is unknown", "--learning-rate", recipe])
        self.assertFalse((self.folder / "x").exists())

    def test_a_wrong_value_is_named_with_its_file(self):
        recipe = self.folder / "wrong.ini"
        recipe.write_text("ndf = four\n")
        self.assert_refuses("dcgan-train", "--data", self.folder / "32.h5", "--out", self.folder / "x", "--recipe",
                            recipe, code=2, says=[recipe, "--ndf", "four"])
        self.assert_refuses("dcgan-train", "--data", self.folder / "32.h5", "--out", self.folder / "x", "--config",
                            recipe, code=2, says=[recipe, "--ndf", "four"])

    def test_a_folder_is_no_recipe_and_hides_none_of_its_name(self):
        folder = self.folder / "svhn32"
        folder.mkdir()
        run = ["dcgan-train", "--data", self.folder / "32.h5", "--dry-run", "--ndf", 2, "--ngf", 2, "--batch-size", 4]
        plan = self.run_program(*run, "--recipe", "svhn32", cwd=self.folder).stdout
        self.assertIn("kernel = 5\n", plan)
        for option in ("--config", "--recipe"):
            self.assert_refuses(*run, option, folder, code=1, says=[folder, "expected an INI file"])

    def test_help_names_each_of_them(self):
        text = self.run_program("dcgan-train", "--help").stdout
        for recipe in (SOURCE / "tools/recipes").glob("*.ini"):
            self.assertRegex(text, rf"[\s,]{recipe.stem},")

    def test_an_unknown_recipe_is_named_with_the_known_ones(self):
        self.assert_refuses("dcgan-train", "--data", self.folder / "32.h5", "--out", self.folder / "x", "--recipe",
                            "imagenet64", code=2, says=["imagenet64", *sorted(PUBLISHED)])


class Guidelines(Training):
    OTHERS = ["--scaling", "pooling", "--batch-norm", "none", "--hidden-dense", 5, "--head", "average-pool",
              "--activation", "relu"]

    def test_each_changes_the_parameters_as_it_says(self):
        # By hand, at ndf = ngf = 4: convolutions of 4, 4, 8, 8, 16, 16 channels, z of 8, 16 * 4 * 4 = 256 units.
        convolutions = 9 * (3 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16)
        norms = 2 * (4 + 8 + 8 + 16 + 16)  # of the discriminator's, all but the first
        up_norms = 2 * (256 + 16 + 8 + 8 + 4 + 4)  # of the projection and all but the generator's last
        down, up = convolutions + norms + 256, 8 * 256 + convolutions + up_norms
        for arguments, discriminator, generator in (
            ([], down, up),
            (["--scaling", "pooling"], down, up),
            (["--activation", "relu"], down, up),
            (["--batch-norm", "all"], down + 2 * 4, up + 2 * 3),
            (["--batch-norm", "none"], down - norms, up - up_norms),
            (["--head", "average-pool"], down - 256 + 16, up),
            (["--hidden-dense", 5], down - 256 + 256 * 5 + 2 * 5 + 5, up - 8 * 256 + 8 * 5 + 2 * 5 + 5 * 256),
            (self.OTHERS, convolutions + 16 * 5 + 5, convolutions + 8 * 5 + 5 * 256),
        ):
            with self.subTest(arguments=arguments):
                options, said = self.plan(32, *NARROW, *arguments)
                self.assertIn(f"# discriminator: {discriminator} parameters, 896 features", said)
                self.assertIn(f"# generator: {generator} parameters", said)
                for flag, value in zip(arguments[::2], arguments[1::2]):
                    self.assertEqual(options[flag.removeprefix("--")], str(value))

    def test_they_are_in_run_model_and_features_and_only_where_they_are_not_followed(self):
        data = ["--data", self.folder / "32.h5", "--steps", 1, "--statistics-minibatches", 1, *NARROW]
        flags = [str(flag).removeprefix("--") for flag in self.OTHERS[::2]]
        for run, arguments in (("published", []), ("others", self.OTHERS)):
            folder = self.folder / run
            self.run_program("dcgan-train", *data, *arguments, "--out", folder)
            model = folder / "model.safetensors"
            self.run_program("dcgan-extract", self.folder / "32.h5", "-o", folder / "f.h5", "--model", model)
            info = json.loads(self.run_program("dcgan-convert", "info", model, "--json").stdout)
            with h5py.File(folder / "f.h5") as file:
                self.assertTrue(numpy.isfinite(file["features"][:]).all())
                self.assertEqual(run == "others", bool((file["features"][:] >= 0).all()), "ReLU")
                written = json.loads(file.attrs["architecture"])
            for architecture in (json.loads((folder / "options.json").read_text())["architecture"],
                                 info["architecture"], written):
                for flag, value in zip(flags, self.OTHERS[1::2]):
                    self.assertEqual(architecture.get(flag), value if arguments else None)
        self.assert_refuses("dcgan-train", *data, "--out", self.folder / "others", "--resume", "--scaling", "strides",
                            code=2, says=["options.json", "--scaling pooling, now it is strides"])

    def test_a_value_that_is_none_is_refused_with_the_known_ones(self):
        for flag, value, known in (("--scaling", "stride", ["strides", "pooling"]), ("--head", "mean", ["average-pool"]),
                                   ("--batch-norm", "some", ["published", "all", "none"]), ("--hidden-dense", -1, ["0"]),
                                   ("--activation", "selu", ["leaky-relu", "relu"])):
            with self.subTest(flag=flag):
                self.assert_refuses("dcgan-train", "--data", self.folder / "32.h5", "--out", self.folder / "x", flag,
                                    value, code=2, says=[flag, value, *known])


if __name__ == "__main__":
    unittest.main()
