"""The special behaviour of Vertex AI: its real client with a stand-in for the service."""

import contextlib
import dataclasses
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError
from google.cloud import aiplatform_v1
from google.cloud.aiplatform_v1.services.model_service.transports import ModelServiceGrpcTransport
from google.cloud.aiplatform_v1.types import Model, ModelContainerSpec
from google.cloud.storage import Client

from customer_age.errors import RunError, SettingsError, explained_by
from customer_age.model_registry import google_errors, open_registry, saved_model_fingerprint
from customer_age.model_registry.vertex_store import store

PARENT = "projects/shop/locations/europe-west4"


@pytest.fixture
def client(vertex_servers) -> aiplatform_v1.ModelServiceClient:
    with grpc.insecure_channel(vertex_servers["vertex"]) as channel:
        yield aiplatform_v1.ModelServiceClient(transport=ModelServiceGrpcTransport(channel=channel))


@pytest.fixture
def name() -> str:
    return f"ages-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def registry(open_vertex, name):
    return open_vertex(name)


@pytest.fixture
def bucket(registry):
    return Client().bucket("models")


def uploads(bucket, name: str) -> set[str]:
    """The folders of a model's uploads."""
    return {blob.name.split("/")[2] for blob in bucket.list_blobs(prefix=f"up/{name}/")}


def test_tags_are_stored_as_they_are_and_valid_ones_as_labels(registry, publication, client):
    tags = {
        "run_key": "0f3a-17",
        "code_version": "v1.2.0 (Größe XL)",
        "Report/URI": "https://runs.example/R 7.html?a=1&b=%20",
        "note": "x" * 64,
        "nothing": "",
    }
    published = dataclasses.replace(publication("first", mae=6.5), tags=tags)
    version = registry.publish(published)
    assert version.tags.items() >= tags.items()
    shown = client.get_model(name=version.uri)
    assert shown.labels["fingerprint"] == published.fingerprint
    assert set(shown.labels) == {"fingerprint", "baseline_version", "run_key", "nothing"}
    assert shown.version_description == published.description
    assert shown.artifact_uri.startswith(f"gs://models/up/{shown.display_name}/")


def test_vertex_ais_default_version_is_the_champion(registry, publication, client, name):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    assert client.get_model(name=f"{PARENT}/models/{name}").version_id == "2"
    registry.rollback()
    shown = client.get_model(name=f"{PARENT}/models/{name}")
    assert shown.version_id == "1"
    assert set(shown.version_aliases) == {"champion", "default"}


def test_the_metrics_are_imported_as_an_evaluation_with_a_slice_for_each_age_group(
    registry, publication, client
):
    version = registry.publish(publication("first", mae=6.5))
    [evaluation] = client.list_model_evaluations(parent=version.uri)
    assert dict(evaluation.metrics) == {"meanAbsoluteError": 6.5}
    slices = client.list_model_evaluation_slices(parent=evaluation.name)
    found = {each.slice_.value: dict(each.metrics) for each in slices}
    assert found == {"25-34": {"meanAbsoluteError": 5.5}, "65+": {"meanAbsoluteError": 9.5}}


def test_a_version_stays_if_vertex_ai_refuses_its_evaluation(registry, publication, client, caplog):
    odd = dataclasses.replace(publication("first", mae=6.5), metrics={"photos": 200.0})
    version = registry.publish(odd)
    assert version.aliases == ("champion",)
    assert not list(client.list_model_evaluations(parent=version.uri))
    assert "shows no evaluation of version 1: 400 Invalid Metrics Format" in caplog.text


class Killed(BaseException):
    """Like SIGKILL: no code may catch it."""


