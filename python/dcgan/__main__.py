"""python -m dcgan models: what lies in the package."""

import sys

from . import __version__, models
from ._models import DEFAULT


def main(words) -> int:
    if words == ["models"]:
        for name, path in models().items():
            print(f"{name}\t{path.stat().st_size} bytes\t{path}{'  (default)' if name == DEFAULT else ''}")
        return 0
    if words == ["--version"]:
        print(f"dcgan {__version__}")
        return 0
    print("usage: python -m dcgan models | --version", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
