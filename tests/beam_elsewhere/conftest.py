"""Beam's own job service and a pool of workers, each in a separate process, on loopback."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customer_age.components import beam_runners
from customer_age.model_registry import open_registry
from customer_age.pipeline.settings import loading

JOB_SERVICE = "apache_beam.runners.portability.local_job_service_main"
POOL = "customer_age.components.beam_elsewhere.worker_pool"


@dataclasses.dataclass(frozen=True)
class Engine:
    """A substitute for Flink: a job service, and a pool that starts a worker for each job."""

    args: list[str]
    """The Beam options, as in the settings."""
    pool: subprocess.Popen

    def workers(self) -> list[int]:
        """The pool's running processes."""
        children = Path(f"/proc/{self.pool.pid}/task").glob("*/children")
        pids = [int(pid) for file in children for pid in file.read_text().split()]
        return [pid for pid in pids if "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()]

    def signal_workers(self, number: int = signal.SIGKILL) -> None:
        """Kill the running workers, or suspend them."""
        workers = self.workers()
        assert workers, "no worker is running"
        for pid in workers:
            os.kill(pid, number)


@pytest.fixture(scope="session")
def engine(free_port, tmp_path_factory) -> Iterator[Engine]:
    """A job service and a pool that are ready."""
    logs = tmp_path_factory.mktemp("engine")
    # The pool starts its workers as `python`.
    path = f"{sys.prefix}/bin:{os.environ['PATH']}"
    with contextlib.ExitStack() as stack:

        def start(module: str, option: str, port: int) -> subprocess.Popen:
            log = stack.enter_context((logs / f"{module}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", module, option],
                env=os.environ | {"PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _wait_for(port, process)
            return process

        jobs, workers = free_port(), free_port()
        start(JOB_SERVICE, f"--job_port={jobs}", jobs)
        pool = start(POOL, f"--address=localhost:{workers}", workers)
        yield Engine(
            [
                "--runner=PortableRunner",
                f"--job_endpoint=localhost:{jobs}",
                "--environment_type=EXTERNAL",
                f"--environment_config=localhost:{workers}",
                # As cluster.image gives it: without an image, TFX would pack its sources.
                "--sdk_container_image=registry.example.com/customer-age:1",
            ],
            pool,
        )


def _wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
            return
        assert process.poll() is None, f"{process.args} ended"
        time.sleep(0.1)
    raise AssertionError(f"{process.args} does not listen")


@dataclasses.dataclass(frozen=True)
class Parts:
    """The four parts that run on Beam, each with the settings' Beam options."""

    photos: Path
    work: Path
    """The URI of a registry with one version."""
    model: Path

    def ingest(self, beam_args: list[str], output: Path, data: Path | None = None) -> Path:
        """Run PhotoExampleGen; return its `Examples`."""
        from tfx.types import standard_artifacts

        from customer_age.components.artifacts.types import PhotoDataSet
        from customer_age.components.photo_example_gen import executor

        examples = _artifact(standard_artifacts.Examples, output)
        data_set = _artifact(PhotoDataSet, output.with_name(f"{output.name}-data_set"))
        spec = {
            "stored_size": 64,
            "min_size": 16,
            "split_shares": {"train": 0.5, "valid": 0.25, "test": 0.25},
            "split_key": "key",
            "person_key_file": str(self.work / "person.key"),
            "age_groups": ["0-17", "18-64", "65+"],
        }
        _executor(executor.Executor, beam_args, output).Do(
            {},
            {"examples": [examples], "data_set": [data_set]},
            {"data_path": str(data or self.photos), "spec": json.dumps(spec), "code": ""},
        )
        return output

    def statistics(self, beam_args: list[str], examples: Path, output: Path) -> Path:
        """Run StatisticsGen as the pipeline does."""
        from tfx.components.statistics_gen import executor
        from tfx.types import standard_artifacts

        from customer_age.pipeline.graph import create_pipeline

        _executor(executor.Executor, beam_args, output).Do(
            {"examples": [_examples(examples)]},
            {"statistics": [_artifact(standard_artifacts.ExampleStatistics, output)]},
            {
                "stats_options_json": create_pipeline._statistics_options().to_json(),
                "exclude_splits": "[]",
            },
        )
        return output

    def evaluate(self, beam_args: list[str], examples: Path, output: Path) -> Path:
        """Run the Evaluator with the model and one that is wrong by six years."""
        from tfx.types import standard_artifacts

        from customer_age.components.evaluator import component

        baseline = _artifact(standard_artifacts.Model, self.model.with_name("baseline"))
        baseline.set_string_custom_property("kind", "champion")
        blessing = output.with_name(f"{output.name}-blessing")
        _executor(component.Executor, beam_args, output).Do(
            {
                "examples": [_examples(examples)],
                "model": [_artifact(standard_artifacts.Model, self.model)],
                "baseline_model": [baseline],
            },
            {
                "evaluation": [_artifact(standard_artifacts.ModelEvaluation, output)],
                "blessing": [_artifact(standard_artifacts.ModelBlessing, blessing)],
            },
            {
                "max_mae": 120.0,
                "min_test_photos": 2,
                "champion_tolerance": 0.2,
                "example_splits": '["test"]',
                "fairness_indicator_thresholds": "null",
            },
        )
        return output

    def score(self, beam_args: list[str], output: Path, *photos: Path) -> Path:
        """Run `customer-age score`."""
        from customer_age.pipeline.prediction import score
        from customer_age.pipeline.prediction.model_version import groups

        settings = loading.load(
            "local",
            (f"beam.args={beam_args!r}", "beam.workers=2", "data.max_refused_share=0.5"),
            work_dir=str(self.work),
        )
        request = score.ScoreRequest(
            tuple(map(str, photos or [self.photos / "final_files"])),
            str(output),
            None,
            False,
            None,
            groups(settings, None),
        )
        assert score.run(settings, request) == 0
        return output


@pytest.fixture(scope="session")
def parts(tmp_path_factory, brightness_model, publication, grey, photo, person_key) -> Parts:
    """The four parts over two dozen files, one of which is not a photo."""
    folder = tmp_path_factory.mktemp("parts")
    photos = folder / "data" / "final_files"
    photos.mkdir(parents=True)
    rows = ["file_name,real_age"]
    for number in range(24):
        (photos / f"{number:02}.png").write_bytes(photo(seed=number, size=(64, 48)))
        rows.append(f"{number:02}.png,{3 * number + 1}")
    (photos / "broken.png").write_bytes(b"no photo")
    rows.append("broken.png,30")
    (photos.parent / "labels.csv").write_text("\n".join(rows))
    work = folder / "work"
    registry = open_registry(f"mlflow+sqlite:///{work}/registry/mlflow.db", "customer-age")
    registry.publish(
        publication(
            brightness_model(folder / "published"),
            6.5, stored_size="64", min_size="16", jpeg_quality="90",
        )
    )  # fmt: skip
    person_key(work)
    _write_model(folder / "model" / "Format-Serving", 0.0)
    _write_model(folder / "baseline" / "Format-Serving", 6.0)
    return Parts(photos.parent, work, folder / "model")


def _write_model(folder: Path, more: float) -> None:
    """A model for the Evaluator: the mean byte of the stored photo, plus some years."""
    import tensorflow as tf

    from customer_age.schema import features

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples):
            photo = {features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string)}
            encoded = tf.io.parse_example(examples, photo)[features.IMAGE_ENCODED]
            ages = tf.map_fn(
                lambda each: tf.reduce_mean(tf.cast(tf.io.decode_raw(each, tf.uint8), tf.float32)),
                encoded,
                fn_output_signature=tf.float32,
            )
            return {"age": ages + more}

    model = Model()
    tf.saved_model.save(model, str(folder), signatures={"serving_examples": model.serve})


def _artifact(kind: Callable, uri: Path):
    made = kind()
    made.uri = str(uri)
    return made


def _examples(uri: Path):
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import artifact_utils, standard_artifacts

    examples = _artifact(standard_artifacts.Examples, uri)
    examples.split_names = artifact_utils.encode_split_names(["train", "valid", "test"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    return examples


def _executor(executor_class: Callable, beam_args: list[str], output: Path):
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    return executor_class(
        BaseBeamExecutor.Context(
            beam_pipeline_args=beam_runners.options(2, beam_args),
            tmp_dir=str(output.with_name(f"{output.name}-tmp")),
            unique_id="1",
        )
    )
