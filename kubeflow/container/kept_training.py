"""Keeps a training's checkpoint in the pipeline root, so that another pod can resume from it.

The Trainer writes the checkpoint to a folder of the container. A thread copies new files next to
the task's outputs during the training. So the Trainer needs no client of a store, and each object
in the store is complete. The launcher itself uploads nothing from a pod that is lost.

The folder of the copies is derived from the URI of an output: the run's folder and the task's name,
without the part that changes when a driver runs again. So each pod for one task of one run uses the
same folder, and another run uses another one. A checkpoint is only used for the same training
(`trainer/checkpoint`). An error of the store does not end a training: it is logged as a warning.
"""

import contextlib
import json
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput

from customer_age.components.trainer.checkpoint import checkpoint_folder
from customer_age.errors import SettingsError
from customer_age.files import store
from customer_age.files.addresses import join, plain, with_options

TRAINER = "Trainer"

_CHECK_SECONDS = 1.0
_DRIVER_FOLDER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Kubeflow, from 2.3 on, makes such a folder each time that a task's driver runs."""
_NUMBERED = re.compile(r"_-?[0-9]+$")
"""The suffix that Vertex adds to the task's name."""
_SESSION = "store_session_info"
"""The launcher's metadata with the access to an artifact's store."""


@contextlib.contextmanager
def kept(component: str, message: ExecutorInput, originals: Mapping[str, str]) -> Iterator[None]:
    """Fetch an earlier pod's checkpoint, and keep copies of the checkpoint during the block.

    Args:
        component: its name; for components other than the Trainer, nothing is done.
        message: converted.
        originals: opened path to the URI of the artifact.
    """
    if component != TRAINER:
        yield
        return
    with _folder() as folder:
        copies = Copies(folder, address_of(message, originals))
        copies.fetch()
        with copies.made():
            yield
        copies.delete()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield the checkpoint folder: the container's, which all its tries share, or a new one."""
    if named := os.environ.get(checkpoint_folder.CHECKPOINT_FOLDER):
        yield Path(named)
        return
    with tempfile.TemporaryDirectory() as scratch:
        os.environ[checkpoint_folder.CHECKPOINT_FOLDER] = scratch
        try:
            yield Path(scratch)
        finally:
            os.environ.pop(checkpoint_folder.CHECKPOINT_FOLDER)


def address_of(message: ExecutorInput, originals: Mapping[str, str]) -> str:
    """Return the address where the pods of one task keep their checkpoint.

    Args:
        message: of the task.
        originals: opened path to the URI of the artifact.

    Returns:
        The address; empty if components have no access to the store.
    """
    outputs = [one for several in message.outputs.artifacts.values() for one in several.artifacts]
    uri = originals.get(outputs[0].uri, outputs[0].uri)
    folder = uri.rpartition("/")[0]
    above, _, name = folder.rpartition("/")
    if _DRIVER_FOLDER.fullmatch(name):
        folder = above
    place = f"{_NUMBERED.sub('', folder)}/checkpoint"
    scheme, separator, path = place.partition("://")
    if scheme not in ("s3", "minio") or not separator:
        return place
    options = _reached_by(message, originals, uri)
    if scheme == "minio" and "endpoint" not in options:
        return ""  # Kubeflow's own store, which only the launcher can access
    return with_options(f"s3://{path}", options)


def _reached_by(message: ExecutorInput, originals: Mapping[str, str], uri: str) -> dict[str, str]:
    """Return how the launcher accessed an input in the same bucket; empty if there is none."""
    bucket = "/".join(uri.split("/")[:3])
    for several in message.inputs.artifacts.values():
        for one in several.artifacts:
            same = originals.get(one.uri, one.uri).startswith(f"{bucket}/")
            if same and _SESSION in one.metadata.fields:
                return _options(one.metadata.fields[_SESSION].string_value)
    return {}


def _options(session: str) -> dict[str, str]:
    """Return a session's endpoint and region as options of an address; AWS needs none."""
    try:
        params = json.loads(session)["Params"]
        endpoint, region = str(params["endpoint"]), str(params.get("region") or "")
    except (ValueError, KeyError, TypeError):  # `{}` for a store with another kind of access
        return {}
    if not endpoint or endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {}
    if "://" not in endpoint:
        insecure = str(params.get("disableSSL", "")).lower() == "true"
        endpoint = f"{'http' if insecure else 'https'}://{endpoint}"
    return {"endpoint": endpoint, **({"region": region} if region else {})}


class Copies:
    """The copies of a checkpoint's files in a store.

    Args:
        folder: of this container.
        address: of the folder in the store; empty for none.
    """

    def __init__(self, folder: Path, address: str):
        self._folder = folder
        self._address = address
        self._copied: dict[str, tuple[int, int]] = {}
        self._may_exist = False
        self._ended = threading.Event()

    def fetch(self) -> None:
        """Fetch an earlier pod's checkpoint, unless this pod already has one."""
        if not self._address:
            return
        if (self._folder / checkpoint_folder.FILE).exists():
            self._may_exist = True  # an earlier try of this container may have copied it
            return
        with self._warned("the training does not resume from an earlier pod's checkpoint"):
            if store.copy_folder(self._address, str(self._folder)):
                self._may_exist = True
                logging.info("Fetched a checkpoint from %s.", plain(self._address))
                self._copied = self._stamps()

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Copy new files during the block, and once more if the block fails."""
        if not self._address:
            yield
            return
        thread = threading.Thread(target=self._copy_until_the_end, daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self._end(thread)
            self._copy()
            raise
        self._end(thread)

    def delete(self) -> None:
        """Delete the copies after the training."""
        if self._may_exist:
            with self._warned("the checkpoint was not deleted; you may delete it"):
                store.delete(self._address, folder=True)

    def _end(self, thread: threading.Thread) -> None:
        self._ended.set()
        thread.join()

    def _copy_until_the_end(self) -> None:
        while not self._ended.wait(_CHECK_SECONDS):
            self._copy()

    def _copy(self) -> None:
        """Copy changed files; the checkpoint comes last, as a snapshot after one epoch."""
        stamps, file = self._stamps(), checkpoint_folder.FILE
        if file not in stamps or stamps[file] == self._copied.get(file):
            return
        self._copied = stamps  # if the copy fails, it is tried again after the next epoch
        with self._warned("if this pod is lost now, its training progress is lost"):
            snapshot = self._folder / f"{file}.copied"
            snapshot.unlink(missing_ok=True)
            snapshot.hardlink_to(self._folder / file)
            try:
                for name in stamps.keys() - {file}:  # small files that grow during the copy
                    content = (self._folder / name).read_bytes()
                    store.write_whole(join(self._address, name), content)
                store.write_whole(join(self._address, file), snapshot)
                self._may_exist = True
            finally:
                snapshot.unlink(missing_ok=True)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """Return what identifies the version of each file, by name."""
        logs = self._folder / checkpoint_folder.LOGS
        found = {}
        for file in [self._folder / checkpoint_folder.FILE, *logs.rglob("events.*")]:
            with contextlib.suppress(FileNotFoundError):
                known = file.stat()
                found[file.relative_to(self._folder).as_posix()] = (
                    known.st_ino, known.st_mtime_ns,
                )  # fmt: skip
        return found

    @contextlib.contextmanager
    def _warned(self, consequence: str) -> Iterator[None]:
        try:
            yield
        except (OSError, SettingsError) as error:  # SettingsError: a client is not installed
            logging.warning("The checkpoint in the pipeline root: %s; %s.", error, consequence)
