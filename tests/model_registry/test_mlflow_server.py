"""The same registry on a real MLflow server, where no lock separates two publishers."""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_age.errors import RunError
from customer_age.model_registry import (
    ModelVersion,
    Publication,
    open_registry,
    saved_model_fingerprint,
)

pytestmark = pytest.mark.slow


def publish_at_once(uri: str, name: str, publications: list[Publication]) -> list[ModelVersion]:
    """Publish each in a thread with its own client."""
    start = threading.Barrier(len(publications))

    def published(publication: Publication) -> ModelVersion:
        registry = open_registry(uri, name)
        registry.champion()
        start.wait()
        return registry.publish(publication)

    with ThreadPoolExecutor(len(publications)) as publishers:
        return list(publishers.map(published, publications))


def test_publish_roll_back_and_download(server, publication, tmp_path):
    registry = open_registry(server, "way-back")
    assert registry.champion() is None
    first = publication("first", mae=6.5)
    assert registry.publish(first).aliases == ("champion",)
    assert registry.publish(publication("second", mae=6.2, baseline="1")).version == "2"
    version = registry.rollback()
    assert version == registry.champion()
    assert version.metrics == {"mae": 6.5, "photos": 200, "mae/25-34": 5.5, "mae/65+": 9.5}
    assert version.settings == {"trainer.epochs": "3"}
    folder = registry.download("1", tmp_path / "model")
    assert saved_model_fingerprint(folder) == first.fingerprint
    with pytest.raises(RunError, match=r"no version 3 \(there are: 1, 2\)"):
        registry.download("3", tmp_path / "none")


def test_two_publishers_at_once(server, publication):
    for attempt in range(2):
        name = f"at-once-{attempt}"
        open_registry(server, name).publish(publication("first", mae=7.0))
        better = publication("better", mae=6.0, baseline="1")
        worse = publication("worse", mae=6.5, baseline="1")
        publish_at_once(server, name, [better, worse])
        registry = open_registry(server, name)
        assert [each.version for each in registry.versions()] == ["1", "2", "3"]
        assert registry.champion().tags["fingerprint"] == better.fingerprint
        assert registry.rollback().version == "1"


def test_one_model_published_at_once_is_one_version(server, publication):
    for attempt in range(2):
        name = f"same-{attempt}"
        same = publication("same", mae=6.0)
        one, other = publish_at_once(server, name, [same, same])
        assert one.version == other.version
        [version] = open_registry(server, name).versions()
        assert version.aliases == ("champion",)


def test_the_pages_of_mlflow_show_a_version(server, publication):
    """The requests of `mlflow ui`: the run's metrics and settings, the alias, and the files."""
    version = open_registry(server, "shown").publish(publication("first", mae=6.5))

    def ask(path: str) -> dict:
        address = f"{server.removeprefix('mlflow+')}/api/2.0/mlflow/{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)

    shown = ask("registered-models/get?name=shown")["registered_model"]
    assert shown["aliases"] == [{"alias": "champion", "version": version.version}]
    made = ask("model-versions/get?name=shown&version=1")["model_version"]
    assert made["status"] == "READY"
    run = ask(f"runs/get?run_id={made['run_id']}")["run"]
    assert run["info"]["status"] == "FINISHED"
    assert run["info"]["run_name"] == "version 1"
    metrics = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert metrics == {"mae": 6.5, "photos": 200, "mae/25-34": 5.5, "mae/65 plus": 9.5}
    assert run["data"]["params"] == [{"key": "trainer.epochs", "value": "3"}]
    files = ask(f"artifacts/list?run_id={made['run_id']}&path=model")["files"]
    assert {each["path"] for each in files} == {"model/MLmodel", "model/saved_model"}
