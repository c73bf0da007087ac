"""Rows of features as Arrow has them: what Parquet files, Ray and Spark are given. Needs pyarrow."""

from typing import Any, List, Optional, Sequence

import numpy as np

from .extractor import Extractor, Failure

GOOD, FAILED = "ok", "failed"


def features_column(rows: np.ndarray, good: Sequence[bool]):
    """Fixed-size lists of float32 of rows [N, D]; null where an image gave none."""
    import pyarrow as pa

    rows = np.ascontiguousarray(rows, np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1], mask=pa.array([not g for g in good]))


class Rows:
    """Features of images, with what became of each."""

    def __init__(self, extractor: Extractor, images: Sequence[Any], names: Optional[Sequence[str]] = None):
        failures: List[Failure] = []
        self.features = extractor(images, failures)  # [N, D], rows of failed images are NaN
        reasons = {failure.index: failure.reason for failure in failures}
        self.reasons = [reasons.get(i) for i in range(len(images))]
        self.good = [reason is None for reason in self.reasons]
        self.status = [GOOD if good else FAILED for good in self.good]
