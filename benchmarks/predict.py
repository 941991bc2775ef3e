"""Measure the speed of predictions against the bare network, and the time to the first answer.

    python benchmarks/predict.py --photos FOLDER [--count 2000] [--input-size 96] [--rounds 3]

A ResNet50 with random weights is published to a temporary registry. Then the ways take turns in one
process, so that other load on the machine affects all of them equally:

* `plain_loop`: Keras's `model.predict` of the same ResNet50, 32 photos at a time, on arrays that
  were decoded and resized before. No files, no decoding, no rows.
* `predict`: the work of `customer-age predict` from the photos' names to CSV.
* `score`: the work of `customer-age score` from the photos' names to Parquet, on Beam's local
  runner.

Rates count from the first photo to the last, without imports, loading, or tracing. Each way's rate
is the median of its rounds; its share is the median of the shares in each round.

The first answer is `customer-age predict PHOTO` as a new process, with the model in its cache,
compared with a new process that only imports TensorFlow.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STORED_SIZE, MIN_SIZE, QUALITY = 256, 32, 92
BATCH_SIZE = 32
COLD_STARTS = 5
MODEL_NAME = "customer-age"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder with photos in it")
    parser.add_argument("--count", type=int, default=2000, help="photos of each round")
    parser.add_argument("--input-size", type=int, default=96, help="pixels that the network sees")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--publish", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.publish:
        publish(arguments.publish, arguments.input_size)
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / "work"
        command = [sys.executable, __file__, "--photos", str(arguments.photos)]
        command += ["--input-size", str(arguments.input_size), "--publish", str(work)]
        subprocess.run(command, check=True)
        print(f"{len(os.sched_getaffinity(0))} cores, {arguments.count} photos, "
              f"input size {arguments.input_size}, stored size {STORED_SIZE}")  # fmt: skip
        first_answer(work, arguments.photos)
        rates(work, arguments)


def publish(work: Path, input_size: int) -> None:
    """Publish a ResNet50 as the pipeline does."""
    import numpy as np

    from customer_age.components.trainer import model
    from customer_age.components.trainer.serving_graph import signatures
    from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint

    folder = work / "made"
    folder.parent.mkdir(parents=True)
    network = model.build_model(input_size, "none", 0.0, np.array([30.0]))
    signatures.export(model.as_served(network), str(folder))
    sizes = {"stored_size": STORED_SIZE, "min_size": MIN_SIZE, "jpeg_quality": QUALITY}
    registry = open_registry(f"mlflow+sqlite:///{work}/registry/mlflow.db", MODEL_NAME)
    registry.publish(
        Publication(
            model_dir=folder,
            fingerprint=saved_model_fingerprint(folder),
            metrics={"mae": 8.0},
            settings={f"data.{name}": str(value) for name, value in sizes.items()},
        )
    )


def first_answer(work: Path, photos: Path) -> None:
    """Print how many seconds new processes take."""
    photo = next(each for each in sorted(photos.rglob("*.jpg")))
    command = str(Path(sys.executable).parent / "customer-age")
    predict = [command, "predict", str(photo), "--work-dir", str(work)]
    tensorflow = [sys.executable, "-c", "import tensorflow"]
    _seconds(predict)  # fetches the model
    answers, imports = [], []
    for _ in range(COLD_STARTS):
        answers.append(_seconds(predict))
        imports.append(_seconds(tensorflow))
    print("| first answer | median, s | fastest, s | times `import tensorflow` |")
    print("| --- | --- | --- | --- |")
    for name, seconds in (("customer-age predict", answers), ("import tensorflow", imports)):
        median = statistics.median(seconds)
        print(f"| {name} | {median:.1f} | {min(seconds):.1f} "
              f"| {median / statistics.median(imports):.2f} |", flush=True)  # fmt: skip


def rates(work: Path, arguments: argparse.Namespace) -> None:
    """Print photos per second of each way, and the share of the plain loop's rate."""
    from customer_age.pipeline.prediction import model_version
    from customer_age.pipeline.settings import loading

    settings = loading.load("local", work_dir=str(work))
    found = sorted(arguments.photos.rglob("*.jpg"))
    paths = [str(found[number % len(found)]) for number in range(arguments.count)]
    version, folder = model_version.fetch_while_importing(settings, None)
    ways = {
        "plain_loop": plain_loop(paths, arguments.input_size),
        "predict": predict(paths, settings, version, folder),
        "score": score(paths, settings),
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # traces the model and warms the caches
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            cpu, started = time.process_time(), time.monotonic()
            way()
            seconds = time.monotonic() - started
            measured[name].append((len(paths) / seconds, time.process_time() - cpu))
    plain = [rate for rate, _ in measured["plain_loop"]]
    print("| way | photos/s | share of plain_loop | CPU ms/photo |")
    print("| --- | --- | --- | --- |")
    for name, rounds in measured.items():
        share = statistics.median(
            rate / base for (rate, _), base in zip(rounds, plain, strict=True)
        )
        cpu = statistics.median(cpu for _, cpu in rounds)
        print(f"| {name} | {statistics.median(rate for rate, _ in rounds):.0f} | {share:.0%} "
              f"| {1000 * cpu / len(paths):.1f} |")  # fmt: skip


def plain_loop(paths: list[str], input_size: int) -> Callable[[], object]:
    """Return a function that runs only Keras, on arrays."""
    import numpy as np
    from PIL import Image

    from customer_age.components.trainer import model

    network = model.as_served(model.build_model(input_size, "none", 0.0, np.array([30.0])))
    arrays = np.empty((len(paths), input_size, input_size, 3), np.float32)
    for number, path in enumerate(paths):
        with Image.open(path) as photo:
            arrays[number] = np.asarray(photo.convert("RGB").resize((input_size, input_size)))
    return lambda: network.predict(arrays, batch_size=BATCH_SIZE, verbose=0)


def predict(paths: list[str], settings: object, version: object, folder: Path) -> Callable:
    """Return a function that does the work of `predict`, from the photos' names on."""
    from customer_age.pipeline.prediction import model_version, photo_sources, prediction_rows
    from customer_age.pipeline.prediction.age_model import AgeModel
    from customer_age.pipeline.prediction.predictor import Predictor

    groups = model_version.groups(settings, None)
    predictor = Predictor(AgeModel(folder), model_version.photo_spec(version, settings), groups)

    def run() -> None:
        write = prediction_rows.writer("csv", io.StringIO(), version.version, groups)
        for rows in predictor.predict(photo_sources.files(photo_sources.find(paths), True)):
            write(rows)

    return run


def score(paths: list[str], settings: object) -> Callable:
    """Return a function that does the work of `score`, from the photos' names on."""
    from customer_age.pipeline.graph.beam_options import beam_args
    from customer_age.pipeline.prediction import model_version, photo_sources
    from customer_age.pipeline.prediction.beam_scoring import score_photos
    from customer_age.pipeline.prediction.destination import parse
    from customer_age.pipeline.prediction.score import ScoreRequest, scoring_job

    def run() -> None:
        with tempfile.TemporaryDirectory() as output:
            groups = model_version.groups(settings, None)
            request = ScoreRequest((), output, None, False, None, groups)
            job = scoring_job(settings, request, parse(output, None))
            score_photos(photo_sources.find(paths), job, beam_args(settings))

    return run


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
