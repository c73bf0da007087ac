"""Which libraries the built programs and libraries need to start: LibTorch only what trains, OpenCV nothing but what is
opened for images."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["DCGAN_BUILD"])
LIBRARIES = BUILD / "libdcgan"
TRAINS = (BUILD / "tools" / "dcgan-train").exists()

# What loads with a program, beside the C++ library: the first part of the names, and who may have it.
HEAVY = {
    "LibTorch": ("libtorch", "libc10", "libgomp"),
    "OpenCV": ("libopencv",),
    "HDF5": ("libhdf5",),
    "curl": ("libcurl",),
    "libpng": ("libpng",),
    "libcrypto": ("libcrypto",),
}


def needed(file):
    """The libraries that a file names itself."""
    text = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
    return [line.split("[")[1].split("]")[0] for line in text.splitlines() if "(NEEDED)" in line]


def loaded(file):
    """All libraries that the loader maps for a file."""
    text = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
    return [line.split()[0].split("/")[-1] for line in text.splitlines()]


def kinds(names):
    return {kind for kind, starts in HEAVY.items() for name in names if name.startswith(starts)}


class NeededLibraries(unittest.TestCase):
    def test_libdcgan_and_the_programs_that_do_not_train_load_neither_libtorch_nor_opencv(self):
        files = [LIBRARIES / "libdcgan.so"]
        files += [BUILD / "tools" / f"dcgan-{name}" for name in ("convert", "eval", "explore", "extract", "prepare")]
        for file in files:
            with self.subTest(file=file.name):
                self.assertFalse(kinds(loaded(file)) & {"LibTorch", "OpenCV"}, loaded(file))

    def test_no_program_brings_a_blas_that_libtorchs_products_could_be_bound_to(self):
        for file in sorted((BUILD / "tools").glob("dcgan-*")):
            with self.subTest(file=file.name):
                self.assertFalse([name for name in loaded(file) if name.startswith(("libblas", "liblinear"))])

    @unittest.skipUnless(TRAINS, "built without LibTorch")
    def test_training_needs_libtorch_but_no_opencv(self):
        for file in (LIBRARIES / "libdcgan_train.so", BUILD / "tools" / "dcgan-train"):
            with self.subTest(file=file.name):
                self.assertIn("LibTorch", kinds(loaded(file)))
                self.assertNotIn("OpenCV", kinds(loaded(file)))

    @unittest.skipUnless(TRAINS, "built without LibTorch")
    def test_libtorch_is_named_by_what_trains_alone(self):
        for file in sorted(LIBRARIES.glob("libdcgan*.so")) + sorted((BUILD / "tools").glob("dcgan-*")):
            with self.subTest(file=file.name):
                trains = file.name in ("libdcgan_train.so", "libdcgan_cuda.so")
                self.assertEqual("LibTorch" in kinds(needed(file)), trains, needed(file))

    @unittest.skipIf(TRAINS, "built with LibTorch")
    def test_a_build_without_training_does_not_look_for_libtorch(self):
        self.assertNotIn("libtorch", (BUILD / "build.ninja").read_text())
        self.assertNotIn("LIBTORCH", (BUILD / "CMakeCache.txt").read_text())

    def test_a_program_that_only_wants_features_links_none_of_them(self):
        names = loaded(BUILD / "tests" / "features" / "features_alone")
        self.assertEqual(kinds(names), set(), names)
        self.assertTrue(any(name.startswith("libnettle") for name in names), names)

    def test_images_need_opencv_and_no_libtorch(self):
        found = kinds(loaded(LIBRARIES / "libdcgan_images.so"))
        self.assertIn("OpenCV", found)
        self.assertNotIn("LibTorch", found)

    def test_hdf5_is_named_by_libdcgan_alone(self):
        for file in sorted(LIBRARIES.glob("libdcgan*.so")) + sorted((BUILD / "tools").glob("dcgan-*")):
            with self.subTest(file=file.name):
                self.assertEqual("HDF5" in kinds(needed(file)), file.name == "libdcgan.so", needed(file))

    @unittest.skipIf(os.environ.get("DCGAN_SANITIZE"), "sanitizers make it larger")
    def test_libdcgan_is_small(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = Path(folder, "libdcgan.so")
            subprocess.run(["strip", "-o", stripped, LIBRARIES / "libdcgan.so"], check=True)
            self.assertLess(stripped.stat().st_size, 5e6)
