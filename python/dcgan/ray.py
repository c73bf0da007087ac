"""Features in Ray Data: an actor with an extractor of its own. Needs ray: ``pip install dcgan[ray]``.

    import ray, dcgan.ray

    images = ray.data.read_binary_files("photographs", include_paths=True)      # columns bytes and path
    rows = images.map_batches(dcgan.ray.Extract, batch_format="pyarrow", batch_size=256, concurrency=4, num_cpus=1)
    rows.write_parquet("features")

A broken image is a row with the status "failed" and a reason, and ends nothing; the batch of a worker that dies is done
again by Ray.
"""

from typing import Optional

from ._tables import Rows, features_column
from .extractor import Extractor


class Extract:
    """For ``map_batches(dcgan.ray.Extract, batch_format="pyarrow", fn_constructor_kwargs={"layers": [1, 2]})``.

    :param column: of the images: bytes of image files, or paths
    :param threads: of a worker; Ray starts one for each ``num_cpus``
    :param options: of :class:`dcgan.Extractor`

    The column of the images gives way to status, reason and features (fixed-size list of float32, null where it failed);
    all other columns stay, such as path.
    """

    def __init__(self, model: Optional[str] = None, column: str = "bytes", threads: int = 1, **options):
        self.column, self.extractor = column, Extractor(model, threads=threads, **options)

    def __call__(self, batch):
        import pyarrow as pa

        rows = Rows(self.extractor, batch.column(self.column).to_pylist())
        if self.column != "path":
            batch = batch.drop_columns([self.column])
        for name, values in (("status", pa.array(rows.status)), ("reason", pa.array(rows.reasons, pa.string())),
                             ("features", features_column(rows.features, rows.good))):
            batch = batch.append_column(name, values)
        return batch
