"""The data's fingerprint, where the data can be read from here within a bearable time.

Beam tries for minutes to reach a bucket that it cannot reach; whoever submits need not wait, since
the cluster looks at the data anyway.
"""

import importlib.util
import logging
import os
import queue
import threading

from customer_age.errors import SettingsError
from customer_age.files import DataAway
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings.settings import Settings

_PATIENCE = 60.0
"""Seconds."""


def fingerprint(settings: Settings, patience: float = _PATIENCE) -> str:
    """What changes with the data.

    Args:
        settings: of the run.
        patience: seconds that looking into a bucket may take.

    Raises:
        DataAway: the data cannot be read from here.
        SettingsError: they can, and are no data set.
    """
    for folder in filter(None, (settings.data.path, settings.data.inbox)):
        scheme, separator, _ = folder.partition("://")
        if separator and not _has_client(scheme):
            raise DataAway(f"data folder {folder}: nothing here reads {scheme}://")
        if separator and not _has_credentials(scheme):
            raise DataAway(f"data folder {folder}: no credentials for {scheme}:// here")
    return _within(patience, settings)


def _has_client(scheme: str) -> bool:
    needed = {"gs": "google.cloud.storage", "s3": "boto3"}.get(scheme)
    try:
        return needed is not None and importlib.util.find_spec(needed) is not None
    except ModuleNotFoundError:
        return False


def _has_credentials(scheme: str) -> bool:
    if scheme == "s3":
        import boto3

        return boto3.Session().get_credentials() is not None
    if scheme == "gs" and not os.environ.get("STORAGE_EMULATOR_HOST"):
        import google.auth
        from google.auth.exceptions import GoogleAuthError

        try:
            google.auth.default()
        except GoogleAuthError:
            return False
    return True


def _within(patience: float, settings: Settings) -> str:
    """Look in a thread that is left behind where it takes too long."""
    answers: queue.Queue[str | SettingsError] = queue.Queue()

    def look() -> None:
        try:
            answers.put(preflight.data_fingerprint(settings, runs_here=False))
        except SettingsError as error:
            answers.put(error)
        except Exception as error:  # of the store's client; the cluster may fare better
            message = " ".join(str(error).split())[:300] or type(error).__name__
            answers.put(DataAway(f"data folder {settings.data.path}: {message}"))

    # Beam announces each try with a traceback; how it ends is told in one line.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    threading.Thread(target=look, name="data-fingerprint", daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        raise DataAway(
            f"data folder {settings.data.path}: not read within {patience:g} seconds"
        ) from None
    if isinstance(answer, SettingsError):
        raise answer
    return answer
