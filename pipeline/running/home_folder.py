"""Provides a home folder and a user name for a user id that the system has no entry for.

Libraries need both when they are imported or name a job, and fail without them. They also fail
without a folder for temporary files, but only the user can choose that one.
"""

import getpass
import os
import tempfile
from pathlib import Path

_NO_HOME = "/"
"""As in container runtimes. Credentials are read there, so others must not be able to write it."""


def name_missing() -> None:
    """Set what is missing in the environment, for this process and its children."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = _NO_HOME
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        os.environ["USER"] = f"uid-{os.getuid()}"


def is_writable() -> bool:
    """Return whether libraries can write to the home folder; only an attempt shows it."""
    try:
        with tempfile.TemporaryFile(dir=Path.home()):
            return True
    except (OSError, RuntimeError):
        return False


def is_without_temporary(error: FileNotFoundError) -> bool:
    """Return whether this is Python's error for a missing folder for temporary files."""
    return "usable temporary directory" in str(error)
