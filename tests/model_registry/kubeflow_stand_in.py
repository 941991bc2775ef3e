"""A stand-in for Kubeflow Model Registry's REST service: the requests that publishing needs.

It stores what it receives, and refuses the same requests as the real service, with the same status:
an unknown field, a bad value or a changed name (400), a missing field (422), an unknown parent
(404), a name that is taken (409), no token (401). It also has the service's oddities: an update
without a state makes its object LIVE, an update replaces all custom properties or none, and whole
numbers are returned without their decimal point.

A server supports one version of the API: `v1alpha3`, or `v1` from the package's 0.3.12 on. The
requests here are the same in both.

It runs as a separate process, and prints its address. Its arguments are the version, and the token
that every request must contain, if any.
"""

import base64
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Record = dict[str, Any]

_RESOURCE = {"customProperties", "description", "externalId", "state"}
_MODEL = _RESOURCE | {
    *("owner", "readme", "maturity", "language", "tasks", "provider", "logo", "license"),
    *("licenseLink", "libraryName"),
}
_VERSION = _RESOURCE | {"author"}
_ARTIFACT = _RESOURCE | {
    *("artifactType", "uri", "modelFormatName", "modelFormatVersion", "storageKey", "storagePath"),
    *("serviceAccountName", "modelSourceKind", "modelSourceClass", "modelSourceGroup"),
    *("modelSourceId", "modelSourceName"),
}
_STATES = {"LIVE", "ARCHIVED"}
_ARTIFACT_STATES = {
    *("UNKNOWN", "PENDING", "LIVE", "MARKED_FOR_DELETION", "DELETED", "ABANDONED", "REFERENCE"),
}
_VALUES: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "MetadataStringValue": ("string_value", str),
    "MetadataDoubleValue": ("double_value", (int, float)),
    "MetadataIntValue": ("int_value", str),
    "MetadataBoolValue": ("bool_value", bool),
    "MetadataStructValue": ("struct_value", str),
}
_ORDERS = {
    "ID": "id",
    "CREATE_TIME": "createTimeSinceEpoch",
    "LAST_UPDATE_TIME": "lastUpdateTimeSinceEpoch",
}


