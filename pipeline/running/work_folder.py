"""The work folder: it contains all files of the runs on one machine, one run at a time."""

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
"""Seconds; writing a report or a record never takes this long."""

_GIVEN_UP_AFTER = 30 * 24 * 3600
"""Seconds; a killed training is not resumed after this time."""


class WorkFolder:
    """The files and folders in a work folder.

    ```
    report.html      the report of the newest run
    logs/            one file for each run
    reports/         one page for each run
    registry/        MLflow: mlflow.db and the models' files
    models/          published models that `predict` and `score` use, by fingerprint
    pipeline/        the artifacts of each component
    metadata.sqlite  ML Metadata: past executions, and cached results
    tuning/          the finished trials of `tune`, one file for each search
    tuned.yaml       the best settings of the newest `tune`
    batch_cache/     ingested batches, decoded once
    checkpoint/      the checkpoint of a killed training, until a run resumes it
    person.key       secret key of the hash that identifies a person
    forgotten.jsonl  one line for each `forget`, without the person
    certificates/    what each `forget` erased, signed with person.key
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
        """Return whether the folder was ever locked; if so, `held` creates no file."""
        return self._lock.exists()

    def require_literal_path(self) -> None:
        """Check that TFX reads only from this folder.

        Raises:
            SettingsError: TFX would read the path as a file pattern that matches other folders.
        """
        if found := addresses.pattern_characters(str(self.path)):
            raise SettingsError(
                f"work_dir: {self.path} contains {' '.join(found)}, which TFX reads as a file "
                "pattern; choose another folder with --work-dir"
            )

    def prepare(self) -> None:
        """Create the folders, and check that they are writable.

        Raises:
            SettingsError: the folder is not writable.
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
        """Return an unused name for the log and the report of a run.

        A clock that is set back, as in autumn, gives the same time twice. The caller must hold the
        lock of the work folder.

        Args:
            name: the preferred name; a number is added if it is in use.
        """
        used = {file.stem for folder in (self.logs, self.reports) for file in folder.glob("*.*")}
        return file_names.numbered(name, used.__contains__)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lock the folder for one run; the system releases the lock when the process ends.

        Raises:
            RunError: another run is using it.
            SettingsError: its file system has no locks, or no space.
        """
        with locks.held(self._lock, "work_dir") as alone:
            if not alone:
                holder = self._lock.read_text(encoding="utf-8").strip() or "unknown"
                raise RunError(
                    f"another run (process {holder}) is using {self.path}: wait for it, or choose "
                    "another folder with --work-dir"
                )
            try:
                self._lock.write_text(str(os.getpid()), encoding="utf-8")
            except OSError as error:
                raise self._unwritable(error) from error
            yield
            self._lock.write_text("", encoding="utf-8")

    def _unwritable(self, error: OSError) -> SettingsError:
        return SettingsError(
            f"work_dir: {self.path} is not writable ({error.strerror}); "
            "choose another folder with --work-dir"
        )

    @contextlib.contextmanager
    def temporary_files(self) -> Iterator[None]:
        """Keep temporary files of this process and its children in a folder, deleted at the end.

        TensorFlow, Beam and the canary leave files behind when they are killed, including photos.
        So the folder's path is recorded, and the next run deletes it. The caller must hold the lock
        of the work folder.

        Raises:
            SettingsError: the folder cannot be created.
        """
        self.clear_away()
        folder = Path(tempfile.gettempdir(), f"customer-age-{secrets.token_hex(8)}")
        try:
            with self._temporary.open("a", encoding="utf-8") as file:
                file.write(f"{folder}\n")
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise SettingsError(
                f"{error.filename or self._temporary}: the folder for temporary files cannot be "
                f"created ({error.strerror}); "
                "choose another location with TMPDIR or --work-dir"
            ) from error
        variables = {"TMPDIR": str(folder)}
        if not home_folder.is_writable():
            # Otherwise matplotlib creates a folder in ours, and at exit reports that it is missing.
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
        """Let a training keep a checkpoint here, which is deleted if the block succeeds.

        It is not in the pipeline's folders, because TFX empties those of a killed execution. The
        caller must hold the lock of the work folder.
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
        """Delete the files that an earlier, perhaps killed, run left; log an error if that fails.

        The caller must hold the lock of the work folder.
        """
        try:
            self._delete_temporary()
            self._delete_given_up_training()
            for folder in (self.reports, self.path / "retraining"):
                for each in leftovers.unfinished(str(folder)):
                    if time.time() - each.modified_ns / 1e9 > _ABANDONED_AFTER:
                        (folder / each.name).unlink(missing_ok=True)
        except OSError as error:
            logging.warning("files of an earlier run could not be deleted: %s", error)

    def _delete_given_up_training(self) -> None:
        kept = self.checkpoint / checkpoint_folder.FILE
        if kept.exists() and time.time() - kept.stat().st_mtime > _GIVEN_UP_AFTER:
            checkpoint_folder.delete(self.checkpoint)

    def _delete_temporary(self) -> None:
        """Delete the recorded folders; if one cannot be deleted, the next run tries again."""
        if not self._temporary.exists():
            return
        for line in self._temporary.read_text(encoding="utf-8").splitlines():
            folder = Path(line)
            # Someone may have edited the file, or copied the work folder from another machine.
            if _TEMPORARY.fullmatch(folder.name) and folder.is_dir():
                shutil.rmtree(folder)
        self._temporary.unlink()
