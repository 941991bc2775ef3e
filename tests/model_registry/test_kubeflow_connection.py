"""The server, API version and token of a Kubeflow Model Registry's client."""

import asyncio
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.model_registry import open_registry
from customer_age.model_registry.champion_registry import ChampionRegistry
from customer_age.model_registry.kubeflow_store import client, connection
from customer_age.model_registry.kubeflow_store.token import TOKEN_PATH, TRUSTED, token_for
from customer_age.pipeline.settings.cluster import ClusterSettings

EMPTY = {"items": [], "size": 0, "pageSize": 0, "nextPageToken": ""}


class Server:
    """Answers every request in the same way, and records the requests.

    Attributes:
        host: with its port.
        requests: path and `Authorization` of each request.
        answer: path to status, headers and content.
    """

    def __init__(self, answer: Callable[[str], tuple[int, dict[str, str], str]]):
        self.requests: list[tuple[str, str | None]] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, self.headers.get("Authorization")))
                status, headers, content = outer.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

            def log_message(self, *_: object) -> None:
                """Print nothing into a test's output."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_port}"


@contextmanager
def serving(answer: Callable[[str], tuple[int, dict[str, str], str]]) -> Iterator[Server]:
    server = Server(answer)
    threading.Thread(target=server.http.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def registry_at(host: str, scheme: str = "kubeflow-registry") -> ChampionRegistry:
    return open_registry(f"{scheme}://{host}/a-model?artifacts=s3://models", "")


def json_of(version: str) -> Callable[[str], tuple[int, dict[str, str], str]]:
    """Answer like the real server's router, in one version."""

    def answer(path: str) -> tuple[int, dict[str, str], str]:
        if path.startswith(f"/api/model_registry/{version}/"):
            return 200, {"Content-Type": "application/json"}, json.dumps(EMPTY)
        return 404, {"Content-Type": "text/plain"}, "404 page not found\n"

    return answer


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token in the file that the environment names."""
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv(TOKEN_PATH, str(tmp_path / "token"))
    return "s3cret"


@pytest.fixture(autouse=True)
def nobody_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (TRUSTED, TOKEN_PATH):
        monkeypatch.delenv(variable, raising=False)


def test_the_version_is_found_at_the_first_answer_and_remembered():
    for version, first in (("v1", ["v1"]), ("v1alpha3", ["v1", "v1alpha3"])):
        with serving(json_of(version)) as server:
            registry = registry_at(server.host)
            for _ in range(2):
                assert registry.versions() == []
            versions = [path.split("/")[3] for path, _ in server.requests]
            assert versions == [*first, version], version


def test_a_registry_with_another_version_after_an_upgrade_is_found_again():
    with serving(json_of("v1alpha3")) as server:
        registry = registry_at(server.host)
        assert registry.champion() is None
        server.answer = json_of("v1")
        assert registry.champion() is None


@pytest.mark.parametrize("installed", connection.VERSIONS)
def test_any_version_in_the_installed_packages_paths_works(installed):
    """Packages up to 0.3.11 use `v1alpha3`."""
    sent = []

    class Answer:
        status = 200

        async def read(self) -> bytes:
            return json.dumps(EMPTY).encode()

    async def send(url: str) -> Answer:
        sent.append(url)
        return Answer()

    version = connection.ApiVersion("http://mr.svc")
    url = f"http://mr.svc/api/model_registry/{installed}/registered_models?x=/v9/"
    asyncio.run(version.answer(send, url))
    assert sent == ["http://mr.svc/api/model_registry/v1/registered_models?x=/v9/"]


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"Content-Type": "text/html"}, "<html>\nelsewhere</html>"),
        (200, {"Content-Type": "text/html"}, "<html>\nthe pages of Kubeflow</html>"),
        (404, {}, json.dumps({"kind": "Status", "message": "not found", "code": 404})),
    ],
)
def test_a_server_of_another_kind_is_reported_in_one_line(answer):
    with serving(lambda path: answer) as server, pytest.raises(SettingsError) as raised:
        registry_at(server.host).champion()
    assert str(raised.value) == (
        f"registry.uri: the server at http://{server.host} is not a Kubeflow Model Registry; it "
        "has neither /api/model_registry/v1 nor /api/model_registry/v1alpha3"
    )


def test_a_failing_gateway_is_not_reported_as_another_server():
    gateway = (503, {"Content-Type": "text/html"}, "<html>no healthy upstream</html>")
    with serving(lambda path: gateway) as server:
        registry = registry_at(server.host)
        with pytest.raises(RunError, match="the model registry failed") as raised:
            registry.champion()
        assert "\n" not in str(raised.value)
        server.answer = json_of("v1alpha3")
        assert registry.champion() is None


def test_a_registry_of_v1_that_refuses_gets_one_request():
    refusal = (400, {}, json.dumps({"code": "Bad Request", "message": "invalid pageSize"}))
    with serving(lambda path: refusal) as server:
        with pytest.raises(RunError, match="the model registry failed: invalid pageSize"):
            registry_at(server.host).champion()
        assert len(server.requests) == 1


def test_only_the_trusted_host_receives_a_token(token, monkeypatch):
    with serving(json_of("v1")) as server:
        for trusted, sent in (
            (None, None),
            ("mr.kubeflow.svc", None),
            ("127.0.0.1.example.com", None),
            ("127.0.0.1", f"Bearer {token}"),
        ):
            if trusted:
                monkeypatch.setenv(TRUSTED, trusted)
            registry_at(server.host).champion()
            assert server.requests[-1][1] == sent, trusted


def test_a_token_that_others_could_read_is_not_sent(token, monkeypatch):
    host = "registry.example.com"
    monkeypatch.setenv(TRUSTED, host)
    with pytest.raises(SettingsError) as raised:
        registry_at(host).champion()
    assert str(raised.value) == (
        f"registry.uri: http://{host}:8080 would receive the token without encryption; use "
        "kubeflow-registry+https://, or the full name of a service, as in NAME.NAMESPACE.svc"
    )
    assert token_for(f"https://{host}:443") == token


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("mr.kubeflow.svc", True),
        ("mr.kubeflow.svc.cluster.local", True),
        ("MR.kubeflow.svc.cluster.local.", True),
        ("localhost", True),
        ("[::1]", True),
        ("mr.kubeflow.svc.example.com", False),
        ("svc", False),
        ("mr.svc.cluster.local.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.7", False),
        ("mr", False),
    ],
)
def test_without_tls_a_token_stays_inside_the_cluster(token, monkeypatch, host, inside):
    monkeypatch.setenv(TRUSTED, host)
    if inside:
        assert token_for(f"http://{host}:8080") == token
    else:
        with pytest.raises(SettingsError, match="the token without encryption"):
            token_for(f"http://{host}:8080")


@pytest.mark.parametrize("named", ["https://mr.svc", "mr.svc:8080", "mr.svc/x", "a,b", "*.svc"])
def test_the_trusted_host_must_be_one_host(token, monkeypatch, named):
    monkeypatch.setenv(TRUSTED, named)
    with pytest.raises(SettingsError, match=f"^{TRUSTED}: must be one host without scheme"):
        token_for("https://mr.svc:443")


def test_a_pod_gets_the_host_from_the_settings():
    named = {TRUSTED: "model-registry-service.kubeflow.svc.cluster.local"}
    assert ClusterSettings(environment=named).environment == named


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("elsewhere", ["http://localhost:{port}/auth?state=opaque", "/dex/auth"])
def test_a_redirect_is_not_followed(token, monkeypatch, status, elsewhere):
    monkeypatch.setenv(TRUSTED, "127.0.0.1")
    with serving(json_of("v1")) as other:
        location = elsewhere.format(port=other.http.server_port)
        with (
            serving(lambda path: (status, {"Location": location}, "")) as server,
            pytest.raises(
                SettingsError, match="redirects to .*, perhaps to a login page"
            ) as raised,
        ):
            registry_at(server.host).champion()
        assert not other.requests
        assert len(server.requests) == 1
    assert "state" not in str(raised.value)


def test_a_token_without_tls_passes_no_proxy(token, monkeypatch):
    listing = (200, {"Content-Type": "application/json"}, json.dumps(EMPTY))
    with serving(lambda url: listing) as proxy, serving(json_of("v1")) as server:
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv(TRUSTED, "127.0.0.1")
        registry_at(server.host).versions()
        assert (len(proxy.requests), len(server.requests)) == (0, 1)
        monkeypatch.delenv(TRUSTED)
        registry_at(server.host).versions()
        assert [token for _, token in proxy.requests] == [None]


def test_a_token_is_read_from_a_file_and_never_shown(
    closed_kubeflow_host, publication, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    uri = f"kubeflow-registry://{closed_kubeflow_host}?artifacts=file://{tmp_path}/files"
    registry = open_registry(uri, "customer-age")
    with pytest.raises(SettingsError, match=f"{TOKEN_PATH} in the environment .*{TRUSTED}"):
        registry.champion()
    monkeypatch.setenv(TRUSTED, "127.0.0.1")
    monkeypatch.setenv(TOKEN_PATH, str(tmp_path / "token"))
    with pytest.raises(SettingsError, match="SA_TOKEN_PATH: .*/token cannot be read"):
        registry.champion()
    (tmp_path / "token").write_text("an-old-one")
    with pytest.raises(SettingsError, match="access denied by") as raised:
        registry.champion()
    assert "an-old-one" not in str(raised.value)
    (tmp_path / "token").write_text("let-me-in\n")
    assert registry.publish(publication("first", mae=6.5)).version == "1"
    assert "let-me-in" not in caplog.text
    assert "an-old-one" not in caplog.text


def test_a_denied_page_is_reported_without_its_html():
    page = (403, {"Content-Type": "text/html"}, "<html>RBAC: access denied</html>")
    with (
        serving(lambda path: page) as server,
        pytest.raises(SettingsError, match="access denied by") as raised,
    ):
        registry_at(server.host).champion()
    assert "<html>" not in str(raised.value)


def test_the_client_of_older_packages_follows_no_redirect_either(monkeypatch):
    """Up to 0.2 it opens its session at once."""
    from aiohttp import ClientSession
    from mr_openapi import rest

    opened = []
    original = rest.RESTClientObject.__init__

    def eager(self: rest.RESTClientObject, configuration: object) -> None:
        original(self, configuration)
        self.pool_manager = ClientSession()
        opened.append(self.pool_manager)

    monkeypatch.setattr(rest.RESTClientObject, "__init__", eager)
    with serving(json_of("v1")) as server:
        assert (
            client.KubeflowService(f"http://{server.host}")
            .call(lambda api: api.get_registered_models())
            .items
            == []
        )
    assert [each.closed for each in opened] == [True]


def test_an_older_packages_message_in_the_body_is_reported():
    from mr_openapi.exceptions import ApiException

    service = client.KubeflowService("http://mr.svc")
    body = json.dumps({"code": "400", "message": "a model of this name already exists"})
    refusal = service._refusal(ApiException(status=400, reason="Bad Request", body=body))
    assert isinstance(refusal, client.AlreadyExists)
    page = ApiException(status=502, reason="Bad Gateway", body="<html>upstream</html>")
    assert str(service._refusal(page)) == "the model registry failed: Bad Gateway"


def test_certificates_are_read_once_for_all_requests(monkeypatch):
    read, make = [], ssl.create_default_context

    def counted(*args, **kwargs):
        read.append(args)
        return make(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    with serving(json_of("v1")) as server:
        registry = registry_at(server.host)
        for _ in range(3):
            assert registry.versions() == []
    assert len(server.requests) >= 3
    assert len(read) == 1
