"""What Google Cloud's client complains of when a pipeline is run, as one line."""

from customer_age.errors import RunError, SettingsError

from .google_errors import SIGN_IN, is_unknown_caller

_LONGEST = 500


def told(error: Exception) -> RunError | None:
    """`RunError` where Vertex AI fails or refuses; None for what is no error of its client."""
    if isinstance(error, ImportError):
        return SettingsError("--target vertex: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from google.protobuf.json_format import ParseError

    said = " ".join(str(error).split())[:_LONGEST]
    if is_unknown_caller(error):
        return RunError(f"Vertex AI {SIGN_IN} ({said})")
    if isinstance(error, exceptions.Forbidden):
        return RunError(
            f"Vertex AI does not let us in ({said}); whoever submits needs the role Vertex AI User "
            "in --project, and Service Account User on --service-account"
        )
    if isinstance(error, exceptions.ServiceUnavailable | exceptions.RetryError | TransportError):
        return RunError(f"Vertex AI does not answer ({said}); --project and --region name it")
    if isinstance(error, exceptions.GoogleAPIError | ParseError):
        return RunError(f"Vertex AI or its client refuses: {said}")
    return None
