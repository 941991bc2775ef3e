"""Requests to the API server on persistent connections, and its warnings."""

import json
import re
from dataclasses import dataclass
from typing import Any

import urllib3
from api_server import ApiServer

_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Answer:
    """An answer of the API server.

    Attributes:
        status: Of HTTP.
        body: The object, or a `Status` with the reason of a failure.
        warnings: What kubectl shows after `Warning:`.
    """

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def message(self) -> str:
        """Why it was refused; empty where it was not."""
        return "" if self.status < 400 else str(self.body.get("message"))


class ApiClient:
    """The API server, for the holder of a token.

    Args:
        server: It.
        token: Of who asks; by default the administrator's.
    """

    def __init__(self, server: ApiServer, token: str = ""):
        self._url = server.url
        self._headers = {
            "Authorization": f"Bearer {token or server.token}",
            "Content-Type": "application/json",
        }
        self._pool = urllib3.PoolManager(ca_certs=str(server.certificate), maxsize=8)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request; a refusal is an answer too."""
        given = self._pool.request(
            method,
            self._url + path,
            body=None if body is None else json.dumps(body),
            headers=self._headers | headers,
            retries=False,
        )
        warnings = _WARNING.findall(", ".join(given.headers.getlist("Warning")))
        is_json = given.headers.get("Content-Type", "").startswith("application/json")
        answered = given.json() if is_json else {"message": given.data.decode().strip()}
        return Answer(given.status, answered, tuple(warnings))

    def patch_status(self, path: str, status: dict[str, Any]) -> Answer:
        """Write an object's status, as its controller would."""
        content_type = {"Content-Type": "application/merge-patch+json"}
        return self.ask("PATCH", f"{path}/status", {"status": status}, **content_type)

    def create_pod(self, namespace: str, pod: dict[str, Any], *, dry_run: bool = True) -> Answer:
        """Create a pod as strictly as the server can: an unknown field is an error."""
        query = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.ask("POST", f"/api/v1/namespaces/{namespace}/pods{query}", pod)

    def create_namespace(self, name: str, labels: dict[str, str], *accounts: str) -> None:
        """Create a namespace with the accounts that its pods name; it may be there already."""
        metadata = {"name": name, "labels": labels}
        made = [
            self.ask("POST", "/api/v1/namespaces", {"metadata": metadata}),
            *(
                self.ask(
                    "POST",
                    f"/api/v1/namespaces/{name}/serviceaccounts",
                    {"metadata": {"name": account}},
                )
                for account in accounts
            ),
        ]
        for answer in made:
            assert answer.status in (201, 409), answer
