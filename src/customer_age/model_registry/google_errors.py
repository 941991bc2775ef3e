"""Errors of Google Cloud's clients, each translated to one line.

Google's packages are an extra, and heavy: they are imported once there is an error to translate.
"""

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataAway
from customer_age.files.entries import StoreError

from .proxies import through

_SIGN_IN = (
    "got no credentials; run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS"
)

_GOOGLE = "https://googleapis.com"

_LONGEST = 500
"""Characters of a client's own words."""


def translate(error: Exception) -> RunError | None:
    """Translate an error of a model registry on Google Cloud.

    Returns:
        `RunError` where Google Cloud fails, `SettingsError` where it or its client is away; None
        for what is no error of its client.
    """
    if isinstance(error, ImportError):
        return SettingsError("registry.uri: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from requests import RequestException

    # Of a store, the error says where; of its client, what.
    reason = (error.__cause__ if isinstance(error, DataAway | StoreError) else None) or error
    words = _in_one_line(error)
    away = exceptions.ServiceUnavailable | exceptions.RetryError | TransportError | RequestException
    failed = exceptions.GoogleAPIError | TimeoutError | FileNotFoundError | StoreError
    if _is_unknown_caller(reason):
        return SettingsError(f"registry.uri: Google Cloud {_SIGN_IN} ({words})")
    if isinstance(reason, away):
        return SettingsError(
            f"registry.uri: Google Cloud does not answer{through(_GOOGLE)} ({words})"
        )
    return RunError(f"the model registry failed: {words}") if isinstance(error, failed) else None


def translate_for_pipelines(error: Exception) -> RunError | None:
    """Translate an error of Vertex AI Pipelines.

    Returns:
        `RunError` where Vertex AI fails or refuses, `SettingsError` where its client is not
        installed; None for what is no error of its client.
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
        return RunError(f"Vertex AI does not answer ({words}); --project and --region name it")
    if isinstance(error, exceptions.GoogleAPIError | ParseError):
        return RunError(f"Vertex AI or its client refuses: {words}")
    return None


def _is_unknown_caller(error: BaseException) -> bool:
    """Whether Google Cloud refused because it got no credentials."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError

    # gRPC asks for a token within a call, and tells of a failure as of a service that is away.
    return "metadata from plugin" in str(error) or (
        isinstance(error, GoogleAuthError | exceptions.Unauthenticated)
        and not isinstance(error, TransportError)
    )


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST]
