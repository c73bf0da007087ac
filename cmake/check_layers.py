#!/usr/bin/env python3
"""Checks the layer table of ARCHITECTURE.md (which module may include which) in #include lines and link lists, and words
that are banned.

usage: check_layers.py [ROOT]     prints one line per violation, `file:line: what`; exit code 1 if there are any
"""

import re
import sys
from pathlib import Path

# A module and those that it may include and link. A public header belongs to the modules that have a .cpp of its name,
# header-only ones to base; the generated dcgan/export.h is everybody's.
MAY_INCLUDE = {
    "base": set(),
    "parallel": {"base"},
    "models": {"base"},
    "store": {"base"},
    "kernels": set(),
    "features": {"base", "parallel", "kernels", "models"},
    "c_api": {"base", "features"},
    "explore": {"base", "models"},
    # Above the wall: what needs LibTorch, in libdcgan_train.so.
    "nn": {"base", "kernels", "models", "features"},
    "train": {"base", "models", "store", "nn"},
    "cuda": {"train"},
    "data": {"public"},
    "images": {"public", "data"},  # data/images: libdcgan_images.so and libdcgan_faces.so
    "eval": {"public"},
    "cli": {"public"},
    "tools": {"public", "data", "eval", "cli"},
}
LIBRARY_MODULES = ("base", "parallel", "kernels", "models", "store", "nn", "features", "explore", "c_api", "train", "cuda")

# Between public and internal: headers in libdcgan/src whose functions libdcgan.so exports for other modules of
# the project, those that are named. They are not installed; as public headers, they include only the standard library,
# public ones and each other.
EXPORTED_HEADERS = {
    "base/files.h": {"data"},
    "base/foreign_file.h": {"data"},
    "base/plugin.h": {"data"},
    "c_api/extractor.h": {"images"},
    "c_api/guard.h": {"images"},
    "parallel/float_buffer.h": {"eval"},
    "parallel/control_groups.h": {"cli"},
    "parallel/thread_pool.h": {"eval", "cli", "images"},
    "models/sha256.h": {"data"},
}

# Libraries that a module must not include, as a pattern on the included name, and what stands for them in link lists.
TORCH = (r"(torch|ATen|c10|caffe2)/", "LibTorch", r"Torch::|dcgan::train\b")
OPENCV = (r"opencv2/(?!core/version\.hpp)", "OpenCV", r"opencv_|OpenCV_LIBS")
HDF5 = (r"hdf5|H5\w*\.h", "HDF5", r"(?i:hdf5)")
ARGV = (r"boost/program_options", "the command line", r"Boost::program_options")
FORBIDDEN_LIBRARIES = {
    "base": [TORCH, OPENCV, HDF5, ARGV],
    "parallel": [TORCH, OPENCV, HDF5, ARGV],
    "models": [TORCH, OPENCV, HDF5, ARGV],
    "store": [TORCH, OPENCV, ARGV],
    "kernels": [TORCH, OPENCV, HDF5, ARGV],
    "nn": [OPENCV, HDF5, ARGV],
    "features": [TORCH, OPENCV, HDF5, ARGV],
    "c_api": [TORCH, OPENCV, HDF5, ARGV],
    "explore": [TORCH, OPENCV, HDF5, ARGV],
    "train": [OPENCV, HDF5, ARGV],
    "cuda": [OPENCV, HDF5, ARGV],
    "data": [TORCH, OPENCV, HDF5, ARGV],
    "images": [TORCH, HDF5, ARGV],
    "eval": [TORCH, OPENCV, HDF5, ARGV],
    "cli": [TORCH, OPENCV, HDF5],
    "tools": [TORCH, OPENCV, HDF5],
}

# The programs that cannot do without libdcgan_train.so; the others open it when they need it.
TRAINING_PROGRAMS = ("train",)

# Of the standard library of C, for the header that C includes.
C_HEADERS = ("stddef.h", "stdint.h")

# The library, the readers and the evaluation never print, exit or read the environment.
QUIET_MODULES = LIBRARY_MODULES + ("data", "images", "eval")
LOUD = re.compile(
    r"\bstd::(cout|cerr|clog|cin)\b|(?<![\w.>])(?:std::|::)?"
    r"(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror|"
    r"exit|_exit|quick_exit|abort|getenv|secure_getenv|setenv)\s*\("
)
# An exception states its reason on its line: `... // loud: why this does not print`.
EXEMPT = re.compile(r"// loud: \S.{10,}")


def strip_comments(text):
    """Blanks comments and string literals, so that words inside them do not count; keeps the line numbers."""
    token = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def module_of_file(path):
    """The module of a path relative to the root, "public" for a public header, None for what has no rules (tests)."""
    parts = path.parts
    if parts[:3] == ("libdcgan", "include", "dcgan"):
        return "public"
    if parts[:2] == ("libdcgan", "src") and len(parts) > 3:
        return parts[2]
    if parts[:2] == ("tools", "cli"):
        return "cli"
    if parts[:2] == ("data", "images") and len(parts) > 2:
        return "images"
    return parts[0] if parts[0] in ("data", "eval", "tools") else None


