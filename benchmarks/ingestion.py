"""Measure the speed and memory of ingestion, and compare it with two other ways.

    python benchmarks/ingestion.py --photos FOLDER [--workers 2] [--scale]

Each way runs in a separate process, from the same photos to TFRecords on the same disk:

* `photo_example_gen`: the component's executor, on Beam's DirectRunner (threads in one process).
* `bare_loop`: Pillow decodes, shrinks and encodes in the same number of processes, without Beam,
  checks and output files. No code built on Pillow can be faster.
* `by_hand`: the usual code: Beam, `tf.io.decode_jpeg`, `tf.image.resize`, `tf.io.encode_jpeg`,
  `WriteToTFRecord`, in several processes if that is faster than threads.

Rates count from the first photo to the last, without the imports. Memory is the peak of the process
with its children, without the memory of the imports.
"""

import argparse
import csv
import io
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

STORED_SIZE = 256
QUALITY = 92
LARGE_PHOTOS = 1000
SCALES = (1000, 4000, 16_000)


def main() -> None:
    """Run the benchmark, or one way of it in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a data set in a known layout")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--scale", action="store_true", help="memory for 1,000 to 16,000 photos")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(_measured(WAYS[arguments.way], arguments.photos, arguments.workers)))
        return
    print(f"{os.cpu_count()} cores, {arguments.workers} workers, stored size {STORED_SIZE}")
    with tempfile.TemporaryDirectory() as temporary:
        sets = {"as they are": arguments.photos}
        if arguments.scale:
            sets = {
                f"{count}": _hand_out(
                    Path(temporary) / str(count), _repeated(arguments.photos, count)
                )
                for count in SCALES
            }
        else:
            sets[f"{LARGE_PHOTOS} of 1 to 12 megapixels"] = _hand_out(
                Path(temporary) / "large", _enlarged(arguments.photos)
            )
        print("| data | way | photos | photos/s | CPU ms/photo | peak memory, MB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, folder in sets.items():
            for way in ["photo_example_gen"] if arguments.scale else WAYS:
                row = _in_own_process(way, folder, arguments.workers)
                print(f"| {name} | {way} | {row['photos']} | {row['photos'] / row['seconds']:.0f} "
                      f"| {1000 * row['cpu'] / row['photos']:.2f} | {row['peak_mb']:.0f} |",
                      flush=True)  # fmt: skip


def photo_example_gen(folder: Path, workers: int, output: Path) -> Callable[[], int]:
    """Return a function that runs the component's executor as a pipeline does."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.types import standard_artifacts

    from customer_age.components import beam_runners
    from customer_age.components.artifacts.types import PhotoDataSet
    from customer_age.components.photo_example_gen.executor import Executor
    from customer_age.components.photo_example_gen.spec import IngestionSpec

    data_set, examples = PhotoDataSet(), standard_artifacts.Examples()
    data_set.uri, examples.uri = f"{output}-data_set", str(output)
    arguments = beam_runners.options(workers, [])
    spec = IngestionSpec(
        stored_size=STORED_SIZE, jpeg_quality=QUALITY, age_groups=("0-17", "18-64", "65+")
    )
    # A run on this machine computes the fingerprint before it starts.
    properties = {
        "data_path": str(folder), "spec": spec.to_json(), "data_fingerprint": "-", "code": "",
    }  # fmt: skip

    def run() -> int:
        context = BaseBeamExecutor.Context(beam_pipeline_args=arguments, unique_id="1")
        Executor(context).Do({}, {"examples": [examples], "data_set": [data_set]}, properties)
        return examples.get_int_custom_property("photos")

    return run


def bare_loop(folder: Path, workers: int, output: Path) -> Callable[[], int]:
    """Return a function that runs only Pillow, in the same number of processes."""
    paths = [row[0] for row in _rows(folder)]

    def run() -> int:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            return sum(pool.imap_unordered(_shrunk_by_pillow, paths, chunksize=16))

    return run


