"""Runs: run_server.go, and CreateRun of resource_manager.go."""

import uuid
from collections.abc import Mapping

import yaml
from backend_stand_in.documents import Refused
from backend_stand_in.parameters import run_parameters
from backend_stand_in.template import read_template

from .experiments import Experiments
from .pipelines import Pipelines
from .records import Answer, Record, found, now, page, shown

ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_RUN_FIELDS = {
    *("experiment_id", "run_id", "display_name", "storage_state", "description", "created_at"),
    *("pipeline_version_id", "pipeline_spec", "pipeline_version_reference", "runtime_config"),
    *("service_account", "scheduled_at", "finished_at", "state", "error", "run_details"),
    *("recurring_run_id", "state_history"),
}


def _whole_seconds() -> str:
    """The database keeps no more of when a run was made: CreatedAtInSec."""
    return now()[: len("2026-01-01T00:00:00")] + "Z"


class Runs:
    """The runs by id; `template` holds the text of what would run."""

    def __init__(self, pipelines: Pipelines, experiments: Experiments):
        self.table: dict[str, Record] = {}
        self._pipelines = pipelines
        self._experiments = experiments

    def create(self, body: Record) -> Record:
        unknown = sorted(set(body) - _RUN_FIELDS)
        if unknown:
            raise Answer(400, f'unknown field "{unknown[0]}"')
        if not body.get("display_name"):
            raise Answer(500, "Run name cannot be empty")
        experiment_id = body.get("experiment_id") or self._experiments.default()
        if experiment_id not in self._experiments.table:
            raise Answer(404, f"Failed to fetch namespace for experiment {experiment_id}")
        text, reference = self._template_of(body)
        runtime = body.get("runtime_config") or {}
        try:
            template = read_template(text)
        except Refused as error:
            raise Answer(500, f"Failed to fetch a template: {error}") from error
        try:
            run_parameters(template.spec, runtime.get("parameters") or {})
        except Refused as error:
            raise Answer(400, f"Failed to generate the ExecutionSpec: {error}") from error
        run_id = str(uuid.uuid4())
        self.table[run_id] = {
            "experiment_id": experiment_id,
            "run_id": run_id,
            "display_name": body["display_name"],
            "description": body.get("description", ""),
            "service_account": body.get("service_account") or "pipeline-runner",
            "runtime_config": runtime,
            "storage_state": "AVAILABLE",
            "created_at": _whole_seconds(),
            "scheduled_at": _whole_seconds(),
            "state": "PENDING",
            "state_history": [{"update_time": now(), "state": "PENDING"}],
            "template": text,
            **reference,
        }
        return shown(self.table[run_id])

    def list(self, query: Record) -> Record:
        runs = self.table
        if query.get("experiment_id"):
            found(self._experiments.table, query["experiment_id"], "Experiment")
            runs = {
                run_id: run
                for run_id, run in runs.items()
                if run["experiment_id"] == query["experiment_id"]
            }
        return page("runs", runs, query)

    def get(self, run_id: str) -> Record:
        return shown(found(self.table, run_id, "Run"))

    def delete(self, run_id: str) -> Record:
        found(self.table, run_id, "Run")
        del self.table[run_id]
        return {}

    def terminate(self, run_id: str) -> Record:
        if found(self.table, run_id, "Run")["state"] in ENDED:
            raise Answer(400, f"Failed to terminate run {run_id}: it has ended")
        self.put_state(run_id, "CANCELED")
        return {}

    def put_state(self, run_id: str, state: str, tasks: Mapping[str, str] | None = None) -> None:
        """A run's state changes, as the persistence agent reports it."""
        run = self.table[run_id]
        known = run.setdefault("run_details", {}).setdefault("task_details", [])
        known += [{"display_name": name, "state": its} for name, its in (tasks or {}).items()]
        run["state"] = state
        run["state_history"].append({"update_time": now(), "state": state})
        if state in ENDED:
            run["finished_at"] = now()

    def _template_of(self, body: Record) -> tuple[str, Record]:
        """The text to run, and how the run names its source."""
        reference = body.get("pipeline_version_reference")
        if reference:
            pipeline = self._pipelines.table.get(reference.get("pipeline_id", ""))
            versions = (pipeline or {"versions": {}})["versions"]
            wanted = reference.get("pipeline_version_id") or (list(versions) or [""])[-1]
            if wanted not in versions:
                raise Answer(500, f"Failed to fetch a template: no pipeline version {wanted}")
            return versions[wanted]["template"], {
                "pipeline_version_reference": {
                    "pipeline_id": reference["pipeline_id"],
                    "pipeline_version_id": wanted,
                }
            }
        spec = body.get("pipeline_spec")
        if not spec:
            raise Answer(500, "Failed to fetch a template with an empty pipeline spec manifest")
        documents = [spec]
        if "pipeline_spec" in spec:  # pipelineSpecStructToYamlString in api_util.go
            documents = [spec["pipeline_spec"], *filter(None, [spec.get("platform_spec")])]
        return yaml.safe_dump_all(documents), {"pipeline_spec": spec}
