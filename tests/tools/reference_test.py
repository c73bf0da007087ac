"""The API reference is made by Doxygen from the public headers, without a warning."""

import os
import shutil
import subprocess
import unittest

from programs import SOURCE, ProgramTest


@unittest.skipUnless(shutil.which("doxygen"), "needs doxygen (tools/setup --check installs it)")
class Reference(ProgramTest):
    def test_doxygen_has_nothing_to_complain_about(self):
        made = subprocess.run(["doxygen", "docs/Doxyfile"], cwd=SOURCE, env={**os.environ, "DCGAN_REFERENCE": str(self.folder)},
                              capture_output=True, text=True, check=False)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        page = (self.folder / "html/classdcgan_1_1FeatureExtractor.html").read_text(encoding="utf-8")
        self.assertIn("save_onnx", page)
        self.assertTrue((self.folder / "html/c__api_8h.html").exists())


if __name__ == "__main__":
    unittest.main()
