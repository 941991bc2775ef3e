"""What Google Cloud's clients complain of, as one line."""

from customer_age.errors import RunError, SettingsError

SIGN_IN = (
    "is not told who asks; run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS"
)


def is_unknown_caller(error: Exception) -> bool:
    """Whether Google Cloud refused because nobody said who asks."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError

    # gRPC asks for a token within a call, and tells of a failure as of a service that is away.
    return "metadata from plugin" in str(error) or (
        isinstance(error, GoogleAuthError | exceptions.Unauthenticated)
        and not isinstance(error, TransportError)
    )


def told(error: Exception) -> RunError | None:
    """`RunError` where Google Cloud fails, `SettingsError` where it or its client is away."""
    if isinstance(error, ImportError):
        return SettingsError("registry.uri: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from requests import RequestException

    said = " ".join(str(error).split())[:500]
    away = exceptions.ServiceUnavailable | exceptions.RetryError | TransportError | RequestException
    failed = exceptions.GoogleAPIError | TimeoutError | FileNotFoundError
    if is_unknown_caller(error):
        return SettingsError(f"registry.uri: Google Cloud {SIGN_IN} ({said})")
    if isinstance(error, away):
        return SettingsError(f"registry.uri: Google Cloud does not answer ({said})")
    # Where the class of a wrong checksum lives depends on the version of google-cloud-storage.
    if isinstance(error, failed) or type(error).__name__ == "DataCorruption":
        return RunError(f"the model registry failed: {said}")
    return None
