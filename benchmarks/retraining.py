"""Measure the cost of retraining as the number of batches grows, and the gain of a warm start.

    python benchmarks/retraining.py --photos FOLDER [--base 5000] [--batches 20] [--training]

* Ingestion: batches of 200 photos of loyalty cards are added one by one to a base set. Each time,
  PhotoExampleGen's executor makes the examples of a run from all of them. Seconds count from the
  call to the last file. The cost is flat if the growth over all runs, except the first one (which
  ingests the base set), is at most 20 %.
* `--training`: trains a first model from ImageNet weights on the base set. Then trains twice on the
  same data window: from ImageNet weights, and from the first model as `retrain` does
  (`RetrainingSettings`). The time of the warm start counts until its `valid` MAE is no worse than
  the best one of the other training. Needs `--weights`.

FOLDER is a data set in the hand-out's layout. Its photos are distributed to the base set and the
batches, and repeated with one pixel changed if there are too few.
"""

import argparse
import csv
import gc
import io
import json
import logging
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from PIL import Image

PER_BATCH = 200
FLAT_WITHIN = 0.2
TODAY = date(2026, 6, 30)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a hand-out: labels.csv, …")
    parser.add_argument("--base", type=int, default=5000, help="photos in the base set")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--weights", default="imagenet", help="as trainer.weights")
    parser.add_argument("--epochs", type=int, default=6, help="of a training from ImageNet weights")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        photos = _photos(arguments.photos)
        base = _base_set(scratch / "base", [next(photos) for _ in range(arguments.base)])
        names = []
        for number in range(arguments.batches):
            name = f"batch-{number:03}"
            _batch(scratch / "inbox" / name, [next(photos) for _ in range(PER_BATCH)])
            names.append(name)
        (scratch / "person.key").write_text("a key of persons, for a benchmark")
        _in_own_process(_ingestion, scratch, base, names)
        if arguments.training:
            _training(scratch, base, names, arguments)


def _ingestion(scratch: Path, base: Path, names: list[str]) -> None:
    logging.disable(logging.WARNING)  # Beam's lines would appear between the rows of the table
    print("| batches | rows | seconds | CPU seconds | decoding | assembling |")
    print("| --: | --: | --: | --: | --: | --: |")
    seconds, cpu = [], []
    for count in range(1, len(names) + 1):
        measured = _examples(scratch, base, names[:count])
        seconds.append(measured["wall"])
        cpu.append(measured["cpu"])
        print(
            f"| {count} | {measured['rows']} | {measured['wall']:.2f} | {measured['cpu']:.2f} "
            f"| {measured['seconds_ingesting']:.2f} | {measured['seconds_assembling']:.2f} |",
            flush=True,
        )
    for what, values in (("seconds", seconds[1:]), ("CPU seconds", cpu[1:])):
        if len(values) < 2:
            return
        slope = statistics.linear_regression(range(len(values)), values).slope
        growth = slope * (len(values) - 1) / statistics.mean(values)
        verdict = "flat" if growth <= FLAT_WITHIN else "NOT flat"
        print(
            f"{what}, 2 to {len(names)} batches: median {statistics.median(values):.2f}, "
            f"{growth:+.0%} along the regression line (within {FLAT_WITHIN:.0%}: {verdict})"
        )


