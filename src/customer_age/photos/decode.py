"""From a photo's file to its pixels: read it, know its format, and refuse what cannot be used."""

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
"""Pillow's names of what is accepted; the decoders of all other formats are never reached. What
phones call JPEG may open as `MPO`, a JPEG with further pictures behind it. HEIC and AVIF come on
top where there is what decodes them: `_of_boxes`."""

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 120_000_000
"""Of a photo as its header tells it. A progressive JPEG takes up to 6 bytes for each."""
MAX_DECODED_PIXELS = 40_000_000
"""Of what is decoded into memory, after JPEG's scaling; each takes up to 16 bytes on the way."""
MAX_SIDE = 65_500
"""Pixels; no JPEG can be longer."""

_IS_A_PREVIEW = 1
"""A bit of `NewSubfileType`: the picture is a small copy of another one of the file."""

_TIFF, _BIG_TIFF = (b"II*\0", b"MM\0*"), (b"II+\0", b"MM\0+")
"""How files begin; in the second kind every offset has 8 bytes."""

# Registers all of Pillow's formats now: it would do so at the first photo, in several threads.
Image.init()


def read_photo(path: str) -> bytes:
    """Read a photo's file.

    Args:
        path: of a file, or its address in an object store.

    Raises:
        PhotoRefused: there is none, it cannot be read, or it is too large to be.
    """
    try:
        if is_remote(path):
            return store.read(path)
        status = os.stat(path)  # noqa: PTH116  not even opened: a pipe would wait for its writer
        if not S_ISREG(status.st_mode):
            raise PhotoRefused(Reason.FILE_UNREADABLE, "not a file")
        if status.st_size > MAX_FILE_BYTES:
            raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(status.st_size))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError as error:
        raise PhotoRefused(Reason.FILE_MISSING, NO_FILE[Reason.FILE_MISSING]) from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        # A store's own words hold the address, and a photo's name may say who is on it.
        reason = getattr(error, "strerror", None) or str(error).replace(path, "the photo")
        raise PhotoRefused(Reason.FILE_UNREADABLE, f"cannot be read: {reason}") from error


def open_image(content: bytes) -> Image.Image:
    """Read a photo's header; its pixels are not decoded yet.

    Raises:
        PhotoRefused: the file is empty, too large, cut off, or no photo of a known format.
    """
    if not content:
        raise PhotoRefused(Reason.FILE_EMPTY, "the file is empty")
    if len(content) > MAX_FILE_BYTES:
        raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(len(content)))
    readers: tuple[str, ...] = FORMATS
    name, read = "", content
    if formats.is_box_file(content):
        name = formats.name_of(content)
        readers = tuple(each for each in _of_boxes() if each in formats.pillow_names(name))
        if readers:
            _check_boxes(content)
            read = heif_boxes.without_metadata(content)
    try:
        if readers:
            image = Image.open(io.BytesIO(read), formats=readers)
            if not image.info.get("primary", True):  # pi-heif then takes any other one
                raise ValueError("its main picture is not to be found")
            if not _is_raw(image):
                return image
            name = "RAW"
    except Image.DecompressionBombError as error:
        raise PhotoRefused(Reason.TOO_MANY_PIXELS, _in_one_line(error)) from error
    except Image.UnidentifiedImageError as error:
        if _is_cut(content):  # Pillow's own words would be an address in memory.
            raise PhotoRefused(
                Reason.TRUNCATED, "the file is cut off: its beginning is not whole"
            ) from error
    except Exception as error:  # Damaged files make decoders raise what they like.
        raise damaged(content, error) from error
    raise _not_read(name or formats.name_of(content), readers)


