"""Keeps the trials that are over for another process, which goes on from there."""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from pydantic import ValidationError

from ..artifacts.tuning import Trial, Trials

_log = logging.getLogger(__name__)


class KeptTrials:
    """The trials of one search, in a file of their own.

    Args:
        folder: where, which may not be there yet; a path, or what TensorFlow opens.
        search: all that decides what a trial with given settings ends with.
    """

    def __init__(self, folder: str, search: Mapping[str, Any]):
        digest = hashlib.sha256(json.dumps(search, sort_keys=True).encode()).hexdigest()[:16]
        self._folder = folder.rstrip("/")
        self._file = f"{self._folder}/{digest}.json"
        self.known = self._read()
        """Those that are over, in the order in which they were made."""

    def add(self, trial: Trial) -> None:
        """Keep one more; whoever is killed meanwhile leaves those before it.

        A full disk, or a store that refuses, ends no search.
        """
        self.known.trials.append(trial)
        unfinished = f"{self._file}.unfinished"
        try:
            tf.io.gfile.makedirs(self._folder)
            with tf.io.gfile.GFile(unfinished, "w") as file:
                file.write(self.known.model_dump_json(indent=1))
            tf.io.gfile.rename(unfinished, self._file, overwrite=True)
        except tf.errors.OpError as error:
            _log.warning("The trial is not kept for another process: %s", error)

    def _read(self) -> Trials:
        """Those of the file; none where it cannot be understood, such as one of a newer release."""
        try:
            with tf.io.gfile.GFile(self._file) as file:
                return Trials.model_validate_json(file.read())
        except tf.errors.NotFoundError:
            pass
        except (tf.errors.OpError, UnicodeDecodeError, ValidationError) as error:
            _log.warning("Trials of an earlier process cannot be read: %s", error)
        return Trials()
