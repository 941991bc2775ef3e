"""Experiments: experiment_server.go."""

import uuid

from .records import Answer, Record, found, must_be_new, now, page


class Experiments:
    """The experiments by id; each with its `namespace` where there are users."""

    def __init__(self, with_users: bool = False) -> None:
        self.table: dict[str, Record] = {}
        self._with_users = with_users

    def create(self, body: Record) -> Record:
        if not body.get("display_name"):
            raise Answer(500, "Experiment must have a non-empty name")
        namespace = {"namespace": body["namespace"]} if self._with_users else {}
        must_be_new(self._within(namespace), body["display_name"])
        experiment = {
            "experiment_id": str(uuid.uuid4()),
            "display_name": body["display_name"],
            "description": body.get("description", ""),
            "created_at": now(),
            "storage_state": "AVAILABLE",
            **namespace,
        }
        self.table[experiment["experiment_id"]] = experiment
        return experiment

    def list(self, query: Record) -> Record:
        namespace = {"namespace": query["namespace"]} if self._with_users else {}
        return page("experiments", self._within(namespace), query)

    def get(self, experiment_id: str) -> Record:
        return found(self.table, experiment_id, "Experiment")

    def default(self) -> str:
        """The id of the experiment for runs without one."""
        for experiment_id, experiment in self.table.items():
            if experiment["display_name"] == "Default":
                return experiment_id
        return str(self.create({"display_name": "Default"})["experiment_id"])

    def _within(self, namespace: Record) -> dict[str, Record]:
        return {key: each for key, each in self.table.items() if namespace.items() <= each.items()}
