"""Read a photo's file, recognise its format, and refuse photos that cannot be used."""

import functools
import io
import os
from stat import S_ISREG
from typing import Literal

from PIL import ExifTags, Image, TiffImagePlugin

from customer_age.files import store
from customer_age.files.addresses import is_remote
from customer_age.schema.refusals import NO_FILE, PhotoRefused, Reason

from . import formats, heif_boxes

FORMATS = tuple(each.pillow[0] for each in formats.ALWAYS_READ)
"""Pillow's names of the accepted formats; the decoders of all other formats are never called. A
phone's JPEG may open as `MPO`, a JPEG followed by more pictures. HEIC and AVIF are added if there
is a decoder for them: `_box_formats`."""

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 120_000_000
"""Pixels of a photo by its header. A progressive JPEG needs up to 6 bytes for each."""
MAX_DECODED_PIXELS = 40_000_000
"""Pixels decoded into memory, after JPEG's scaling; each needs up to 16 bytes temporarily."""
MAX_SIDE = 65_500
"""Pixels; the longest side of a JPEG."""

_IS_A_PREVIEW = 1
"""A bit of `NewSubfileType`: the picture is a small copy of another one in the file."""

_TIFF, _BIG_TIFF = (b"II*\0", b"MM\0*"), (b"II+\0", b"MM\0+")
"""How TIFF and BigTIFF files begin; all offsets of a BigTIFF have 8 bytes."""

# Registers Pillow's formats now; otherwise the first photos would do it, in several threads.
Image.init()


def read_photo(path: str) -> bytes:
    """Read a photo's file.

    Args:
        path: of a file, or its address in an object store.

    Raises:
        PhotoRefused: the file does not exist, cannot be read, or is too large.
    """
    try:
        if is_remote(path):
            return store.read(path)
        status = os.stat(path)  # noqa: PTH116  not opened yet: a pipe would wait for its writer
        if not S_ISREG(status.st_mode):
            raise PhotoRefused(Reason.FILE_UNREADABLE, "not a file")
        if status.st_size > MAX_FILE_BYTES:
            raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(status.st_size))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError as error:
        raise PhotoRefused(Reason.FILE_MISSING, NO_FILE[Reason.FILE_MISSING]) from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        # A store's message contains the address, and a photo's name may identify a person.
        reason = getattr(error, "strerror", None) or str(error).replace(path, "the photo")
        raise PhotoRefused(Reason.FILE_UNREADABLE, f"cannot be read: {reason}") from error


def open_image(content: bytes) -> Image.Image:
    """Read a photo's header; its pixels are not decoded yet.

    Raises:
        PhotoRefused: the file is empty, too large, cut off, or not a photo in a known format.
    """
    if not content:
        raise PhotoRefused(Reason.FILE_EMPTY, "the file is empty")
    if len(content) > MAX_FILE_BYTES:
        raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(len(content)))
    readers: tuple[str, ...] = FORMATS
    name, read = "", content
    if formats.is_box_file(content):
        name = formats.name_of(content)
        readers = tuple(each for each in _box_formats() if each in formats.pillow_names(name))
        if readers:
            _check_boxes(content)
            read = heif_boxes.without_metadata(content)
    try:
        if readers:
            image = Image.open(io.BytesIO(read), formats=readers)
            if not image.info.get("primary", True):  # pi-heif then opens another picture
                raise ValueError("its main picture is not found")
            if not _is_raw(image):
                return image
            name = "RAW"
    except Image.DecompressionBombError as error:
        raise PhotoRefused(Reason.TOO_MANY_PIXELS, _in_one_line(error)) from error
    except Image.UnidentifiedImageError as error:
        if _is_cut(content):  # Pillow's message would contain only a memory address.
            raise PhotoRefused(
                Reason.TRUNCATED, "the file is cut off: its beginning is not complete"
            ) from error
    except Exception as error:  # Decoders raise many kinds of errors for damaged files.
        raise damaged(content, error) from error
    raise _not_read(name or formats.name_of(content), readers)


def _check_boxes(content: bytes) -> None:
    """Check that a HEIC or AVIF file is complete and fits into memory, before it is decoded.

    libheif decodes half a file without an error, and Pillow reports only the size of the main
    picture, not of its tiles.
    """
    if heif_boxes.is_cut(content):
        raise PhotoRefused(Reason.TRUNCATED, "the file is cut off: its last box is not complete")
    pictures = heif_boxes.read(content)
    if pictures is None:
        raise PhotoRefused(Reason.DAMAGED, "cannot be decoded: its boxes contain no still picture")
    check_decoded_size(*pictures.largest)
    if pictures.pixels > MAX_PIXELS:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{pictures.pixels / 10**6:.0f} million pixels in all of its parts: at most "
            f"{MAX_PIXELS // 10**6} million are decoded",
        )


