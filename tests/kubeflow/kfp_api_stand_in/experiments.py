"""Experiments: experiment_server.go."""

import uuid

from .records import Answer, Record, found, must_be_new, now, page


class Experiments:
    """The experiments by id."""

    def __init__(self) -> None:
        self.table: dict[str, Record] = {}

    def create(self, body: Record) -> Record:
        if not body.get("display_name"):
            raise Answer(500, "Experiment must have a non-empty name")
        must_be_new(self.table, body["display_name"])
        experiment = {
            "experiment_id": str(uuid.uuid4()),
            "display_name": body["display_name"],
            "description": body.get("description", ""),
            "created_at": now(),
            "storage_state": "AVAILABLE",
        }
        self.table[experiment["experiment_id"]] = experiment
        return experiment

    def list(self, query: Record) -> Record:
        return page("experiments", self.table, query)

    def get(self, experiment_id: str) -> Record:
        return found(self.table, experiment_id, "Experiment")

    def default(self) -> str:
        """The id of the experiment for runs that name none."""
        for experiment_id, experiment in self.table.items():
            if experiment["display_name"] == "Default":
                return experiment_id
        return str(self.create({"display_name": "Default"})["experiment_id"])
