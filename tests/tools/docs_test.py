"""docs/programs.md is what the programs say of themselves today."""

import gzip
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from programs import BUILD, SOURCE


class Docs(unittest.TestCase):
    def test_the_reference_of_options_is_that_of_the_programs(self):
        made = subprocess.run([SOURCE / "docs/programs.py", BUILD / "tools"], capture_output=True, text=True, check=True)
        self.maxDiff = 4000
        self.assertEqual((SOURCE / "docs/programs.md").read_text(encoding="utf-8"), made.stdout,
                         "renew it: docs/programs.py BUILD/tools >docs/programs.md")


    def test_manual_pages_and_completions_have_every_option(self):
        with tempfile.TemporaryDirectory() as share:
            programs = [path.name.removeprefix("dcgan-") for path in (BUILD / "tools").glob("dcgan-*")]
            subprocess.run([SOURCE / "docs/manuals.py", BUILD / "tools", share, *programs], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
            for program in sorted((BUILD / "tools").glob("dcgan-*")):
                page = gzip.decompress(Path(share, "man/man1", f"{program.name}.1.gz").read_bytes()).decode()
                words = self.completed(share, program.name, "--")
                options = set(re.findall(r"^  (?:-\w \[ )?(--[\w-]+)", subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout, re.M))
                for option in options:
                    self.assertIn(option.replace("-", "\\-"), page, program.name)
                self.assertEqual(set(words), options, program.name)
            self.assertEqual(self.completed(share, "dcgan-extract", "photos", "--resize", "a"), ["area"])
            self.assertIn("verify", self.completed(share, "dcgan-extract", "ver"))
            self.assertIn("--save", self.completed(share, "dcgan-eval", "svm", "--s"))
            self.assertEqual(self.completed(share, "dcgan-explore", "dr"), ["drop"])
            self.assertEqual(self.completed(share, "dcgan-explore", "drop", "a"), ["annotate"])
            self.assertEqual(self.completed(share, "dcgan-explore", "drop", "annotate", "--po"), ["--port"])
            self.assertEqual(self.completed(share, "dcgan-explore", "drop", "--fr"), ["--fresh"])

    @staticmethod
    def completed(share, program, *words):
        """What bash offers for the last of the words."""
        script = f'. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return subprocess.run(["bash", "-c", script, Path(share, "bash-completion/completions", program), program, *words],
                              capture_output=True, text=True, check=True).stdout.split()


if __name__ == "__main__":
    unittest.main()