class Refused(Exception):
    """An answer other than 200 and 201."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class NoSuchRequest(Exception):
    """The service has no such path, or not for this method."""


class StandIn:
    """The service's state, and the effect of each request on it."""

    def __init__(self, version: str, token: str):
        self.prefix = f"/api/model_registry/{version}"
        self.token = token
        self._tables: dict[str, dict[int, Record]] = {
            "registered_models": {},
            "model_versions": {},
            "model_artifacts": {},
        }
        self._parents: dict[int, int] = {}
        self._made = 0
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        with self._lock:
            for pattern, act in self._routes(method):
                found = re.fullmatch(pattern, path)
                if found:
                    return act(*map(int, found.groups()), query if method == "GET" else body)
        raise NoSuchRequest(path)

    def _routes(self, method: str) -> list[tuple[str, Callable[..., tuple[int, Any]]]]:
        return {
            "GET": [
                ("/registered_models", self._list_models),
                (r"/registered_models/(\d+)/versions", self._list_versions),
                (r"/model_versions/(\d+)/artifacts", self._list_artifacts),
            ],
            "POST": [
                ("/registered_models", self._create_model),
                ("/model_versions", self._create_version),
                (r"/model_versions/(\d+)/artifacts", self._create_artifact),
            ],
            "PATCH": [
                (r"/registered_models/(\d+)", self._update_model),
                (r"/model_versions/(\d+)", self._update_version),
                (r"/model_artifacts/(\d+)", self._update_artifact),
            ],
        }.get(method, [])

    def _list_models(self, query: dict[str, str]) -> tuple[int, Record]:
        return 200, _page(list(self._tables["registered_models"].values()), query)

    def _list_versions(self, model: int, query: dict[str, str]) -> tuple[int, Record]:
        return 200, _page(self._children("model_versions", model), query)

    def _list_artifacts(self, version: int, query: dict[str, str]) -> tuple[int, Record]:
        return 200, _page(self._children("model_artifacts", version), query)

    def _create_model(self, body: Record) -> tuple[int, Record]:
        _check(body, _MODEL | {"name"}, _STATES, required=("name",))
        return 201, self._make("registered_models", body, None)

    def _create_version(self, body: Record) -> tuple[int, Record]:
        fields = _VERSION | {"name", "registeredModelId"}
        _check(body, fields, _STATES, required=("name", "registeredModelId"))
        parent = body["registeredModelId"]
        if not re.fullmatch("[1-9][0-9]{0,8}", parent):
            raise Refused(400, f"invalid registered model ID: {parent}")
        self._get("registered_models", int(parent))
        return 201, self._make("model_versions", body, int(parent))

    def _create_artifact(self, version: int, body: Record) -> tuple[int, Record]:
        self._get("model_versions", version)
        if body.get("artifactType") != "model-artifact":
            raise Refused(400, "invalid artifact type, must be ModelArtifact")
        _check(body, _ARTIFACT | {"name"}, _ARTIFACT_STATES)
        named = {"name": f"artifact-{self._made}", "state": "UNKNOWN", **body}
        return 201, self._make("model_artifacts", named, version)

    def _update_model(self, model: int, body: Record) -> tuple[int, Record]:
        _check(body, _MODEL, _STATES)
        return 200, self._change("registered_models", model, {"state": "LIVE", **body})

    def _update_version(self, version: int, body: Record) -> tuple[int, Record]:
        _check(body, _VERSION, _STATES)
        return 200, self._change("model_versions", version, {"state": "LIVE", **body})

    def _update_artifact(self, artifact: int, body: Record) -> tuple[int, Record]:
        _check(body, _ARTIFACT, _ARTIFACT_STATES)
        return 200, self._change("model_artifacts", artifact, {"state": "UNKNOWN", **body})

    def _make(self, table: str, body: Record, parent: int | None) -> Record:
        if any(
            each["name"] == body["name"] and self._parents.get(int(each["id"])) == parent
            for each in self._tables[table].values()
        ):
            raise Refused(409, f"{table} with name {body['name']} already exists: conflict")
        self._made += 1
        now = str(time.time_ns() // 10**6)
        record = {
            "customProperties": {},
            "state": "LIVE",
            **body,
            "id": str(self._made),
            "createTimeSinceEpoch": now,
            "lastUpdateTimeSinceEpoch": now,
        }
        self._tables[table][self._made] = record
        if parent is not None:
            self._parents[self._made] = parent
        return record

    def _change(self, table: str, identity: int, body: Record) -> Record:
        record = self._get(table, identity)
        record.update(body, lastUpdateTimeSinceEpoch=str(time.time_ns() // 10**6))
        return record

    def _get(self, table: str, identity: int) -> Record:
        if identity not in self._tables[table]:
            raise Refused(404, f"no {table} found for id {identity}: not found")
        return self._tables[table][identity]

    def _children(self, table: str, parent: int) -> list[Record]:
        rows = self._tables[table].items()
        return [record for identity, record in rows if self._parents[identity] == parent]


def _check(body: Any, fields: set[str], states: set[str], required: tuple[str, ...] = ()) -> None:
    if not isinstance(body, dict):
        raise Refused(400, "json: cannot unmarshal into Go value")
    for name in required:
        if not body.get(name):
            raise Refused(422, f"required field '{name}' is zero value.")
    for name, value in body.items():
        if name not in fields:
            raise Refused(400, f'json: unknown field "{name}"')
        if name == "customProperties":
            _check_properties(value)
        elif name not in ("language", "tasks") and not isinstance(value, str):
            raise Refused(400, f"json: cannot unmarshal into field {name} of type string")
    if body.get("state", "LIVE") not in states:
        raise Refused(400, f"{body['state']} is not a valid state")


def _check_properties(properties: Any) -> None:
    if not isinstance(properties, dict):
        raise Refused(400, "json: cannot unmarshal into field customProperties")
    for name, value in properties.items():
        if not isinstance(value, dict):
            raise Refused(400, f"failed to unmarshal MetadataValue of {name}")
        field, kind = _VALUES.get(value.get("metadataType"), ("", str))
        if set(value) != {"metadataType", field} or not isinstance(value[field], kind):
            raise Refused(400, f"failed to unmarshal MetadataValue of {name}")
        if len(name) > 255:
            raise Refused(400, "Data too long for column 'name'")


def _page(records: list[Record], query: dict[str, str]) -> Record:
    size = query.get("pageSize", "0")
    if not re.fullmatch(r"-?\d+", size):
        raise Refused(400, f"invalid numeric string: {size}")
    order = _ORDERS.get(query.get("orderBy", "ID"), "id")
    descending = query.get("sortOrder") == "DESC"
    records = sorted(
        records, key=lambda each: (int(each[order]), int(each["id"])), reverse=descending
    )
    start = 0
    if "nextPageToken" in query:
        try:
            last = base64.b64decode(query["nextPageToken"], validate=True).decode().split(":")[0]
            start = [each["id"] for each in records].index(last) + 1
        except ValueError as error:
            raise Refused(400, f"invalid nextPageToken: {error}") from error
    shown = records[start : start + int(size)] if int(size) > 0 else records[start:]
    more = start + len(shown) < len(records)
    token = base64.b64encode(f"{shown[-1]['id']}:".encode()).decode() if more else ""
    return {"items": shown, "size": len(shown), "pageSize": int(size), "nextPageToken": token}


def _as_go_writes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_go_writes(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_go_writes(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms for an acknowledgement
    server: "_Server"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing into a test's output."""

    def _serve(self) -> None:
        stand_in = self.server.stand_in
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(stand_in.prefix + "/")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if stand_in.token and self.headers.get("Authorization") != f"Bearer {stand_in.token}":
                raise Refused(401, "Unauthorized")
            if path == parts.path:
                raise NoSuchRequest(path)
            path = f"/{path}"
            if b"\\u0000" in content:
                raise Refused(400, "Request body contains null bytes which are not allowed")
            body = json.loads(content, parse_constant=_no_constant) if content else None
            status, answer = stand_in.answer(self.command, path, query, body)
        except Refused as refused:
            self._send(refused.status, {"code": "Refused", "message": str(refused)})
        except json.JSONDecodeError as error:
            self._send(400, {"code": "Bad Request", "message": str(error)})
        except NoSuchRequest:
            self._send_text(404, "404 page not found\n", "text/plain; charset=utf-8")
        else:
            self._send(status, answer)

    def _send(self, status: int, answer: Any) -> None:
        text = json.dumps(_as_go_writes(answer))
        self._send_text(status, text, "application/json; charset=UTF-8")

    def _send_text(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _no_constant(name: str) -> float:
    raise Refused(400, f"invalid character {name[0]!r} looking for beginning of value")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: StandIn):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in


def main(version: str, token: str = "") -> None:
    server = _Server(StandIn(version, token))
    print(f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
