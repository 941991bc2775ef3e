"""Translate errors of Google Cloud's clients to one line each.

Google's packages are an extra and slow to import: they are imported only when there is an error.
"""

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataUnavailable
from customer_age.files.entries import StoreError

from .proxies import proxy_hint

_SIGN_IN = (
    "received no credentials; run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS"
)

_GOOGLE = "https://googleapis.com"

_LONGEST = 500
"""Characters of a client's message."""


def translate(error: Exception) -> RunError | None:
    """Translate an error of a model registry on Google Cloud.

    Returns:
        `RunError` if Google Cloud fails, `SettingsError` if it does not answer or its client is not
        installed; None for an error that is not from its client.
    """
    if isinstance(error, ImportError):
        return SettingsError("registry.uri: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from requests import RequestException

    # A store's error contains the address; its cause, the client's error, is the reason.
    reason = (error.__cause__ if isinstance(error, DataUnavailable | StoreError) else None) or error
    words = _in_one_line(error)
    away = exceptions.ServiceUnavailable | exceptions.RetryError | TransportError | RequestException
    failed = exceptions.GoogleAPIError | TimeoutError | FileNotFoundError | StoreError
    if _is_unknown_caller(reason):
        return SettingsError(f"registry.uri: Google Cloud {_SIGN_IN} ({words})")
    if isinstance(reason, away):
        return SettingsError(
            f"registry.uri: Google Cloud does not answer{proxy_hint(_GOOGLE)} ({words})"
        )
    return RunError(f"the model registry failed: {words}") if isinstance(error, failed) else None


def translate_for_pipelines(error: Exception) -> RunError | None:
    """Translate an error of Vertex AI Pipelines.

    Returns:
        `RunError` if Vertex AI fails or refuses, `SettingsError` if its client is not installed;
        None for an error that is not from its client.
    """
    if isinstance(error, ImportError):
        return SettingsError("--target vertex: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from google.protobuf.json_format import ParseError

    words = _in_one_line(error)
    if _is_unknown_caller(error):
        return RunError(f"Vertex AI {_SIGN_IN} ({words})")
    if isinstance(error, exceptions.Forbidden):
        return RunError(
            f"access denied by Vertex AI ({words}); the account that submits needs the role Vertex "
            "AI User in --project, and Service Account User on --service-account"
        )
    if isinstance(error, exceptions.ServiceUnavailable | exceptions.RetryError | TransportError):
        return RunError(f"Vertex AI does not answer ({words}); check --project and --region")
    if isinstance(error, exceptions.GoogleAPIError | ParseError):
        return RunError(f"Vertex AI or its client refused the request: {words}")
    return None


def _is_unknown_caller(error: BaseException) -> bool:
    """Return whether Google Cloud refused because the request had no credentials."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError

    # gRPC requests a token within a call, and reports a failure as a service that is unavailable.
    return "metadata from plugin" in str(error) or (
        isinstance(error, GoogleAuthError | exceptions.Unauthenticated)
        and not isinstance(error, TransportError)
    )


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST]
