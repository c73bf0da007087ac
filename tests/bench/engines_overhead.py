#!/usr/bin/env python3
"""What Ray and Spark cost beside dcgan-extract alone: the same images, processes and threads, 28,672 features in float32, or
what --compress makes of them.

Alone: as many processes as --processes, each dcgan-extract --shard with one thread, to HDF5 files. Ray: as many actors of
dcgan.ray.Extract; Spark: as many workers of dcgan.spark.extract; both to Parquet, in the words of docs/many-machines.md.
An engine is started before, as a cluster has it, and its start is told by itself; what its workers need to start is
counted, as it is for the programs. In turn, round after round; best and median, and the least processor time of all processes
together, which other work on the machine disturbs least. Run it in the environment of tools/engines:

    ~/.cache/libdcgan/engines/bin/python tests/bench/engines_overhead.py build/release IMAGES --rounds 2
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dcgan.ray
import dcgan.spark
import pyarrow.compute
import pyarrow.parquet

import markdown


class Alone:
    def __init__(self, arguments):
        self.program, self.processes = arguments.build / "tools/dcgan-extract", arguments.processes
        self.options = ["--compress", arguments.compress] if arguments.compress else []

    def run(self, images, output):
        output.mkdir()
        running = [subprocess.Popen([self.program, images, "-o", output / f"{i}.h5", "--shard", f"{i}/{self.processes}",
                                     "--threads", "1", "--quiet", *self.options], stdout=subprocess.DEVNULL) for i in range(self.processes)]
        if any([process.wait() for process in running]):
            sys.exit("dcgan-extract failed")

    def rows(self, output):
        import h5py

        return sum(len(h5py.File(path)["features"]) for path in output.glob("*.h5"))


class Engine:
    def __init__(self, arguments):
        self.processes, self.batch, self.options = arguments.processes, arguments.batch, {"compress": arguments.compress}
        start = time.perf_counter()
        self.start()
        self.start_seconds = time.perf_counter() - start

    def rows(self, output):
        table = pyarrow.parquet.read_table(output, columns=["status"])
        return pyarrow.compute.sum(pyarrow.compute.equal(table.column("status"), "ok")).as_py()


class Ray(Engine):
    def start(self):
        import ray

        self.ray = ray
        ray.init(num_cpus=self.processes + 1, include_dashboard=False, log_to_driver=False)  # one for reading and writing
        ray.data.DataContext.get_current().enable_progress_bars = False

    def run(self, images, output):
        files = self.ray.data.read_binary_files(str(images), include_paths=True)
        rows = files.map_batches(dcgan.ray.Extract, fn_constructor_kwargs=self.options, batch_format="pyarrow",
                                 batch_size=self.batch, concurrency=self.processes, num_cpus=1)
        rows.write_parquet(str(output))

    def stop(self):
        self.ray.shutdown()


class Spark(Engine):
    binary = False

    def start(self):
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        self.spark = (SparkSession.builder.master(f"local[{self.processes},4]").config("spark.ui.enabled", "false")
                      .config("spark.sql.execution.arrow.maxRecordsPerBatch", self.batch)
                      .config("spark.driver.memory", "4g").getOrCreate())
        self.spark.sparkContext.setLogLevel("OFF")

    def run(self, images, output):
        files = self.spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(str(images))
        extract = dcgan.spark.extract(binary=self.binary, **self.options)
        files.select("path", extract("content").alias("row")).select("path", "row.*").write.parquet(str(output))

    def stop(self):
        self.spark.stop()


class SparkBinary(Spark):
    binary = True


def processor_seconds():
    """Of this process, those that it started, those that they started, and so on."""
    used, parents = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(stat.parent.name)
        parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15]))  # user, system, and of those waited for
    total, family = 0, [os.getpid()]
    while family:
        pid = family.pop()
        total += used[pid]
        family += [child for child, parent in parents.items() if parent == pid]
    return total / os.sysconf("SC_CLK_TCK")


def seconds_of(way, images, folder, count):
    """On the clock, and of processors."""
    output = folder / "rows"
    start, used = time.perf_counter(), processor_seconds()
    way.run(images, output)
    seconds, used = time.perf_counter() - start, processor_seconds() - used
    if way.rows(output) != count:
        sys.exit(f"{type(way).__name__}: {way.rows(output)} rows of {count} images")
    shutil.rmtree(output)
    return seconds, used


ENGINES = {"ray": Ray, "spark": Spark, "spark-binary": SparkBinary}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("images", type=Path, help="a folder of JPEG or PNG files, all of them whole")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256, help="images of a batch of an engine")
    parser.add_argument("--compress", help="a file of dcgan-eval compress")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    arguments = parser.parse_args()
    count = sum(path.is_file() for path in arguments.images.rglob("*"))
    rows = [["", "seconds (best)", "median", "images/s", "over alone", "processor s", "over alone", "start, s"], ["---"] * 8]
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        ways = {"alone": Alone(arguments)}
        for engine in arguments.engines:
            ways[engine] = ENGINES[engine](arguments)
        for _ in range(arguments.rounds):
            for label, way in ways.items():
                seconds.setdefault(label, []).append(seconds_of(way, arguments.images, Path(name), count))
                print(f"{label}: {seconds[label][-1][0]:.1f} s, {seconds[label][-1][1]:.1f} s of processors", file=sys.stderr)
        for engine in arguments.engines:
            ways[engine].stop()
    for label, way in ways.items():
        clock, used = zip(*seconds[label])
        median, least = statistics.median(clock), min(used)
        row = [label, f"{min(clock):.1f}", f"{median:.1f}", f"{count / min(clock):.0f}"]
        if label == "alone":
            alone, alone_least = median, least
            rows.append([*row, "", f"{least:.1f}", "", ""])
        else:
            rows.append([*row, f"{100 * (median / alone - 1):+.0f}%", f"{least:.1f}", f"{100 * (least / alone_least - 1):+.0f}%",
                         f"{way.start_seconds:.1f}"])
    print(f"{count} images, {arguments.processes} processes with a thread each, batches of {arguments.batch}\n")
    print(markdown.table(rows), end="")


if __name__ == "__main__":
    main()
