"""Formats of pictures: which are read, which only with something installed, which never.

The one list of names and suffixes; docs/photos.md shows it, and a test compares the two.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

HEIC_EXTRA = "heic"
"""The extra of this package that brings libheif."""

AVIF_PILLOW = "11.3"
"""The first Pillow whose wheels read AVIF."""


@dataclass(frozen=True)
class PictureFormat:
    """A format.

    Attributes:
        name: what people call it.
        suffixes: of its files' names, in small letters.
        pillow: what Pillow calls a file of it; empty where none is ever decoded.
        needs: what reads it besides what is always there; empty where nothing is needed.
    """

    name: str
    suffixes: tuple[str, ...]
    pillow: tuple[str, ...] = ()
    needs: str = ""


HEIC = PictureFormat(
    "HEIC", (".heic", ".heif", ".hif"), ("HEIF",),
    f"the extra [{HEIC_EXTRA}] (pip install 'customer-age[{HEIC_EXTRA}]')",
)  # fmt: skip
AVIF = PictureFormat("AVIF", (".avif",), ("AVIF",), f"Pillow {AVIF_PILLOW} or newer")

ALWAYS_READ = (
    PictureFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), ("JPEG", "MPO")),
    PictureFormat("PNG", (".png",), ("PNG",)),
    PictureFormat("WebP", (".webp",), ("WEBP",)),
    PictureFormat("TIFF", (".tif", ".tiff"), ("TIFF",)),
    PictureFormat("BMP", (".bmp", ".dib"), ("BMP",)),
    PictureFormat("GIF", (".gif",), ("GIF",)),
)

NEVER_READ = (
    PictureFormat("JPEG 2000", (".jp2", ".j2k", ".jpf", ".jpx")),
    PictureFormat("JPEG XL", (".jxl",)),
    PictureFormat("JPEG XR", (".jxr", ".wdp")),
    PictureFormat(
        "RAW",
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".x3f"),
    ),
    PictureFormat("PSD", (".psd", ".psb")),
    PictureFormat("ICO", (".ico",)),
    PictureFormat("TGA", (".tga",)),
    PictureFormat("PNM", (".ppm", ".pgm", ".pbm", ".pnm")),
    PictureFormat("OpenEXR", (".exr",)),
    PictureFormat("PDF", (".pdf",)),
    PictureFormat("EPS", (".eps",)),
    PictureFormat("SVG", (".svg",)),
)

FORMATS = (*ALWAYS_READ, HEIC, AVIF, *NEVER_READ)

READ_NAMES = ", ".join(each.name for each in (*ALWAYS_READ, HEIC, AVIF))

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
"""What a picture's name ends with, whether it can be read or not: one that cannot be read has a row
that says so, where leaving it out would go unnoticed."""

_HEAD = 1024
"""Bytes of a file that are searched for its signature."""

_SIGNATURES: tuple[tuple[str, Callable[[bytes], object]], ...] = (
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51").match),
    ("JPEG XL", re.compile(rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a").match),
    ("JPEG XR", re.compile(rb"II\xbc").match),
    ("JPEG-LS", re.compile(rb"\xff\xd8\xff\xf7").match),
    ("RAW", re.compile(rb"(?s)II\*\0.{4}CR|IIR[OS]|MMOR|IIU\0|FUJIFILMCCD-RAW|FOVb").match),
    ("TIFF with unusual pixels", re.compile(rb"II[*+]\0|MM\0[*+]").match),
    ("PSD", re.compile(rb"8BPS").match),
    ("ICO", re.compile(rb"\0\0\x01\0[^\0]").match),
    ("PNM", re.compile(rb"P[1-7]\s").match),
    ("OpenEXR", re.compile(rb"\x76\x2f\x31\x01").match),
    ("PDF", re.compile(rb"%PDF-").search),
    ("EPS", re.compile(rb"%!PS|\xc5\xd0\xd3\xc6").match),
    ("SVG", re.compile(rb"(?s)(\xef\xbb\xbf)?\s*<(svg\b|(\?xml|!--|!DOCTYPE).*<svg\b)").match),
    # Its sizes, kinds of pixels and depths, as TGA has no signature: the last to be tried.
    (
        "TGA",
        re.compile(
            rb"(?s).(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{4}[\x0f-\x20]).{4}"
            rb"(?!\0\0)..(?!\0\0)..[\x08\x0f\x10\x18\x20]"
        ).match,
    ),
)

_BRANDS_OF_RAW = {b"crx "}
_BRANDS_OF_AVIF = {b"avif", b"avis"}
_BRANDS_OF_HEIC = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs",
}  # fmt: skip
_BRANDS_OF_ANY_CODEC = {b"mif1", b"mif2", b"mif3", b"msf1", b"miaf"}

_OTHER_HEIF = "HEIF with another codec than HEVC"
"""Whose brands do not say which."""

_BOX_TYPE = slice(4, 8)


def is_box_file(content: bytes) -> bool:
    """Whether a file is built of ISO's boxes, as HEIC, AVIF and videos are (ISO/IEC 14496-12)."""
    return content[_BOX_TYPE] == b"ftyp"


def name_of(content: bytes) -> str:
    """What people call the format of a file that is not one of `ALWAYS_READ`.

    Returns:
        A name of `FORMATS`, another one in words, or an empty string for an unknown file.
    """
    if is_box_file(content):
        return _name_of_box_file(content)
    if content.startswith(b"\0\x05\x16\x07"):
        return "AppleDouble (what macOS notes about a file)"
    head = content[:_HEAD]
    return next((name for name, matches in _SIGNATURES if matches(head)), "")


def why_not_read(name: str) -> str:
    """The sentence for a photo of a format that is not read here."""
    found = next((each for each in FORMATS if each.name == name), None)
    if found is not None and found.needs:
        return f"the format is {name}, which is read only with {found.needs}"
    return f"the format is {name}, which is not read: save the photo in one of {READ_NAMES}"


def pillow_names(name: str) -> tuple[str, ...]:
    """What Pillow may call a file built of boxes, by the name that people have for it."""
    if name == _OTHER_HEIF:
        return (*AVIF.pillow, *HEIC.pillow)
    return next((each.pillow for each in FORMATS if each.name == name), ())


def _name_of_box_file(content: bytes) -> str:
    size = min(int.from_bytes(content[:4], "big"), _HEAD)
    brands = {content[8:12], *(content[place : place + 4] for place in range(16, size, 4))}
    if brands & _BRANDS_OF_RAW:
        return "RAW"
    # A file of one of them names the other one never: both also name the general ones.
    if brands & _BRANDS_OF_AVIF:
        return AVIF.name
    if brands & _BRANDS_OF_HEIC:
        return HEIC.name
    return _OTHER_HEIF if brands & _BRANDS_OF_ANY_CODEC else "video"
