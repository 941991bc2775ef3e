"""What Google Cloud's client complains of when a pipeline is run, as one line."""

from customer_age.components.errors import RunError, SettingsError

_LONGEST = 500


def told(error: Exception) -> RunError | None:
    """`RunError` where Vertex AI fails or refuses; None for what is no error of its client."""
    if isinstance(error, ImportError):
        return SettingsError("--target vertex: install customer-age[vertex]")
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.protobuf.json_format import ParseError

    said = " ".join(str(error).split())[:_LONGEST]
    # gRPC asks for a token within a call, and tells of a failure as of a service that is away.
    if "metadata from plugin" in said or (
        isinstance(error, GoogleAuthError | exceptions.Unauthenticated)
        and not isinstance(error, TransportError)
    ):
        return RunError(
            "Vertex AI is not told who asks; run `gcloud auth application-default login`, or set "
            f"GOOGLE_APPLICATION_CREDENTIALS ({said})"
        )
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
