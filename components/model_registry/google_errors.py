"""What Google Cloud's clients complain of, as one line."""

from customer_age.components.errors import RunError, SettingsError


def told(error: Exception) -> RunError | None:
    """`RunError` where Google Cloud fails, `SettingsError` where it or its client is away."""
    if isinstance(error, ImportError):
        return SettingsError("registry.uri: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests import RequestException

    said = " ".join(str(error).split())[:500]
    away = exceptions.ServiceUnavailable | exceptions.RetryError | TransportError | RequestException
    failed = exceptions.GoogleAPIError | TimeoutError | FileNotFoundError
    # gRPC asks for a token within a call, and tells of a failure as of a service that is away.
    if "metadata from plugin" in said or (
        isinstance(error, GoogleAuthError | exceptions.Unauthenticated)
        and not isinstance(error, TransportError)
    ):
        return SettingsError(
            "registry.uri: Google Cloud is not told who asks; run `gcloud auth application-default "
            f"login`, or set GOOGLE_APPLICATION_CREDENTIALS ({said})"
        )
    if isinstance(error, away):
        return SettingsError(f"registry.uri: Google Cloud does not answer ({said})")
    # Where the class of a wrong checksum lives depends on the version of google-cloud-storage.
    if isinstance(error, failed) or type(error).__name__ == "DataCorruption":
        return RunError(f"the model registry failed: {said}")
    return None
