"""Tokens of service accounts: as the API server gives them out, and one that has expired."""

import base64
import json
import subprocess
import time
from pathlib import Path

from api_client import ApiClient

HOUR = 3600


def token_of(
    client: ApiClient, namespace: str, account: str, audience: str, seconds: int = HOUR
) -> str:
    """Have the API server make a token, as a kubelet does for a projected volume."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    spec = {"audiences": [audience], "expirationSeconds": seconds}
    made = client.ask("POST", path, {"spec": spec})
    assert made.status == 201, made
    return str(made.body["status"]["token"])


def expired(token: str, key: Path) -> str:
    """The same token, made two hours earlier: the server gives out none so short.

    Args:
        token: Of the API server.
        key: File that the server signs tokens with.
    """
    header, claims, _ = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    started = int(time.time()) - 2 * HOUR
    said |= {"iat": started, "nbf": started, "exp": started + HOUR}
    signed = f"{header}.{_encoded(json.dumps(said).encode())}"
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key],
        input=signed.encode(),
        capture_output=True,
        check=True,
    )
    return f"{signed}.{_encoded(signature.stdout)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