def by_hand(folder: Path, workers: int, output: Path) -> Callable[[], int]:
    """Return a function that runs Beam and TensorFlow's image functions, as in tutorials."""
    import apache_beam as beam
    import tensorflow as tf

    from customer_age.components import beam_runners

    rows = _rows(folder)
    arguments = [
        f"--runner={beam_runners.RUNNER}",
        "--direct_running_mode=in_memory",
        f"--direct_num_workers={workers}",
    ]

    def example(row: tuple[str, float]) -> bytes:
        image = tf.io.decode_jpeg(tf.io.read_file(row[0]), channels=3)
        height, width = image.shape[:2]
        scale = min(1.0, STORED_SIZE / min(height, width))
        size = (round(height * scale), round(width * scale))
        small = tf.cast(tf.image.resize(image, size, antialias=True), tf.uint8)
        jpeg = tf.io.encode_jpeg(small, quality=QUALITY).numpy()
        feature = {
            "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[jpeg])),
            "age": tf.train.Feature(float_list=tf.train.FloatList(value=[row[1]])),
        }
        features = tf.train.Features(feature=feature)
        return tf.train.Example(features=features).SerializeToString()

    def run() -> int:
        with beam.Pipeline(argv=arguments) as pipeline:
            _ = (
                pipeline
                | beam.Create(rows)
                | beam.Reshuffle()
                | beam.Map(example)
                | beam.io.WriteToTFRecord(str(output / "data"), file_name_suffix=".gz")
            )
        return len(rows)

    return run


WAYS = {"bare_loop": bare_loop, "photo_example_gen": photo_example_gen, "by_hand": by_hand}


def _shrunk_by_pillow(path: str) -> int:
    from PIL import Image

    image = Image.open(path)
    image.draft(None, (2 * STORED_SIZE, 2 * STORED_SIZE))
    image = image.convert("RGB")
    scale = min(1.0, STORED_SIZE / min(image.size))
    if scale < 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.save(io.BytesIO(), "JPEG", quality=QUALITY)
    return 1


def _in_own_process(way: str, folder: Path, workers: int) -> dict:
    command = [sys.executable, __file__, "--photos", folder, "--workers", str(workers)]
    answer = subprocess.run([*command, "--way", way], capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{way} failed:\n{answer.stderr}")
    return json.loads(answer.stdout.splitlines()[-1])


def _measured(way: Callable, folder: Path, workers: int) -> dict:
    with tempfile.TemporaryDirectory() as output:
        run = way(folder, workers, Path(output))
        before, cpu = _memory(), _cpu()
        highest = before
        done = threading.Event()

        def watch() -> None:
            nonlocal highest
            while not done.wait(0.25):
                highest = max(highest, _memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.monotonic()
        photos = run()
        seconds = time.monotonic() - started
        done.set()
        watcher.join()
        return {"photos": photos, "seconds": seconds, "cpu": _cpu() - cpu,
                "peak_mb": (highest - before) / 2**20}  # fmt: skip


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory() -> int:
    """Return the bytes of this process and its children, with shared pages counted once."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if os.getpid() in (int(process.name), parent):
                rollup = (process / "smaps_rollup").read_text()
                total += 1024 * int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
        except (OSError, TypeError):  # the process has just ended
            continue
    return total


def _rows(folder: Path) -> list[tuple[str, float]]:
    from customer_age.labels import open_data_set

    rows = open_data_set(str(folder)).rows()
    return [(row.photo, float(row.age)) for row in rows if row.problem is None]


def _hand_out(folder: Path, photos: Iterable[tuple[bytes, float]]) -> Path:
    (folder / "final_files").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "real_age"])
        for number, (content, age) in enumerate(photos):
            name = f"{number:06d}.jpg"
            writer.writerow([name, age])
            (folder / "final_files" / name).write_bytes(content)
    return folder


def _enlarged(photos: Path) -> Iterator[tuple[bytes, float]]:
    """Enlarge photos to 1 to 12 megapixels, with a camera's noise, for realistic file sizes."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0)
    rows = _rows(photos)
    for number in range(LARGE_PHOTOS):
        path, age = rows[number % len(rows)]
        megapixels = 1 + 11 * number / (LARGE_PHOTOS - 1)
        with Image.open(path) as image:
            scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = (round(image.width * scale), round(image.height * scale))
            pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
        grain = noise.integers(-6, 7, (*pixels.shape[:2], 1), dtype=np.int16)
        grainy = np.clip(pixels + grain, 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(grainy).save(buffer, "JPEG", quality=90)
        yield buffer.getvalue(), age


def _repeated(photos: Path, count: int) -> Iterator[tuple[bytes, float]]:
    """Yield photos repeatedly, each time with different bytes, so that none is a duplicate."""
    rows = _rows(photos)
    for number in range(count):
        path, age = rows[number % len(rows)]
        comment = f"{number:08d}".encode()
        content = Path(path).read_bytes()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        yield content[:2] + segment + content[2:], age


if __name__ == "__main__":
    main()
