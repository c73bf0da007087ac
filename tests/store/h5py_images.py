"""Reads the packed images of the C++ writer with h5py, and writes some as other programs would.

usage: h5py_images.py FOLDER   (with x.h5 of packed_images_test.cpp)
"""

import sys
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = Path(sys.argv[1])

# packed_images_test.cpp: 12 images of 9 x 7 pixels, byte j of image i is (7 i + j) % 251, labels i % 3.
size = 9 * 7 * 3
images = ((7 * np.arange(12)[:, None] + np.arange(size)) % 251).astype(np.uint8).reshape(12, 9, 7, 3)
with h5py.File(folder / "x.h5") as f:
    assert f["images"].dtype == np.uint8 and np.array_equal(f["images"][:], images)
    assert f["paths"][11].decode() == "a/11.png"
    assert f["labels"].dtype == np.int32 and list(f["labels"]) == [i % 3 for i in range(12)]
    assert [c.decode() for c in f["classes"]] == ["a", "b", "c"]
    assert f["failures/path"][0].decode() == "bad.png" and f["failures/reason"][0].decode() == "no image"
    assert f.attrs["format"] == "dcgan-images" and f.attrs["complete"] == 1
    assert f.attrs["preparation"] == '{"source":"test"}'

for name, options in [("plain", {}), ("compressed", {"compression": "gzip", "chunks": (5, 9, 7, 3)})]:
    with h5py.File(folder / f"{name}.h5", "w") as f:
        f.create_dataset("images", data=images, **options)
with h5py.File(folder / "floats.h5", "w") as f:
    f["images"] = images / 255
with h5py.File(folder / "texts.h5", "w", userblock_size=512) as f:
    f["images"] = images
    f["paths"] = [f"p\u00e4{i}" for i in range(12)]
with h5py.File(folder / "compressed_texts.h5", "w") as f:
    f["images"] = images
    f.create_dataset("paths", data=[f"p{i}" for i in range(12)], compression="gzip", chunks=(4,))
layout = h5py.VirtualLayout(shape=(12,), dtype=h5py.string_dtype())
layout[:] = h5py.VirtualSource(folder / "texts.h5", "paths", shape=(12,))
with h5py.File(folder / "texts_of_another.h5", "w", libver="latest") as f:
    f["images"] = images
    f.create_virtual_dataset("paths", layout)
with h5py.File(folder / "linked.h5", "w") as f:
    f["images"] = images
    f["paths"] = h5py.ExternalLink("texts.h5", "/paths")
sizes = h5py.h5p.create(h5py.h5p.FILE_CREATE)
sizes.set_sizes(4, 4)
with h5py.File(h5py.h5f.create(bytes(folder / "small_addresses.h5"), fcpl=sizes)) as f:
    f["images"] = images
    f["paths"] = [f"p{i}" for i in range(12)]
with h5py.File(folder / "long.h5", "w") as f:  # 1344 bytes of labels, less than deflate alone can make of them
    f.create_dataset("images", data=np.zeros((200_000, 1, 1, 3), np.uint8), compression="gzip")
    f.create_dataset("labels", data=np.zeros(200_000, np.int32), scaleoffset=0, compression="gzip")
