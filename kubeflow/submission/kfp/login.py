"""Credentials for Kubeflow Pipelines: a bearer token, a cookie, or both.

They are never part of a command line, of settings or of a message. Only their source is named.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_age.errors import RunError, SettingsError

if TYPE_CHECKING:
    from kfp.client.token_credentials_base import TokenCredentialsBase

TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
"""The variable that names the file of the token."""

COOKIE = "KF_PIPELINES_COOKIE"
"""The variable that holds the cookie of a login, as in `oauth2_proxy_kubeflow=...`."""

HOW = (
    f"set --token-command to a command that prints a token, or set {TOKEN_PATH} to the file of a "
    f"token, or set {COOKIE} to the cookie of a login"
)

_POD_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
"""Where Kubernetes puts the token in a pod."""

_COMMAND_SECONDS = 60
_KEPT_SECONDS = 300
"""A printed token is used this long. Most tokens are valid for an hour, the command may take a
second, and `--wait` sends a request every few seconds."""


def credentials(token_command: str) -> "TokenCredentialsBase | None":
    """Return what gives `kfp.Client` the token of each request; None if there is no token.

    Args:
        token_command: prints a token; or empty, for the token's file.

    Raises:
        RunError: the token's file cannot be read, or the command fails.
        SettingsError: it is not a command, or its output cannot be a token.
    """
    from kfp.client.token_credentials_base import TokenCredentialsBase

    class Credentials(TokenCredentialsBase):
        def __init__(self, read: Callable[[], str]):
            self._read = read

        def refresh_api_key_hook(self, config: Any) -> None:
            config.api_key["authorization"] = self._read()

    read = _reader(token_command)
    if read is None:
        return None
    read()  # so that a fault shows before the first request
    return Credentials(read)


def cookie() -> str | None:
    """Return the cookie of a login, if the environment holds one.

    Raises:
        SettingsError: it is not a valid cookie.
    """
    text = os.environ.get(COOKIE, "").strip()
    if text and "=" not in text:
        raise SettingsError(f"{COOKIE}: must be NAME=VALUE, as a browser sends it")
    return _header_value(text, COOKIE) or None


def _reader(token_command: str) -> Callable[[], str] | None:
    if token_command:
        return _Printed(token_command).token
    named = os.environ.get(TOKEN_PATH)
    file = Path(named) if named else _POD_TOKEN
    try:
        empty = not file.read_text().strip()
    except OSError as error:
        if not named:
            return None  # not in a pod, and the service may need no token
        raise RunError(f"{TOKEN_PATH}: {named} cannot be read ({error.strerror})") from error
    return None if empty else lambda: _header_value(file.read_text().strip(), str(file))


class _Printed:
    """A token that a command prints, such as `gcloud auth print-identity-token`."""

    def __init__(self, command: str):
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise SettingsError(f"--token-command: is not a command ({error})") from None
        if not self._arguments:
            raise SettingsError("--token-command: must not be empty")
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        if time.monotonic() >= self._until:
            self._token = _header_value(self._run(), "--token-command")
            self._until = time.monotonic() + _KEPT_SECONDS
        return self._token

    def _run(self) -> str:
        name = self._arguments[0]
        try:
            # Its stderr goes to the terminal, where it may also prompt.
            done = subprocess.run(
                self._arguments, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
            )
        except OSError as error:
            raise SettingsError(
                f"--token-command: {name} cannot be run ({error.strerror})"
            ) from None
        except subprocess.TimeoutExpired:
            raise RunError(
                f"--token-command: {name} did not end within {_COMMAND_SECONDS} seconds"
            ) from None
        token = done.stdout.decode(errors="replace").strip()
        if done.returncode or not token:
            ended = f"failed: exit code {done.returncode}" if done.returncode else "printed nothing"
            raise RunError(f"--token-command: {name} {ended}")
        return token


def _header_value(text: str, source: str) -> str:
    """Check the text here, because the error of the HTTP client would contain it."""
    if not (text.isascii() and text.isprintable()):
        raise SettingsError(f"{source}: its value is not one line of printable ASCII text")
    return text
