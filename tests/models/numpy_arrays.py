"""Writes arrays with NumPy: what read_npy() takes, and what it refuses.

usage: numpy_arrays.py FOLDER
"""
import sys
from pathlib import Path

try:
    import numpy as np
    from numpy.lib import format as npy
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = Path(sys.argv[1])
values = np.arange(24, dtype="<f4").reshape(2, 3, 4) / 8 - 1
for version in ((1, 0), (2, 0), (3, 0)):
    with open(folder / f"version{version[0]}.npy", "wb") as file:
        npy.write_array(file, values, version)
np.save(folder / "scalar.npy", np.float32(7))
np.save(folder / "vector.npy", values[0, 0])
np.save(folder / "empty.npy", values[:0])
np.save(folder / "fortran.npy", np.asfortranarray(values))
for dtype in (">f4", "<f8", "<f2", "<i4", "|u1", "<c8"):
    np.save(folder / f"{dtype[1:]}{'big' if dtype[0] == '>' else ''}.npy", values.astype(dtype))
np.save(folder / "record.npy", np.zeros(3, [("a", "<f4"), ("b", "<f4")]))
np.save(folder / "object.npy", np.array([{}, None], dtype=object), allow_pickle=True)
