#!/usr/bin/env python3
"""Each command of dcgan-prepare beside the bare cost of its slowest part and beside a Python script that does the same.

    compare_preparing.py make DATA WORK [--photographs N]      DATA: the development data; WORK: a folder to fill
    compare_preparing.py run BUILD WORK [--rounds N] [--only COMMAND,..] [--threads N]

`make` writes what the commands read. Photographs of 500x375 pixels and about 110 kB, as in ImageNet, are made, since
the data has none: four photographs of Labeled Faces in the Wild, two by two and cut to 375 rows, with noise, are the
brightness; an image of Tiny-ImageNet, enlarged, is the colour; the JPEG quality is the one that gives this mean size.

`run` prints a Markdown table. Each program runs as a process of its own, in turn with the others, round after round, on
files that are in the page cache. Rates are of the second part of a run: the time for a few images is subtracted, so
that the start does not count (cifar10, svhn and dedup: whole runs). Memory is the peak of the sum over all processes of
what each has for itself and its share of what they have in common (PSS). The bare cost: image_benchmark (OpenCV of
Debian, all threads) for decoding and detection; reading the file once for the data sets without a codec.

The scripts use what PyPI has: multiprocessing over all threads, OpenCV, h5py, lmdb, scipy, torch. Needs these packages
(opencv-python-headless; its version 5 has no face cascades, so faces have no script).
"""

import argparse
import io
import itertools
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

PHOTOGRAPH = (500, 375)
WANTED_BYTES = 110_000
NOISE = 3  # standard deviation, of 255: the photographs of faces are smooth
FEW = 64  # images of the run whose time is subtracted


# --- making the inputs

def photograph(generator, faces, colours):
    import numpy
    from PIL import Image

    brightness = Image.new("L", (500, 500))
    for place in itertools.product((0, 250), (0, 250)):
        face = Image.open(generator.choice(faces)).convert("L")
        brightness.paste(face.transpose(generator.choice(list(Image.Transpose)[:2])), place)
    noise = numpy.random.default_rng(generator.randrange(1 << 32)).normal(0, NOISE, (500, 500))
    brightness = Image.fromarray(numpy.clip(numpy.asarray(brightness) + noise, 0, 255).astype(numpy.uint8))
    colour = Image.open(generator.choice(colours)).convert("YCbCr").resize((500, 500), Image.Resampling.BICUBIC)
    image = Image.merge("YCbCr", (brightness, *colour.split()[1:]))
    return image.crop((0, 62, 500, 62 + PHOTOGRAPH[1])).convert("RGB")


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "jpeg", quality=quality)
    return file.getvalue()


def make_photographs(data, work, count):
    generator = random.Random(1)
    faces, colours = sorted((data / "lfw").rglob("*.jpg")), sorted((data / "tinyimagenet32/000").glob("*.webp"))
    trial = [photograph(generator, faces, colours) for _ in range(20)]
    quality = min(range(60, 101), key=lambda q: abs(sum(len(jpeg(image, q)) for image in trial) / 20 - WANTED_BYTES))
    sizes = []
    for i in range(count):
        path = work / f"photographs/n{i % 10:08}/n{i % 10:08}_{i}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(photograph(generator, faces, colours), quality))
        sizes.append(path.stat().st_size)
    print(f"{count} photographs, quality {quality}, {statistics.mean(sizes):.0f} bytes in the mean")


def nested_tar(folder, path):
    with tarfile.open(path, "w") as outer:
        for wnid in sorted(folder.iterdir()):
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as archive:
                for image in sorted(wnid.iterdir()):
                    archive.add(image, arcname=image.name)
            member = tarfile.TarInfo(f"{wnid.name}.tar")
            member.size = inner.tell()
            inner.seek(0)
            outer.addfile(member, inner)


def make_lmdb(photographs, folder, path):
    """As LSUN has it: WebP, shorter side 256. The files beside it, for the bare cost."""
    import lmdb
    from PIL import Image

    folder.mkdir()
    with lmdb.open(str(path), map_size=1 << 34) as environment, environment.begin(write=True) as transaction:
        for photograph in photographs:
            image = folder / f"{photograph.stem}.webp"
            Image.open(photograph).resize((341, 256), Image.Resampling.LANCZOS).save(image, quality=90)
            transaction.put(image.stem.encode(), image.read_bytes())


