"""Saves the finished trials, so that another process can resume the search."""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from pydantic import ValidationError

from ..artifacts.tuning import Trial, Trials

_log = logging.getLogger(__name__)


class TrialRecords:
    """The finished trials of one search, in a file of their own.

    Args:
        folder: of the file, a path or an address that TensorFlow opens; it need not exist.
        search: all that the result of a trial depends on, in addition to its settings.
    """

    def __init__(self, folder: str, search: Mapping[str, Any]):
        digest = hashlib.sha256(json.dumps(search, sort_keys=True).encode()).hexdigest()[:16]
        self._folder = folder.rstrip("/")
        self._file = f"{self._folder}/{digest}.json"
        self.known = self._read()
        """The finished trials, in the order of the search."""

    def add(self, trial: Trial) -> None:
        """Save one more trial; a process that is killed during this leaves the previous ones.

        A full disk, or a store that denies access, does not end the search.
        """
        self.known.trials.append(trial)
        unfinished = f"{self._file}.unfinished"
        try:
            tf.io.gfile.makedirs(self._folder)
            with tf.io.gfile.GFile(unfinished, "w") as file:
                file.write(self.known.model_dump_json(indent=1))
            tf.io.gfile.rename(unfinished, self._file, overwrite=True)
        except tf.errors.OpError as error:
            _log.warning("The trial cannot be saved for another process: %s", error)

    def _read(self) -> Trials:
        """Read the file; return no trials if it is unreadable, such as one of a newer release."""
        try:
            with tf.io.gfile.GFile(self._file) as file:
                return Trials.model_validate_json(file.read())
        except tf.errors.NotFoundError:
            pass
        except (tf.errors.OpError, UnicodeDecodeError, ValidationError) as error:
            _log.warning("Trials of an earlier process cannot be read: %s", error)
        return Trials()
