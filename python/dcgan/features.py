"""Feature files (HDF5) of dcgan-extract."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np


class Features(NamedTuple):
    """What a feature file holds; row i of ``features`` is of ``paths[i]``."""

    features: np.ndarray  # float32 or float16 [N, D]
    paths: List[str]
    labels: Optional[np.ndarray]  # int32 [N], into classes
    classes: List[str]
    failures: List[Tuple[str, str]]  # path and reason of inputs without a row
    attributes: Dict[str, Any]


def read_features(path, rows: slice = slice(None)) -> Features:
    """Reads a feature file, or some rows of it. Needs h5py: ``pip install dcgan[hdf5]``."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("feature files are HDF5, which h5py reads; pip install dcgan[hdf5]") from error
    with h5py.File(path) as file:
        if file.attrs.get("complete", 1) != 1:
            raise ValueError(f"{path}: is not complete; finish it with dcgan-extract --resume")

        def texts(name):
            return [text.decode() for text in file[name][()]] if name in file else []

        return Features(file["features"][rows], texts("paths")[rows], file["labels"][rows] if "labels" in file else None,
                        texts("classes"), list(zip(texts("failures/path"), texts("failures/reason"))), dict(file.attrs))
