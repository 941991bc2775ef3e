"""Files and folders on this machine and in object stores, by path or address."""

from .addresses import DataAway
from .data_folder import Folder, ListedFile, LocalFolder
from .folders import open_folder
from .local_copy import on_disk

__all__ = ["DataAway", "Folder", "ListedFile", "LocalFolder", "on_disk", "open_folder"]
