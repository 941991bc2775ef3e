"""The work folder: where everything that runs on one machine make is kept, one run at a time."""

import contextlib
import logging
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from customer_age.components.trainer.checkpoint import checkpoint_folder
from customer_age.errors import RunError, SettingsError
from customer_age.files import addresses, file_names, leftovers, locks

from . import home_folder

_TEMPORARY = re.compile("customer-age-[0-9a-f]{16}")
"""The name of a run's folder of temporary files."""

_ABANDONED_AFTER = 24 * 3600
"""Seconds; nobody writes one file of a report or a record for so long."""

_GIVEN_UP_AFTER = 30 * 24 * 3600
"""Seconds; by then nobody goes on with a training that was killed."""


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
    tuning/          the finished trials of `tune`, a file for each search
    tuned.yaml       the settings that the newest `tune` found best
    batch_cache/     ingested batches, decoded once
    checkpoint/      of a training that was killed, until a run goes on with it
    person.key       keys the hash that stands for a person; secret
    forgotten.jsonl  a line for each `forget`, without who it was
    certificates/    what each `forget` did, signed with person.key
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
        self.checkpoint = self.path / "checkpoint"
        self.audit = self.path / "forgotten.jsonl"
        self._lock = self.path / ".lock"
        self._temporary = self.path / ".temporary"

    def was_used(self) -> bool:
        """Whether anything ever held it: then `held` makes nothing new."""
        return self._lock.exists()

    def require_literal_path(self) -> None:
        """See that TFX reads from this folder alone.

        Raises:
            SettingsError: it would take the path for a pattern, and read other folders.
        """
        if found := addresses.pattern_characters(str(self.path)):
            raise SettingsError(
                f"work_dir: {self.path} has {' '.join(found)} in it, which TFX takes for a pattern "
                "of names; choose another one with --work-dir"
            )

    def prepare(self) -> None:
        """Make the folders, and see that they can be written.

        Raises:
            SettingsError: the folder cannot be written.
        """
        try:
            for folder in (self.logs, self.reports, self.pipeline_root):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def free_name(self, name: str) -> str:
        """A name for the log and the report of a run that no earlier one has.

        A clock that is set back, as each autumn, gives the same moment twice. Only for a caller
        that holds the work folder.

        Args:
            name: that is taken where it is free; else a number is added.
        """
        taken = {file.stem for folder in (self.logs, self.reports) for file in folder.glob("*.*")}
        return file_names.numbered(name, taken.__contains__)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one run; the system lets go when the process ends, however it ends.

        Raises:
            RunError: another run holds it.
            SettingsError: its file system has no locks, or no space.
        """
        with locks.held(self._lock, "work_dir") as alone:
            if not alone:
                holder = self._lock.read_text(encoding="utf-8").strip() or "unknown"
                raise RunError(
                    f"another run (process {holder}) is using {self.path}: wait for it, or give "
                    "this one a folder of its own with --work-dir"
                )
            try:
                self._lock.write_text(str(os.getpid()), encoding="utf-8")
            except OSError as error:
                raise self._unwritable(error) from error
            yield
            self._lock.write_text("", encoding="utf-8")

    def _unwritable(self, error: OSError) -> SettingsError:
        return SettingsError(
            f"work_dir: {self.path} cannot be written ({error.strerror}); "
            "choose another one with --work-dir"
        )

    @contextlib.contextmanager
    def temporary_files(self) -> Iterator[None]:
        """Keep temporary files of this process and its children in a folder that goes at the end.

        TensorFlow, Beam and the canary leave theirs behind when they are killed, photos among
        them. So the folder's name is written down, and the next run deletes it. Only for a caller
        that holds the work folder.

        Raises:
            SettingsError: no folder can be made.
        """
        self.clear_away()
        folder = Path(tempfile.gettempdir(), f"customer-age-{secrets.token_hex(8)}")
        try:
            with self._temporary.open("a", encoding="utf-8") as file:
                file.write(f"{folder}\n")
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise SettingsError(
                f"{error.filename or self._temporary}: no folder for temporary files can be made "
                f"({error.strerror}); "
                "choose another place with TMPDIR or --work-dir"
            ) from error
        variables = {"TMPDIR": str(folder)}
        if not home_folder.is_writable():
            # Else it makes one in ours, and complains at the end of the process that it is gone.
            variables["MPLCONFIGDIR"] = str(folder / "matplotlib")
        before = tempfile.tempdir, {name: os.environ.get(name) for name in variables}
        tempfile.tempdir = str(folder)
        os.environ.update(variables)
        try:
            yield
        finally:
            tempfile.tempdir = before[0]
            for name, value in before[1].items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
            self.clear_away()

    @contextlib.contextmanager
    def training_kept(self) -> Iterator[None]:
        """Let a training keep a checkpoint here, which goes when the block has ended well.

        Not in the pipeline's folders: TFX empties those of an execution that was killed. Only for a
        caller that holds the work folder.
        """
        before = os.environ.get(checkpoint_folder.CHECKPOINT_FOLDER)
        os.environ[checkpoint_folder.CHECKPOINT_FOLDER] = str(self.checkpoint)
        try:
            yield
        finally:
            os.environ.pop(checkpoint_folder.CHECKPOINT_FOLDER)
            if before is not None:
                os.environ[checkpoint_folder.CHECKPOINT_FOLDER] = before
        try:
            checkpoint_folder.delete(self.checkpoint)
        except OSError as error:
            logging.warning("the checkpoint %s could not be deleted: %s", self.checkpoint, error)

    def clear_away(self) -> None:
        """Delete what a run, which may have been killed, has left; at worst, log why not.

        Only for a caller that holds the work folder.
        """
        try:
            self._delete_temporary()
            self._delete_given_up_training()
            for folder in (self.reports, self.path / "retraining"):
                for each in leftovers.unfinished(str(folder)):
                    if time.time() - each.modified_ns / 1e9 > _ABANDONED_AFTER:
                        (folder / each.name).unlink(missing_ok=True)
        except OSError as error:
            logging.warning("what an earlier run left could not be deleted: %s", error)

    def _delete_given_up_training(self) -> None:
        kept = self.checkpoint / checkpoint_folder.FILE
        if kept.exists() and time.time() - kept.stat().st_mtime > _GIVEN_UP_AFTER:
            checkpoint_folder.delete(self.checkpoint)

    def _delete_temporary(self) -> None:
        """Delete the folders that are written down; one that cannot be is tried again next time."""
        if not self._temporary.exists():
            return
        for line in self._temporary.read_text(encoding="utf-8").splitlines():
            folder = Path(line)
            # Somebody may have written into the file, or copied the work folder from elsewhere.
            if _TEMPORARY.fullmatch(folder.name) and folder.is_dir():
                shutil.rmtree(folder)
        self._temporary.unlink()
