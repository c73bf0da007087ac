#!/usr/bin/env python3
"""Builds the wheel: a backend of PEP 517 for pip, and what tools/wheel calls.

usage: wheel_backend.py FOLDER     builds the library with CMake and writes the wheel into the folder; prints its path

The wheel serves every Python from 3.9 on, since the library is opened with ctypes. Before it is written, the library
is looked at: it must need no newer glibc than GLIBC, and nothing but glibc and libgcc_s.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GLIBC = (2, 34)  # Ubuntu 22.04 has 2.35, RHEL 9 has 2.34
NEEDED = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
MOST_BYTES = 15_000_000
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal sources give equal wheels
EXTRAS = {"hdf5": ["h5py"], "networks": ["torch", "safetensors"], "sklearn": ["scikit-learn"], "images": ["Pillow"],
          "progress": ["tqdm"], "parquet": ["h5py", "pyarrow"], "ray": ["ray[data]"], "spark": ["pyspark", "pandas", "pyarrow"]}
# What is linked in, by the names of Debian's packages, whose texts of licence go along.
LINKED = {"libjpeg-turbo": "libjpeg62-turbo", "libpng": "libpng16-16", "zlib": "zlib1g", "nettle": "libnettle8",
          "nlohmann-json": "nlohmann-json3-dev", "libstdc++": "libstdc++6"}


def version():
    return re.search(r"project\(dcgan VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def tag():
    return f"py3-none-manylinux_{GLIBC[0]}_{GLIBC[1]}_x86_64"


def build_library():
    """The path of the library, built in DCGAN_BUILD or in build/wheel."""
    build = Path(os.environ.get("DCGAN_BUILD", ROOT / "build" / "wheel"))
    if not (build / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DDCGAN_TRAINING=OFF",
                        "-DDCGAN_BUILD_TESTS=OFF"], check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", build, "--target", "dcgan_wheel"], check=True, stdout=sys.stderr)
    return build / "python" / "libdcgan.so"


def faults(library):
    """What keeps a library from running where the wheel is to run."""
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic):
        if name not in NEEDED:
            yield f"needs {name}"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "has a RUNPATH"
    symbols = subprocess.run(["readelf", "--version-info", "--wide", library], capture_output=True, text=True, check=True).stdout
    for found in sorted(set(re.findall(r"Name: GLIBC_(\d+)\.(\d+)", symbols))):
        if tuple(map(int, found)) > GLIBC:
            yield f"needs glibc {'.'.join(found)}, newer than {GLIBC[0]}.{GLIBC[1]}"
    for found in sorted(set(re.findall(r"Name: (GLIBCXX_\S+|CXXABI_\S+)", symbols))):
        yield f"needs a libstdc++ with {found}"


def metadata():
    lines = ["Metadata-Version: 2.1", "Name: dcgan", f"Version: {version()}", "License: MIT", "Requires-Python: >=3.9",
             "Summary: Image features without labels: the discriminator of a DCGAN", "Requires-Dist: numpy"]
    for extra, packages in EXTRAS.items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {package}; extra == "{extra}"' for package in packages)]
    return "\n".join(lines) + "\n"


def contents(library):
    """Names in the wheel and what is under them."""
    for path in sorted((HERE / "dcgan").rglob("*")):
        if path.is_file() and path.suffix in (".py", ".typed"):
            yield path.relative_to(HERE).as_posix(), path.read_bytes()
    yield "dcgan/libdcgan.so", library.read_bytes()
    default = re.search(r'^DEFAULT = "(.+)"', (HERE / "dcgan" / "_models.py").read_text(), re.M).group(1)
    yield f"dcgan/weights/{default}.safetensors", (ROOT / "data" / "models" / f"{default}.safetensors").read_bytes()
    information = f"dcgan-{version()}.dist-info"
    yield f"{information}/METADATA", metadata().encode()
    yield f"{information}/WHEEL", f"Wheel-Version: 1.0\nGenerator: dcgan\nRoot-Is-Purelib: false\nTag: {tag()}\n".encode()
    yield f"{information}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes()
    for name, package in LINKED.items():
        text = Path("/usr/share/doc", package, "copyright")
        if text.exists():
            yield f"{information}/licenses/{name}", text.read_bytes()


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    library = build_library()
    found = list(faults(library))
    if found:
        raise SystemExit(f"{library}: {'; '.join(found)}. Build on Debian 12 or an older system.")
    name = f"dcgan-{version()}-{tag()}.whl"
    path = Path(wheel_directory) / name
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for inside, content in contents(library):
            wheel.writestr(zipfile.ZipInfo(inside, EPOCH), content, zipfile.ZIP_DEFLATED)
            record += record_line(inside, content)
        information = f"dcgan-{version()}.dist-info"
        wheel.writestr(zipfile.ZipInfo(f"{information}/RECORD", EPOCH), record + f"{information}/RECORD,,\n")
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    return name


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("there is no source package; pip install ./python of a checkout builds the wheel")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__, file=sys.stdout if sys.argv[1:] in (["-h"], ["--help"]) else sys.stderr)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    os.makedirs(sys.argv[1], exist_ok=True)
    print(Path(sys.argv[1], build_wheel(sys.argv[1])))
