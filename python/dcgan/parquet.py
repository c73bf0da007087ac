"""Feature files as Parquet. Needs h5py and pyarrow: ``pip install dcgan[parquet]``."""

import os
from pathlib import Path
from typing import List

import numpy as np

from ._tables import FAILED, GOOD, features_column

GROUP_BYTES = 64 << 20  # of features in a row group
GROUPS_OF_A_FILE = 16   # about 1 GiB


def to_parquet(path, folder) -> List[Path]:
    """Writes a feature file of dcgan-extract as Parquet files into a folder that is new or empty.

    Columns: path, label (the name of the class, or null), status ("ok" or "failed"), reason (null where it is good),
    features (fixed-size list of float32, null where it failed). Failed inputs come last. The attributes of the feature
    file are metadata of the schema. A row group holds about 64 MB of features: no more is in memory at a time.
    """
    try:
        import h5py
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("Parquet files need h5py and pyarrow; pip install dcgan[parquet]") from error
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder}: is not empty; name a new folder")
    written: List[Path] = []
    with h5py.File(path) as file:
        if file.attrs.get("complete", 1) != 1:
            raise ValueError(f"{path}: is not complete; finish it with dcgan-extract --resume")
        count, columns = file["features"].shape
        schema = pa.schema([("path", pa.string()), ("label", pa.string()), ("status", pa.string()), ("reason", pa.string()),
                            ("features", pa.list_(pa.float32(), columns))],
                           metadata={name: str(value) for name, value in file.attrs.items()})
        classes = [name.decode() for name in file["classes"][()]] if "classes" in file else []

        def good_rows(first: int, last: int):
            labels = file["labels"][first:last] if "labels" in file else np.full(last - first, -1)
            paths = [name.decode() for name in file["paths"][first:last]] if "paths" in file else [str(i) for i in range(first, last)]
            return pa.table([pa.array(paths), pa.array([classes[k] if 0 <= k < len(classes) else None for k in labels], pa.string()),
                             pa.array([GOOD] * (last - first)), pa.nulls(last - first, pa.string()),
                             features_column(file["features"][first:last], [True] * (last - first))], schema=schema)

        def failed_rows():
            paths = [name.decode() for name in file["failures/path"][()]] if "failures" in file else []
            reasons = [reason.decode() for reason in file["failures/reason"][()]] if paths else []
            for first in range(0, len(paths), 1 << 16):  # they take no room but their texts
                some = paths[first:first + (1 << 16)]
                n = len(some)
                yield pa.table([pa.array(some), pa.nulls(n, pa.string()), pa.array([FAILED] * n),
                                pa.array(reasons[first:first + n]), pa.nulls(n, schema.field("features").type)], schema=schema)

        rows = max(1, GROUP_BYTES // (4 * columns))

        def groups():
            for first in range(0, count, rows):
                yield good_rows(first, min(first + rows, count))
            yield from failed_rows()

        writer, target = None, None
        try:
            for number, group in enumerate(groups()):
                if number % GROUPS_OF_A_FILE == 0:
                    _finish(writer, target, written)
                    target = folder / f"part-{number // GROUPS_OF_A_FILE:05d}.parquet"
                    writer = pq.ParquetWriter(f"{target}.partial", schema, compression="zstd")
                writer.write_table(group, row_group_size=len(group))
            _finish(writer, target, written)
        except BaseException:
            if writer is not None:
                writer.close()
                os.unlink(f"{target}.partial")
            raise
    return written


def _finish(writer, target, written) -> None:
    """A file appears whole, under its name."""
    if writer is not None:
        writer.close()
        os.rename(f"{target}.partial", target)
        written.append(target)
