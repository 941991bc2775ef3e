"""The special behaviour of Kubeflow Model Registry: its steps, its files, its refusals."""

import asyncio
import json
import math
import socket
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from customer_age.errors import RunError
from customer_age.files import store
from customer_age.model_registry import (
    ModelVersion,
    Publication,
    open_registry,
    saved_model_fingerprint,
)
from customer_age.model_registry.champion_registry import ChampionRegistry
from customer_age.model_registry.kubeflow_store import model_files
from customer_age.model_registry.kubeflow_store.client import KubeflowService
from customer_age.model_registry.kubeflow_store.store import KubeflowStore

VERSIONS = ("v1", "v1alpha3")


@pytest.fixture(params=VERSIONS)
def kubeflow_host(
    request: pytest.FixtureRequest, kubeflow_host: str, alpha_kubeflow_host: str
) -> str:
    """A server of each version of the API."""
    return kubeflow_host if request.param == "v1" else alpha_kubeflow_host


def send(host: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request to the stand-in without the client; return the status and the answer."""
    for version in VERSIONS:
        request = urllib.request.Request(
            f"http://{host}/api/model_registry/{version}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                refusal = error.code, error.read().decode()
            if "page not found" not in refusal[1]:
                break
    return refusal


def model_id(host: str, name: str) -> str:
    _, models = send(host, "GET", "/registered_models")
    return next(each["id"] for each in models["items"] if each["name"] == name)


def text(value: str) -> dict[str, str]:
    return {"metadataType": "MetadataStringValue", "string_value": value}


class Killed(BaseException):
    """Simulates the end of the publisher's process: none of its code runs after this."""


class Steps:
    """Counts the changes of files and of the registry, and kills before or after one."""

    def __init__(self) -> None:
        self.left = 1000
        self.before = True

    def taken(self, act: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and self.before:
            raise Killed
        done = act()
        if self.left == 0:
            raise Killed
        return done


class MortalService(KubeflowService):
    """Counts its writes as steps."""

    def __init__(self, address: str, steps: Steps):
        super().__init__(address)
        self._steps = steps

    def call(self, request: Callable[[Any], Awaitable[Any]]) -> Any:
        if not _writes(request):
            return super().call(request)
        return self._steps.taken(lambda: super(MortalService, self).call(request))


def _writes(request: Callable[[Any], Awaitable[Any]]) -> bool:
    """Whether a request writes; a request that only reads waits for its first page."""
    service = MagicMock()
    answer = request(service)
    if asyncio.iscoroutine(answer):
        answer.close()
        return False
    return True


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    put = store.write_whole
    monkeypatch.setattr(store, "write_whole", lambda *args: steps.taken(lambda: put(*args)))
    return steps


@pytest.mark.slow
@pytest.mark.parametrize("kubeflow_host", ["v1"], indirect=True)
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.one_line
def test_after_a_kill_at_any_step_publishing_again_leads_to_one_version(
    kubeflow_host, publication, tmp_path, steps, before
):
    first = publication("first", mae=6.5)
    second = publication("second", mae=6.2, baseline="1")
    champions = []
    for step in range(1, 100):
        name = f"killed-{uuid.uuid4().hex[:8]}"
        service = MortalService(f"http://{kubeflow_host}", steps)
        registry = ChampionRegistry(name, KubeflowStore(service, f"file://{tmp_path}/files", name))
        steps.left = 1000
        registry.publish(first)
        steps.left, steps.before = step, before
        try:
            registry.publish(second)
        except Killed:
            killed = True
        else:
            killed = False
        steps.left = 1000
        if not killed:
            break
        champions.append(registry.champion().version)
        there = registry.versions()
        assert champions[-1] in [each.version for each in there]
        assert all("run_key" in each.tags for each in there), "whole, or not there"
        registry.download(there[-1].version, tmp_path / f"{name}-found")
        assert registry.publish(second).aliases == ("champion",)
        assert [each.version for each in registry.versions()] == ["1", "2"]
        assert registry.version("2").tags["run_key"] == "key of second"
        downloaded = registry.download("2", tmp_path / name)
        assert saved_model_fingerprint(downloaded) == second.fingerprint
        assert registry.rollback().version == "1"
    # Three files, the version, its artifact, the version's end, the former champion's tag, the
    # alias, and the version's last tag.
    assert len(champions) == 9
    assert champions == sorted(champions)
    assert champions[0] == "1"
    assert champions[-1] == "2"


def publish_at_once(uri: str, publications: list[Publication]) -> list[ModelVersion]:
    """Publish each in a thread with its own client."""
    start = threading.Barrier(len(publications))

    def published(publication: Publication) -> ModelVersion:
        registry = open_registry(uri, "")
        registry.champion()
        start.wait()
        return registry.publish(publication)

    with ThreadPoolExecutor(len(publications)) as publishers:
        return list(publishers.map(published, publications))


def test_two_publishers_at_once_lead_to_the_better_champion(kubeflow_uri, publication):
    registry = open_registry(kubeflow_uri, "")
    registry.publish(publication("first", mae=7.0))
    better = publication("better", mae=6.0, baseline="1")
    worse = publication("worse", mae=6.5, baseline="1")
    publish_at_once(kubeflow_uri, [better, worse])
    assert [each.version for each in registry.versions()] == ["1", "2", "3"]
    assert registry.champion().tags["fingerprint"] == better.fingerprint
    assert registry.rollback().version == "1"


def test_one_model_published_at_once_is_one_version(kubeflow_uri, publication):
    same = publication("same", mae=6.0)
    one, other = publish_at_once(kubeflow_uri, [same, same])
    assert one.version == other.version == "1"
    [version] = open_registry(kubeflow_uri, "").versions()
    assert version.aliases == ("champion",)
    assert "published" in version.tags


def test_a_number_that_another_publisher_takes_first_is_not_taken_twice(
    kubeflow_host, publication, tmp_path, monkeypatch
):
    """Another publisher creates version 1 after we list the versions and before we create ours."""
    name = f"raced-{uuid.uuid4().hex[:8]}"
    service = KubeflowService(f"http://{kubeflow_host}")
    store = KubeflowStore(service, f"file://{tmp_path}/files", name)
    look_up = store._look_up

    def look_up_then_lose() -> Any:
        monkeypatch.setattr(store, "_look_up", look_up)
        model, there = look_up()
        body = {"name": "1", "registeredModelId": model.id}
        assert send(kubeflow_host, "POST", "/model_versions", body)[0] == 201
        return model, there

    registry = ChampionRegistry(name, store)
    send(kubeflow_host, "POST", "/registered_models", {"name": name})
    add = store.add

    def add_while_raced(publication: Publication) -> None:
        monkeypatch.setattr(store, "_look_up", look_up_then_lose)
        add(publication)

    monkeypatch.setattr(store, "add", add_while_raced)
    assert registry.publish(publication("first", mae=6.5)).version == "2"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, s3_endpoint: str, aws_credentials: None) -> Any:
    """An empty bucket `models`."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    return client


def test_a_versions_files_are_uploaded_to_a_bucket_and_downloaded(
    kubeflow_host, bucket, publication, tmp_path
):
    name = f"in-a-bucket-{uuid.uuid4().hex[:8]}"
    uri = f"kubeflow-registry://{kubeflow_host}/{name}?artifacts=s3://models/of%20age/"
    published = publication("first", mae=6.5)
    # A killed upload left an incomplete file.
    at = f"of age/{name}/{published.fingerprint}/1"
    bucket.put_object(Bucket="models", Key=f"{at}/saved_model.pb", Body=b"half")
    open_registry(uri, "").publish(published)
    keys = [each["Key"] for each in bucket.list_objects_v2(Bucket="models")["Contents"]]
    assert sorted(keys) == [
        f"{at}/saved_model.pb",
        f"{at}/variables/variables.data-00000-of-00001",
        f"{at}/variables/variables.index",
    ]
    bucket.put_object(Bucket="models", Key=f"{at}/", Body=b"")  # represents a folder
    folder = open_registry(uri, "").download("1", tmp_path / "model")
    assert saved_model_fingerprint(folder) == published.fingerprint


@pytest.mark.usefixtures("cloud_storage")
def test_a_versions_files_are_uploaded_to_cloud_storage_and_downloaded(
    kubeflow_host, publication, tmp_path
):
    from google.cloud import storage

    storage.Client().create_bucket("models")
    name = f"in-the-cloud-{uuid.uuid4().hex[:8]}"
    uri = f"kubeflow-registry://{kubeflow_host}/{name}?artifacts=gs://models/of-age"
    published = publication("first", mae=6.5)
    open_registry(uri, "").publish(published)
    folder = open_registry(uri, "").download("1", tmp_path / "model")
    assert saved_model_fingerprint(folder) == published.fingerprint


@pytest.mark.parametrize("key", ["../up", "a/../../up", "..\\up", "../saved_model.pb"])
def test_a_key_that_leads_out_of_the_models_folder_is_not_written(tmp_path, monkeypatch, key):
    for name in ("there/saved_model.pb", "up", "saved_model.pb"):
        store.write_whole(f"{tmp_path}/{name}", b"x")
    there = [store.Entry(key), store.Entry("saved_model.pb")]
    monkeypatch.setattr(store, "list", lambda *_: there)
    with pytest.raises(RunError, match="there: .* leads out of its folder"):
        model_files.download(f"file://{tmp_path}/there", tmp_path / "deep" / "model")
    assert not [*tmp_path.glob("deep/**/*up")]


def test_the_model_in_the_highest_folder_is_downloaded(tmp_path):
    for model in (".", "1", "assets.extra/0"):
        store.write_whole(f"{tmp_path}/there/{model}/saved_model.pb", model.encode())
    model_files.download(f"file://{tmp_path}/there", tmp_path / "here")
    assert (tmp_path / "here" / "saved_model.pb").read_bytes() == b"."
    store.delete(f"{tmp_path}/there/saved_model.pb")
    model_files.download(f"file://{tmp_path}/there", tmp_path / "served")
    assert (tmp_path / "served" / "saved_model.pb").read_bytes() == b"1"


def test_changed_files_are_reported(kubeflow_host, bucket, publication, tmp_path):
    name = f"changed-{uuid.uuid4().hex[:8]}"
    uri = f"kubeflow-registry://{kubeflow_host}/{name}?artifacts=s3://models"
    published = publication("first", mae=6.5)
    registry = open_registry(uri, "")
    registry.publish(published)
    at = f"{name}/{published.fingerprint}/1"
    bucket.put_object(Bucket="models", Key=f"{at}/saved_model.pb", Body=b"another")
    with pytest.raises(RunError, match="differ from the published files"):
        registry.download("1", tmp_path / "changed")
    bucket.delete_object(Bucket="models", Key=f"{at}/saved_model.pb")
    with pytest.raises(RunError, match=rf"s3://models/{name}/.*: there is no saved_model.pb"):
        registry.download("1", tmp_path / "gone")


def test_a_bucket_that_is_not_there_is_one_line(kubeflow_host, bucket, publication):
    uri = f"kubeflow-registry://{kubeflow_host}/no-bucket?artifacts=s3://nowhere"
    registry = open_registry(uri, "")
    with pytest.raises(RunError, match="the model's files under s3://nowhere/no-bucket/") as raised:
        registry.publish(publication("first", mae=6.5))
    assert "\n" not in str(raised.value)
    assert registry.versions() == []


def test_a_store_that_cannot_be_reached_is_one_line(kubeflow_host, publication, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        uri = f"kubeflow-registry://{kubeflow_host}/no-store?artifacts=s3://models"
        with pytest.raises(RunError, match=f"under s3://models/.*{endpoint}") as raised:
            open_registry(uri, "").publish(publication("first", mae=6.5))
    assert "\n" not in str(raised.value)


def test_the_pages_of_the_registry_and_kserve_find_a_version(
    kubeflow_host, kubeflow_uri, publication, tmp_path
):
    published = publication("first", mae=6.5)
    version = open_registry(kubeflow_uri, "").publish(published)
    name = kubeflow_uri.rpartition("/files")[0].split("/")[3].partition("?")[0]
    assert version.uri == f"model-registry://{name}/1"
    _, versions = send(
        kubeflow_host, "GET", f"/registered_models/{model_id(kubeflow_host, name)}/versions"
    )
    [shown] = versions["items"]
    assert shown["state"] == "LIVE"
    assert shown["customProperties"]["run_key"] == text("key of first")
    assert shown["customProperties"]["metric/mae"]["double_value"] == 6.5
    assert shown["customProperties"]["setting/trainer.epochs"] == text("3")
    _, artifacts = send(kubeflow_host, "GET", f"/model_versions/{shown['id']}/artifacts")
    [artifact] = artifacts["items"]
    assert artifact["modelFormatName"] == "tensorflow"
    assert artifact["state"] == "LIVE"
    # TensorFlow Serving requires a numbered folder at its configured address.
    assert artifact["uri"] == f"file://{tmp_path}/files/{name}/{published.fingerprint}"
    served = Path(artifact["uri"].removeprefix("file://")) / "1"
    assert saved_model_fingerprint(served) == published.fingerprint


def test_other_tools_data_in_the_registry_stay(kubeflow_host, publication, tmp_path):
    name = f"shared_{uuid.uuid4().hex[:8]}"
    _, other = send(kubeflow_host, "POST", "/registered_models", {"name": name.replace("_", "x")})
    mine = {"name": name, "owner": "anna", "customProperties": {"team": text("shop")}}
    _, model = send(kubeflow_host, "POST", "/registered_models", mine)
    properties = {"stars": {"metadataType": "MetadataIntValue", "int_value": "5"}}
    theirs = {
        "name": "by-hand",
        "registeredModelId": model["id"],
        "description": "Made by hand.",
        "customProperties": properties,
    }
    send(kubeflow_host, "POST", "/model_versions", theirs)
    uri = f"kubeflow-registry://{kubeflow_host}/{name}?artifacts=file://{tmp_path}/files"
    registry = open_registry(uri, "")
    [by_hand] = registry.versions()
    assert (by_hand.blessed, by_hand.metrics, by_hand.tags) == (False, {}, {})
    with pytest.raises(RunError, match="never blessed"):
        registry.promote("by-hand")
    assert registry.publish(publication("first", mae=6.5)).version == "1"
    registry.promote("by-hand", force="the old one")
    with pytest.raises(RunError, match="has no files of version by-hand"):
        registry.download("by-hand", tmp_path / "none")
    _, models = send(kubeflow_host, "GET", "/registered_models")
    [now] = [each for each in models["items"] if each["name"] == name]
    assert now["owner"] == "anna"
    assert now["customProperties"] == {"team": text("shop"), "champion": text("by-hand")}
    _, versions = send(kubeflow_host, "GET", f"/registered_models/{model['id']}/versions")
    assert versions["items"][0]["description"] == "Made by hand."
    assert versions["items"][0]["customProperties"]["stars"] == properties["stars"]
    assert send(kubeflow_host, "GET", f"/registered_models/{other['id']}/versions")[1]["size"] == 0


def test_archived_versions_are_left_out_and_can_be_published_again(
    kubeflow_host, kubeflow_uri, publication
):
    registry = open_registry(kubeflow_uri, "")
    registry.publish(publication("first", mae=6.5))
    second = publication("second", mae=6.2, baseline="1")
    registry.publish(second)
    store = registry._store
    store.remove("2")
    store.remove("9")
    store.set_tag("2", "why", "the wrong photos")
    assert [each.version for each in registry.versions()] == ["1"], "a tag brings nothing back"
    assert registry.publish(second).version == "3"


def test_a_metric_that_is_not_a_number_is_left_out(kubeflow_uri, publication):
    published = publication("first", mae=6.5)
    metrics = {"mae": 6.5, "bias/65+": math.nan}
    version = open_registry(kubeflow_uri, "").publish(replace(published, metrics=metrics))
    assert version.metrics == {"mae": 6.5}


def test_more_models_and_versions_than_a_page_holds(kubeflow_host, publication, tmp_path):
    for number in range(101):
        body = {"name": f"crowd-{uuid.uuid4().hex[:8]}-{number}"}
        assert send(kubeflow_host, "POST", "/registered_models", body)[0] == 201
    name = f"last-{uuid.uuid4().hex[:8]}"
    _, model = send(kubeflow_host, "POST", "/registered_models", {"name": name})
    for number in range(1, 102):
        body = {"name": str(number), "registeredModelId": model["id"]}
        assert send(kubeflow_host, "POST", "/model_versions", body)[0] == 201
    uri = f"kubeflow-registry://{kubeflow_host}/{name}?artifacts=file://{tmp_path}/files"
    assert open_registry(uri, "").publish(publication("first", mae=6.5)).version == "102"


def test_it_works_inside_a_running_event_loop(kubeflow_uri):
    async def in_a_notebook() -> object:
        return open_registry(kubeflow_uri, "").champion()

    assert asyncio.run(in_a_notebook()) is None


def test_the_stand_in_refuses_what_the_service_refuses(kubeflow_host):
    """The real service's answers, according to its source code."""

    def status(method: str, path: str, body: Any = None) -> int:
        return send(kubeflow_host, method, path, body)[0]

    name = f"strict-{uuid.uuid4().hex[:8]}"
    _, model = send(kubeflow_host, "POST", "/registered_models", {"name": name})
    one = {"name": "1", "registeredModelId": model["id"]}
    _, version = send(kubeflow_host, "POST", "/model_versions", one)
    artifacts = f"/model_versions/{version['id']}/artifacts"
    files = {"artifactType": "model-artifact", "name": "files", "uri": "s3://models"}
    assert status("POST", artifacts, files) == 201
    taken = (
        ("/registered_models", {"name": name}),
        ("/model_versions", one),
        (artifacts, files),
    )
    for path, body in taken:
        assert status("POST", path, body) == 409, path
    assert status("POST", "/model_versions", {**one, "registeredModelId": "999999"}) == 404
    assert status("POST", "/model_versions/999999/artifacts", files) == 404
    assert status("PATCH", "/model_versions/999999", {}) == 404
    assert status("POST", "/model_versions", {"name": "2"}) == 422
    assert status("POST", "/registered_models", {"owner": "anna"}) == 422
    assert status("POST", "/model_versions", {**one, "name": "2", "stage": "gold"}) == 400
    assert status("POST", "/model_versions", {**one, "name": "2", "state": "READY"}) == 400
    assert status("POST", artifacts, {"name": "no type"}) == 400
    assert status("PATCH", f"/model_versions/{version['id']}", {"name": "2"}) == 400
    untyped = {"customProperties": {"mae": 6.5}}
    mistyped = {"customProperties": {"mae": {**text("6.5"), "double_value": 6.5}}}
    infinite = {"customProperties": {"mae": {**text(""), "double_value": float("nan")}}}
    for body in (untyped, mistyped, infinite):
        assert status("PATCH", f"/model_versions/{version['id']}", body) == 400, body
    assert status("GET", "/registered_models?pageSize=many") == 400
    assert status("GET", "/registered_models?nextPageToken=x") == 400
    assert status("DELETE", f"/model_versions/{version['id']}") in (404, 405, 501)
