#!/usr/bin/env python3
"""Checks what CONTRIBUTING.md states and no other tool sees: namespaces follow folders, mains are short, and functions
take at most four arguments.

usage: check_conventions.py [ROOT]     prints one line per violation, `file:line: what`; exit code 1 if there are any
"""

import re
import sys
from pathlib import Path

from check_layers import strip_comments

MOST_ARGUMENTS = 4
MOST_LINES_OF_MAIN = 40
# Namespaces of libdcgan's modules that are no folder: what wraps HDF5, and the instruction sets' copies of the kernels.
OTHER_NAMESPACES = {"store": {"dcgan::hdf5"}}
# Numbers and plain memory, with its sizes: together they count as one argument.
NUMBER = r"(?:const\s+)?(?:std::)?(?:u?int(?:8|16|32|64)?(?:_t)?|size_t|float|double|bool|void|char|hid_t)\b"

# An exception states its reason on its line: `... // arguments: a callback of libcurl`.
EXEMPT = re.compile(r"// arguments: \S.{5,}")


def namespaces_of(path):
    """Those that a source may open, beside dcgan itself, where public names and their enumerations live."""
    parts = path.parts
    if parts[:2] == ("libdcgan", "src") and len(parts) > 3:
        return {f"dcgan::{parts[2]}"} | OTHER_NAMESPACES.get(parts[2], set())
    if parts[0] in ("data", "eval"):
        return {f"dcgan::{parts[0]}"}
    if parts[0] == "tools" and len(parts) > 2:
        return {{"cli": "dcgan::cli", "shared": "dcgan::tools"}.get(parts[1], f"dcgan::{parts[1]}_tool")}
    return set()


def check_namespaces(path, text):
    allowed = {"dcgan"} | namespaces_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"namespace (dcgan[\w:]*) \{", line)
        if match and match.group(1) not in allowed:
            yield f"{path}:{number}: namespace {match.group(1)} is not that of its folder, {', '.join(sorted(allowed))}"


def check_main(path, text):
    match = re.search(r"^int main\(.*?^\}", text, re.S | re.M)
    if match and match.group().count("\n") + 1 > MOST_LINES_OF_MAIN:
        number = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{number}: main() has more than {MOST_LINES_OF_MAIN} lines"


def split_arguments(text):
    """The arguments of a list, at commas that no bracket holds."""
    arguments, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c in "(<{[":
            depth += 1
        elif c in ")>}]":
            depth -= 1
        elif c == "," and depth == 0:
            arguments.append(text[start:i].strip())
            start = i + 1
    return arguments + [text[start:].strip()] if text.strip() else []


def declarations(text):
    """(line, name, arguments) of what declares or defines a function."""
    head = re.compile(r"^[ \t]*(?:[\w:<>,*&\[\]]+[ \t*&]+)+((?:\w+::)*\w+)\(", re.M)
    for match in head.finditer(text):
        if re.search(r"\b(return|throw|else|new|delete|using|if|for|while|switch)\b", match.group()):
            continue
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        arguments = split_arguments(text[match.end() : end - 1])
        # A variable that is made from values, `Images images(a, b)`, has no types in its list.
        is_function = all(re.search(r"[\w>\]*&][\s*&]+\w+(\s*=.*)?$|^[\w:]+( /\*.*\*/)?$", a, re.S) for a in arguments)
        typed = any(re.search(r"[\s&*]\w+(\s*=.*)?$", a, re.S) for a in arguments)
        if is_function and typed and re.match(r"\s*(const\b|noexcept\b|override\b|\s)*(try\s*)?[;{:=]", text[end:]):
            yield text.count("\n", 0, match.start(1)) + 1, match.group(1), arguments


def check_arguments(path, text, commented):
    for line, name, arguments in declarations(text):
        plain = [a for a in arguments if re.match(NUMBER + r"[\s*&]*(const\s*\*\s*)*\w*(\s*=.*)?$", a)]
        counted = len(arguments) - len(plain) + (1 if plain else 0)
        if counted > MOST_ARGUMENTS and not EXEMPT.search(commented[line - 1]):
            yield f"{path}:{line}: {name}() takes {counted} arguments, at most {MOST_ARGUMENTS}"


def violations(root):
    for folder in ("libdcgan", "data", "eval", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                commented = path.read_text(encoding="utf-8")
                relative, text = path.relative_to(root), strip_comments(commented)
                yield from check_namespaces(relative, text)
                yield from check_main(relative, text)
                yield from check_arguments(relative, text, commented.splitlines())


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    found = list(violations(root))
    print("\n".join(found) if found else "all as CONTRIBUTING.md says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