def _check_boxes(content: bytes) -> None:
    """See that a HEIC or AVIF file is whole and fits into memory, before its decoder sees it.

    libheif makes a picture of half a file, and Pillow gives the size of the main picture alone, not
    of its tiles.
    """
    if heif_boxes.is_cut(content):
        raise PhotoRefused(Reason.TRUNCATED, "the file is cut off: its last box is not whole")
    said = heif_boxes.read(content)
    if said is None:
        raise PhotoRefused(Reason.DAMAGED, "cannot be decoded: its boxes name no still picture")
    check_decoded_size(*said.largest)
    if said.pixels > MAX_PIXELS:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{said.pixels / 10**6:.0f} million pixels in all of its parts: at most "
            f"{MAX_PIXELS // 10**6} million are decoded",
        )


def _not_read(name: str, readers: tuple[str, ...]) -> PhotoRefused:
    """What to raise for a file that no reader takes for its own.

    Args:
        name: of its format, or empty.
        readers: that were asked.
    """
    if name in (formats.HEIC.name, formats.AVIF.name) and readers:
        return PhotoRefused(Reason.DAMAGED, f"cannot be decoded: its {name} boxes are damaged")
    if name:
        return PhotoRefused(Reason.FORMAT_UNSUPPORTED, formats.why_not_read(name))
    return PhotoRefused(
        Reason.NOT_AN_IMAGE, f"not a photo in one of the formats {formats.READ_NAMES}"
    )


@functools.cache
def _of_boxes() -> tuple[str, ...]:
    """Pillow's names of those formats built of ISO's boxes that can be decoded here.

    libheif is looked for at the first such file of a process, wherever that runs: nothing has to be
    set up in a worker before. AVIF comes first: libheif would open one, and fail over its pixels.
    """
    from PIL import features

    found = ("AVIF",) if "AVIF" in Image.OPEN and features.check("avif") else ()
    try:
        import pi_heif

        # Only the picture itself, and in this thread: photos are decoded side by side already.
        pi_heif.register_heif_opener(
            thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
        )
    except ImportError:
        return found
    return (*found, "HEIF")


def _is_raw(image: Image.Image) -> bool:
    """Whether a TIFF is a camera's raw file, of which Pillow would decode a preview."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    kind = image.tag_v2.get(ExifTags.Base.NewSubfileType, 0)
    is_preview = isinstance(kind, int) and bool(kind & _IS_A_PREVIEW)
    return is_preview or ExifTags.Base.DNGVersion in image.tag_v2


def damaged(content: bytes, error: Exception) -> PhotoRefused:
    """What to raise for a file that a decoder gave up."""
    text = _in_one_line(error)
    if _is_cut(content) or isinstance(error, EOFError) or "truncated" in text.lower():
        return PhotoRefused(Reason.TRUNCATED, f"the file is cut off: {text}")
    return PhotoRefused(Reason.DAMAGED, f"cannot be decoded: {text}")


def _is_cut(content: bytes) -> bool:
    """Whether a file lacks its end, as one does whose upload broke off."""
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
    """The sentence for a file that is not even read."""
    return f"{byte_size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES / 2**20:.0f} MiB"


def check_size(width: int, height: int, min_size: int) -> None:
    """See that a photo's sides, in pixels, are neither too long nor too short.

    Raises:
        PhotoRefused: they are.
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
    """See that what would be decoded, in pixels, fits into memory.

    Raises:
        PhotoRefused: it does not.
    """
    if width * height > MAX_DECODED_PIXELS:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{width}x{height} pixels: its format can only be decoded whole, and for that "
            f"{MAX_DECODED_PIXELS // 10**6} million are the limit",
        )


def orientation(image: Image.Image, content: bytes) -> int:
    """EXIF's number for how a photo is still to be turned, 1 to 8; 1 is upright.

    Args:
        image: as its reader opened it.
        content: its file.
    """
    if formats.is_box_file(content):
        said = heif_boxes.read(content)
        if said is not None and not said.turned_by_boxes:
            return said.exif_turn
    # libheif has obeyed the boxes, and Pillow has made EXIF of an AVIF's; the file's own was gone.
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Broken EXIF says nothing about the picture beside it.
        return 1


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
