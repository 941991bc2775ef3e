"""HTTP: the routes, and the format of refusals (grpc-gateway's JSON)."""

import email.parser
import email.policy
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from .records import Answer, Record

_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13}
"""gRPC's code for each status, as the gateway puts it into the body."""
_ID = "([^/:]+)"
_V2 = "/apis/v2beta1"
_ROUTES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("GET", "/healthz", "healthz", ()),
    ("GET", "/pipelines", "pipelines.list", ("query",)),
    ("GET", f"/pipelines/{_ID}", "pipelines.get", ()),
    ("DELETE", f"/pipelines/{_ID}", "pipelines.delete", ()),
    ("GET", f"/pipelines/{_ID}/versions", "pipelines.list_versions", ("query",)),
    ("GET", f"/pipelines/{_ID}/versions/{_ID}", "pipelines.get_version", ()),
    ("DELETE", f"/pipelines/{_ID}/versions/{_ID}", "pipelines.delete_version", ()),
    ("POST", "/pipelines/upload", "pipelines.upload", ("query", "file")),
    ("POST", "/pipelines/upload_version", "pipelines.upload_version", ("query", "file")),
    ("POST", "/experiments", "experiments.create", ("body",)),
    ("GET", "/experiments", "experiments.list", ("query",)),
    ("GET", f"/experiments/{_ID}", "experiments.get", ()),
    ("POST", "/runs", "runs.create", ("body",)),
    ("GET", "/runs", "runs.list", ("query",)),
    ("GET", f"/runs/{_ID}", "runs.get", ()),
    ("DELETE", f"/runs/{_ID}", "runs.delete", ()),
    ("POST", f"/runs/{_ID}:terminate", "runs.terminate", ()),
]


class Service(Protocol):
    """What answers the requests."""

    token: str
    cookie: str
    lock: threading.RLock
    requests: list[tuple[str, str]]
    on_request: Callable[[str, str], None]

    def method(self, name: str) -> Callable[..., Record]:
        """What answers the route of this name."""

    def review(self, authorization: str | None, name: str, arguments: list[Any]) -> None:
        """Refuse a request that Kubernetes does not allow."""

    def answered(self, name: str, body: Record) -> None:
        """Is called after each successful request."""


class Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for a receipt

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: Any) -> None:
        """Nothing: a test's output is its own."""

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        self.service.requests.append((method, address.path))
        self.service.on_request(method, address.path)
        try:
            if not self._may_ask():
                raise Answer(401, "Request header error: there is no user identity header.")
            with self.service.lock:
                name, body = self._dispatch(method, address.path, query, content)
            self.service.answered(name, body)
            self._send(200, body)
        except Answer as refusal:
            code = _CODES[refusal.status]
            message = str(refusal)
            self._send(
                refusal.status, {"error": message, "code": code, "message": message, "details": []}
            )

    def _may_ask(self) -> bool:
        token, cookie = self.service.token, self.service.cookie
        given = self.headers.get("Authorization"), self.headers.get("Cookie")
        return (not token or given[0] == f"Bearer {token}") and (not cookie or given[1] == cookie)

    def _dispatch(
        self, method: str, path: str, query: Record, content: bytes
    ) -> tuple[str, Record]:
        for known, pattern, name, takes in _ROUTES:
            match = re.fullmatch(_V2 + pattern, path)
            if known != method or match is None:
                continue
            arguments: list[Any] = [unquote(part) for part in match.groups()]
            for kind in takes:
                if kind == "query":
                    arguments.append(query)
                elif kind == "body":
                    arguments.append(self._body(content))
                else:
                    arguments += self._file(content)
            self.service.review(self.headers.get("Authorization"), name, arguments)
            return name, self.service.method(name)(*arguments)
        raise Answer(404, "Not Found")

    def _body(self, content: bytes) -> Record:
        try:
            return json.loads(content)
        except ValueError as error:
            raise Answer(400, f"the body is not JSON: {error}") from error

    def _file(self, content: bytes) -> tuple[str, str]:
        header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(header + content)
        for part in message.iter_parts():
            if part.get_param("name", header="content-disposition") == "uploadfile":
                name = part.get_filename() or ""
                if not name.endswith((".yaml", ".yml", ".json")):
                    raise Answer(400, "Failed to read a pipeline spec file")
                return name, part.get_content().decode()
        raise Answer(400, "Failed to read pipeline from file")

    def _send(self, status: int, body: Record) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
