"""dcgan-explore drop annotate: what it serves and to whom, and its page in a real browser."""

import base64
import csv
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import unittest
from contextlib import contextmanager, suppress
from pathlib import Path

import explore_case
import numpy
from explore_case import SIDE
from PIL import Image
from programs import program

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait
except ImportError:
    webdriver = None

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
HEAD = ["sample", "x", "y", "width", "height"]
COUNT = 7


class AnnotateTest(explore_case.ExploreTest):
    def command(self, file, *arguments):
        return [program("dcgan-explore"), "drop", "annotate", "--model", str(self.model), "--boxes", str(self.folder / file),
                "--count", str(COUNT), *map(str, arguments)]

    @contextmanager
    def page(self, file, *arguments):
        """Yields the running program and the address of its page."""
        process = subprocess.Popen(self.command(file, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            line = process.stderr.readline()
            match = re.fullmatch(r"draw at (http://127\.0\.0\.1:(\d+)(/[0-9a-f]{32}/))\n", line)
            self.assertTrue(match, line + (process.stderr.read() if process.poll() else ""))
            process.address, process.port, process.prefix = match[1], int(match[2]), match[3]
            yield process
        finally:
            process.kill()
            process.communicate()

    def ask(self, page, method, path, body=None, host=None, prefix=None):
        """Returns (status, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
        headers = {"Host": host or f"127.0.0.1:{page.port}"}
        connection.request(method, (page.prefix if prefix is None else prefix) + path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def boxes(self, file):
        """Rows of a CSV file, as whole numbers."""
        with open(self.folder / file, encoding="utf-8", newline="") as lines:
            head, *rows = csv.reader(lines)
        self.assertEqual(head, HEAD)
        return [[int(value) for value in row] for row in rows]

    @staticmethod
    def box(*values):
        return dict(zip(HEAD, values))


class Server(AnnotateTest):
    def test_the_samples_are_those_that_drop_looks_at(self):
        self.explore("samples", "same", "--count", COUNT)
        with self.page("none.csv") as page:
            status, png = self.ask(page, "GET", "samples.png")
            self.assertEqual(status, 200)
            shown, same = (numpy.asarray(Image.open(file)) for file in (io.BytesIO(png), self.folder / "same/samples.png"))
            numpy.testing.assert_array_equal(shown, same)
            facts = json.loads(self.ask(page, "GET", "samples.json")[1])
            self.assertEqual(facts, {"count": COUNT, "size": SIDE, "columns": 3, "names": [str(i) for i in range(COUNT)],
                                     "boxes": []})
            self.assertIn(b"<title>", self.ask(page, "GET", "")[1])
            self.assertEqual(self.ask(page, "GET", "other")[0], 404)
        with self.page("none.csv", "--seed", 2) as page:
            self.assertNotEqual(self.ask(page, "GET", "samples.png")[1], png)
        self.assertFalse((self.folder / "none.csv").exists(), "nothing was saved")

    def test_boxes_are_saved_where_drop_reads_them_and_are_there_again(self):
        boxes = [self.box(0, 1, 2, 3, 4), self.box(6, 0, 0, 31, 32)]
        for file in ("saved.csv", "saved.json"):
            with self.page(file, "--json") as page:
                self.assertEqual(self.ask(page, "PUT", "boxes.json", json.dumps(boxes)), (204, b""))
                self.assertEqual(self.ask(page, "POST", "done")[0], 204)
                output, _ = page.communicate(timeout=30)
                self.assertEqual(page.returncode, 0)
                self.assertEqual(json.loads(output), {"output": str(self.folder / file), "boxes": 2, "samples": 2})
            with self.page(file) as page:
                self.assertEqual(json.loads(self.ask(page, "GET", "samples.json")[1])["boxes"], boxes)
            self.assertEqual(self.explore("drop", f"of-{file}", "--count", COUNT, "--boxes", self.folder / file)["boxes"], 2)
        self.assertEqual(self.boxes("saved.csv"), [list(box.values()) for box in boxes])
        self.assertEqual(json.loads((self.folder / "saved.json").read_text()), boxes)

    def test_who_does_not_know_the_address_gets_nothing(self):
        with self.page("secret.csv") as page, self.page("other.csv") as other:
            self.assertNotEqual(page.prefix, other.prefix)
            for prefix in ("/", "/samples.png", other.prefix, page.prefix[:-2] + "/"):
                self.assertEqual(self.ask(page, "GET", "samples.png", prefix=prefix)[0], 404, prefix)
            for host in ("evil.example", f"evil.example:{page.port}", "127.0.0.1", f"127.0.0.1:{page.port + 1}"):
                status, text = self.ask(page, "PUT", "boxes.json", "[]", host=host)
                self.assertEqual((status, b"only" in text), (403, True), host)
            self.assertEqual(self.ask(page, "GET", "", host=f"localhost:{page.port}")[0], 200)
            self.assertFalse((self.folder / "secret.csv").exists())

    def test_it_listens_on_the_loopback_address_only(self):
        with self.page("loopback.csv") as page:
            with self.assertRaises(ConnectionRefusedError):  # an address of this machine, too
                socket.create_connection(("127.0.0.2", page.port), timeout=10)
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{page.port:04X}")}
            self.assertEqual(listening, {f"0100007F:{page.port:04X}"})

    def test_a_port_in_use_is_said(self):
        with self.page("first.csv") as page:
            command = self.command("second.csv", "--port", page.port)
            self.assert_refuses("dcgan-explore", *command[1:], code=1, says=[f"port {page.port}", "in use", "--port"])
            self.assertEqual(self.ask(page, "GET", "")[0], 200)
        with self.page("again.csv", "--port", page.port) as again:
            self.assertEqual(again.port, page.port, "free again")
        self.assert_refuses("dcgan-explore", *self.command("x.csv", "--port", 65536)[1:], code=2, says=["--port", "65536"])

    def test_boxes_that_cannot_be_are_refused_and_the_file_stays(self):
        with self.page("kept.csv") as page:
            self.assertEqual(self.ask(page, "PUT", "boxes.json", json.dumps([self.box(1, 2, 3, 4, 5)]))[0], 204)
            for boxes, says in (([self.box(COUNT, 0, 0, 1, 1)], b"there are 7"), ([self.box(0, 30, 0, 3, 1)], b"beyond"),
                                ([self.box(0, 3, 3, 0, 2)], b"empty"), ({"sample": 1}, b"array"), ("no boxes", b"line 1")):
                status, text = self.ask(page, "PUT", "boxes.json", json.dumps(boxes))
                self.assertEqual((status, says in text), (400, True), text)
            with self.assertRaises((ConnectionError, http.client.HTTPException)):  # more than anybody draws
                self.ask(page, "PUT", "boxes.json", b" " * (5 << 20))
            self.assertEqual(self.ask(page, "GET", "")[0], 200)
        self.assertEqual(self.boxes("kept.csv"), [[1, 2, 3, 4, 5]])

    def test_a_file_that_holds_no_boxes_is_refused_before_anything_is_served(self):
        (self.folder / "wrong.csv").write_text("sample,x,y,width,height\n0,0,0,33,1\n")
        self.assert_refuses("dcgan-explore", *self.command("wrong.csv")[1:], code=1, says=["wrong.csv", "box 1", "beyond"])
        link = self.folder / "linked.safetensors"
        os.link(self.model, link)
        self.assert_refuses("dcgan-explore", *self.command("linked.safetensors")[1:], code=1,
                            says=["linked.safetensors", "which this command reads"])

    def test_a_connection_that_says_nothing_keeps_nobody_waiting(self):
        with self.page("idle.csv") as page, socket.create_connection(("127.0.0.1", page.port)) as idle:
            idle.sendall(b"GET / HT")
            self.assertEqual(self.ask(page, "GET", "")[0], 200)

    def test_a_signal_ends_it(self):
        with self.page("signal.csv") as page:
            page.send_signal(signal.SIGINT)
            self.assertEqual(page.wait(timeout=30), 130)


@unittest.skipUnless(webdriver and CHROMIUM.exists() and DRIVER.exists(),
                     "no Chromium with chromedriver and Selenium here; on Debian tools/setup --check installs them")
class Browser(AnnotateTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=900,700",
                     f"--user-data-dir={cls.folder / 'browser'}"):
            options.add_argument(word)
        cls.browser = webdriver.Chrome(service=webdriver.chrome.service.Service(str(DRIVER)), options=options)
        cls.addClassCleanup(cls.browser.quit)

    def open(self, page):
        self.browser.get(page.address)
        self.wait_for("boxes in|box in")
        self.canvases = self.browser.find_elements(By.TAG_NAME, "canvas")
        self.assertEqual(len(self.canvases), COUNT)
        self.scale = self.canvases[0].size["width"] // SIDE

    def wait_for(self, pattern):
        def found(_):
            return re.search(pattern, self.browser.find_element(By.ID, "status").text)

        with suppress(Exception):
            WebDriverWait(self.browser, 30).until(found)
        status = self.browser.find_element(By.ID, "status").text
        self.assertRegex(status, pattern)
        return status

    def draw(self, sample, x, y, width, height):
        """Pulls the mouse from the middle of one pixel of the sample to that of another."""
        canvas, middle = self.canvases[sample], SIDE * self.scale // 2
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)

        def offset(pixel):
            return pixel * self.scale + self.scale // 2 - middle

        ActionChains(self.browser, duration=0).move_to_element_with_offset(canvas, offset(x), offset(y)).click_and_hold() \
            .move_to_element_with_offset(canvas, offset(x + width - 1), offset(y + height - 1)).release().perform()

    def press(self, *keys, **held):
        chain = ActionChains(self.browser)
        for key in held.get("hold", []):
            chain.key_down(key)
        chain.send_keys(*keys)
        for key in held.get("hold", []):
            chain.key_up(key)
        chain.perform()

    def colours(self, sample):
        """What is on the screen of a sample: uint8 [H, W, 3]."""
        data = self.browser.execute_script("return arguments[0].toDataURL('image/png')", self.canvases[sample])
        return numpy.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB"))

    def test_boxes_are_drawn_undone_saved_and_there_after_a_reload(self):
        with self.page("drawn.csv") as page:
            self.open(page)
            plain = self.colours(2)
            self.draw(2, 3, 5, 10, 8)
            self.wait_for("1 box in 1 of 7 samples, not saved")
            self.assertTrue((self.colours(2) != plain).any(), "the box is seen")
            self.draw(4, 20, 20, 30, 4)  # ends outside of the sample, or over its neighbour: cut off at the edge
            self.draw(2, 0, 0, 2, 2)
            self.wait_for("3 boxes in 2 of 7 samples, not saved")
            self.press("z", hold=[Keys.CONTROL])
            self.wait_for("2 boxes in 2")
            self.press("y", hold=[Keys.CONTROL])
            self.wait_for("3 boxes in 2")
            self.browser.find_element(By.ID, "undo").click()
            self.wait_for("2 boxes in 2")
            self.assertFalse((self.folder / "drawn.csv").exists())
            self.press("s", hold=[Keys.CONTROL])
            self.wait_for("2 boxes in 2 of 7 samples$")
            expected = [[2, 3, 5, 10, 8], [4, 20, 20, 12, 4]]
            self.assertEqual(self.boxes("drawn.csv"), expected)
            self.open(page)  # a reload
            self.wait_for("2 boxes in 2 of 7 samples$")
            self.assertTrue((self.colours(2) != plain).any())
            self.draw(0, 1, 1, 5, 5)
            self.browser.find_element(By.ID, "done").click()
            self.wait_for("has ended")
            self.assertEqual(page.wait(timeout=30), 0)
            self.assertEqual(self.boxes("drawn.csv"), [*expected, [0, 1, 1, 5, 5]])
        self.explore("drop", "drawn", "--count", COUNT, "--boxes", self.folder / "drawn.csv")

    def test_the_keyboard_alone_draws_moves_resizes_and_removes(self):
        with self.page("keys.csv") as page:
            self.open(page)
            self.browser.execute_script("arguments[0].focus()", self.canvases[0])
            self.press(Keys.TAB, Keys.ENTER)  # a quarter of the side in the middle of the second sample
            self.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
            self.press(Keys.ARROW_RIGHT, Keys.ARROW_UP, hold=[Keys.SHIFT])
            self.press(Keys.TAB, Keys.ENTER)
            self.wait_for("2 boxes in 2")
            self.press(Keys.DELETE)
            self.wait_for("1 box in 1")
            self.press("s", hold=[Keys.CONTROL])
            self.wait_for("1 box in 1 of 7 samples$")
        self.assertEqual(self.boxes("keys.csv"), [[1, 10, 13, 9, 7]])

    def test_a_click_selects_a_box_and_no_box_leaves_its_sample(self):
        (self.folder / "click.csv").write_text("sample,x,y,width,height\n3,0,4,6,6\n3,20,20,8,8\n")
        with self.page("click.csv") as page:
            self.open(page)
            self.draw(3, 2, 6, 1, 1)
            self.press(Keys.ARROW_LEFT)
            self.wait_for("2 boxes in 1 of 7 samples$")
            self.press(Keys.ARROW_RIGHT)
            self.wait_for("not saved")
            self.draw(3, 15, 15, 1, 1)
            self.press(Keys.DELETE)
            self.wait_for("2 boxes")
            self.press("s", hold=[Keys.CONTROL])
            self.wait_for("samples$")
        self.assertEqual(self.boxes("click.csv"), [[3, 1, 4, 6, 6], [3, 20, 20, 8, 8]])

    def test_a_program_that_is_gone_is_said(self):
        with self.page("gone.csv") as page:
            self.open(page)
            self.draw(0, 3, 3, 4, 4)
            page.send_signal(signal.SIGTERM)
            page.wait(timeout=30)
            self.browser.find_element(By.ID, "save").click()
            self.wait_for("does not answer")
        self.browser.get("about:blank")
        with suppress(Exception):
            self.browser.switch_to.alert.accept()


if __name__ == "__main__":
    unittest.main()
