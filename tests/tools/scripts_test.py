"""tools/setup, tools/quickstart and tools/check as their users meet them; nothing is installed or downloaded."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from programs import SOURCE


def run(script, *arguments, **environment):
    return subprocess.run([SOURCE / "tools" / script, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


class Scripts(unittest.TestCase):
    def test_each_explains_itself(self):
        for script in ("setup", "quickstart", "check"):
            result = run(script, "--help")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"usage: tools/{script}", result.stdout)

    def test_an_unknown_argument_is_named_and_ends_with_2(self):
        for script in ("setup", "quickstart", "check"):
            result = run(script, "--unknown")
            self.assertEqual(result.returncode, 2)
            self.assertIn("--unknown", result.stderr)

    def test_setup_says_what_it_would_install_into_an_empty_cache(self):
        with tempfile.TemporaryDirectory() as cache:
            result = run("setup", "--dry-run", XDG_CACHE_HOME=cache)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("torch 2.11.0", result.stdout)
            self.assertIn(cache, result.stdout)
            self.assertEqual(list(Path(cache).iterdir()), [])

    def test_setup_says_what_and_why_and_what_to_do_where_pypi_cannot_be_reached(self):
        with tempfile.TemporaryDirectory() as cache:
            nowhere = "http://127.0.0.1:9"
            result = run("setup", XDG_CACHE_HOME=cache, PIP_INDEX_URL=nowhere, PIP_RETRIES="0", PIP_FIND_LINKS="",
                         PIP_EXTRA_INDEX_URL="", https_proxy="", HTTPS_PROXY="")
            self.assertEqual(result.returncode, 1)
            message = result.stderr.splitlines()[-1]
            for phrase in ("torch 2.11.0", "https_proxy", cache, "tools/setup again"):
                self.assertIn(phrase, message)
