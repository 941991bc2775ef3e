"""What the client of Kubeflow Pipelines complains of, as one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from customer_age.errors import RunError, SettingsError

from .login import HOW

_LONGEST = 500


@contextmanager
def explained(host: str) -> Iterator[None]:
    """Ask Kubeflow Pipelines something.

    Args:
        host: where it is asked.

    Raises:
        SettingsError: its client is not installed.
        RunError: it cannot be reached, does not let us in, or refuses.
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
            f"{host}: Kubeflow Pipelines does not answer ({_reason(error)}); --host names it"
        ) from error
    except OpenApiException as error:
        raise RunError(
            f"{host}: the client of Kubeflow Pipelines failed: {_line(error)}"
        ) from error


def no_api(host: str) -> RunError:
    """Something else answers there; often it is the page that asks for a password."""
    return RunError(
        f"{host}: what answers is not the API of Kubeflow Pipelines, perhaps a page to log in; "
        f"--host names the API; {HOW}"
    )


def _refusal(error: Exception, host: str) -> RunError:
    status, message = getattr(error, "status", 0), _message(error)
    if status in (401, 403):
        return RunError(
            f"{host}: Kubeflow Pipelines does not let us in ({message}); {HOW}; --namespace names "
            "where we may work"
        )
    if status == 0:
        return RunError(f"{host}: no safe connection to Kubeflow Pipelines ({message})")
    if 300 <= status < 400 or not _is_from_the_api(error):
        return no_api(host)
    return RunError(f"{host}: Kubeflow Pipelines refuses ({status}): {message}")


def _body(error: Exception) -> dict:
    try:
        body = json.loads(getattr(error, "body", None) or "")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _is_from_the_api(error: Exception) -> bool:
    """Its answers are JSON, with the code of gRPC and a message."""
    return "message" in _body(error) or "error" in _body(error)


def _message(error: Exception) -> str:
    """What it says; the headers stay out, since they may hold cookies."""
    body = _body(error)
    return _line(body.get("message") or body.get("error") or getattr(error, "reason", ""))


def _reason(error: BaseException) -> str:
    """The innermost cause: urllib3 wraps its errors twice."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    return _line(str(error).rpartition(": ")[2] or type(error).__name__)


def _line(message: object) -> str:
    return " ".join(str(message).split())[:_LONGEST]
