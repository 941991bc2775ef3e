"""Access checks of the API with several users: canAccessRun, canAccessExperiment.

Read in backend/src/apiserver/server/{run,experiment}_server.go of the commit that `__init__` names.
Kubernetes is asked (by a `Reviewer`); pipelines, which nothing of ours uploads, are refused.
"""

from typing import Any, Protocol

from .records import Answer, Record

GROUP, VERSION = "pipelines.kubeflow.org", "v1beta1"


class Reviewer(Protocol):
    """Sends reviews to Kubernetes: backend/src/apiserver/{auth,resource} of Kubeflow Pipelines."""

    def review(self, authorization: str | None, attributes: dict[str, str]) -> None:
        """Refuse an unknown user, or one without the right.

        Args:
            authorization: The header of the request.
            attributes: `resourceAttributes` of a SubjectAccessReview.

        Raises:
            Answer: 401 or 403.
        """


def check(
    reviewer: Reviewer,
    authorization: str | None,
    route: str,
    arguments: list[Any],
    experiments: dict[str, Record],
    runs: dict[str, Record],
) -> None:
    """Have a request reviewed before it is answered.

    Raises:
        Answer: Why not, as the real one words it.
    """
    if route == "healthz":
        return
    kind, _, verb = route.partition(".")
    if kind == "pipelines":
        raise Answer(400, "this stand-in has no pipelines where it has users")
    request = arguments[0]
    if verb in ("create", "list"):
        name, namespace = "", _namespace_named(request, experiments)
    elif kind == "experiments":
        experiment = _existing(experiments, request, "Experiment")
        name, namespace = experiment["display_name"], experiment["namespace"]
    else:
        run = _existing(runs, request, "Run")
        name, namespace = run["run_id"], experiments[run["experiment_id"]]["namespace"]
    if not namespace:
        article = "An experiment" if kind == "experiments" else "A run"
        raise Answer(400, f"{article} cannot have an empty namespace in multi-user mode")
    where = {"namespace": namespace, "name": name}
    what = {"verb": verb, "group": GROUP, "version": VERSION, "resource": kind}
    reviewer.review(authorization, where | what)


def _existing(table: dict[str, Record], key: str, kind: str) -> Record:
    if key not in table:
        raise Answer(404, f"Failed to authorize with the {kind} ID {key}: not found")
    return table[key]


def _namespace_named(request: Record, experiments: dict[str, Record]) -> str:
    """The namespace of the run's experiment, or the requested one."""
    experiment = request.get("experiment_id")
    if experiment:
        return str(_existing(experiments, experiment, "Experiment")["namespace"])
    return str(request.get("namespace", ""))