def make_official(data, work):
    """CIFAR-10's binary batches and an SVHN .mat of the real size, of the images that there are, repeated."""
    import numpy
    from PIL import Image
    from scipy.io import savemat

    def pixels(paths):
        return numpy.stack([numpy.asarray(Image.open(path).convert("RGB")) for path in paths])

    classes = sorted(path.name for path in (data / "cifar10/train").iterdir())
    rows = []
    for label, name in enumerate(classes):
        planes = pixels(sorted((data / "cifar10/train" / name).iterdir())).transpose(0, 3, 1, 2).reshape(-1, 3072)
        rows.append(numpy.concatenate([numpy.full((len(planes), 1), label, numpy.uint8), planes], 1))
    rows = numpy.random.default_rng(1).permutation(numpy.concatenate(rows))
    batches = work / "cifar-10-batches-bin"
    batches.mkdir()
    for i in range(5):
        rows[i * 10000 : (i + 1) * 10000].tofile(batches / f"data_batch_{i + 1}.bin")
    rows[:10000].tofile(batches / "test_batch.bin")
    digits = sorted((data / "svhn-part").glob("*/*.webp"))
    images = pixels(digits)
    labels = numpy.array([int(path.parent.name) or 10 for path in digits], numpy.uint8)
    places = numpy.arange(73257) % len(images)
    (work / "svhn").mkdir()
    savemat(work / "svhn/train_32x32.mat", {"X": images[places].transpose(1, 2, 3, 0), "y": labels[places, None]},
            do_compression=True)


def make(data, work, count):
    work.mkdir(parents=True)
    make_photographs(data, work, count)
    (work / "faces").symlink_to(data / "lfw")
    for name in ("photographs", "faces"):
        few = work / f"few-{name}/few"
        few.mkdir(parents=True)
        for i, image in enumerate(sorted((work / name).glob("*/*.[jJ]*"))[:FEW]):
            (few / f"{i:03}.jpg").write_bytes(image.read_bytes())
    for few in ("", "few-"):
        nested_tar(work / f"{few}photographs", work / f"{few}photographs.tar")
        photographs = sorted((work / f"{few}photographs").glob("*/*"))
        make_lmdb(photographs, work / f"{few}webp", work / f"{few}photographs_lmdb")
    make_official(data, work)
    small = sorted((data / "tinyimagenet32").glob("*/*.webp"))
    write_rows(work / "images.h5", (prepare_file((32, str(path))) for path in small), 32)


# --- the Python scripts

def prepared(image, size):
    """Shorter side to `size` as the authors do, then the centre."""
    import cv2

    height, width = image.shape[:2]
    scale = size / min(height, width)
    image = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
    return image[top : top + size, left : left + size, ::-1]


def prepare_bytes(job):
    import cv2
    import numpy

    size, content = job
    return prepared(cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR), size)


def prepare_file(job):
    import cv2

    size, path = job
    return prepared(cv2.imread(path, cv2.IMREAD_COLOR), size)


def write_rows(output, rows, size):
    import h5py
    import numpy

    with h5py.File(output, "w") as file:
        shape = (size, size, 3)
        images = file.create_dataset("images", (0, *shape), "u1", maxshape=(None, *shape), chunks=(64, *shape))
        rows = iter(rows)
        while block := list(itertools.islice(rows, 1024)):
            images.resize(len(images) + len(block), 0)
            images[-len(block) :] = numpy.stack(block)


def members_of(path):
    with tarfile.open(path) as outer:
        for inner in outer:
            with tarfile.open(fileobj=outer.extractfile(inner)) as archive:
                for member in archive:
                    yield archive.extractfile(member).read()


def values_of(path):
    import lmdb

    with lmdb.open(path, readonly=True, lock=False) as environment, environment.begin() as transaction:
        yield from (value for _, value in transaction.cursor())