def _not_read(name: str, readers: tuple[str, ...]) -> PhotoRefused:
    """Return the error for a file that no reader accepts.

    Args:
        name: of its format, or empty.
        readers: Pillow's names of the formats that were tried.
    """
    if name in (formats.HEIC.name, formats.AVIF.name) and readers:
        return PhotoRefused(Reason.DAMAGED, f"cannot be decoded: its {name} boxes are damaged")
    if name:
        return PhotoRefused(Reason.FORMAT_UNSUPPORTED, formats.why_not_read(name))
    return PhotoRefused(
        Reason.NOT_AN_IMAGE, f"not a photo in one of the formats {formats.READ_NAMES}"
    )


@functools.cache
def _box_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats made of ISO boxes that can be decoded here.

    libheif is loaded at the first such file of a process, so that a worker needs no set-up. AVIF
    comes first: libheif would open an AVIF file, but fail to decode its pixels.
    """
    from PIL import features

    found = ("AVIF",) if "AVIF" in Image.OPEN and features.check("avif") else ()
    try:
        import pi_heif

        # Only the picture itself, and in this thread: photos are already decoded in parallel.
        pi_heif.register_heif_opener(
            thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
        )
    except ImportError:
        return found
    return (*found, "HEIF")


def _is_raw(image: Image.Image) -> bool:
    """Return whether a TIFF is a camera's raw file; Pillow would decode only its preview."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    kind = image.tag_v2.get(ExifTags.Base.NewSubfileType, 0)
    is_preview = isinstance(kind, int) and bool(kind & _IS_A_PREVIEW)
    return is_preview or ExifTags.Base.DNGVersion in image.tag_v2


def damaged(content: bytes, error: Exception) -> PhotoRefused:
    """Return the error for a file that a decoder could not decode."""
    text = _in_one_line(error)
    if _is_cut(content) or isinstance(error, EOFError) or "truncated" in text.lower():
        return PhotoRefused(Reason.TRUNCATED, f"the file is cut off: {text}")
    return PhotoRefused(Reason.DAMAGED, f"cannot be decoded: {text}")


def _is_cut(content: bytes) -> bool:
    """Return whether the end of a file is missing, for example after a broken upload."""
    if content.startswith(b"RIFF"):
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    if formats.is_box_file(content):
        return heif_boxes.is_cut(content)
    if content[:4] in (*_TIFF, *_BIG_TIFF):
        return _is_cut_tiff(content)
    ends = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND"}
    return any(content.startswith(start) and end not in content for start, end in ends.items())


def _is_cut_tiff(content: bytes) -> bool:
    """Return whether a TIFF ends before its first directory, which many writers put last."""
    order: Literal["little", "big"] = "little" if content[:2] == b"II" else "big"
    directory = content[8:16] if content[:4] in _BIG_TIFF else content[4:8]
    return int.from_bytes(directory, order) + 2 > len(content)


def too_large(byte_size: int) -> str:
    """Return the sentence for a file that is too large to be read."""
    return f"{byte_size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES / 2**20:.0f} MiB"


def check_size(width: int, height: int, min_size: int) -> None:
    """Check that a photo's sides, in pixels, are neither too long nor too short.

    Raises:
        PhotoRefused: a side is too long or too short.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{width}x{height} pixels: at most {MAX_PIXELS // 10**6} million are decoded, "
            f"and {MAX_SIDE} on a side",
        )
    if min(width, height) < min_size:
        raise PhotoRefused(
            Reason.TOO_SMALL, f"{width}x{height} pixels, less than {min_size} on the shorter side"
        )


def check_decoded_size(width: int, height: int) -> None:
    """Check that the decoded photo, in pixels, fits into memory.

    Raises:
        PhotoRefused: it is too large.
    """
    if width * height > MAX_DECODED_PIXELS:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{width}x{height} pixels: its format can only be decoded as a whole, with at most "
            f"{MAX_DECODED_PIXELS // 10**6} million pixels",
        )


def orientation(image: Image.Image, content: bytes) -> int:
    """Return EXIF's orientation by which a photo must still be turned, 1 to 8; 1 is upright.

    Args:
        image: as its reader opened it.
        content: its file.
    """
    if formats.is_box_file(content):
        pictures = heif_boxes.read(content)
        if pictures is not None and not pictures.turned_by_boxes:
            return pictures.exif_turn
    # libheif has applied the boxes; Pillow wrote an AVIF's boxes into the EXIF and lost the file's.
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # The picture may be good although its EXIF is broken.
        return 1


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