class Killer(grpc.UnaryUnaryClientInterceptor):
    """Kills before a request that writes to Vertex AI or Cloud Storage."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self._left = 0
        self._monkeypatch = monkeypatch

    def arm(self, step: int) -> None:
        request = requests.Session.request

        def counted(session: requests.Session, method: str, *rest: object, **named: object):
            if method != "GET":
                self._step()
            return request(session, method, *rest, **named)

        self._left = step
        self._monkeypatch.setattr(requests.Session, "request", counted)

    def intercept_unary_unary(self, continuation: Callable, details, request):
        if not details.method.rpartition("/")[2].startswith(("List", "Get")):
            self._step()
        return continuation(details, request)

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


@pytest.mark.slow
@pytest.mark.one_line
def test_after_a_kill_at_any_step_publishing_again_leads_to_one_version(
    open_vertex, publication, client, bucket, tmp_path
):
    champions = []
    for step in range(1, 100):
        name = f"killed-{uuid.uuid4().hex[:8]}"
        first, second = publication("first", mae=6.5), publication("second", 6.0, baseline="1")
        with pytest.MonkeyPatch.context() as patched:
            killer = Killer(patched)
            registry = open_vertex(name, killer)
            registry.publish(first)
            killer.arm(step)
            try:
                registry.publish(second)
            except Killed:
                pass
            else:
                break
        registry = open_vertex(name)
        champions.append(registry.champion().version)
        assert len(registry.versions()) <= 2
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(store, "_ABANDONED_AFTER", timedelta(0))
            version = registry.publish(second)
        assert (version.version, version.aliases) == ("2", ("champion",))
        assert [each.version for each in registry.versions()] == ["1", "2"]
        assert version.tags["run_key"] == "key of second"
        folder = registry.download("2", tmp_path / str(step))
        assert saved_model_fingerprint(folder) == second.fingerprint
        [evaluation] = client.list_model_evaluations(parent=version.uri)
        assert len(list(client.list_model_evaluation_slices(parent=evaluation.name))) == 2
        assert len(uploads(bucket, name)) == 2, "nothing left of the first attempt"
        assert registry.rollback().version == "1"
    # Three files, the document, the tags, the version, the evaluation, the alias.
    assert len(champions) >= 12
    assert champions[0] == "1"
    assert champions[-1] == "2"
    assert champions == sorted(champions)


def test_the_files_of_another_running_publisher_stay(
    open_vertex, publication, monkeypatch, bucket, name
):
    killer = Killer(monkeypatch)
    killer.arm(3)
    with pytest.raises(Killed):
        open_vertex(name, killer).publish(publication("first", mae=6.5))
    [unfinished] = uploads(bucket, name)
    registry = open_vertex(name)
    registry.publish(publication("second", mae=6.2))
    assert unfinished in uploads(bucket, name)
    monkeypatch.setattr(store, "_ABANDONED_AFTER", timedelta(0))
    registry.publish(publication("third", mae=6.0, baseline="1"))
    assert len(uploads(bucket, name)) == 2
    assert unfinished not in uploads(bucket, name)


class Overtaken(grpc.UnaryUnaryClientInterceptor):
    """Calls a function just before the first version is created."""

    def __init__(self, meanwhile: Callable[[], object]):
        self._meanwhile = [meanwhile]

    def intercept_unary_unary(self, continuation: Callable, details, request):
        if details.method.endswith("/UploadModel") and self._meanwhile:
            self._meanwhile.pop()()
        return continuation(details, request)


def test_another_publisher_may_create_the_model_first(open_vertex, registry, publication, name):
    faster = Overtaken(lambda: registry.publish(publication("faster", mae=6.5)))
    version = open_vertex(name, faster).publish(publication("better", mae=6.0))
    assert (version.version, version.aliases) == ("2", ("champion",))
    assert [each.version for each in registry.versions()] == ["1", "2"]


def test_a_second_version_of_the_same_model_is_removed_with_its_files(
    open_vertex, registry, publication, name, bucket, tmp_path
):
    same = publication("same", mae=6.0)
    twin = Overtaken(lambda: registry.publish(same))
    assert open_vertex(name, twin).publish(same).version == "1"
    assert [each.version for each in registry.versions()] == ["1"]
    assert len(uploads(bucket, name)) == 1
    registry.download("1", tmp_path / "model")


def test_a_version_that_is_being_removed_does_not_disturb_others(
    open_vertex, registry, publication, name, bucket, monkeypatch
):
    registry.publish(publication("first", mae=6.5))
    [document] = [each for each in bucket.list_blobs(prefix=f"up/{name}/") if "story" in each.name]
    request = requests.Session.request

    def too_late(session: requests.Session, method: str, url: str, **named: object):
        if method == "GET" and "story.json" in url:
            request(session, "DELETE", url.partition("?")[0].replace("/download/", "/"))
        return request(session, method, url, **named)

    monkeypatch.setattr(requests.Session, "request", too_late)
    [version] = open_vertex(name).versions()
    assert version.metrics == {}
    assert not document.exists()


def publish_at_once(open_vertex, name, publications) -> list:
    """Publish each in a thread with its own client."""
    start = threading.Barrier(len(publications))

    def published(registry, publication):
        registry.champion()
        start.wait()
        return registry.publish(publication)

    registries = [open_vertex(name) for _ in publications]
    with ThreadPoolExecutor(len(publications)) as publishers:
        return list(publishers.map(published, registries, publications))


@pytest.mark.parametrize("attempt", range(3))
def test_two_publishers_at_once(open_vertex, registry, publication, name, attempt):
    registry.publish(publication("first", mae=7.0))
    better = publication("better", mae=6.0, baseline="1")
    publish_at_once(open_vertex, name, [better, publication("worse", mae=6.5, baseline="1")])
    assert [each.version for each in registry.versions()] == ["1", "2", "3"]
    assert registry.champion().tags["fingerprint"] == better.fingerprint
    assert registry.rollback().version == "1"


@pytest.mark.parametrize("attempt", range(3))
def test_one_model_published_at_once_is_one_version(
    open_vertex, registry, publication, name, bucket, attempt
):
    """Also the very first version: both publishers are about to create the model."""
    same = publication("same", mae=6.0)
    one, other = publish_at_once(open_vertex, name, [same, same])
    assert one.version == other.version
    [version] = registry.versions()
    assert version.aliases == ("champion",)
    assert saved_model_fingerprint(same.model_dir) == version.tags["fingerprint"]


def test_another_tools_version_is_listed_and_only_promoted_by_force(
    registry, publication, client, bucket, name, tmp_path
):
    registry.publish(publication("first", mae=6.5))
    bucket.blob(f"elsewhere/{name}/saved_model.pb").upload_from_string(b"by hand")
    by_hand = Model(
        display_name="by hand",
        artifact_uri=f"gs://models/elsewhere/{name}/",
        container_spec=ModelContainerSpec(image_uri="image"),
        version_description="made in the console",
    )
    request = {"parent": PARENT, "parent_model": f"{PARENT}/models/{name}", "model": by_hand}
    client.upload_model(request).result()
    client.upload_model(request).result()
    version = registry.version("2")
    assert version.description == "made in the console"
    assert not version.blessed
    with pytest.raises(RunError, match="version 2 was never blessed"):
        registry.promote("2")
    assert registry.promote("2", force="a trial").tags == {"forced": "a trial"}
    assert registry.version("3").tags == {}
    assert (registry.download("2", tmp_path / "it") / "saved_model.pb").read_bytes() == b"by hand"
    assert registry.rollback().version == "1"


def test_deleted_or_changed_files_are_reported(registry, publication, bucket, name, tmp_path):
    version = registry.publish(publication("first", mae=6.5))
    files = list(bucket.list_blobs(prefix=f"up/{name}/"))
    [index] = [each for each in files if each.name.endswith("variables.index")]
    index.upload_from_string(b"other")
    with pytest.raises(RunError, match="files of version 1 differ from the published files"):
        registry.download(version.version, tmp_path / "changed")
    bucket.delete_blobs([each for each in files if "/saved_model/" in each.name])
    with pytest.raises(RunError, match=r"the model registry failed: gs://.* contains no files"):
        registry.download(version.version, tmp_path / "gone")


def test_a_bucket_that_does_not_exist_is_reported_in_one_line(open_vertex, publication, bucket):
    registry = open_vertex("no-bucket", staging="gs://nowhere")
    says = "^the model registry failed: gs://nowhere/.*there is no such bucket"
    with pytest.raises(RunError, match=says) as raised:
        registry.publish(publication("first", mae=6.5))
    assert "\n" not in str(raised.value)


def test_tags_of_earlier_releases_are_read(registry, publication, bucket, name):
    registry.publish(publication("first", mae=6.5))
    [upload] = uploads(bucket, name)
    tag = bucket.blob(f"up/{name}/{upload}/tags/report")
    tag.metadata = {"value": "gs://runs/report 7.html"}
    tag.upload_from_string("")
    assert registry.champion().tags["report"] == "gs://runs/report 7.html"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TransportError("no route"), "registry.uri: Google Cloud does not answer .*gs://models/.*"),
        (RefreshError("invalid_grant"), "registry.uri: Google Cloud received no credentials; .*"),
        (exceptions.Forbidden("no right"), "the model registry failed: gs://models/.*no right"),
    ],
)
def test_cloud_storages_errors_are_reported_like_vertex_ais(
    registry, publication, monkeypatch, error, says
):
    registry.publish(publication("first", mae=6.5))

    def failing(*args: object, **named: object) -> None:
        raise error

    monkeypatch.setattr(Client, "list_blobs", failing)
    with pytest.raises(RunError, match=f"^{says}$"):
        registry.versions()


def test_another_project_is_reported_in_one_line(publication, open_vertex):
    registry = open_vertex("ages", project="elsewhere")
    with pytest.raises(RunError, match="^the model registry failed: 4.*elsewhere"):
        registry.champion()


def test_a_service_that_does_not_answer_is_reported(open_vertex, monkeypatch, vertex_servers):
    monkeypatch.setattr(store, "_UNREACHABLE_AFTER", 1)
    monkeypatch.setitem(vertex_servers, "vertex", "127.0.0.1:1")
    with pytest.raises(SettingsError, match="^registry.uri: Google Cloud does not answer"):
        open_vertex("ages").champion()


def test_missing_credentials_are_reported_with_their_sources(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    registry = open_registry("vertex://shop/europe-west4/m?staging=gs://bucket", "")
    with pytest.raises(SettingsError, match="gcloud auth application-default login"):
        registry.champion()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RefreshError("invalid_grant"), "Google Cloud received no credentials"),
        (exceptions.Unauthenticated("no token"), "Google Cloud received no credentials"),
        (
            exceptions.ServiceUnavailable("Getting metadata from plugin failed with error: x"),
            "Google Cloud received no credentials",
        ),
        (TransportError("no route"), "Google Cloud does not answer"),
        (exceptions.PermissionDenied("no\n permission"), "the model registry failed: 403 no perm"),
        (TimeoutError("too long"), "the model registry failed: too long"),
    ],
)
def test_each_error_is_one_line(error, message):
    @explained_by(google_errors.translate)
    def failing() -> None:
        raise error

    with pytest.raises(RunError, match=message) as raised:
        failing()
    assert "\n" not in str(raised.value)


def a_model(**changes: object) -> Model:
    sound = {
        "display_name": "ages",
        "artifact_uri": "gs://models/refused",
        "container_spec": ModelContainerSpec(image_uri="image"),
    }
    return Model(**{**sound, **changes})


@pytest.mark.parametrize(
    ("refused", "model", "destination"),
    [
        (exceptions.NotFound, a_model(), {"parent_model": f"{PARENT}/models/nobody"}),
        (exceptions.AlreadyExists, a_model(), {"model_id": "taken"}),
        (exceptions.InvalidArgument, a_model(), {"model_id": "Not-Lower"}),
        (exceptions.InvalidArgument, a_model(artifact_uri="/tmp/model"), {}),
        (exceptions.InvalidArgument, a_model(labels={"note": "Some Text"}), {}),
        (exceptions.InvalidArgument, a_model(version_aliases=["3"]), {}),
        (exceptions.InvalidArgument, a_model(container_spec=ModelContainerSpec()), {}),
        (exceptions.FailedPrecondition, a_model(artifact_uri="gs://models/empty"), {}),
    ],
)
def test_the_stand_in_refuses_uploads_as_the_service_does(
    open_vertex, client, bucket, publication, refused, model, destination
):
    open_vertex("taken").publish(publication("first", mae=6.5))
    bucket.blob("refused/saved_model.pb").upload_from_string(b"")
    with pytest.raises(refused):
        client.upload_model({"parent": PARENT, "model": model, **destination}).result()


def test_the_stand_in_keeps_the_rules_of_aliases_and_deletion(registry, publication, client, name):
    versions = f"{PARENT}/models/{name}"
    registry.publish(publication("first", mae=6.5))
    with pytest.raises(exceptions.FailedPrecondition):
        client.delete_model_version(name=f"{versions}@1")
    registry.publish(publication("second", mae=6.2, baseline="1"))
    for aliases in (["-default"], ["2"], ["Champion"]):
        with pytest.raises(exceptions.InvalidArgument):
            client.merge_version_aliases(name=f"{versions}@2", version_aliases=aliases)
    with pytest.raises(exceptions.NotFound):
        client.merge_version_aliases(name=f"{versions}@3", version_aliases=["champion"])
    client.delete_model_version(name=f"{versions}@2").result()
    assert registry.champion() is None
    assert client.get_model(name=versions).version_id == "1"


def test_a_client_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.aiplatform_v1", None)
    registry = open_registry("vertex://shop/europe-west4?staging=gs://bucket", "customer-age")
    with pytest.raises(SettingsError, match=r"^registry.uri: install customer-age\[vertex\]$"):
        registry.champion()


@pytest.mark.parametrize("key", ["/x", "someone/else.txt", "loose.txt"])
def test_other_files_in_the_folder_for_uploads_are_not_deleted(
    open_vertex, publication, bucket, monkeypatch, key
):
    """A key such as `folder//x` meant the whole folder, with every model in it."""
    name = f"others-{uuid.uuid4().hex[:8]}"
    open_vertex(name).publish(publication("first", mae=6.5))
    bucket.blob(f"up/{name}/{key}").upload_from_string(b"theirs")
    before = {each.name for each in bucket.list_blobs(prefix=f"up/{name}/")}
    monkeypatch.setattr(store, "_ABANDONED_AFTER", timedelta(0))
    with contextlib.suppress(RunError):
        open_vertex(name).publish(publication("second", mae=6.0, baseline="1"))
    assert before <= {each.name for each in bucket.list_blobs(prefix=f"up/{name}/")}
