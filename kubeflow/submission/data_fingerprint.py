"""The data's fingerprint, if the data can be read from here within a time limit.

Requests to a store are retried for a minute each. The person who submits need not wait that long,
because the cluster reads the data anyway.
"""

import queue
import threading

from customer_age.errors import SettingsError
from customer_age.files import DataUnavailable
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings.settings import Settings

_PATIENCE = 60.0
"""Seconds."""


def fingerprint(settings: Settings, patience: float = _PATIENCE) -> str:
    """Return the fingerprint of the run's data, which changes when the data change.

    Args:
        settings: of the run.
        patience: seconds that reading a bucket may take.

    Raises:
        DataUnavailable: the data cannot be read from here.
        SettingsError: the data can be read, but are not a data set.
    """
    answers: queue.Queue[str | SettingsError] = queue.Queue()

    def read() -> None:
        try:
            answers.put(preflight.data_fingerprint(settings.on_cluster(), runs_here=False))
        except SettingsError as error:
            answers.put(error)
        except Exception as error:  # from the store's client; the cluster may still have access
            message = " ".join(str(error).split())[:300] or type(error).__name__
            answers.put(DataUnavailable(f"data folder {settings.data.path}: {message}"))

    # A thread that takes too long is abandoned.
    threading.Thread(target=read, name="data-fingerprint", daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        raise DataUnavailable(
            f"data folder {settings.data.path}: not read within {patience:g} seconds"
        ) from None
    if isinstance(answer, SettingsError):
        raise answer
    return answer
