import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from customer_age.components import beam_runners


@dataclass(frozen=True)
class Ingested:
    """What one run of the executor left."""

    uri: Path
    summary: dict
    refused: list[dict[str, str]]
    artifact: object
    data_set: object

    def records(self, split: str) -> list:
        import tensorflow as tf

        files = sorted(str(file) for file in (self.uri / f"Split-{split}").glob("*"))
        dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
        return [tf.train.Example.FromString(record.numpy()) for record in dataset]

    def by_name(self) -> dict[str, tuple[str, object]]:
        """File name to (split, example)."""
        return {
            example.features.feature["file_name"].bytes_list.value[0].decode(): (split, example)
            for split in ("train", "valid", "test")
            if (self.uri / f"Split-{split}").is_dir()
            for example in self.records(split)
        }


@pytest.fixture(scope="session")
def ingest(person_key):
    """Run the real executor over a data folder, on Beam, over hand-made artifacts."""

    def run(
        folder: Path | str,
        output: Path,
        workers: int = 2,
        beam_args=(),
        batches: str = "",
        code: str = "",
        data_fingerprint: str = "",
        **changes,
    ) -> Ingested:
        from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
        from tfx.types import standard_artifacts

        from customer_age.components.artifacts.types import PhotoDataSet
        from customer_age.components.photo_example_gen import executor

        examples, data_set = standard_artifacts.Examples(), PhotoDataSet()
        examples.uri, data_set.uri = str(output), f"{output}-data_set"
        args = beam_runners.options(workers, beam_args)
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=args, tmp_dir=str(output.parent), unique_id="1"
        )
        spec = {
            "stored_size": 64,
            "min_size": 16,
            "split_shares": {"train": 0.5, "valid": 0.25, "test": 0.25},
            "split_key": "key",
            "person_key_file": str(person_key(output.parent)),
            "age_groups": ["0-12", "13-17", "18-64", "65+"],
            **changes,
        }
        properties = {
            "data_path": str(folder),
            "spec": json.dumps(spec),
            "batches": batches,
            "data_fingerprint": data_fingerprint,
            "code": code,
        }
        executor.Executor(context).Do(
            {}, {"examples": [examples], "data_set": [data_set]}, properties
        )
        with (output / "refused.csv").open(newline="", encoding="utf-8") as file:
            refused = list(csv.DictReader(file))
        summary = json.loads((output / "ingestion.json").read_text(encoding="utf-8"))
        return Ingested(output, summary, refused, examples, data_set)

    return run
