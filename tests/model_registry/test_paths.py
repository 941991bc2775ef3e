"""The registry on SQLite stores its files next to its database, with any folder name."""

import shutil
from pathlib import Path

import pytest

from customer_age.files import addresses
from customer_age.model_registry import open_registry, saved_model_fingerprint

NAMES = (
    "a%20b", "a%2Fb", "a%25b", "a%b", "a#b", "a?b", "a b", "Büro", "a+b", "a&b=c", "a:b", "a@b:c@d",
    "-a", "a'b\"c", "file:", "a;b,c", "a\\b", "mlruns", "~",
)  # fmt: skip


@pytest.fixture
def registry_in(empty_database, tmp_path, monkeypatch):
    """Open a registry in a folder; a migrated database saves seconds."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def opened(folder):
        file = folder / "mlflow.db"
        if not file.exists():
            folder.mkdir(parents=True)
            shutil.copy(empty_database, file)
        return open_registry(f"mlflow+{addresses.sqlite_url(str(file))}", "customer-age")

    return opened


def tree(folder):
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES)
def test_files_are_written_to_a_folder_with_any_characters(
    registry_in, publication, tmp_path, name
):
    model = publication("first", mae=6.5)
    before = tree(tmp_path)
    registry = registry_in(tmp_path / name)
    assert registry.publish(model).aliases == ("champion",)
    got = registry_in(tmp_path / name).download("1", tmp_path / name / "got")
    assert saved_model_fingerprint(got) == model.fingerprint
    made = tree(tmp_path) - before
    assert made
    assert {each.split("/")[0] for each in made} == {name}
    assert list((tmp_path / name / "artifacts").rglob("saved_model.pb"))


def test_a_new_database_is_created_in_the_named_folder(publication, tmp_path):
    folder = tmp_path / "100%25 a?b#c" / "registry"
    uri = f"mlflow+{addresses.sqlite_url(str(folder / 'mlflow.db'))}"
    open_registry(uri, "customer-age").publish(publication("first", mae=6.5))
    assert {each.name for each in tmp_path.iterdir()} == {"100%25 a?b#c", "models"}
    assert {each.name for each in folder.iterdir()} == {"mlflow.db", ".mlflow.db.lock", "artifacts"}


def check_champion(registry, publication, folder):
    """The files are the right ones, and all can be downloaded."""
    champion = registry.champion()
    got = registry.download(champion.version, folder)
    assert saved_model_fingerprint(got) == publication.fingerprint


def test_a_moved_registry_continues_in_its_new_folder(registry_in, publication, tmp_path):
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    registry_in(tmp_path / "w1" / "registry").publish(first)
    (tmp_path / "w1").rename(tmp_path / "w 2")
    check_champion(registry_in(tmp_path / "w 2" / "registry"), first, tmp_path / "got")
    registry_in(tmp_path / "w 2" / "registry").publish(second)
    assert not (tmp_path / "w1").exists()
    check_champion(registry_in(tmp_path / "w 2" / "registry"), second, tmp_path / "got 2")

    (tmp_path / "w 2").rename(tmp_path / "w%203")
    moved = registry_in(tmp_path / "w%203" / "registry")
    assert moved.rollback().version == "1"
    check_champion(moved, first, tmp_path / "got 3")
    third = publication("third", mae=5.0, baseline="1")
    moved.publish(third)
    check_champion(moved, third, tmp_path / "got 4")
    assert not (tmp_path / "w1").exists()
    assert not (tmp_path / "w 2").exists()
    assert recorded_places(tmp_path / "w%203" / "registry") == {(tmp_path / "w%203").as_uri()}


def recorded_places(folder):
    """The work folders in all recorded locations, as MLflow's own tools read them."""
    from mlflow import MlflowClient

    client = MlflowClient(addresses.sqlite_url(str(folder / "mlflow.db")))
    experiments = client.search_experiments()
    runs = client.search_runs([each.experiment_id for each in experiments])
    versions = client.search_model_versions()
    uris = [each.artifact_location for each in experiments]
    uris += [each.info.artifact_uri for each in runs] + [each.source for each in versions]
    uris += [client.get_model_version_download_uri(each.name, each.version) for each in versions]
    assert len(uris) > 3
    return {uri.partition("/registry/artifacts")[0] for uri in uris}


