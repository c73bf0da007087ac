"""Runs a checker of sources on small trees of files, with and without planted violations."""

import subprocess
import sys
import tempfile
from pathlib import Path

CMAKE = Path(__file__).parents[2] / "cmake"


def check(script, tree):
    """@param tree  texts of files by name   @return what cmake/SCRIPT makes of them"""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, CMAKE / script, folder], capture_output=True, text=True, check=False)


def expect_every_violation(test, script, clean, planted):
    """@param planted  (file, text that is added to it, what the report must say beside the file and the line)"""
    for name, text, expected in planted:
        with test.subTest(file=name, text=text):
            result = check(script, {**clean, name: clean[name] + text + "\n"})
            test.assertEqual(result.returncode, 1, result.stdout)
            test.assertIn(f"{name}:{clean[name].count(chr(10)) + 1}: ", result.stdout)
            test.assertIn(expected, result.stdout)
