"""The records of runs in a real ML Metadata store."""

import contextlib
import sqlite3

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata

from customer_age.errors import SettingsError
from customer_age.pipeline.running.metadata import RunRecords


@pytest.fixture
def database(tmp_path):
    return tmp_path / "metadata.sqlite"


@pytest.fixture
def execution(database):
    """Put an execution into the store, and return its id."""
    config = metadata.sqlite_metadata_connection_config(str(database))

    def put(state):
        store = MetadataStore(config)
        kind = store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
        return store.put_executions([mlmd.Execution(type_id=kind, last_known_state=state)])[0]

    return put


def made(root, execution_id):
    """The folders that TFX creates for an execution; only its end deletes some of them."""
    folders = [
        root / "Trainer" / "model" / str(execution_id),
        root / "Trainer" / ".system" / "executor_execution" / str(execution_id) / ".temp",
    ]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "half").touch()
    return folders


def test_nothing_remains_of_killed_executions(tmp_path, database, execution):
    root = tmp_path / "pipeline"
    complete, killed = execution(mlmd.Execution.COMPLETE), execution(mlmd.Execution.RUNNING)
    kept, half = made(root, complete), made(root, killed)
    stateful = root / "Trainer" / ".system" / "stateful_working_dir"
    (stateful / "0618f8ab" / "Trainer").mkdir(parents=True)
    records = RunRecords(database, "tiny")
    assert records.discard_unfinished(root) == 1
    assert all(folder.is_dir() for folder in kept)
    assert not any(folder.exists() for folder in half)
    assert not half[1].parent.exists()
    assert list(stateful.iterdir()) == []
    assert records.discard_unfinished(root) == 0


def test_without_a_killed_execution_everything_stays(tmp_path, database, execution):
    root = tmp_path / "pipeline"
    kept = made(root, execution(mlmd.Execution.COMPLETE))
    assert RunRecords(database, "tiny").discard_unfinished(root) == 0
    assert all(folder.is_dir() for folder in kept)


def test_without_runs_there_is_nothing_to_discard(tmp_path):
    assert RunRecords(tmp_path / "none.sqlite", "tiny").discard_unfinished(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_metadata_of_a_newer_release_are_refused_in_one_line(database, execution):
    execution(mlmd.Execution.COMPLETE)
    with contextlib.closing(sqlite3.connect(database)) as newer, newer:
        newer.execute("UPDATE MLMDEnv SET schema_version = 99")
    newer = r"a newer ML Metadata has written it \(schema 99, this one reads \d+\)\. Install the"
    with pytest.raises(SettingsError, match=rf"^work_dir: {database} cannot be opened: {newer}"):
        RunRecords(database, "tiny").newest_execution()


def test_a_file_without_metadata_is_refused_in_one_line(database):
    database.write_text("no database\n" * 99)
    with pytest.raises(SettingsError, match=r"^work_dir: .* cannot be opened: .*[^\n]*$"):
        RunRecords(database, "tiny").newest_execution()
