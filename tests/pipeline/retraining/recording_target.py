"""A target that runs nothing and records all starts, across processes and kills.

It behaves as Kubeflow Pipelines does: a run is looked for by its id before it is made, and the
two are no single step. So if two triggers start a run at the same time, it is made twice, and the
tests see it.
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.settings.settings import Settings

BAD = "bad"
"""Prefix of batches whose data are refused, in every run that trains on them."""


class RecordingTarget:
    """See `RunTarget`.

    Attributes:
        asks: how often a run is asked for before it has ended.
    """

    def __init__(self, file: Path, asks: int = 0, slow: float = 0):
        self._file = file
        self._asks = asks
        self._slow = slow
        with self._database() as database:
            database.execute("CREATE TABLE IF NOT EXISTS made (run_id, batches, settings)")
            database.execute("CREATE TABLE IF NOT EXISTS asked (run_id)")

    def start(self, run_id: str, settings: Settings) -> None:
        if self._of(run_id):
            return
        time.sleep(self._slow)
        row = (run_id, json.dumps(settings.data.batches), settings.model_dump_json())
        with self._database() as database:
            database.execute("INSERT INTO made VALUES (?, ?, ?)", row)
        time.sleep(self._slow)

    def state(self, run_id: str) -> RunState:
        runs = self._of(run_id)
        if not runs:
            return RunState.UNKNOWN
        with self._database() as database:
            (times,) = database.execute(
                "SELECT count(*) FROM asked WHERE run_id = ?", [run_id]
            ).fetchone()
            if times < self._asks:
                database.execute("INSERT INTO asked VALUES (?)", [run_id])
                return RunState.RUNNING
        return self._end(Settings.model_validate_json(runs[0][2]))

    def reason(self, run_id: str) -> str:
        return "a photo explodes" if self.state(run_id) is RunState.DATA_REFUSED else ""

    def made(self) -> list[tuple[str, list[str]]]:
        """Return run id and batches of every run that was made, in order."""
        with self._database() as database:
            rows = database.execute("SELECT run_id, batches FROM made ORDER BY rowid").fetchall()
        return [(run_id, json.loads(batches)) for run_id, batches in rows]

    def settings(self, run_id: str) -> Settings:
        return Settings.model_validate_json(self._of(run_id)[0][2])

    def _end(self, settings: Settings) -> RunState:
        bad = any(name.startswith(BAD) for name in settings.data.batches)
        return RunState.DATA_REFUSED if bad else RunState.PUBLISHED

    def _of(self, run_id: str) -> list[tuple]:
        with self._database() as database:
            return database.execute("SELECT * FROM made WHERE run_id = ?", [run_id]).fetchall()

    def _database(self) -> closing:
        # Commits each statement, so that a killed process leaves no lock.
        return closing(sqlite3.connect(self._file, timeout=60, isolation_level=None))
