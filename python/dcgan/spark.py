"""Features in Spark: a pandas UDF over a column of image bytes or paths. Needs pyspark: ``pip install dcgan[spark]``.

    import dcgan.spark

    images = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load("photographs")
    extract = dcgan.spark.extract()
    images.select("path", extract("content").alias("row")).select("path", "row.*").write.parquet("features")

A broken image is a row with the status "failed" and a reason, and ends nothing; a task whose worker dies is done again by
Spark (spark.task.maxFailures; plain local mode never retries: local[4,4] does).
"""

from typing import Iterator, Optional

from ._tables import Rows
from .extractor import Extractor

SCHEMA = "status string, reason string, features array<float>"


def extract(model: Optional[str] = None, threads: int = 1, **options):
    """A column function from image bytes, or paths, to a struct of status, reason and features (null where it failed).

    :param threads: of a worker; Spark starts one for each core
    :param options: of :class:`dcgan.Extractor`
    """
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    @pandas_udf(SCHEMA)
    def features(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        extractor = Extractor(model, threads=threads, **options)  # once for a task
        for images in batches:
            rows = Rows(extractor, images.tolist())
            lists = [row if good else None for row, good in zip(rows.features, rows.good)]
            yield pd.DataFrame({"status": rows.status, "reason": rows.reasons, "features": lists})

    return features
