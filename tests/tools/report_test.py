"""dcgan-train report, read with Python's HTML parser."""

import base64
import io
import json
import unittest
from html.parser import HTMLParser
from urllib.parse import unquote

import h5py
import numpy
from PIL import Image
from programs import NARROW, ProgramTest, write_image_folder


class Page(HTMLParser):
    """Titles of the plots with their lines' points, legends, pictures, cells, and what would need a network."""

    def __init__(self, path):
        super().__init__()
        self.plots, self.legends, self.pictures, self.cells, self.outside = {}, [], [], [], []
        self.title, self.open, self.links = "", [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open.append((tag, attributes.get("class")))
        if tag in ("polyline", "polygon", "circle"):
            points = attributes.get("points", "one").split()
            self.plots.setdefault(self.title, []).append((tag, points))
        if tag == "img":
            self.pictures.append(base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,")))
        if tag in ("script", "link", "iframe"):
            self.outside.append(tag)
        if tag == "a":
            self.links.append(attributes["href"])
        self.outside += [value for name, value in attributes.items()
                         if name in ("src", "href") and not value.startswith("data:") and tag != "a"]

    def handle_data(self, data):
        tag, kind = self.open[-1] if self.open else ("", "")
        if tag == "figcaption":
            self.title = data
        if tag in ("th", "td"):
            self.cells.append(data)
        if kind == "legend":
            self.legends.append(data)


class Report(ProgramTest):
    def write_run(self, name, lines, grids=0):
        run = self.folder / name
        (run / "samples").mkdir(parents=True)
        (run / "options.json").write_text('{"architecture": {"ndf": 4}, "seed": 7}')
        (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        for step in range(grids):
            Image.new("RGB", (4, 4), (step, 0, 0)).save(run / f"samples/step-{step:08d}.png")
        return run

    def report(self, run, *arguments):
        self.run_program("dcgan-train", "report", run, *arguments)
        output = arguments[arguments.index("-o") + 1] if "-o" in arguments else run / "report.html"
        return Page(output)

    def test_shows_curves_samples_and_options_of_a_training_and_needs_nothing_from_outside(self):
        write_image_folder(self.folder / "images", 10)
        run = self.folder / "run"
        self.run_program("dcgan-train", "--data", self.folder / "images", "--out", run, "--steps", 4, "--log-every", 1,
                         "--sample-every", 2, *NARROW)
        page = self.report(run)
        self.assertEqual(page.outside, [])
        for title in ("Losses, nats", "What the discriminator says", "Norm of the gradient"):
            self.assertEqual([(tag, len(points)) for tag, points in page.plots[title]], [("polyline", 4)] * 2, title)
        self.assertEqual(len(page.plots["Images per second"]), 1)
        self.assertIn("D(G(z))", page.legends)
        real, *samples = page.pictures
        self.assertEqual(samples, [p.read_bytes() for p in sorted((run / "samples").glob("*.png"))])
        self.assertEqual(len(samples), 2)
        with h5py.File(run / "data.h5") as file:
            first, last = file["images"][0], file["images"][29]
        real = numpy.asarray(Image.open(io.BytesIO(real)))
        self.assertEqual(real.shape, (3 * 33 - 1, 10 * 33 - 1, 3), "all 30 images, ten in a row")
        numpy.testing.assert_array_equal(real[:32, :32], first)
        numpy.testing.assert_array_equal(real[-32:, -32:], last)
        self.assertEqual(page.cells[page.cells.index("architecture/nz") + 1], "8")
        self.assertEqual(page.cells[page.cells.index("steps") + 1], "4 of 4")
        self.assertRegex(page.cells[page.cells.index("begun") + 1], r"^20\d\d-\d\d-\d\d \d\d:\d\d UTC$")
        self.assertRegex(page.cells[page.cells.index("between them, pauses included") + 1], r"^\d+ s$")
        self.run_program("dcgan-train", "--data", self.folder / "images", "--out", run, "--steps", 6, "--resume", *NARROW)
        later = self.report(run, "-o", self.folder / "elsewhere/later.html")
        self.assertEqual(later.cells[later.cells.index("steps") + 1], "6 of 6")
        files = {path for path in run.rglob("*") if path.is_file()}
        self.assertEqual({(self.folder / "elsewhere" / unquote(link)).resolve() for link in later.links}, files)
        (run / "data.h5").unlink()
        (run / "resume.json").unlink()
        without = self.report(run, "--overwrite")
        self.assertEqual(len(without.pictures), 3, "no real images where there are none")
        self.assertEqual(without.cells[without.cells.index("steps") + 1], "6")

    def test_has_a_plot_for_a_metric_that_it_does_not_know_and_shows_its_name_as_text(self):
        page = self.report(self.write_run("<b>&run", [{"step": 1, "<i>new": 2.5}]))
        self.assertEqual(page.plots["<i>new"], [("circle", ["one"])])
        self.assertNotIn(("b", None), page.open)

    def test_draws_a_long_run_as_means_over_a_band(self):
        page = self.report(self.write_run("long", [{"step": i, "probe_score": i % 7} for i in range(5000)]))
        (band, edges), (line, means) = page.plots["Accuracy of the probe"]
        self.assertEqual((band, len(edges), line, len(means)), ("polygon", 800, "polyline", 400))
        self.assertEqual(page.cells[page.cells.index("highest probe_score") + 1], "6 (step 6)")

    def test_puts_points_where_they_belong(self):
        page = self.report(self.write_run("line", [{"step": 10 * i, "probe_score": i / 10} for i in range(11)]))
        points = [tuple(map(float, p.split(","))) for p in page.plots["Accuracy of the probe"][0][1]]
        for i, (x, y) in enumerate(points):  # both axes go from 0 to the highest value
            self.assertAlmostEqual(x, points[0][0] + i * (points[10][0] - points[0][0]) / 10, delta=0.11)
            self.assertAlmostEqual(y, points[0][1] + i * (points[10][1] - points[0][1]) / 10, delta=0.11)
        self.assertLess(points[10][1], points[0][1])

    def test_leaves_out_what_was_not_finite_and_a_last_line_that_is_not_whole(self):
        run = self.write_run("cut", [{"step": 1, "a": 1}, {"step": 2, "a": None}, {"step": 3, "a": 2}])
        with (run / "metrics.jsonl").open("a") as file:
            file.write('{"step":4,"a":')
        self.assertEqual(len(self.report(run).plots["a"][0][1]), 2)

    def test_shows_the_alarms(self):
        run = self.write_run("collapsed", [{"step": 1, "a": 1}, {"step": 1, "alarm": "the samples are <alike>."}])
        self.report(run)
        self.assertIn('<p class="alarm">the samples are &lt;alike&gt;.</p>', (run / "report.html").read_text())

    def test_shows_as_many_grids_as_asked_for_the_first_and_the_last_among_them(self):
        run = self.write_run("grids", [{"step": 1, "a": 1}], grids=20)

        def shades(pictures):
            return [Image.open(io.BytesIO(picture)).getpixel((0, 0))[0] for picture in pictures]

        self.assertEqual(len(self.report(run).pictures), 12)
        self.assertEqual(shades(self.report(run, "--grids", 3, "--overwrite").pictures), [0, 9, 19])
        self.assertEqual(shades(self.report(run, "--grids", 1, "--overwrite").pictures), [19])
        self.assertEqual(len(self.report(run, "--grids", 0, "--overwrite").pictures), 20)

    def test_goes_where_output_says_and_replaces_nothing_unasked(self):
        run = self.write_run("output", [{"step": 1, "a": 1}])
        self.run_program("dcgan-train", "report", run, "-o", self.folder / "there.html")
        self.assertTrue((self.folder / "there.html").exists())
        self.assertFalse((run / "report.html").exists())
        self.assert_refuses("dcgan-train", "report", run, "-o", self.folder / "there.html", code=1,
                            says=["there.html", "exists", "--overwrite"])

    def test_of_a_run_that_is_called_as_the_place_of_its_name_comes_to_an_end(self):
        run = self.write_run("%TITLE%", [{"step": 20, "generator_loss": 1.0}])
        self.report(run)
        self.assertIn("<h1>dcgan-train: %TITLE%</h1>", (run / "report.html").read_text(encoding="utf-8"))

    def test_refuses_what_is_no_run(self):
        self.assert_refuses("dcgan-train", "report", code=2, says=["expected one RUN"])
        self.assert_refuses("dcgan-train", "report", self.folder / "nowhere", code=1,
                            says=["nowhere/metrics.jsonl", "must be the run folder"])
        self.assert_refuses("dcgan-train", "report", self.write_run("empty", []), code=1, says=["holds no metrics yet"])
        bad = self.write_run("bad", [{"step": 1, "a": 1}, [3], {"step": 2, "a": 1}])
        self.assert_refuses("dcgan-train", "report", bad, code=1, says=["metrics.jsonl", "line 2"])
        (bad / "metrics.jsonl").write_text('{"step": 1, "a": 1}\n')
        (bad / "options.json").write_text("{")
        self.assert_refuses("dcgan-train", "report", bad, code=1, says=["options.json", "damaged"])
        self.assert_refuses("dcgan-train", "report", bad, "--grids", -1, code=2, says=["--grids is -1"])


if __name__ == "__main__":
    unittest.main()
