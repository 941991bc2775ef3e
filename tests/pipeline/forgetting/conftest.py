"""A shop's inbox, a work folder in which TFX ingested it, and a search of every byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from customer_age.pipeline.graph import ingestion_spec
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

CARDS = {f"4000-{number:04}": f"{1950 + number}-05-17" for number in range(40)}
SMALL = (
    "data.stored_size=40",
    "data.min_size=16",
    "data.split_shares={train: 0.5, valid: 0.25, test: 0.25}",
    "gate.age_groups=[0-17, 18+]",
    "trainer.weights=none",
)


@pytest.fixture(scope="session")
def search(contents) -> Callable[..., dict[str, list[Path]]]:
    """Return the places of each needle that was found."""

    def found(needles: dict[str, bytes], *folders: Path) -> dict[str, list[Path]]:
        files_of: dict[str, list[Path]] = {}
        for file, content in contents(*folders):
            for name, needle in needles.items():
                if needle in content:
                    files_of.setdefault(name, []).append(file)
        return files_of

    return found


@pytest.fixture
def base(tmp_path, grey):
    """A base set of 24 grey photos."""
    folder = tmp_path / "base"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:06}.png").write_bytes(grey(40 + number))
    rows = "\n".join(f"{number:06}.png,{20 + number}" for number in range(24))
    (folder / "labels.csv").write_text(f"file_name,real_age\n{rows}\n")
    return folder


@pytest.fixture
def inbox(tmp_path, batch, shown, profiles_table):
    """Two batches of twelve people each, six of them in both; all share a table of profiles."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    profiles_table(folder, CARDS)
    for name, first in (("2024-03", 0), ("2025-03", 6)):
        rows = [
            shown(f"4000-{number:04}_{name}.jpg", f"4000-{number:04}", f"{name}-{1 + number:02}")
            for number in range(first, first + 12)
        ]
        batch(folder, name, rows)
    return folder


@pytest.fixture
def settings(tmp_path, base, inbox, person_key) -> Callable[..., Settings]:
    """The settings of a run that trains on some batches."""
    person_key(tmp_path / "work")

    def load(*batches: str, **overrides: str) -> Settings:
        lines = (*SMALL, f"data.batches=[{','.join(batches)}]")
        values = {
            "data__path": str(base),
            "data__inbox": str(inbox),
            "work_dir": str(tmp_path / "work"),
            **overrides,
        }
        return loading.load("local", lines, **values)

    return load


@pytest.fixture(scope="session")
def ingest() -> Callable[[Settings], Path]:
    """Ingest as a run does, with TFX's LocalDagRunner, its metadata and its cache."""

    def run(chosen: Settings) -> Path:
        from tfx.orchestration import metadata, pipeline
        from tfx.orchestration.local.local_dag_runner import LocalDagRunner

        from customer_age.components.photo_example_gen.component import PhotoExampleGen
        from customer_age.pipeline.graph.beam_options import beam_args
        from customer_age.pipeline.running.metadata import RunRecords
        from customer_age.pipeline.running.work_folder import WorkFolder

        key = preflight.check(chosen)
        folder = WorkFolder(chosen.work_dir)
        folder.prepare()
        photo_example_gen = PhotoExampleGen(
            chosen.data.path,
            ingestion_spec.of(chosen),
            data_fingerprint=key.data,
            batches=",".join(chosen.data.batches),
        )
        database = metadata.sqlite_metadata_connection_config(str(folder.metadata))
        LocalDagRunner().run(
            pipeline.Pipeline(
                pipeline_name=chosen.name,
                pipeline_root=chosen.pipeline_root,
                components=[photo_example_gen],
                enable_cache=True,
                beam_pipeline_args=beam_args(chosen),
                metadata_connection_config=database,
            )
        )
        node = RunRecords(folder.metadata, chosen.name).node("PhotoExampleGen")
        assert node is not None
        return Path(node.outputs["examples"].uri)

    return run
