"""How `submit` shows Kubeflow Pipelines who it is, and what becomes of a page to log in."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kfp_api_stand_in import KfpApi

from customer_age.errors import RunError, SettingsError
from customer_age.kubeflow.cli.cluster_options import KUBEFLOW
from customer_age.kubeflow.cli.submit import submit
from customer_age.kubeflow.submission.kfp import login
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.kfp.runs import KubeflowRuns
from customer_age.pipeline.settings.settings import Settings


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch, tmp_path):
    """What is set up on this machine plays no part."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in (login.TOKEN_PATH, login.COOKIE):
        monkeypatch.delenv(variable, raising=False)


def runs_at(host, token_command=""):
    """With a namespace, so that no request is sent before the token is read."""
    return KubeflowRuns(KubeflowEndpoint.of(host, "ages", "team-a", token_command=token_command))


def printing(script, tmp_path):
    """A command that runs a Python script, and leaves a line in `ran` each time."""
    file = tmp_path / "print token.py"
    file.write_text(f"print('x', file=open({str(tmp_path / 'ran')!r}, 'a'))\n{script}\n")
    return f"{sys.executable} '{file}'"


class Gateway:
    """In front of the API, as Istio's is: it answers every request alike, and keeps what came."""

    def __init__(self, status, headers, content):
        outer = self
        self.requests = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                outer.requests.append((self.path, self.headers.get("Authorization")))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_):
                """It must not be in a test's output."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@contextmanager
def gateway(status, headers, content="") -> Iterator[Gateway]:
    running = Gateway(status, headers, content)
    threading.Thread(target=running.http.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield running
    finally:
        running.http.shutdown()
        running.http.server_close()


def test_a_command_prints_the_token_and_runs_once_in_five_minutes(tmp_path, monkeypatch):
    command = printing("print('let-me-in')", tmp_path)
    with KfpApi(token="let-me-in") as api:
        runs = runs_at(api.url, command)
        for _ in range(3):
            assert runs.find("ages-1") is None
        assert (tmp_path / "ran").read_text() == "x\n"
        monkeypatch.setattr(login, "_KEPT_SECONDS", 0)
        runs = runs_at(api.url, command)
        assert runs.find("ages-1") is None
        assert runs.find("ages-1") is None
        assert len((tmp_path / "ran").read_text().split()) > 3


def test_a_command_counts_before_the_file(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("of-the-file")
    monkeypatch.setenv(login.TOKEN_PATH, str(tmp_path / "token"))
    with KfpApi(token="let-me-in") as api:
        assert runs_at(api.url, printing("print('let-me-in')", tmp_path)).find("ages-1") is None


def test_the_cookie_of_a_login_comes_from_the_environment(monkeypatch):
    with KfpApi(cookie="oauth2_proxy_kubeflow=abc==") as api:
        with pytest.raises(RunError, match=f"access denied by .*{login.COOKIE} to the cookie"):
            runs_at(api.url).find("ages-1")
        monkeypatch.setenv(login.COOKIE, "oauth2_proxy_kubeflow=abc==")
        assert runs_at(api.url).find("ages-1") is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("raise SystemExit(7)", "exit code 7"),
        ("", "printed nothing"),
        ("print('se'+'cret\\nsecond line')", "not one line of printable ASCII text"),
        ("print('se'+'cret\\u00e9')", "not one line of printable ASCII text"),
    ],
)
def test_a_command_without_a_token_is_one_line_before_any_request(tmp_path, script, expected):
    with KfpApi() as api:
        with pytest.raises(
            (RunError, SettingsError), match=f"^--token-command: .*{expected}"
        ) as raised:
            runs_at(api.url, printing(script, tmp_path)).find("ages-1")
        assert not api.requests
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/nowhere/gcloud auth", "/nowhere/gcloud cannot be run .No such file"),
        ("print 'it", "is not a command"),
        (" ", "must not be empty"),
    ],
)
def test_an_invalid_command_is_reported(command, expected):
    with pytest.raises(SettingsError, match=f"^--token-command: {expected}"):
        login.credentials(command)


def test_a_command_that_never_ends_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(login, "_COMMAND_SECONDS", 0.5)
    with pytest.raises(RunError, match="did not end within 0.5 seconds"):
        login.credentials(printing("import time; time.sleep(60)", tmp_path))


@pytest.mark.parametrize("text", ["s3cret", "name=s3cret\nX-Other: 1", "name=s3crét"])
def test_an_invalid_cookie_is_refused_and_not_printed(monkeypatch, text):
    monkeypatch.setenv(login.COOKIE, text)
    with pytest.raises(SettingsError, match=f"^{login.COOKIE}: ") as raised:
        login.cookie()
    assert "s3cr" not in str(raised.value)


def test_tokens_and_cookies_are_never_printed(tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(login.COOKIE, "session=guess-the-cookie")
    command = printing("print('guess-the-'+'token')", tmp_path)
    endpoint = KubeflowEndpoint.of("http://h", "ages", token_command="print guess-the-token")
    with KfpApi(token="let-me-in") as api, pytest.raises(RunError) as raised:
        runs_at(api.url, command).find("ages-1")
    everything = [str(raised.value), caplog.text, *capfd.readouterr(), repr(endpoint)]
    assert "guess-the" not in "".join([*everything, str(endpoint.shown())])


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [
        (200, {"Content-Type": "text/html; charset=utf-8"}, "<html>Log in to Dex</html>"),
        (302, {"Location": "/dex/auth?state=opaque"}, ""),
        (302, {"Location": "http://localhost:{port}/dex/auth?state=opaque"}, ""),
        (404, {"Content-Type": "text/html"}, "<html>no such page</html>"),
    ],
)
def test_a_login_page_is_reported_and_gets_no_token(tmp_path, status, headers, content):
    """It must not be read as an answer without runs."""
    command = printing("print('let-me-in')", tmp_path)
    with gateway(200, {"Content-Type": "text/html"}, "<html>Dex</html>") as dex:
        headers = {
            name: value.replace("{port}", str(dex.http.server_port))
            for name, value in headers.items()
        }
        with (
            gateway(status, headers, content) as front,
            pytest.raises(RunError, match="not the Kubeflow Pipelines API") as raised,
        ):
            runs_at(front.url, command).find("ages-1")
        assert len(front.requests) == 1
        assert not dex.requests, "it is not even followed"
    assert str(raised.value) == (
        f"{front.url}: the server that answers is not the Kubeflow Pipelines API; it may be a "
        "login page. Check --host, and log in: set --token-command to a command that prints a "
        "token, or set KF_PIPELINES_SA_TOKEN_PATH to the file of a token, or set "
        "KF_PIPELINES_COOKIE to the cookie of a login"
    )


@pytest.mark.parametrize("by", ["option", "environment"])
def test_submit_reads_the_command_from_option_or_environment(monkeypatch, by):
    command = "gcloud auth print-identity-token"
    arguments = ["--target", "kubeflow", "--config", "settings.yaml", "--host", "https://h"]
    if by == "option":
        arguments += ["--token-command", command]
    else:
        monkeypatch.setenv("KF_PIPELINES_TOKEN_COMMAND", command)
    values = submit.make_context("submit", arguments).params
    endpoint = KUBEFLOW.endpoint(Settings(), values)
    assert endpoint.token_command == command
    assert command not in str(endpoint.shown())