def _examples(scratch: Path, base: Path, names: list[str]) -> dict:
    """Make the examples of a run as its component does."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.types import standard_artifacts

    from customer_age.components import beam_runners
    from customer_age.components.artifacts.types import PhotoDataSet
    from customer_age.components.photo_example_gen import executor
    from customer_age.components.photo_example_gen.spec import IngestionSpec

    data_set, examples = PhotoDataSet(), standard_artifacts.Examples()
    data_set.uri, examples.uri = str(scratch / "data_set"), str(scratch / "examples")
    shutil.rmtree(examples.uri, ignore_errors=True)
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=beam_runners.options(multiprocessing.cpu_count(), ()),
        tmp_dir=str(scratch),
        unique_id="1",
    )
    spec = IngestionSpec(
        inbox=str(scratch / "inbox"),
        batch_cache=str(scratch / "cache"),
        person_key_file=str(scratch / "person.key"),
        age_groups=("0-17", "18-64", "65+"),
    )
    parameters = {
        "data_path": str(base),
        "spec": spec.to_json(),
        "batches": ",".join(names),
        "data_fingerprint": "-",  # a run on this machine computes it before it starts
        "code": "",
    }
    gc.collect()  # a run has its own process, without garbage of earlier runs
    started, started_cpu = time.monotonic(), time.process_time()
    outputs = {"examples": [examples], "data_set": [data_set]}
    executor.Executor(context).Do({}, outputs, parameters)
    wall, cpu = time.monotonic() - started, time.process_time() - started_cpu
    summary = json.loads((scratch / "examples" / "ingestion.json").read_text())
    return {**summary, "wall": wall, "cpu": cpu}


def _training(scratch: Path, base: Path, names: list[str], arguments: argparse.Namespace) -> None:
    """Compare a warm start with one from ImageNet weights on the same window."""
    from customer_age.pipeline.settings.retraining import RetrainingSettings

    _in_own_process(_examples, scratch, base, [])
    whole = {"weights": arguments.weights, "epochs": arguments.epochs}
    first = _in_own_process(_train, scratch, "first", whole, None)
    _in_own_process(_examples, scratch, base, names)
    cold = _in_own_process(_train, scratch, "cold", whole, None)
    retraining = RetrainingSettings()
    shorter = {
        "weights": "champion",
        "epochs": retraining.epochs,
        "learning_rate": retraining.learning_rate,
    }
    warm = _in_own_process(_train, scratch, "warm", shorter, str(scratch / "first" / "model"))
    print("| training | valid MAE, years | epochs | seconds |")
    print("| --- | --: | --: | --: |")
    for name, record in (("first", first), ("from ImageNet", cold), ("warm start", warm)):
        print(
            f"| {name} | {_best(record):.2f} | {len(record['history'])} | {record['seconds']:.0f} |"
        )
    needed = _seconds_until(warm, _best(cold))
    whole = sum(epoch["seconds"] for epoch in cold["history"])
    if needed is None:
        print(f"the warm start did not reach {_best(cold):.2f} years")
    else:
        share = needed / whole
        verdict = "at most half" if share <= 0.5 else "MORE than half"
        reached = f"the warm start reached {_best(cold):.2f} years"
        print(f"{reached} in {share:.0%} of the time: {verdict}")


def _train(scratch: Path, name: str, changed: dict, base_model: str | None) -> dict:
    from tfx.components.trainer.fn_args_utils import FnArgs

    from customer_age.components.trainer.run_fn import run_fn
    from customer_age.pipeline.settings.model import TrainerSettings

    chosen = TrainerSettings(**changed)
    folder = scratch / name
    run_fn(
        FnArgs(
            working_dir=None,
            train_files=[str(scratch / "examples" / "Split-train" / "*")],
            eval_files=[str(scratch / "examples" / "Split-valid" / "*")],
            train_steps=None,
            eval_steps=None,
            schema_path=None,
            schema_file=None,
            transform_graph_path=None,
            data_accessor=None,
            serving_model_dir=str(folder / "model"),
            eval_model_dir=None,
            model_run_dir=str(folder / "model_run"),
            base_model=base_model,
            hyperparameters=None,
            custom_config={**chosen.model_dump(mode="json"), "photo_spec": {}},
        )
    )
    return json.loads((folder / "model_run" / "training.json").read_text())


def _best(record: dict) -> float:
    return min(epoch["val_mae"] for epoch in record["history"] if epoch["phase"] == "whole")


def _seconds_until(record: dict, mae: float) -> float | None:
    """Return the seconds until an epoch was no worse than a MAE in years; None if no epoch was."""
    spent = 0.0
    for epoch in record["history"]:
        spent += epoch["seconds"]
        if epoch["phase"] == "whole" and epoch["val_mae"] <= mae:
            return spent
    return None


def _in_own_process(function, *arguments):  # type: ignore[no-untyped-def]
    """Call a function in a new process, without caches and memory of earlier calls."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _photos(folder: Path) -> Iterator[tuple[bytes, float]]:
    """Yield photos with their ages without end; from the second round on a pixel differs."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["file_name"], float(row["real_age"])) for row in csv.DictReader(file)]
    turn = 0
    while True:
        for name, age in rows:
            content = (folder / "final_files" / name).read_bytes()
            yield (content if not turn else _changed(content, turn)), age
        turn += 1


def _changed(content: bytes, turn: int) -> bytes:
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.putpixel((0, 0), (turn % 256, turn // 256 % 256, 255))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


def _base_set(folder: Path, photos: list[tuple[bytes, float]]) -> Path:
    (folder / "final_files").mkdir(parents=True)
    lines = ["file_name,real_age"]
    for number, (content, age) in enumerate(photos):
        (folder / "final_files" / f"{number:06}.jpg").write_bytes(content)
        lines.append(f"{number:06}.jpg,{age:g}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def _batch(folder: Path, photos: list[tuple[bytes, float]]) -> None:
    """Write photos as a checkout uploads them, each with a card of a holder of the same age."""
    (folder / "photos").mkdir(parents=True)
    shown, cards = ["file_name,card_id,captured_at"], ["card_id,date_of_birth,consent"]
    for number, (content, age) in enumerate(photos):
        card = f"{folder.name}-{number:04}"
        (folder / "photos" / f"{number:04}.jpg").write_bytes(content)
        shown.append(f"{number:04}.jpg,{card},{TODAY.isoformat()}")
        cards.append(f"{card},{(TODAY - timedelta(days=age * 365.25)).isoformat()},yes")
    (folder / "photos.csv").write_text("\n".join(shown))
    (folder / "cards.csv").write_text("\n".join(cards))
    (folder / "_SUCCESS").touch()


if __name__ == "__main__":
    main()
