"""Files and folders on this machine and in object stores, by path or address."""

from .addresses import DataAway
from .data_folder import Folder, LocalFolder
from .entries import Entry
from .folders import open_folder

__all__ = ["DataAway", "Entry", "Folder", "LocalFolder", "open_folder"]