def dedup_script(source, output, threads):
    """The autoencoder of dcgan-prepare dedup with the same numbers, and equal codes."""
    import h5py
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(threads)
    with h5py.File(source) as file:
        pixels = torch.from_numpy(file["images"][:]).reshape(-1, 3072)

    def standardised(rows):
        values = rows.float() / 255
        values = values - values.mean(1, keepdim=True)
        return values / (values.square().mean(1, keepdim=True).sqrt() + 0.05)

    chosen = pixels[torch.randperm(len(pixels))[:DEDUP_TRAIN]]
    mean = sum(standardised(block).sum(0) for block in chosen.split(4096)) / len(chosen)
    encoder, decoder = torch.nn.Linear(3072, 128), torch.nn.Linear(128, 3072)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    for _ in range(DEDUP_EPOCHS):
        for rows in torch.randperm(len(chosen)).split(512):
            clean = standardised(chosen[rows])
            code = torch.nn.functional.dropout(torch.relu(encoder(clean + 2 * torch.randn_like(clean) - mean)), 0.5)
            loss = torch.nn.functional.mse_loss(decoder(code), clean - mean)
            adam.zero_grad()
            loss.backward()
            adam.step()
    first, kept = {}, []
    with torch.no_grad():
        for start, block in enumerate(pixels.split(4096)):
            for i, code in enumerate((encoder(standardised(block) - mean) > 0).numpy()):
                if first.setdefault(code.tobytes(), start * 4096 + i) == start * 4096 + i:
                    kept.append(start * 4096 + i)
    write_rows(output, (pixels[i].reshape(32, 32, 3).numpy() for i in kept), 32)


DEDUP_TRAIN, DEDUP_EPOCHS = 10000, 2


def script(command, source, output, threads):
    if command == "cifar10":
        import numpy

        rows = numpy.concatenate([numpy.fromfile(f"{source}/data_batch_{i}.bin", numpy.uint8).reshape(-1, 3073)
                                  for i in range(1, 6)])
        write_rows(output, rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), 32)
    elif command == "svhn":
        from scipy.io import loadmat

        write_rows(output, loadmat(f"{source}/train_32x32.mat")["X"].transpose(3, 0, 1, 2), 32)
    elif command == "dedup":
        dedup_script(source, output, threads)
    else:
        import cv2

        cv2.setNumThreads(1)
        size = 64 if command == "lsun" else 32
        with multiprocessing.Pool(threads) as pool:
            if Path(source).suffix == ".tar":
                rows = pool.imap(prepare_bytes, ((size, content) for content in members_of(source)), 16)
            elif command == "lsun":
                rows = pool.imap(prepare_bytes, ((size, value) for value in values_of(source)), 16)
            else:
                paths = sorted(str(path) for path in Path(source).rglob("*") if path.is_file())
                rows = pool.imap(prepare_file, ((size, path) for path in paths), 16)
            write_rows(output, rows, size)


# --- measuring

def memory_of_group(group):
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[2]) == group:
                rollup = (status.parent / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):  # it has ended
            continue
    return total / 1024


def run_process(command):
    """Seconds of a process, and what it said."""
    start = time.perf_counter()
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return time.perf_counter() - start, result.stdout


def peak_memory(command):
    """MiB of a process and its children, looked at 20 times a second."""
    peak = 0
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as process:
        while process.poll() is None:
            peak = max(peak, memory_of_group(process.pid))
            time.sleep(0.05)
    return peak


def inputs_of(source):
    """Images among the files of a source; of photographs, not of faces."""
    import h5py

    if source.suffix == ".h5":
        with h5py.File(source) as file:
            return len(file["images"])
    if source.suffix == ".tar":
        return sum(1 for _ in members_of(source))
    if source.name.endswith("_lmdb"):
        return sum(1 for _ in values_of(str(source)))
    official = {"cifar-10-batches-bin": 50000, "svhn": 73257}
    return official.get(source.name) or sum(path.is_file() for path in source.rglob("*"))


