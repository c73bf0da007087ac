"""What the shared libraries show is the C API as it was promised (c_symbols.txt), and of C++ the namespace dcgan."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD, HERE = Path(os.environ["DCGAN_BUILD"]), Path(__file__).resolve().parent
HEADER = HERE.parents[1] / "libdcgan/include/dcgan/c_api.h"
LIBRARIES = ("libdcgan.so", "libdcgan_images.so")
PLUGIN = {"dcgan_image_library"}  # how the programs of this version open it


def symbols(library):
    text = subprocess.run(["nm", "--dynamic", "--defined-only", "--format=posix", BUILD / "libdcgan" / library],
                          capture_output=True, text=True, check=True).stdout
    return {line.split()[0].split("@")[0] for line in text.splitlines()}


@unittest.skipIf(os.environ.get("DCGAN_SANITIZE"), "a sanitizer shows symbols of its own")
class Symbols(unittest.TestCase):
    def test_the_c_functions_are_those_that_were_promised(self):
        found = [f"{library} {name}" for library in LIBRARIES for name in sorted(symbols(library) - PLUGIN)
                 if name.startswith("dcgan_")]
        promised = (HERE / "c_symbols.txt").read_text().splitlines()
        self.assertEqual(found, promised, "a function that goes or changes needs a new SOVERSION; a new one, a new line")

    def test_the_header_declares_them_and_no_others(self):
        declared = set(re.findall(r"\b(dcgan_\w+)\(", re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)))
        declared -= {"dcgan_progress"}
        promised = {line.split()[1] for line in (HERE / "c_symbols.txt").read_text().splitlines()}
        self.assertEqual(declared, promised)

    @unittest.skipUnless(shutil.which("abidiff"), "abidiff of Debian's abigail-tools is not installed")
    def test_the_types_of_their_arguments_are_those_that_were_promised(self):
        """Of a library of functions without content that the header's declarations make. To promise new ones:
        abidw --no-corpus-path --no-comp-dir-path --no-show-locs LIBRARY > tests/c_api/c_api.abi"""
        header = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
        functions = re.findall(r"^DCGAN_EXPORT ([^;]*\));", header, flags=re.M)
        self.assertEqual(len(functions), len((HERE / "c_symbols.txt").read_text().splitlines()))
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "empty.c"), os.environ.get("DCGAN_EMPTY_LIBRARY", Path(folder, "libempty.so"))
            source.write_text("#include <dcgan/c_api.h>\n" + "".join(f"{f} {{ __builtin_trap(); }}\n" for f in functions))
            subprocess.run(["cc", "-g", "-shared", "-fPIC", f"-I{HEADER.parents[1]}", f"-I{BUILD / 'libdcgan/include'}",
                            source, "-o", library], check=True)
            found = subprocess.run(["abidiff", "--no-added-syms", HERE / "c_api.abi", library], capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)

    def test_nothing_of_other_libraries_is_visible(self):
        for library in LIBRARIES:
            for name in symbols(library):
                self.assertRegex(name, r"^(dcgan_|_ZNK?5dcgan|_ZT[ISV].*5dcgan)", library)

    def test_the_libraries_name_the_version_of_their_interface(self):
        for library in LIBRARIES:
            text = subprocess.run(["readelf", "-d", BUILD / "libdcgan" / library], capture_output=True, text=True, check=True).stdout
            self.assertIn(f"soname: [{library}.0]", text)


if __name__ == "__main__":
    unittest.main()
