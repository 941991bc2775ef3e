"""Errors of the Kubeflow Pipelines client, as one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from customer_age.errors import RunError, SettingsError

from .login import HOW

_LONGEST = 500


@contextmanager
def explained(host: str) -> Iterator[None]:
    """Raise one-line errors for the requests to Kubeflow Pipelines inside the context.

    Args:
        host: URL of the API.

    Raises:
        SettingsError: the client is not installed.
        RunError: the API cannot be reached, denies access, or refuses a request.
    """
    try:
        from kfp_server_api.exceptions import ApiException, OpenApiException
    except ImportError:
        raise SettingsError("--target kubeflow: install customer-age[kubeflow]") from None
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise _refusal(error, host) from error
    except (HTTPError, OSError) as error:
        raise RunError(
            f"{host}: Kubeflow Pipelines does not answer ({_reason(error)}); check --host"
        ) from error
    except OpenApiException as error:
        raise RunError(
            f"{host}: the client of Kubeflow Pipelines failed: {_line(error)}"
        ) from error


def no_api(host: str) -> RunError:
    """Return the error for a server that is not the API; often it is a login page."""
    return RunError(
        f"{host}: the server that answers is not the Kubeflow Pipelines API; it may be a login "
        f"page. Check --host, and log in: {HOW}"
    )


def _refusal(error: Exception, host: str) -> RunError:
    status, message = getattr(error, "status", 0), _message(error)
    if status in (401, 403):
        return RunError(
            f"{host}: access denied by Kubeflow Pipelines ({message}). Log in: {HOW}. Or set "
            "--namespace to a namespace that you may use"
        )
    if status == 0:
        return RunError(f"{host}: no secure connection to Kubeflow Pipelines ({message})")
    if 300 <= status < 400 or not _is_from_the_api(error):
        return no_api(host)
    return RunError(f"{host}: Kubeflow Pipelines refused the request ({status}): {message}")


def _body(error: Exception) -> dict:
    try:
        body = json.loads(getattr(error, "body", None) or "")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _is_from_the_api(error: Exception) -> bool:
    """Whether the API answered: its errors are JSON, with a gRPC code and a message."""
    return "message" in _body(error) or "error" in _body(error)


def _message(error: Exception) -> str:
    """Return the error's message; without the headers, because they may hold cookies."""
    body = _body(error)
    return _line(body.get("message") or body.get("error") or getattr(error, "reason", ""))


def _reason(error: BaseException) -> str:
    """Return the innermost cause: urllib3 wraps its errors twice."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    return _line(str(error).rpartition(": ")[2] or type(error).__name__)


def _line(message: object) -> str:
    return " ".join(str(message).split())[:_LONGEST]
