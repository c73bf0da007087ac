"""Features in Spark: a pandas UDF over a column of image bytes or paths. Needs pyspark: ``pip install dcgan[spark]``.

    import dcgan.spark

    images = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load("photographs")
    extract = dcgan.spark.extract()
    images.select("path", extract("content").alias("row")).select("path", "row.*").write.parquet("features")

A broken image is a row with the status "failed" and a reason, and ends nothing; a task whose worker dies is done again by
Spark (spark.task.maxFailures; plain local mode never retries: local[4,4] does).
"""

from typing import Dict, Iterator, Optional

from ._tables import Rows
from .extractor import Extractor

_opened: Dict[str, Extractor] = {}  # the last one of this worker


def _extractor(model: Optional[str], **options) -> Extractor:
    """Opened once for the many tasks of a worker: Spark makes one of about 30 files."""
    key = repr((model, sorted(options.items())))
    if key not in _opened:
        _opened.clear()
        _opened[key] = Extractor(model, **options)
    return _opened[key]


def extract(model: Optional[str] = None, threads: int = 1, binary: bool = False, **options):
    """A column function from image bytes, or paths, to a struct of status, reason and features (null where it failed).

    :param threads: of a worker; Spark starts one for each core
    :param binary: features as their bytes (numpy.frombuffer(row, "<f4")) in place of array<float>, whose numbers Spark takes
        one by one
    :param options: of :class:`dcgan.Extractor`
    """
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    @pandas_udf(f"status string, reason string, features {'binary' if binary else 'array<float>'}")
    def features(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        extractor = _extractor(model, threads=threads, **options)
        for images in batches:
            rows = Rows(extractor, images.tolist())
            values = [(row.tobytes() if binary else row) if good else None for row, good in zip(rows.features, rows.good)]
            yield pd.DataFrame({"status": rows.status, "reason": rows.reasons, "features": values})

    return features
