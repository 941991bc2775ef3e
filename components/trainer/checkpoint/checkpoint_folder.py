"""Where a training keeps its checkpoint, and what lies there; known without any library.

Who starts a training names the folder, and deletes what is in it when the training is done.
"""

import shutil
from pathlib import Path

CHECKPOINT_FOLDER = "CUSTOMER_AGE_CHECKPOINT_FOLDER"
"""Environment variable: a folder that outlives the process. Where it is not set, nothing is kept,
as nobody would come back for it."""

FILE = "checkpoint.npz"
UNFINISHED = f"{FILE}.unfinished"
LOGS = "logs"
"""Of TensorBoard: they belong to the model run, which is emptied before each try."""


def delete(folder: Path) -> None:
    """Delete a checkpoint, and the folder where nothing else is in it.

    Raises:
        OSError: it cannot be deleted.
    """
    for name in (FILE, UNFINISHED):  # by name: somebody may have named a folder with other files
        (folder / name).unlink(missing_ok=True)
    if (folder / LOGS).is_dir():
        shutil.rmtree(folder / LOGS)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
