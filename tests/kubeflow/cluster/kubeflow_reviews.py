"""The reviews of users and rights by Kubeflow Pipelines, sent to a real API server.

As in TokenReviewAuthenticator and ResourceManager.IsAuthorized (backend/src/apiserver/auth and
resource of kubeflow/pipelines, commit 7b70c7b9); their messages are shortened.
"""

from api_client import ApiClient
from kfp_api_stand_in.records import Answer

AUDIENCE = "pipelines.kubeflow.org"
"""TOKEN_REVIEW_AUDIENCE's default."""
_UNKNOWN = "Failed to check authorization. User identity is empty in the request header"


class KubeflowReviews:
    """See `kfp_api_stand_in.access.Reviewer`.

    Attributes:
        reviewed: Of each request that was allowed: user, verb, resource and namespace.
    """

    def __init__(self, client: ApiClient):
        self._client = client
        self.reviewed: list[tuple[str, str, str, str]] = []

    def review(self, authorization: str | None, attributes: dict[str, str]) -> None:
        """See `Reviewer`."""
        user = self._user(authorization)
        spec = {"user": user, "resourceAttributes": attributes}
        status = self._ask("authorization.k8s.io", "SubjectAccessReview", spec)
        if not status["allowed"]:
            raise Answer(
                403,
                f"Failed to access run . Check if you have access to namespace "
                f"{attributes['namespace']}: User '{user}' is not authorized with reason: "
                f"{status.get('reason', '')} (request: {attributes})",
            )
        what = (attributes["verb"], attributes["resource"], attributes["namespace"])
        self.reviewed.append((user, *what))

    def _user(self, authorization: str | None) -> str:
        prefix, _, token = (authorization or "").partition(" ")
        if prefix != "Bearer":
            raise Answer(
                401, f"{_UNKNOWN}: Request header error: there is no user identity header."
            )
        spec = {"token": token, "audiences": [AUDIENCE]}
        status = self._ask("authentication.k8s.io", "TokenReview", spec)
        if not status.get("authenticated"):
            raise Answer(401, f"{_UNKNOWN}: Review.Status.Authenticated is false")
        if AUDIENCE not in status.get("audiences", []):
            raise Answer(401, f"{_UNKNOWN}: Failed to find all of '[{AUDIENCE}]' in audience")
        return str(status["user"]["username"])

    def _ask(self, group: str, kind: str, spec: dict[str, object]) -> dict:
        path = f"/apis/{group}/v1/{kind.lower()}s"
        body = {"apiVersion": f"{group}/v1", "kind": kind, "spec": spec}
        answer = self._client.ask("POST", path, body)
        assert answer.status == 201, answer
        return answer.body["status"]
