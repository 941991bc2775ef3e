"""One photo: from its file to what is stored and what a model is asked about."""

from .decode import MAX_FILE_BYTES, read_photo, too_large
from .prepare import Photo, prepare_photo

__all__ = ["MAX_FILE_BYTES", "Photo", "prepare_photo", "read_photo", "too_large"]
