"""A work folder that was moved or copied, and its files in a real ML Metadata store."""

import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from customer_age.pipeline.forgetting import run_artifacts
from customer_age.pipeline.running.metadata import RunRecords, open_store
from customer_age.pipeline.running.work_folder import WorkFolder

LIVE, DELETED = mlmd.Artifact.LIVE, mlmd.Artifact.DELETED


@pytest.fixture
def work(tmp_path):
    """A work folder with two outputs, one of them without files, and an imported artifact."""
    folder = WorkFolder(str(tmp_path / "a%20b #1" / "work"))
    folder.prepare()
    store = open_store(folder.metadata)
    kind = store.put_artifact_type(mlmd.ArtifactType(name="Examples"))
    for name in ("PhotoExampleGen/examples/1", "Trainer/model/2"):
        uri = folder.pipeline_root / name
        uri.mkdir(parents=True)
        store.put_artifacts([mlmd.Artifact(type_id=kind, uri=str(uri), state=LIVE)])
    schema = mlmd.Artifact(type_id=kind, uri="/srv/pipeline/package/schema", state=LIVE)
    store.put_artifacts([schema])
    (folder.pipeline_root / "Trainer" / "model" / "2").rmdir()
    return folder


def known(folder):
    return {each.uri: each.state for each in open_store(folder.metadata).get_artifacts()}


def take_up(folder):
    RunRecords(folder.metadata, "tiny").record_present_places(folder.pipeline_root)


def test_the_metadata_are_in_the_given_folder(work, tmp_path):
    assert work.metadata.is_file()
    assert {each.name for each in tmp_path.iterdir()} == {"a%20b #1"}


def test_a_folder_that_was_not_moved_stays_unchanged(work):
    before = known(work)
    take_up(work)
    assert known(work) == before
    assert set(before.values()) == {LIVE}


@pytest.mark.parametrize("copied", [False, True])
def test_in_a_moved_folder_files_are_its_own_or_are_produced_again(work, tmp_path, copied):
    lost = str(work.pipeline_root / "Trainer" / "model" / "2")
    (shutil.copytree if copied else shutil.move)(work.path, tmp_path / "w2")
    moved = WorkFolder(str(tmp_path / "w2"))
    expected = {
        str(moved.pipeline_root / "PhotoExampleGen" / "examples" / "1"): LIVE,
        lost: DELETED,
        "/srv/pipeline/package/schema": LIVE,
    }
    take_up(moved)
    assert known(moved) == expected
    take_up(moved)
    assert known(moved) == expected
    assert work.path.exists() == copied
    if copied:
        assert set(known(work).values()) == {LIVE}, "the other folder is not changed"


def test_through_a_link_nothing_was_moved(work, tmp_path):
    before = known(work)
    (tmp_path / "link").symlink_to(work.path)
    take_up(WorkFolder(str(tmp_path / "link")))
    assert known(work) == before


def test_in_a_moved_folder_forgotten_examples_are_not_used(work, tmp_path):
    work.path.rename(tmp_path / "w2")
    moved = WorkFolder(str(tmp_path / "w2"))
    gone = str(moved.pipeline_root / "PhotoExampleGen" / "examples" / "1")
    run_artifacts.mark_deleted(moved.metadata, moved.pipeline_root, {gone})
    assert known(moved)[gone] == DELETED


def test_without_runs_nothing_is_created(tmp_path):
    take_up(WorkFolder(str(tmp_path / "none")))
    assert list(tmp_path.iterdir()) == []
