"""The executor of PhotoExampleGen: runs the ingestion, and records the result of each row."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from customer_age.errors import RunError, SettingsError, full_disk
from customer_age.files import addresses
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import open_data_sets
from customer_age.labels.data_set import fingerprint_of_all
from customer_age.schema.batch_names import batch_names
from customer_age.schema.features import SPLITS

from .. import beam_runners
from ..artifacts import photo_data_set
from ..artifacts.ingestion import Ingestion, read_refused, write_ingestion
from . import tfrecord_shards
from .batch_cache import BatchCache, sweep
from .batch_ingestion import BatchIngestion
from .refusal_limits import require_photos_in_each_split
from .spec import IngestionSpec

DATA_SET = "data_set"
EXAMPLES = "examples"

_SHOWN_PER_REASON = 2
_ANOTHER_RUNNER = "run again with another --runner or direct_running_mode of Beam"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Turns a folder of label tables and photos into `Examples`."""

    _beam_pipeline_args: list[str]  # set by TFX

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingest the data set.

        Args:
            input_dict: empty.
            output_dict: `examples`, one `Examples`, and `data_set`, one `PhotoDataSet`.
            exec_properties: the parameters of `PhotoExampleGenSpec`.

        Raises:
            SettingsError: the data set cannot be read.
            DataRefused: a split would be empty.
            RunError: the disk is full, or rows were lost during ingestion.
        """
        output = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        beam_args = self._beam_pipeline_args
        spec = IngestionSpec.model_validate_json(exec_properties["spec"]).reached_by(beam_args)
        data_path = exec_properties.get("data_path") or ""
        if not data_path:
            raise SettingsError("data_path: is not set; set it to a folder on gs:// or s3://")
        data_sets = open_data_sets(
            addresses.reached_by(data_path, beam_args),
            spec,
            batch_names(exec_properties.get("batches") or ""),
        )
        # A run that was started in a UI has no fingerprint of its data yet.
        fingerprint = exec_properties.get("data_fingerprint") or fingerprint_of_all(
            data_sets, ContentDigests(spec.batch_cache)
        )
        started = time.monotonic()
        with _full_disk_explained(output.uri):
            examples_uri = addresses.reached_by(output.uri, beam_args)
            # Next to the examples it needs no second copy, and is deleted when they are complete.
            cache = BatchCache(
                spec.batch_cache or addresses.join(examples_uri, tfrecord_shards.UNFINISHED)
            )
            ingestion = BatchIngestion(
                data_sets, spec, exec_properties["code"], cache, self._run_beam
            )
            summary = _finished(
                ingestion.ingest(examples_uri), examples_uri, time.monotonic() - started
            )
        if spec.batch_cache:
            sweep(spec.batch_cache)
        photo_data_set.write(
            artifact_utils.get_single_instance(output_dict[DATA_SET]),
            data_path,
            fingerprint,
            data_sets,
        )
        output.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(output, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(output, "tfrecords_gzip")
        output.set_int_custom_property("photos", sum(summary.photos.values()))
        output.set_int_custom_property("refused", sum(summary.refused.values()))

    def _run_beam(self, row_count: int, add_steps: Callable[[beam.Pipeline], None]) -> None:
        """Run a Beam pipeline for this number of rows."""
        self._beam_pipeline_args = beam_runners.sized(self._beam_pipeline_args, row_count)
        with self._make_beam_pipeline() as pipeline:
            add_steps(pipeline)


@contextlib.contextmanager
def _full_disk_explained(examples_uri: str) -> Iterator[None]:
    """Turn the errors that Beam raises on a full disk into one clear line."""
    try:
        yield
    except Exception as error:
        if full_disk(error) is not None:
            raise RunError(
                f"{examples_uri}: no space left on this disk; free some space, or set work_dir to "
                "a folder on a larger disk, and run again"
            ) from error
        raise


def _finished(counts: dict[str, Any], examples_uri: str, seconds: float) -> Ingestion:
    """Summarise refusals, check that no row was lost, and write the summary as the last file."""
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
    require_photos_in_each_split(ingestion)
    write_ingestion(examples_uri, ingestion)
    return ingestion


def _require_nothing_lost(ingestion: Ingestion) -> None:
    photos = sum(ingestion.photos.values())
    refused = sum(ingestion.refused.values())
    if ingestion.rows != photos + refused:
        raise RunError(
            f"ingestion lost rows: {ingestion.rows} rows resulted in {photos} examples and "
            f"{refused} refusals; {_ANOTHER_RUNNER}"
        )
