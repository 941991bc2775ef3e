"""Keeps a training's checkpoint in the pipeline root, so that another pod goes on with it.

The Trainer writes it into a folder of the container; what is new there is copied beside the task's
outputs, in a thread, while the training goes on. So the Trainer needs no client of a store, and an
object of a store is seen whole or not at all. The launcher itself uploads nothing of a pod that is
lost.

The place follows from the URI of an output: the run's folder and the task's name, without what a
driver that runs again draws anew. So each pod for one task of one run finds the same place, and
another run has another. What the place holds is taken only for the same training (`trainer/
checkpoint`). Whatever the store answers ends no training: it is a warning.
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

_LOOK_SECONDS = 1.0
_DRAWN_ANEW = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Of Kubeflow, from 2.3 on: a folder for each time that a task's driver runs."""
_NUMBERED = re.compile(r"_-?[0-9]+$")
"""What Vertex adds to the task's name."""
_SESSION = "store_session_info"
"""In which the launcher says how it has reached an artifact's store."""


@contextlib.contextmanager
def kept(component: str, message: ExecutorInput, originals: Mapping[str, str]) -> Iterator[None]:
    """Go on with what an earlier pod has kept, and keep what the block trains.

    Args:
        component: its name; for any but the Trainer nothing is done.
        message: mended.
        originals: what is opened to the URI of the artifact.
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
    """The folder that outlives this try, where the container repeats itself; else a new one."""
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
    """Where the pods of one task keep their checkpoint; empty where components cannot reach it.

    Args:
        message: of the task.
        originals: what is opened to the URI of the artifact.
    """
    outputs = [one for several in message.outputs.artifacts.values() for one in several.artifacts]
    uri = originals.get(outputs[0].uri, outputs[0].uri)
    folder = uri.rpartition("/")[0]
    above, _, name = folder.rpartition("/")
    if _DRAWN_ANEW.fullmatch(name):
        folder = above
    place = f"{_NUMBERED.sub('', folder)}/checkpoint"
    scheme, separator, path = place.partition("://")
    if scheme not in ("s3", "minio") or not separator:
        return place
    options = _reached_by(message, originals, uri)
    if scheme == "minio" and "endpoint" not in options:
        return ""  # Kubeflow's own store, of which only the launcher knows
    return with_options(f"s3://{path}", options)


def _reached_by(message: ExecutorInput, originals: Mapping[str, str], uri: str) -> dict[str, str]:
    """How the launcher has reached an input that is in the same bucket; else nothing."""
    bucket = "/".join(uri.split("/")[:3])
    for several in message.inputs.artifacts.values():
        for one in several.artifacts:
            same = originals.get(one.uri, one.uri).startswith(f"{bucket}/")
            if same and _SESSION in one.metadata.fields:
                return _options(one.metadata.fields[_SESSION].string_value)
    return {}


def _options(session: str) -> dict[str, str]:
    """The endpoint and the region of a session, as options of an address; AWS needs none."""
    try:
        params = json.loads(session)["Params"]
        endpoint, region = str(params["endpoint"]), str(params.get("region") or "")
    except (ValueError, KeyError, TypeError):  # `{}` for a store that is reached in another way
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
        self._perhaps_there = False
        self._ended = threading.Event()

    def fetch(self) -> None:
        """Get what an earlier pod has kept, unless this one has a checkpoint itself."""
        if not self._address:
            return
        if (self._folder / checkpoint_folder.FILE).exists():
            self._perhaps_there = True  # an earlier try of this container may have copied it
            return
        with self._warned("what an earlier pod may have trained is not gone on with"):
            if store.copy_folder(self._address, str(self._folder)):
                self._perhaps_there = True
                logging.info("Fetched a checkpoint from %s.", plain(self._address))
                self._copied = self._stamps()

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Copy what is new, while the block lasts and once more where it fails."""
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
        """Delete the copies: the training is done."""
        if self._perhaps_there:
            with self._warned("the checkpoint stays there, and may be deleted"):
                store.delete(self._address, folder=True)

    def _end(self, thread: threading.Thread) -> None:
        self._ended.set()
        thread.join()

    def _copy_until_the_end(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._copy()

    def _copy(self) -> None:
        """Copy what has changed; the checkpoint comes last, and as one epoch left it."""
        stamps, file = self._stamps(), checkpoint_folder.FILE
        if file not in stamps or stamps[file] == self._copied.get(file):
            return
        self._copied = stamps  # where it fails, the next epoch is the next try
        with self._warned("a pod that is lost now loses what it has trained"):
            snapshot = self._folder / f"{file}.copied"
            snapshot.unlink(missing_ok=True)
            snapshot.hardlink_to(self._folder / file)
            try:
                for name in stamps.keys() - {file}:  # small, and they grow meanwhile
                    content = (self._folder / name).read_bytes()
                    store.write_whole(join(self._address, name), content)
                store.write_whole(join(self._address, file), snapshot)
                self._perhaps_there = True
            finally:
                snapshot.unlink(missing_ok=True)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """What tells a file from the one before it, by name."""
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
        except (OSError, SettingsError) as error:  # a missing client is of the settings
            logging.warning("The checkpoint in the pipeline root: %s; %s", error, consequence)
