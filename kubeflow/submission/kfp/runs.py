"""The runs of one experiment on Kubeflow Pipelines, through its client.

The service has no place for our own id of a run, and accepts any number of runs with one name. So
we find a run by its display name, which contains the run id. After we start a run we list the runs
again: if there are several, the oldest stays.
"""

import functools
import json
import logging
import os
import time
import warnings
from typing import TYPE_CHECKING, Any

from customer_age.errors import RunError

from .. import specifications
from ..runs import FINISHED, Submission, SubmittedRun
from . import errors, login
from .endpoint import KubeflowEndpoint
from .errors import explained

if TYPE_CHECKING:
    from kfp import Client
    from kfp_server_api import V2beta1Run

UI_HOST = "KF_PIPELINES_UI_ENDPOINT"
"""The variable with the URL of the pages, if it differs from the URL of the API."""

_PATIENCE = (10, 60)
"""Seconds to connect, and seconds to wait for an answer."""

_SETTLED_AFTER = 2.0
"""Seconds. The service gives the time of a run's creation in whole seconds, and lists the run a
little later: after this time, no run can appear that was created before ours."""

_SEVERAL = 100
_EQUALS, _IS_SUBSTRING = 1, 9
"""Operations of the service's filters."""

_log = logging.getLogger(__name__)


class KubeflowRuns:
    """The runs of one experiment.

    Args:
        endpoint: the experiment and the API.
        settled_after: seconds after which we check whether others started the same run; by
            default two.
    """

    def __init__(self, endpoint: KubeflowEndpoint, settled_after: float | None = None):
        self._endpoint = endpoint
        self._settled_after = _SETTLED_AFTER if settled_after is None else settled_after

    def find(self, run_id: str) -> SubmittedRun | None:
        """Return the run with that id, or None."""
        with explained(self._endpoint.host):
            experiment_id = self._find_experiment()
            found = self._found(experiment_id, run_id) if experiment_id else []
            return self._shown(run_id, self._whole(found[0])) if found else None

    def create(self, submission: Submission) -> SubmittedRun:
        """Start a run, unless there is one with its id, and return the run that stays."""
        from kfp_server_api import V2beta1Run, V2beta1RuntimeConfig

        run_id = submission.run_id
        with explained(self._endpoint.host):
            experiment_id = self._find_experiment() or self._make_experiment()
            if not self._found(experiment_id, run_id):
                run = V2beta1Run(
                    experiment_id=experiment_id,
                    display_name=display_name(run_id, submission.run_name),
                    pipeline_spec=submission.specification,
                    runtime_config=V2beta1RuntimeConfig(
                        parameters=dict(submission.parameters),
                        # The back end reads it only from the run, never from the pipeline.
                        pipeline_root=specifications.pipeline(submission.specification).get(
                            "defaultPipelineRoot"
                        ),
                    ),
                    service_account=self._endpoint.service_account or None,
                )
                made = self._client.runs.run_service_create_run(run, _request_timeout=_PATIENCE)
                self._checked(made.run_id)
                time.sleep(self._settled_after)
            return self._shown(run_id, self._whole(self._one_left(experiment_id, run_id)))

    @functools.cached_property
    def _client(self) -> "Client":
        return _connected(self._endpoint)

    @property
    def _namespace(self) -> str | None:
        """The user's namespace, from the options or from kfp's own context file."""
        return self._endpoint.namespace or self._client.get_user_namespace() or None

    def _find_experiment(self) -> str | None:
        found = self._client.experiments.experiment_service_list_experiments(
            namespace=self._namespace,
            filter=_filter(_EQUALS, self._endpoint.experiment),
            _request_timeout=_PATIENCE,
        )
        named = [
            each
            for each in found.experiments or []
            if each.display_name == self._endpoint.experiment
        ]
        return self._checked(named[0].experiment_id) if named else None

    def _make_experiment(self) -> str:
        from kfp_server_api import V2beta1Experiment
        from kfp_server_api.exceptions import ApiException

        experiment = V2beta1Experiment(
            display_name=self._endpoint.experiment, namespace=self._namespace
        )
        try:
            made = self._client.experiments.experiment_service_create_experiment(
                experiment, _request_timeout=_PATIENCE
            )
        except ApiException as error:
            others = self._find_experiment() if error.status == 409 else None
            if others is None:
                raise
            return others
        return self._checked(made.experiment_id)

    def _found(self, experiment_id: str, run_id: str) -> "list[V2beta1Run]":
        """Return the runs with that id; the first is the one that stays."""
        found: list[V2beta1Run] = []
        token = ""
        while True:
            page = self._client.runs.run_service_list_runs(
                experiment_id=experiment_id,
                filter=_filter(_IS_SUBSTRING, run_id),
                page_size=_SEVERAL,
                page_token=token,
                _request_timeout=_PATIENCE,
            )
            found += [run for run in page.runs or [] if _is_of(run.display_name, run_id)]
            token = page.next_page_token
            if not token:
                return sorted(found, key=lambda run: (run.created_at, run.run_id))

    def _one_left(self, experiment_id: str, run_id: str) -> "V2beta1Run":
        """Return the run that stays, and remove the ones that others started at the same time.

        Every process that started one of them does this, with the same result: if one process
        dies, the next one finishes the work.
        """
        found = self._found(experiment_id, run_id)
        if not found:
            raise RunError(
                f"{self._endpoint.host}: run {run_id} was started, and someone deleted it"
            )
        for younger in found[1:]:
            if _state(younger.state) in FINISHED:
                continue  # too late to stop it, and its results are worth keeping
            _log.info("Run %s was started twice: removing %s", run_id, younger.run_id)
            self._remove(younger.run_id)
        return found[0]

    def _remove(self, service_id: str) -> None:
        from kfp_server_api.exceptions import ApiException

        runs = self._client.runs
        for do in (runs.run_service_terminate_run, runs.run_service_delete_run):
            try:
                do(service_id, _request_timeout=_PATIENCE)
            except ApiException as error:
                # It no longer runs, or the process that started it removed it.
                if error.status not in (400, 404):
                    raise

    def _whole(self, run: "V2beta1Run") -> "V2beta1Run":
        """Return the run with its tasks, which a list may leave out."""
        return self._client.runs.run_service_get_run(run.run_id, _request_timeout=_PATIENCE)

    def _shown(self, run_id: str, run: "V2beta1Run") -> SubmittedRun:
        tasks = (run.run_details and run.run_details.task_details) or []
        pages = os.environ.get(UI_HOST, self._endpoint.host).rstrip("/")
        return SubmittedRun(
            run_id=run_id,
            link=f"{pages}/#/runs/details/{run.run_id}",
            state=_state(run.state),
            tasks={task.display_name: _state(task.state) for task in tasks if task.display_name},
            parameters=(run.runtime_config and run.runtime_config.parameters) or {},
            error=(run.error and run.error.message) or "",
        )

    def _checked(self, service_id: str | None) -> str:
        """Check that there is an id: the client accepts any answer, and leaves its id empty."""
        if not service_id:
            raise errors.no_api(self._endpoint.host)
        return service_id


