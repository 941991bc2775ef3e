"""Files and folders on this machine and in object stores, by path or address."""

from .addresses import DataUnavailable
from .data_folder import Folder, LocalFolder
from .entries import Entry
from .folders import open_folder

__all__ = ["DataUnavailable", "Entry", "Folder", "LocalFolder", "open_folder"]
