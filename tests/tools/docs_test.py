"""docs/programs.md is what the programs say of themselves today."""

import subprocess
import unittest

from programs import BUILD, SOURCE


class Docs(unittest.TestCase):
    def test_the_reference_of_options_is_that_of_the_programs(self):
        made = subprocess.run([SOURCE / "docs/programs.py", BUILD / "tools"], capture_output=True, text=True, check=True)
        self.maxDiff = 4000
        self.assertEqual((SOURCE / "docs/programs.md").read_text(encoding="utf-8"), made.stdout,
                         "renew it: docs/programs.py BUILD/tools >docs/programs.md")


if __name__ == "__main__":
    unittest.main()