def display_name(run_id: str, run_name: str) -> str:
    """Return a run's name on the pages: its own name, and the id that we find it by."""
    return f"{run_name} ({run_id})" if run_name and run_name != run_id else run_id


def _is_of(shown: str, run_id: str) -> bool:
    """Whether a run has that id. The pages name a copy `Clone of ...`: that is another run."""
    ours = shown == run_id or shown.endswith(f" ({run_id})")
    return ours and not shown.startswith("Clone of ")


def _connected(endpoint: KubeflowEndpoint) -> "Client":
    import kfp

    class Client(kfp.Client):
        """Checks the service's health once; the original retries for half a minute, and logs it."""

        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            return self.healthzs.healthz_service_get_healthz(_request_timeout=_PATIENCE)

    warnings.filterwarnings("ignore", "This client only works with", FutureWarning)
    # A retried connection is not worth a warning; one that fails for good raises an error.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    credentials = login.credentials(endpoint.token_command)
    options = {"namespace": endpoint.namespace} if endpoint.namespace else {}
    client = Client(host=endpoint.host, credentials=credentials, cookies=login.cookie(), **options)
    _refuse_pages(client.runs.api_client.rest_client, endpoint.host)
    return client


def _refuse_pages(rest: Any, host: str) -> None:
    """Refuse redirects and HTML, which the client would take for an answer without runs."""
    from urllib3 import Retry

    rest.pool_manager.connection_pool_kw["retries"] = Retry(3, redirect=0, raise_on_redirect=False)
    original = rest.request

    @functools.wraps(original)
    def request(*args: Any, **options: Any) -> Any:
        answer = original(*args, **options)
        if str(answer.getheader("Content-Type") or "").startswith("text/html"):
            raise errors.no_api(host)
        return answer

    rest.request = request


def _filter(operation: int, text: str) -> str:
    predicate = {"operation": operation, "key": "display_name", "stringValue": text}
    return json.dumps({"predicates": [predicate]})


def _state(state: str | None) -> str:
    return "PENDING" if state in (None, "RUNTIME_STATE_UNSPECIFIED") else str(state)