def public_header_modules(root):
    """The modules that each public header belongs to."""
    modules = {f"dcgan/{p.name}": set() for p in root.glob("libdcgan/include/dcgan/*.h")}
    for source in root.glob("libdcgan/src/*/*.cpp"):
        modules.get(f"dcgan/{source.stem}.h", set()).add(source.parent.name)
    return modules


def modules_of_include(name, root, headers):
    """The modules that an included project header belongs to; none if it is not one of the project's."""
    if name == "dcgan/export.h" or "/" not in name:
        return set()
    if name.startswith("dcgan/"):
        return headers.get(name) or {"base"}
    first = name.split("/")[0]
    if (root / "libdcgan" / "src" / name).exists():
        return {first}
    if name.startswith("tools/cli/"):
        return {"cli"}
    if name.startswith("data/images/"):
        return {"images"}
    return {first} & {"data", "eval", "tools"}


def program_of(name):
    """X of tools/X/..., None for what is no part of a program."""
    parts = name.split("/")
    return parts[1] if parts[0] == "tools" and len(parts) > 2 else None


def check_includes(path, text, root, headers):
    relative = path.relative_to(root)
    module = module_of_file(relative)
    in_tests = relative.parts[0] == "tests"
    is_exported = relative.as_posix().removeprefix("libdcgan/src/") in EXPORTED_HEADERS
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        where, name = f"{relative}:{number}", match.group(2)
        if name == "torch/torch.h" and not in_tests:
            yield f"{where}: torch/torch.h takes 36 s to compile; include the narrowest header instead"
        if in_tests or module is None:
            continue
        if module == "public":
            if not name.startswith("dcgan/") and re.search(r"[/.]", name) and name not in C_HEADERS:
                yield f"{where}: a public header includes {name}; only the standard library and dcgan/ are allowed"
            continue
        if is_exported and (root / "libdcgan" / "src" / name).exists() and name not in EXPORTED_HEADERS:
            yield f"{where}: an exported header includes {name}; no other module could include it"
        for pattern, library, _ in FORBIDDEN_LIBRARIES[module]:
            if re.match(pattern, name):
                yield f"{where}: {module} must not include {library} ({name})"
        program = program_of(name)
        if module in ("cli", "tools") and program and program not in (program_of(relative.as_posix()), "cli", "shared"):
            yield f"{where}: {relative.parent} must not include another program's {name}"
        owners = modules_of_include(name, root, headers)
        if not owners or module in owners:
            continue
        if name.startswith("dcgan/") and "public" in MAY_INCLUDE[module]:
            continue
        if module in EXPORTED_HEADERS.get(name, ()):
            continue
        if not owners & MAY_INCLUDE[module]:
            yield f"{where}: {module} must not include {', '.join(sorted(owners))} ({name})"


def check_words(path, text, root):
    relative = path.relative_to(root)
    commented = text.splitlines()
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        if re.search(r"\busing\s+namespace\s+torch\b", line):
            yield f"{relative}:{number}: using namespace torch"
        loud = LOUD.search(line)
        if loud and not EXEMPT.search(commented[number - 1]) and module_of_file(relative) in QUIET_MODULES + ("public",):
            word = loud.group().rstrip("( ")
            yield f"{relative}:{number}: {word}: the library never prints, exits or reads the environment"


def check_links(path, text, root):
    """Link lists: dcgan_module(X ... LINK a b), dcgan_program(X ... LINK a b) and target_link_libraries(X PUBLIC a b)."""
    relative = path.relative_to(root)
    text = re.sub(r"#[^\n]*", "", text)
    for match in re.finditer(r"\b(dcgan_module|dcgan_image_library|dcgan_program|target_link_libraries)\s*\(\s*(\S+)([^)]*)\)", text):
        target = {
            "target_link_libraries": "{}",
            "dcgan_module": "dcgan_{}",
            "dcgan_image_library": "dcgan_{}",
            "dcgan_program": "dcgan_{}_tool",
        }[match.group(1)].format(match.group(2))
        module = "tools" if target.endswith("_tool") else target.removeprefix("dcgan_")
        if module not in FORBIDDEN_LIBRARIES:
            continue
        words = re.findall(r"[\w:.${}]+", match.group(3).split("LINK", 1)[-1])
        where = f"{relative}:{text.count(chr(10), 0, match.start()) + 1}"
        if target.removeprefix("dcgan_").removesuffix("_tool") in TRAINING_PROGRAMS and module == "tools":
            words = [word for word in words if word != "dcgan::train"]
        for word in words:
            linked = word.removeprefix("dcgan_")
            if word.startswith("dcgan_") and linked in MAY_INCLUDE and linked != module and linked not in MAY_INCLUDE[module]:
                yield f"{where}: {module} must not link {linked}"
            for _, library, pattern in FORBIDDEN_LIBRARIES[module]:
                if re.match(pattern, word.strip("${}")):
                    yield f"{where}: {module} must not link {library} ({word})"


def violations(root):
    headers = public_header_modules(root)
    for folder in ("libdcgan", "data", "eval", "tools", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                text = path.read_text(encoding="utf-8")
                yield from check_includes(path, text, root, headers)
                yield from check_words(path, text, root)
            elif path.name == "CMakeLists.txt" and folder != "tests":
                yield from check_links(path, path.read_text(encoding="utf-8"), root)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    found = list(violations(root))
    print("\n".join(found) if found else "no layer is crossed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
