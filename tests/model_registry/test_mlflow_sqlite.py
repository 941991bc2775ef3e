"""The special behaviour of MLflow on SQLite."""

import errno
import fcntl
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.model_registry import (
    FINGERPRINT,
    champion_registry,
    open_registry,
    saved_model_fingerprint,
)


def test_an_empty_registry_has_no_champion_and_needs_no_file(tmp_path):
    registry = open_registry(f"mlflow+sqlite:///{tmp_path}/new/mlflow.db", "customer-age")
    assert registry.champion() is None
    assert registry.versions() == []
    with pytest.raises(RunError, match="there is no champion"):
        registry.rollback()
    with pytest.raises(RunError, match=r"no version 1 \(there are: none\)"):
        registry.promote("1")
    assert list(tmp_path.iterdir()) == []


def test_a_download_of_damaged_files_is_refused(registry, publication, uri, tmp_path):
    registry.publish(publication("first", mae=6.5))
    place = Path(uri.removeprefix("mlflow+sqlite:///")).parent
    [stored] = place.rglob("variables.index")
    stored.write_bytes(b"bit rot")
    with pytest.raises(RunError, match="version 1 differ from the published files"):
        registry.download("1", tmp_path / "model")
    shutil.rmtree(stored.parent.parent)
    with pytest.raises(RunError, match="the model registry failed: "):
        registry.download("1", tmp_path / "again")


def test_another_programs_database_is_reported_in_one_line(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RunError, match="file is not a database") as raised:
        open_registry(f"mlflow+sqlite:///{tmp_path}/mlflow.db", "customer-age").champion()
    assert "\n" not in str(raised.value)


def test_no_version_is_published_in_a_folder_without_locks(registry, publication, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    with monkeypatch.context() as faulty:
        faulty.setattr(fcntl, "flock", flock)
        with pytest.raises(SettingsError, match=r"^registry\.uri: .* is on a file system without"):
            registry.publish(publication("first", mae=6.5))
    assert registry.versions() == []


def test_the_fingerprint_depends_on_names_and_contents(publication, tmp_path):
    first = publication("first", mae=6.5)
    copy = shutil.copytree(first.model_dir, tmp_path / "copy")
    assert saved_model_fingerprint(copy) == first.fingerprint
    (copy / "saved_model.pb").rename(copy / "saved_model.pbtxt")
    assert saved_model_fingerprint(copy) != first.fingerprint
    (copy / "saved_model.pbtxt").rename(copy / "saved_model.pb")
    (copy / "variables" / "variables.index").write_bytes(b"other")
    assert saved_model_fingerprint(copy) != first.fingerprint
    with pytest.raises(FileNotFoundError, match="contains no SavedModel"):
        saved_model_fingerprint(tmp_path / "nowhere")


def test_rolling_back_keeps_its_order_if_the_clock_was_set_back(registry, publication, monkeypatch):
    def moves(days: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(days)

        monkeypatch.setattr(champion_registry, "datetime", Clock)

    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    moves(-2)
    registry.publish(publication("third", mae=6.0, baseline="2"))
    assert registry.rollback().version == "2", "the last one, and not the one of the latest time"
    assert registry.rollback().version == "1"


def test_a_killed_publishers_run_is_deleted_even_if_the_clock_was_set_back(
    registry, uri, publication
):
    from mlflow import MlflowClient

    registry.publish(publication("first", mae=6.5))
    client = MlflowClient(uri.removeprefix("mlflow+"))
    [experiment] = client.search_experiments(filter_string="name = 'customer-age'")
    ahead = int((datetime.now() + timedelta(days=2)).timestamp() * 1000)
    left = client.create_run(experiment.experiment_id, ahead, {FINGERPRINT: "0" * 16})
    registry.publish(publication("second", mae=6.0, baseline="1"))
    assert client.get_run(left.info.run_id).info.lifecycle_stage == "deleted"
