"""The locations of files: on the disk, or in a store behind a real server."""

import http.server
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLACES = ("path", "file", "s3", "gs")


@pytest.fixture(params=PLACES)
def place(request, tmp_path: Path) -> str:
    """The address of an empty folder."""
    if request.param in ("s3", "gs"):
        return request.getfixturevalue(f"{request.param}_place")
    return str(tmp_path / "place") if request.param == "path" else f"file://{tmp_path}/place"


@pytest.fixture(params=["s3", "gs"])
def bucket_place(request) -> str:
    """The address of an empty folder in a store."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture
def s3_place(s3_endpoint, aws_credentials) -> str:
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket="shop")
    return f"s3://shop/place?endpoint={s3_endpoint}"


@pytest.fixture
def gs_place(cloud_storage) -> str:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket("shop")
    return "gs://shop/place"


class Scripted(http.server.ThreadingHTTPServer):
    """A server with scripted answers: a status, `cut`, a content; then an object `hello`.

    Attributes:
        script: answers to come.
        requests: method and path of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[int | str | bytes] = []
        self.requests: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Scripted
    body = b"hello"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/storage/v1/b/shop?"):
            # Newer clients of Cloud Storage may request the bucket at any time, for their traces.
            self.send_error(404)
            return
        self.server.requests.append((self.command, self.path))
        status = self.server.script.pop(0) if self.server.script else 200
        body = self.body if status in (200, "half") else b""
        if isinstance(status, bytes):
            status, body = 200, status
        if status == "cut":
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(200 if status == "half" else int(status))
        self.send_header("content-length", str(len(body)))
        self.send_header("content-type", "application/json")
        self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("etag", '"x"')
        self.end_headers()
        if status == "half":
            self.wfile.write(body[:2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
        elif self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.shutdown()


@pytest.fixture
def together() -> Callable[..., list]:
    """Run a function in several processes at once, and return all results."""

    def run(work: Callable, arguments: list[tuple]) -> list:
        with multiprocessing.get_context("spawn").Pool(len(arguments)) as pool:
            return pool.starmap_async(work, arguments).get(timeout=120)

    return run


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition is true, at most half a minute."""

    def wait(true: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not true():
            assert time.monotonic() < end
            time.sleep(0.005)

    return wait
