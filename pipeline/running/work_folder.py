"""The work folder: where everything that runs on one machine make is kept, one run at a time."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files import locks


class WorkFolder:
    """The places in a work folder.

    ```
    report.html      the newest run's report
    logs/            one file a run
    reports/         one page a run
    registry/        MLflow: mlflow.db and the models' files
    models/          published models that `predict` and `score` use, by fingerprint
    pipeline/        the artifacts of each component
    metadata.sqlite  ML Metadata: what was run, and what can be reused
    batch_cache/     ingested batches, decoded once
    person.key       keys the hash that stands for a person; secret
    forgotten.jsonl  a line for each `forget`, without who it was
    ```
    """

    def __init__(self, path: str):
        self.path = Path(path)
        self.logs = self.path / "logs"
        self.models = self.path / "models"
        self.reports = self.path / "reports"
        self.newest_report = self.path / "report.html"
        self.metadata = self.path / "metadata.sqlite"
        self.pipeline_root = self.path / "pipeline"
        self.audit = self.path / "forgotten.jsonl"
        self._lock = self.path / ".lock"

    def prepare(self) -> None:
        """Make the folders, and see that they can be written.

        Raises:
            SettingsError: the folder cannot be written.
        """
        try:
            for folder in (self.logs, self.reports, self.pipeline_root):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise SettingsError(
                f"work_dir: {self.path} cannot be written ({error.strerror}); "
                "choose another one with --work-dir"
            ) from error

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one run; the system lets go when the process ends, however it ends.

        Raises:
            RunError: another run holds it.
            SettingsError: its file system has no locks.
        """
        with locks.held(self._lock, "work_dir") as alone:
            if not alone:
                holder = self._lock.read_text(encoding="utf-8").strip() or "unknown"
                raise RunError(
                    f"another run (process {holder}) is using {self.path}: wait for it, or give "
                    "this one a folder of its own with --work-dir"
                )
            self._lock.write_text(str(os.getpid()), encoding="utf-8")
            yield
            self._lock.write_text("", encoding="utf-8")
