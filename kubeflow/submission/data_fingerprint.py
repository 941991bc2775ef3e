"""The data's fingerprint, where the data can be read from here within a bearable time.

A store is asked again and again for a minute, request by request; whoever submits need not wait,
since the cluster looks at the data anyway.
"""

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
    answers: queue.Queue[str | SettingsError] = queue.Queue()

    def look() -> None:
        try:
            answers.put(preflight.data_fingerprint(settings.on_cluster(), runs_here=False))
        except SettingsError as error:
            answers.put(error)
        except Exception as error:  # of the store's client; the cluster may fare better
            message = " ".join(str(error).split())[:300] or type(error).__name__
            answers.put(DataAway(f"data folder {settings.data.path}: {message}"))

    # The thread is left behind where it takes too long.
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
