"""dcgan.ray, dcgan.spark and dcgan.to_parquet with Ray, Spark and pyarrow themselves. tools/engines runs this.

Several worker processes, of which one is killed on the way; a broken image among the others; rows equal to those of
dcgan-extract, bit for bit.
"""

import io
import os
import signal
import sys
import tarfile
import unittest
from pathlib import Path

import h5py
import numpy
import pyarrow
import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from programs import ProgramTest, write_image_folder  # noqa: E402

import dcgan  # noqa: E402
import dcgan.ray  # noqa: E402
import dcgan.spark  # noqa: E402

OPTIONS = {"layers": [1, 2], "grid": 2}


def killed_once(marker):
    """Ends this process as the system's killer of processes does, the first time that any process asks."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


class KilledOnce(dcgan.ray.Extract):
    """An actor of which one is killed at its first batch."""

    def __init__(self, marker, **options):
        super().__init__(**options)
        self.marker = marker

    def __call__(self, batch):
        killed_once(self.marker)
        return super().__call__(batch)


class Engines(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images = cls.folder / "images"
        write_image_folder(cls.images, 20)
        broken = cls.images / "discs/broken.jpg"
        broken.write_bytes((cls.images / "discs/000.jpg").read_bytes()[:-300])
        cls.file = cls.folder / "features.h5"
        cls().run_program("dcgan-extract", cls.images, "-o", cls.file, "--layers", "1,2", "--grid", 2, expect=3)
        with h5py.File(cls.file) as file:
            cls.expected = dict(zip(file["paths"].asstr()[:], file["features"][:]))
            cls.classes = dict(zip(file["paths"].asstr()[:], file["classes"].asstr()[:][file["labels"][:]]))

    def assert_rows(self, table, name_of=lambda path: path.split("/images/")[-1], expected=None):
        """Each image once: its features, or why it has none."""
        expected = self.expected if expected is None else expected
        rows = {name_of(row["path"]): row for row in table.to_pylist()}
        self.assertEqual(len(rows), table.num_rows)
        self.assertEqual(set(rows), set(expected) | {"discs/broken.jpg"})
        for name, row in rows.items():
            if name == "discs/broken.jpg":
                self.assertEqual((row["status"], row["features"]), ("failed", None))
                self.assertIn("damaged or truncated JPEG", row["reason"])
            else:
                self.assertEqual((row["status"], row["reason"]), ("ok", None))
                numpy.testing.assert_array_equal(numpy.array(row["features"], numpy.float32), expected[name])

    # --- Ray

    def ray(self):
        import ray

        if not ray.is_initialized():
            ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False,
                     runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}})
            self.addClassCleanup(ray.shutdown)
        return ray

    def test_ray_reads_a_folder_with_a_killed_worker_and_writes_parquet(self):
        ray, output, marker = self.ray(), self.folder / "ray-rows", self.folder / "killed-in-ray"
        images = ray.data.read_binary_files(str(self.images), include_paths=True).repartition(6)
        rows = images.map_batches(KilledOnce, fn_constructor_kwargs={"marker": str(marker), **OPTIONS}, batch_format="pyarrow",
                                  batch_size=8, concurrency=2, num_cpus=1)
        rows.write_parquet(str(output))
        self.assertTrue(marker.exists(), "no worker was killed")
        self.assert_rows(pyarrow.parquet.read_table(output))

    def test_ray_reads_tars_of_webdataset(self):
        ray, tar = self.ray(), self.folder / "images-000.tar"
        with tarfile.open(tar, "w") as archive:
            for i, path in enumerate(sorted(self.images.rglob("*.jpg"))):
                content = path.read_bytes()
                member = tarfile.TarInfo(f"{i:04d}.jpg")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        images = ray.data.read_webdataset(str(tar), decoder=None)
        rows = images.map_batches(dcgan.ray.Extract, fn_constructor_kwargs={"column": "jpg", **OPTIONS}, batch_format="pyarrow",
                                  batch_size=8, concurrency=1, num_cpus=1).take_all()
        by_key = {row["__key__"]: row for row in rows}
        for i, path in enumerate(sorted(self.images.rglob("*.jpg"))):
            row, name = by_key[f"{i:04d}"], str(path.relative_to(self.images))
            if name == "discs/broken.jpg":
                self.assertEqual(row["status"], "failed")
            else:
                numpy.testing.assert_array_equal(numpy.array(row["features"], numpy.float32), self.expected[name])

    # --- Spark

    def test_spark_reads_a_folder_with_a_killed_worker_and_writes_parquet(self):
        from pyspark.sql import SparkSession
        from pyspark.sql.functions import pandas_udf

        os.environ["PYSPARK_PYTHON"], os.environ["PYTHONPATH"] = sys.executable, os.pathsep.join(sys.path)
        spark = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false").getOrCreate()
        self.addCleanup(spark.stop)
        spark.sparkContext.setLogLevel("OFF")
        output, marker = self.folder / "spark-rows", self.folder / "killed-in-spark"

        @pandas_udf("string")
        def kill(paths):
            killed_once(str(marker))
            return paths

        images = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(str(self.images)).repartition(4)
        extract = dcgan.spark.extract(**OPTIONS)
        rows = images.select(kill("path").alias("path"), extract("content").alias("row")).select("path", "row.*")
        rows.write.parquet(str(output))
        self.assertTrue(marker.exists(), "no worker was killed")
        self.assert_rows(pyarrow.parquet.read_table(output))
        # Paths in place of bytes.
        paths = images.selectExpr("replace(path, 'file:', '') as path")
        table = paths.select("path", extract("path").alias("row")).select("path", "row.*").toPandas()
        self.assert_rows(pyarrow.Table.from_pandas(table))
        # Features as bytes.
        extract = dcgan.spark.extract(binary=True, **OPTIONS)
        rows = images.select("path", extract("content").alias("row")).select("path", "row.*").collect()
        found = {row["path"].split("/images/")[-1]: row["features"] for row in rows}
        self.assertEqual(found, {**{name: row.astype("<f4").tobytes() for name, row in self.expected.items()},
                                 "discs/broken.jpg": None})

    def test_a_worker_of_spark_opens_an_extractor_once_and_another_for_other_options(self):
        first = dcgan.spark._extractor(None, threads=1, layers=[1])
        self.assertIs(dcgan.spark._extractor(None, threads=1, layers=[1]), first)
        self.assertEqual(dcgan.spark._extractor(None, threads=1, layers=[2]).info["layers"], [2])
        self.assertEqual(dcgan.spark._extractor(None, threads=1, layers=[1]).info["layers"], [1])

    # --- Parquet

    def test_feature_files_become_parquet_and_back(self):
        from dcgan import parquet

        parquet.GROUP_BYTES, parquet.GROUPS_OF_A_FILE = 7 * 4 * 1024, 3  # 7 rows in a group
        columns = len(next(iter(self.expected.values())))
        self.assertEqual(columns, 1024)
        written = dcgan.to_parquet(self.file, self.folder / "parquet")
        self.assertEqual([path.name for path in written], [f"part-{i:05d}.parquet" for i in range(4)])
        self.assertEqual(sorted(path.name for path in (self.folder / "parquet").iterdir()), [path.name for path in written])
        first = pyarrow.parquet.ParquetFile(written[0])
        self.assertEqual([first.metadata.row_group(g).num_rows for g in range(first.num_row_groups)], [7, 7, 7])
        table = pyarrow.parquet.read_table(self.folder / "parquet")
        self.assertEqual(table.schema.field("features").type, pyarrow.list_(pyarrow.float32(), 1024))
        self.assert_rows(table)
        with h5py.File(self.file) as file:
            self.assertEqual(table.column("path").to_pylist(), [*file["paths"].asstr()[:], "discs/broken.jpg"])
            self.assertEqual(table.schema.metadata[b"model_sha256"].decode(), file.attrs["model_sha256"])
            values = table.slice(0, 60).column("features").combine_chunks().flatten().to_numpy().reshape(60, 1024)
            numpy.testing.assert_array_equal(values, file["features"][:])
        labels = dict(zip(table.column("path").to_pylist(), table.column("label").to_pylist()))
        self.assertEqual({path: label for path, label in labels.items() if label}, self.classes)
        with self.assertRaisesRegex(FileExistsError, "is not empty"):
            dcgan.to_parquet(self.file, self.folder / "parquet")


if __name__ == "__main__":
    unittest.main()
