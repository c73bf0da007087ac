"""README and the pages of docs/: commands have options that exist, blocks run, links and paths lead somewhere.

Blocks of docs/tour.md, of README's library part and of docs/library.md are run by other tests; those of docs/guide.md and
docs/python.md here, in order, in one folder. A block that cannot run here has a line before it,
<!-- not run: REASON -->, and counts as skipped.
"""

import os
import re
import shlex
import subprocess
import unittest

from programs import BUILD, SOURCE, ProgramTest, program, write_image_folder

PAGES = [SOURCE / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md", "data/models/README.md",
                                    "tests/README.md")] + sorted((SOURCE / "docs").glob("*.md"))
BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^>]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)```", re.S)
ROOTS = ("libdcgan/", "data/", "eval/", "tools/", "tests/", "docs/", "examples/", "python/", "cmake/")


def text_of(page):
    return page.read_text(encoding="utf-8")


def commands_of(page):
    """Calls of the programs in blocks, in indented lines, and in backquotes with at least one option."""
    text = re.sub(r"\\\n\s*", "", text_of(page))
    fenced = "\n".join(match["text"] for match in BLOCK.finditer(text) if match["language"] in ("", "sh"))
    indented = "\n".join(line for line in text.splitlines() if line.startswith("    dcgan-"))
    for line in (fenced + "\n" + indented).splitlines():
        for call in re.findall(r"(?:\"[^\"]*\"|'[^']*'|[^;|&\"']|&(?!&)|[\"'])+", line):
            call = call.split(" #")[0].strip()
            if call.startswith("dcgan-"):
                yield call
    for call in re.findall(r"`(dcgan-[a-z]+ [^`]*--[^`]*)`", re.sub(r"```.*?```", "", text, flags=re.S)):
        yield " ".join(call.split())


# Whose blocks other tests run, and those that take hours: these are only parsed.
RUN_ELSEWHERE = {"README.md": "readme_test", "tour.md": "readme_test", "library.md": "examples_test, wheel_test"}
RUN_HERE, PARSED = ("guide.md", "python.md"), ("benchmarks.md", "ablation.md")


class Pages(ProgramTest):
    @staticmethod
    def options_of(name, commands):
        """Of any of these commands; of the program where there are none."""
        found = set()
        for command in commands or [""]:
            words = [program(name), command, "--help"] if command else [program(name), "--help"]
            said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            found |= {option for pair in re.findall(r"^  (?:(-\w) \[ )?(--[\w-]+)", said, re.M) for option in pair if option}
        return found

    def test_every_command_that_a_page_shows_exists_with_its_options(self):
        known, tried = {}, 0
        for page in PAGES:
            if page.name in ("programs.md", "CONTRIBUTING.md"):  # what the programs say; what they do not have yet
                continue
            for call in commands_of(page):
                with self.subTest(page=page.name, call=call):
                    words = shlex.split(call, comments=True)
                    name, first = words[0], words[1] if len(words) > 1 else ""
                    listed = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True).stdout
                    named = re.search(r"^Commands.*:\n((?:  .*\n)+)", listed, re.M)
                    commands = [line.split()[0] for line in named.group(1).splitlines()] if named else []
                    command = first if first in commands else ""
                    if (name, command) not in known:
                        # A page may speak of an option that several commands have.
                        several = commands if f"Usage: {name} COMMAND" in listed else []
                        known[name, command] = self.options_of(name, [command] if command else several)
                    used = {word.split("=")[0] for word in words[1:] if re.fullmatch(r"--[a-z][\w-]*(=.*)?|-[a-z]", word)}
                    self.assertEqual(used - known[name, command], set())
                    tried += 1
        self.assertGreater(tried, 60)

    def test_every_block_is_run_somewhere_or_says_why_not(self):
        pages = [page for page in PAGES if page.parent.name == "docs" or page.name == "README.md"]
        for page in pages:
            for match in BLOCK.finditer(text_of(page)):
                if match["language"] not in ("sh", "python", "cpp", "c"):
                    continue
                with self.subTest(page=page.name, block=match["text"]):
                    if match["language"] == "sh":
                        parsed = subprocess.run(["bash", "-n", "-c", match["text"]], capture_output=True, text=True, check=False)
                        self.assertEqual(parsed.stderr, "")
                    elif match["language"] == "python":
                        compile(match["text"], page.name, "exec")
                    if page.name in (*RUN_ELSEWHERE, *RUN_HERE, *PARSED):
                        continue
                    self.assertTrue(match["why"], "a line before it must say why it is not run: <!-- not run: REASON -->")
                    self.skipTest(match["why"])

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
                if re.match(r"https?:|mailto:", target):
                    continue
                path, _, anchor = target.partition("#")
                file = (page.parent / path).resolve() if path else page
                with self.subTest(page=page.name, link=target):
                    self.assertTrue(file.exists())
                    if anchor:
                        headings = re.findall(r"^#+ (.*)$", text_of(file), re.M)
                        self.assertIn(anchor, [re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings])

    def test_paths_that_pages_name_exist(self):
        for page in (SOURCE / "docs/paper.md", SOURCE / "ARCHITECTURE.md"):
            for path in re.findall(r"`([\w./-]+)`", text_of(page)):
                if path.startswith(ROOTS) and not path.isupper() and re.fullmatch(r"[a-z_./0-9-]+", path):
                    with self.subTest(page=page.name, path=path):
                        self.assertTrue((SOURCE / path).exists() or list(SOURCE.glob(path + ".*"))
                                        or (SOURCE / "libdcgan/src" / path).exists() or list((SOURCE / "libdcgan/src").glob(path + ".*")))

    def run_page(self, page, folder):
        """What the blocks of a page print, in order; those of Python are one program, up to each of them."""
        environment = {**os.environ, "PATH": f"{BUILD / 'tools'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
        folder.mkdir(exist_ok=True)
        program, printed, said = "", [], ""
        for match in BLOCK.finditer(text_of(SOURCE / page)):
            with self.subTest(block=match["text"]):
                if match["why"]:
                    self.skipTest(match["why"])
                if match["language"] == "python":
                    program += match["text"]
                    call = ["/usr/bin/python3", "-c", program]
                else:
                    call = ["bash", "-e", "-c", match["text"]]
                result = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                if match["language"] == "python":
                    said, before = result.stdout, said
                    printed.append(said.removeprefix(before))
                else:
                    printed.append(result.stdout)
        return printed

    def test_the_guide_runs_from_its_first_line_to_its_last(self):
        folder = self.folder / "guide"
        write_image_folder(folder / "photos", 44, seed=1)
        write_image_folder(folder / "more-photos", 10, seed=2)
        self.assertGreaterEqual(len(self.run_page("docs/guide.md", folder)), 8)
        for name in ("machine.safetensors", "small.h5", "features.onnx", "runs/mine/report.html", "mine.h5"):
            self.assertTrue((folder / name).exists(), name)

    def test_python_gets_the_figures_of_the_programs(self):
        text = "\n".join(self.run_page("docs/python.md", self.folder / "python"))

        def figure(pattern):
            return float(re.search(pattern, text).group(1))

        self.assertGreater(figure(r"accuracy (0\.\d+)"), 0.5)
        self.assertLess(abs(100 * figure(r"accuracy (0\.\d+)") - figure(r"accuracy +([\d.]+)%  \(1000 test rows; ")), 0.3)
        self.assertEqual(round(100 * figure(r"same class (0\.\d+)"), 2), figure(r"accuracy +([\d.]+)%  \(1000 test rows, "))


if __name__ == "__main__":
    unittest.main()
