"""Makes feature files as other programs leave them, that cannot be read, each for its own reason.

usage: h5py_failures.py FOLDER            writes died.h5, lzf.h5, cut.h5, damaged.h5
       h5py_failures.py FOLDER open       writes open.h5 and keeps it open until FOLDER/close is there
"""

import os
import sys
import time
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = Path(sys.argv[1])
rows = np.arange(120, dtype="f4").reshape(20, 6)


def write(name, libver="earliest", **more):
    file = h5py.File(folder / name, "w", libver=libver)
    file.create_dataset("features", data=rows, **more)
    file["labels"] = np.arange(20) % 3
    file.flush()
    return file


if sys.argv[2:] == ["open"]:
    with write("open.h5"):
        print("open", flush=True)
        while not (folder / "close").exists():
            time.sleep(0.01)
    sys.exit(0)

write("lzf.h5", compression="lzf").close()
write("whole.h5").close()
whole = (folder / "whole.h5").read_bytes()
(folder / "cut.h5").write_bytes(whole[:-100])
at = whole.index(b"TREE")
(folder / "damaged.h5").write_bytes(whole[:at] + b"XXXX" + whole[at + 4 :])
child = os.fork()
if child == 0:
    unclosed = write("died.h5", libver="latest")
    os._exit(0)  # without closing the file
os.waitpid(child, 0)