DEDUP = ["--unsure-bits", 0, "--train-images", DEDUP_TRAIN, "--epochs", DEDUP_EPOCHS]
# Command, what it reads, its options, whose bare cost stands beside it, on which folder; whether there is a script.
ROWS = [
    ("imagenet32", "photographs", [], ("decode", "photographs"), True),
    ("imagenet32", "photographs.tar", [], ("decode", "photographs"), True),
    ("imagenet32", "photographs", ["--scaled-side", 64], ("decode", "photographs"), False),
    ("lsun", "photographs_lmdb", [], ("decode", "webp"), True),
    ("faces", "faces", [], ("detect", "faces"), False),
    ("cifar10", "cifar-10-batches-bin", [], ("read", "cifar-10-batches-bin"), True),
    ("svhn", "svhn", [], ("read", "svhn"), True),
    ("dedup", "images.h5", DEDUP, None, True),
]


def measure(row, build, work, options):
    command, source, flags, bare, has_script = row
    source, few = work / source, work / f"few-{source}"
    named = ["--data"] if command in ("cifar10", "svhn") else []
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        output = Path(scratch) / "out.h5"
        common = ["--threads", options.threads, "--overwrite", "--quiet"]
        ours = [build / "tools/dcgan-prepare", command, "-o", output, *flags, *common, *named]
        programs = {"ours": lambda of: [*ours, of],
                    "script": lambda of: [sys.executable, __file__, "script", command, of, output, options.threads]}
        alone = [build / "tests/bench/image_benchmark", bare[0], options.threads, work / bare[1]] if bare else None
        if not has_script:
            del programs["script"]
        memory = {name: peak_memory(program(source)) for name, program in programs.items()}  # and fills the page cache
        images = inputs_of(source)
        starts, rates, bares = {n: [] for n in programs}, {n: [] for n in programs}, []
        for _ in range(options.rounds):
            for name, program in programs.items():
                start = run_process(program(few))[0] if few.exists() else 0
                counted = images - (inputs_of(few) if few.exists() else 0)
                rates[name].append(counted / (run_process(program(source))[0] - start))
                starts[name].append(start)
            if alone:
                bares.append(images / float(run_process(alone)[1]))

    def both(values):
        return f"{max(values):,.0f} ({statistics.median(values):,.0f})"

    def ratio(ours, others):
        return f"{max(ours) / max(others):.2f} ({statistics.median(a / b for a, b in zip(ours, others)):.2f})"

    cells = [" ".join([f"`{command}", *map(str, flags)]) + f"`, {source.name}", f"{images:,}", both(rates["ours"]),
             f"{memory['ours']:.0f}"]
    cells += [f"{bare[0]}: {both(bares)}", ratio(rates["ours"], bares)] if bare else ["", ""]
    cells += [""] * 3 if not has_script else [both(rates["script"]), f"{memory['script']:.0f}",
                                              ratio(rates["ours"], rates["script"])]
    print("| " + " | ".join(cells) + " |", flush=True)
    if command == "imagenet32" and not flags:
        rate, start = max(rates["ours"]), statistics.median(starts["ours"])
        print(f"<!-- 1,281,167 images at that rate: {(1281167 / rate + start) / 60:.1f} minutes -->", flush=True)


def run(options):
    print("| command, input | images | images/s, best (median) | MiB | bare cost, images/s | share of it | "
          "script, images/s | MiB | faster than the script by |\n" + "|---" * 9 + "|", flush=True)
    for row in ROWS:
        if not options.only or row[0] in options.only.split(","):
            measure(row, options.build, options.work, options)


def main():
    if sys.argv[1:2] == ["script"]:
        command, source, output, threads = sys.argv[2:]
        script(command, source, output, int(threads))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(dest="job", required=True)
    making = jobs.add_parser("make")
    making.add_argument("data", type=Path)
    making.add_argument("work", type=Path)
    making.add_argument("--photographs", type=int, default=3000)
    running = jobs.add_parser("run")
    running.add_argument("build", type=Path)
    running.add_argument("work", type=Path)
    running.add_argument("--rounds", type=int, default=3)
    running.add_argument("--only", help="commands, such as imagenet32,faces")
    running.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.job == "make":
        make(options.data, options.work, options.photographs)
    else:
        run(options)


if __name__ == "__main__":
    main()
