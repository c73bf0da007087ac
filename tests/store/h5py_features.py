"""Reads the feature files of the C++ writer with h5py, and writes some as other programs would.

usage: h5py_features.py FOLDER   (with f32.h5 and f16.h5 of feature_file_test.cpp)
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

# feature_file_test.cpp: 60 inputs, every eleventh fails, 48 columns; row r, column c is (48 r + c) % 2039 / 4 - 100.
expected = (np.arange(55 * 48) % 2039 / 4 - 100).reshape(55, 48).astype(np.float32)
inputs = [i for i in range(60) if i % 11 != 10]
for name, dtype in [("f32", np.float32), ("f16", np.float16)]:
    with h5py.File(folder / f"{name}.h5") as f:
        assert f["features"].dtype == dtype, f["features"].dtype
        assert f["features"].chunks is not None and f["features"].chunks[1] == 48
        assert np.array_equal(f["features"][:].astype(np.float32), expected)
        assert f["paths"][54].decode() == "dog/59\u00e4.png"
        assert [p.decode() for p in f["paths"]] == [f"{'cat' if i % 2 == 0 else 'dog'}/{i}\u00e4.png" for i in inputs]
        assert f["labels"].dtype == np.int32 and list(f["labels"]) == [i % 2 for i in inputs]
        assert [c.decode() for c in f["classes"]] == ["cat", "dog"]
        assert f["failures/path"][0].decode() == "cat/10\u00e4.png"
        assert f["failures/reason"][0].decode() == "no image"
        a = f.attrs
        assert a["format"] == "dcgan-features" and a["format_version"] == 1 and a["complete"] == 1
        assert a["model_sha256"] == "a" * 64 and a["architecture"] == '{"ndf":1}' and a["grid"] == 4
        assert list(a["layers"]) == [1, 2] and list(a["layer_offsets"]) == [0, 16, 48]
        assert a["preprocessing"] == '{"resize":"area"}' and a["seed"] == 2**64 - 1
        assert a["command_line"].startswith("dcgan-extract") and a["created"].endswith("Z") and a["library_version"]

rows = np.arange(20)[:, None] + np.arange(6)[None, :] / 8
labels = np.arange(20) % 3


def write(name, features, labels, **more):
    with h5py.File(folder / f"{name}.h5", "w") as f:
        f.create_dataset("features", data=features, **more)
        f.create_dataset("labels", data=labels)
    return folder / f"{name}.h5"


write("plain", rows.astype(np.float32), labels.astype(np.uint8))
write("double", rows, labels.astype(np.int64))
write("half", rows.astype(np.float16), labels.astype(np.int8))
write("big_endian", rows.astype(">f4"), labels.astype(">u2"))
write("compressed", rows.astype(np.float32), labels, chunks=(3, 4), compression="gzip", shuffle=True)
write("column_labels", rows.astype(np.float32), labels[:, None])
write("large_labels", rows.astype(np.float32), labels + 2**32)

# Labels as other programs have them. Each gives the classes of labels % 3, or of cat, dog and eel.
names = np.array(["cat", "dog", "eel"])[labels]
texts = h5py.string_dtype()
for name, values in {
    "labels_float": labels.astype("f8"),
    "labels_float_column": labels[:, None].astype("f4"),
    "labels_uint64": labels.astype("u8"),
    "labels_one_hot": np.eye(3, dtype="i4")[labels],
    "labels_one_hot_bool": np.eye(3, dtype=bool)[labels],
    "labels_one_hot_float": np.eye(3, dtype="f4")[labels],
    "labels_bool": labels == 1,
    "labels_bool_column": (labels == 1)[:, None],
    "labels_text": names.astype(object),
    "labels_text_column": names[:, None].astype(object),
    "labels_bytes": names.astype("S3"),
    "labels_bytes_column": names[:, None].astype("S3"),
    "labels_half": np.where(labels == 2, 0.5, labels),
    "labels_nan": np.where(labels == 2, np.nan, labels),
    "labels_two_hot": np.eye(3, dtype="i4")[labels] + np.eye(3, dtype="i4")[(labels == 2) * 1] * (labels == 2)[:, None],
    "labels_compound": np.array([(v, 1.0) for v in labels], dtype=[("a", "i4"), ("b", "f4")]),
    "labels_cube": labels[:, None, None].astype("i4"),
    "labels_text_cube": names[:, None, None].astype("S3"),
    "labels_bool_cube": (labels == 1)[:, None, None],
    "labels_opaque": labels.astype("i4").view("V4"),
}.items():
    with h5py.File(folder / f"{name}.h5", "w") as f:
        f["features"] = rows.astype(np.float32)
        f.create_dataset("labels", data=values, dtype=texts if values.dtype == object else None)
# The numbers of an enumeration are arbitrary, and say nothing of the order of its names.
numbers = {"cat": 70, "dog": -2, "eel": 30}
for name, kind, known, column in (("enum", "i1", 3, False), ("enum_column", ">i2", 3, True), ("enum_wide", "i8", 3, False),
                                  ("enum_beyond", "i4", 2, False)):
    with h5py.File(folder / f"labels_{name}.h5", "w") as f:
        f["features"] = rows.astype(np.float32)
        of_names = {key: value for key, value in list(numbers.items())[:known]}
        values = np.array([of_names.get(key, 2) for key in names], dtype=kind)
        f.create_dataset("labels", data=values[:, None] if column else values,
                         dtype=h5py.enum_dtype(of_names, basetype=kind))
with h5py.File(folder / "labels_text_classes.h5", "w") as f:
    f["features"] = rows.astype(np.float32)
    f.create_dataset("labels", data=names.astype(object), dtype=texts)
    f.create_dataset("classes", data=["eel", "cat", "owl", "dog"], dtype=texts)
with h5py.File(folder / "labels_text_unknown.h5", "w") as f:
    f["features"] = rows.astype(np.float32)
    f.create_dataset("labels", data=names.astype(object), dtype=texts)
    f.create_dataset("classes", data=["cat", "dog"], dtype=texts)
# Attributes as texts of a fixed length: ended by zeros, or filled up with spaces.
for name in ("zeros", "spaces"):
    with h5py.File(folder / "f32.h5") as whole, h5py.File(folder / f"fixed_attributes_{name}.h5", "w") as f:
        for key in whole:
            whole.copy(key, f)
        for key, value in whole.attrs.items():
            if not isinstance(value, str):
                f.attrs[key] = value
                continue
            text = h5py.h5t.TypeID.copy(h5py.h5t.C_S1)
            text.set_size(len(value) + 3)
            text.set_strpad(h5py.h5t.STR_NULLPAD if name == "zeros" else h5py.h5t.STR_SPACEPAD)
            bytes_of_it = value.encode().ljust(len(value) + 3, b"\0" if name == "zeros" else b" ")
            attribute = h5py.h5a.create(f.id, key.encode(), text, h5py.h5s.create(h5py.h5s.SCALAR))
            attribute.write(np.array(bytes_of_it, dtype=f"S{len(value) + 3}"), mtype=text)
with h5py.File(write("fixed_texts", rows.astype(np.float32), labels), "a") as f:
    f.create_dataset("paths", data=np.array([f"{i}\u00e4".encode() for i in range(20)]))
    f.create_dataset("classes", data=np.array([b"a", b"b", b"c"]))
with h5py.File(folder / "renamed.h5", "w") as f:
    f["group/X"] = rows.astype(np.float32)
    f["y"] = labels
with h5py.File(folder / "unwritten.h5", "w") as f:
    f.create_dataset("features", shape=(20, 6), dtype="f4")
