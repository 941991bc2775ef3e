"""A home folder and a user's name where the system knows neither: for a user id without an entry.

Libraries look for both while they are imported, or when they name a job, and fail without. So they
do without a folder for temporary files, which only a person can name.
"""

import getpass
import os
import tempfile
from pathlib import Path

_NO_HOME = "/"
"""As container runtimes have it. Not a folder that others may write: credentials are read there."""


def name_missing() -> None:
    """Say in the environment what is missing, for this process and those that it starts."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = _NO_HOME
    try:
        getpass.getuser()
    except (KeyError, OSError):  # the second from Python 3.13 on
        os.environ["USER"] = f"uid-{os.getuid()}"


def is_writable() -> bool:
    """Whether libraries can keep something in the home folder: only a try tells."""
    try:
        with tempfile.TemporaryFile(dir=Path.home()):
            return True
    except (OSError, RuntimeError):
        return False


def is_without_temporary(error: FileNotFoundError) -> bool:
    """Whether this is Python's error where no folder for temporary files can be written."""
    return "usable temporary directory" in str(error)
