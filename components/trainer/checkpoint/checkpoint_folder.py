"""The folder of a training's checkpoint and the names in it; imports only the standard library.

The process that starts a training names the folder, and deletes its content when the training is
done.
"""

import shutil
from pathlib import Path

CHECKPOINT_FOLDER = "CUSTOMER_AGE_CHECKPOINT_FOLDER"
"""Environment variable: a folder that outlives the process. If it is not set, no checkpoint is
saved, because no other process would read it."""

FILE = "checkpoint.npz"
UNFINISHED = f"{FILE}.unfinished"
LOGS = "logs"
"""TensorBoard's logs. Their place is the model run's folder, but that is emptied before each try.
"""


def delete(folder: Path) -> None:
    """Delete a checkpoint, and its folder if nothing else is in it.

    Raises:
        OSError: the checkpoint cannot be deleted.
    """
    for name in (FILE, UNFINISHED):  # by name: the folder may contain files of the user
        (folder / name).unlink(missing_ok=True)
    if (folder / LOGS).is_dir():
        shutil.rmtree(folder / LOGS)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