def test_a_copied_registry_has_its_own_files(registry_in, publication, tmp_path):
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    registry_in(tmp_path / "one" / "registry").publish(first)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    before = contents(tmp_path / "one")
    for file in (tmp_path / "two").rglob("variables.index"):
        assert file.read_bytes() == b"index of first"
    for file in (tmp_path / "one" / "registry" / "artifacts").rglob("variables.index"):
        file.write_bytes(b"spoilt")  # so that a reader of the old files is noticed
    check_champion(registry_in(tmp_path / "two" / "registry"), first, tmp_path / "got")
    for file in (tmp_path / "one" / "registry" / "artifacts").rglob("variables.index"):
        file.write_bytes(b"index of first")
    registry_in(tmp_path / "two" / "registry").publish(second)
    assert contents(tmp_path / "one") == before
    check_champion(registry_in(tmp_path / "one" / "registry"), first, tmp_path / "got 1")
    check_champion(registry_in(tmp_path / "two" / "registry"), second, tmp_path / "got 2")


def contents(folder):
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_files_published_to_another_folder_by_an_earlier_release_are_read(
    registry_in, publication, tmp_path
):
    """A moved registry wrote the next version to its old folder: its files stay recorded there."""
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    registry_in(tmp_path / "one").publish(first)
    registry_in(tmp_path / "one").publish(second)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    [strayed] = [
        each
        for each in (tmp_path / "two" / "artifacts").iterdir()
        if b"second" in next(each.rglob("saved_model.pb")).read_bytes()
    ]
    shutil.rmtree(strayed)
    third = publication("third", mae=5.0, baseline="2")
    registry_in(tmp_path / "two").publish(third)
    moved = registry_in(tmp_path / "two")
    assert saved_model_fingerprint(moved.download("1", tmp_path / "1")) == first.fingerprint
    assert saved_model_fingerprint(moved.download("2", tmp_path / "2")) == second.fingerprint
    assert saved_model_fingerprint(moved.download("3", tmp_path / "3")) == third.fingerprint


def test_through_a_link_and_without_it(registry_in, publication, tmp_path):
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    registry_in(tmp_path / "real").publish(first)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    linked = registry_in(tmp_path / "link")
    check_champion(linked, first, tmp_path / "got")
    linked.publish(second)
    (tmp_path / "link").unlink()
    check_champion(registry_in(tmp_path / "real"), second, tmp_path / "got 2")
    assert not (tmp_path / "link").exists()


def test_a_read_only_registry_is_read_in_its_new_folder(registry_in, publication, tmp_path):
    first = publication("first", mae=6.5)
    registry_in(tmp_path / "one").publish(first)
    (tmp_path / "one").rename(tmp_path / "two")
    before = contents(tmp_path / "two")
    for each in [tmp_path / "two", *(tmp_path / "two").rglob("*")]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    try:
        check_champion(registry_in(tmp_path / "two"), first, tmp_path / "got")
    finally:
        for each in [tmp_path / "two", *(tmp_path / "two").rglob("*")]:
            each.chmod(0o755)
    assert contents(tmp_path / "two") == before


def test_a_killed_move_of_the_records_leaves_them_as_they_were(
    registry_in, publication, tmp_path, monkeypatch
):
    from customer_age.model_registry.mlflow_store import moved_files

    registry_in(tmp_path / "one").publish(publication("first", mae=6.5))
    (tmp_path / "one").rename(tmp_path / "two")
    database, artifacts = tmp_path / "two" / "mlflow.db", tmp_path / "two" / "artifacts"
    whole = moved_files._recorded_columns
    with monkeypatch.context() as broken:
        broken.setattr(moved_files, "_recorded_columns", lambda found: [*list(whole(found))[:2], 1])
        with pytest.raises(TypeError):
            moved_files.record_present_places(database, artifacts)
    assert b"/two/" not in Path(database).read_bytes()
    moved_files.record_present_places(database, artifacts)
    assert b"/two/" in Path(database).read_bytes()
