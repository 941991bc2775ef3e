"""The work of PhotoExampleGen: runs the ingestion, and says what became of each row."""

import contextlib
import errno
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from customer_age.errors import DataRefused, RunError
from customer_age.files import addresses
from customer_age.labels import DataSet, open_data_sets
from customer_age.schema import age_groups
from customer_age.schema.features import SPLITS

from .. import beam_runners
from ..artifacts.ingestion import Ingestion, read_refused, write_ingestion
from . import beam_pipeline, tfrecord_shards
from .batch_cache import BatchCache
from .batch_ingestion import BatchIngestion
from .examples import IngestionSettings

DATA_SET = "data_set"
EXAMPLES = "examples"

_SHOWN_PER_REASON = 2
_ANOTHER_RUNNER = "run again, with another --runner or direct_running_mode of Beam"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Turns a `PhotoDataSet` into `Examples`."""

    _beam_pipeline_args: list[str]  # TFX's

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingest the data set.

        Args:
            input_dict: `data_set`, one `PhotoDataSet`.
            output_dict: `examples`, one `Examples`.
            exec_properties: the parameters of `PhotoExampleGenSpec`.

        Raises:
            SettingsError: the data set cannot be read.
            DataRefused: a split would be empty.
            RunError: the disk is full, or rows were lost on the way.
        """
        output = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        data_sets = open_data_sets(
            artifact_utils.get_single_uri(input_dict[DATA_SET]),
            exec_properties,
            self._beam_pipeline_args,
        )
        settings = _settings(exec_properties)
        started = time.monotonic()
        with _full_disk_explained(output.uri):
            examples_uri = addresses.reached_by(output.uri, self._beam_pipeline_args)
            if len(data_sets) == 1:
                counts = self._ingest(data_sets[0], settings, examples_uri)
            else:
                batches = BatchIngestion(data_sets, settings, exec_properties["code"])
                cache_uri = exec_properties["batch_cache"]
                cache = BatchCache(addresses.reached_by(cache_uri, self._beam_pipeline_args))
                counts = batches.ingest(cache, self._run_beam, examples_uri)
            ingestion = _finished(counts, examples_uri, time.monotonic() - started)
        output.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(output, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(output, "tfrecords_gzip")
        output.set_int_custom_property("photos", sum(ingestion.photos.values()))
        output.set_int_custom_property("refused", sum(ingestion.refused.values()))

    def _ingest(
        self, data_set: DataSet, settings: IngestionSettings, examples_uri: str
    ) -> dict[str, Any]:
        """Ingest one data set straight into the examples.

        Returns:
            `rows`, and `photos` by split.
        """

        def add_steps(pipeline: beam.Pipeline) -> None:
            beam_pipeline.ingest(pipeline, data_set, settings, examples_uri)

        counts = self._run_beam(data_set.row_count, add_steps)
        tfrecord_shards.remove_unfinished(examples_uri)
        if counts[beam_pipeline.ROWS] != data_set.row_count:
            raise RunError(
                f"ingestion lost count: {data_set.row_count} rows, {counts[beam_pipeline.ROWS]} of "
                f"them read; {_ANOTHER_RUNNER}"
            )
        return {
            "rows": data_set.row_count,
            "photos": {split: counts[f"{beam_pipeline.PHOTOS}{split}"] for split in SPLITS},
        }

    def _run_beam(self, row_count: int, add_steps: Callable[[beam.Pipeline], None]) -> Counter[str]:
        """Run a pipeline for so many rows.

        Returns:
            Counter name to count.
        """
        self._beam_pipeline_args = beam_runners.sized(self._beam_pipeline_args, row_count)
        with self._make_beam_pipeline() as pipeline:
            add_steps(pipeline)
        found = pipeline.result.metrics().query(
            MetricsFilter().with_namespace(beam_pipeline.NAMESPACE)
        )
        counts: Counter[str] = Counter()
        for counter in found["counters"]:  # One for each step that has it.
            counts[counter.key.metric.name] += counter.result
        return counts


@contextlib.contextmanager
def _full_disk_explained(examples_uri: str) -> Iterator[None]:
    """Turn what a full disk makes Beam raise into one clear line."""
    try:
        yield
    except Exception as error:
        # Beam wraps what a worker raised in errors of its own, which keep only the text.
        if f"[Errno {errno.ENOSPC}]" in str(error):
            raise RunError(
                f"{examples_uri}: no space left on this disk; free some, or set work_dir to a "
                "folder on a larger one, and run again"
            ) from error
        raise


def _settings(exec_properties: dict[str, Any]) -> IngestionSettings:
    return IngestionSettings(
        stored_size=exec_properties["stored_size"],
        min_size=exec_properties["min_size"],
        jpeg_quality=exec_properties["jpeg_quality"],
        split_shares=json.loads(exec_properties["split_shares"]),
        split_key=exec_properties["split_key"],
        groups=age_groups.parse(json.loads(exec_properties["age_groups"])),
    )


def _finished(counts: dict[str, Any], examples_uri: str, seconds: float) -> Ingestion:
    """Say what was refused, see that nothing was lost, and write the summary, the last file."""
    refused = read_refused(examples_uri)
    reasons = Counter(refusal.reason for refusal in refused)
    shown: Counter[str] = Counter()
    sentences = []
    for refusal in refused:
        shown[refusal.reason] += 1
        if shown[refusal.reason] <= _SHOWN_PER_REASON:
            sentences.append(refusal.sentence())
    ingestion = Ingestion(
        **counts,
        refused=dict(sorted(reasons.items())),
        examples_of_refused=sentences,
        seconds=round(seconds, 1),
    )
    _require_nothing_lost(ingestion)
    _require_photos_in_each_split(ingestion)
    write_ingestion(examples_uri, ingestion)
    return ingestion


def _require_nothing_lost(ingestion: Ingestion) -> None:
    photos = sum(ingestion.photos.values())
    refused = sum(ingestion.refused.values())
    if ingestion.rows != photos + refused:
        raise RunError(
            f"ingestion lost count: {ingestion.rows} rows became {photos} examples and "
            f"{refused} refusals; {_ANOTHER_RUNNER}"
        )


def _require_photos_in_each_split(ingestion: Ingestion) -> None:
    empty = [split for split, photos in ingestion.photos.items() if not photos]
    if not empty:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in ingestion.refused.items())
    because = f" Refused: {reasons}." if reasons else ""
    first = f" First: {ingestion.examples_of_refused[0]}." if reasons else ""
    if len(empty) == len(SPLITS):
        raise DataRefused(
            f"none of {ingestion.rows} photos can be used.{because}{first} "
            "Mend the table or the photos, and run again"
        )
    raise DataRefused(
        f"no photo in split {' and '.join(empty)}, of {ingestion.rows} rows.{because}{first} "
        "Add photos, or give the split a larger share (data.split_shares)"
    )
