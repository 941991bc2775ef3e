"""A stand-in of the REST API of Kubeflow Pipelines, for the real `kfp.Client`.

It keeps pipelines, experiments and runs in memory. It is in single-user mode; with a reviewer it
has users, whose rights Kubernetes checks. It refuses what the real API server refuses, with the
same status. The rules come from backend/src/apiserver/server and
backend/src/apiserver/resource/resource_manager.go of the repository kubeflow/pipelines (commit
7b70c7b9). It has the real server's oddities: the answer to a bad spec in a run is 500, two runs may
have the same name, and a run that nothing runs stays PENDING.

    with KfpApi() as api:
        client = kfp.Client(host=api.url)
        ...
        api.put_state(run_id, "SUCCEEDED")
"""

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

from . import access
from .experiments import Experiments
from .handler import Handler
from .pipelines import Pipelines
from .records import Record
from .runs import Runs

__all__ = ["KfpApi"]


class KfpApi:
    """The API server on its own port; a context manager.

    Attributes:
        pipelines: by id; each with `versions`, whose values by id have the text of the `template`.
        experiments: by id.
        runs: by id, in the API's form; `template` has the text of the pipeline.
        requests: every received (method, path), in order.
        token: bearer token that each request must have; empty for none.
        cookie: cookie that each request must have, as `NAME=VALUE`; empty for none.
        reviewer: reviews each request with Kubernetes; None for the mode without users.
        on_request: called with method and path before each request is answered; it may wait.
        on_run: called with each new run's record; it may call `put_state`.
    """

    def __init__(
        self,
        token: str = "",
        on_run: Callable[[Record], None] | None = None,
        cookie: str = "",
        reviewer: access.Reviewer | None = None,
    ):
        pipelines, experiments = Pipelines(), Experiments(with_users=reviewer is not None)
        self._kinds = {
            "pipelines": pipelines,
            "experiments": experiments,
            "runs": Runs(pipelines, experiments),
        }
        self.pipelines = pipelines.table
        self.experiments = experiments.table
        self.runs = self._kinds["runs"].table
        self.requests: list[tuple[str, str]] = []
        self.token = token
        self.cookie = cookie
        self.reviewer = reviewer
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        self.on_run = on_run
        self.lock = threading.RLock()
        handler = type("Handler", (Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What `kfp.Client(host=...)` takes."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> "KfpApi":
        """Answer requests until `stop`."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "KfpApi":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def put_state(self, run_id: str, state: str, **tasks: str) -> None:
        """Change a run's state (RUNNING, SUCCEEDED, FAILED...), as the persistence agent does.

        Args:
            run_id: of the run.
            state: of the run.
            tasks: name to state, of those that changed.
        """
        with self.lock:
            self._kinds["runs"].put_state(run_id, state, tasks)

    def method(self, name: str) -> Callable[..., Record]:
        """What answers the route of this name."""
        if name == "healthz":
            return lambda: {"multi_user": self.reviewer is not None}
        kind, _, verb = name.partition(".")
        return getattr(self._kinds[kind], verb)

    def review(self, authorization: str | None, name: str, arguments: list[Any]) -> None:
        """Refuse a request that Kubernetes does not allow; without a reviewer, refuse nothing."""
        if self.reviewer is not None:
            access.check(self.reviewer, authorization, name, arguments, self.experiments, self.runs)

    def answered(self, name: str, body: Record) -> None:
        """Is called after each successful request."""
        if name == "runs.create" and self.on_run:
            self.on_run(self.runs[body["run_id"]])
