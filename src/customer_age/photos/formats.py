"""The picture formats: those that are read, those that need another package, and all others.

This is the only list of names and suffixes; docs/photos.md shows it, and a test compares the two.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

HEIC_EXTRA = "heic"
"""The extra of this package that installs libheif."""

AVIF_PILLOW = "11.3"
"""The first Pillow whose wheels read AVIF."""


@dataclass(frozen=True)
class PictureFormat:
    """A picture format.

    Attributes:
        name: its usual name.
        suffixes: of its files' names, in lower case.
        pillow: Pillow's names of it; empty if it is never decoded.
        needs: the package that must be installed to read it; empty if none is needed.
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
"""The suffixes of all pictures, also of those that cannot be read: these get a row with the reason,
because nobody would notice if they were left out."""

_HEAD = 1024
"""The number of bytes at the start of a file that are searched for its signature."""

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
    # TGA has no signature: this matches its sizes, pixel types and depths, after all others.
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
"""A file whose brands do not name its codec."""

_BOX_TYPE = slice(4, 8)


def is_box_file(content: bytes) -> bool:
    """Return whether a file is made of ISO boxes (ISO/IEC 14496-12), like HEIC, AVIF and videos."""
    return content[_BOX_TYPE] == b"ftyp"


def name_of(content: bytes) -> str:
    """Return the usual name of a file's format that is not in `ALWAYS_READ`.

    Returns:
        A name in `FORMATS`, a description of another format, or an empty string if unknown.
    """
    if is_box_file(content):
        return _name_of_box_file(content)
    if content.startswith(b"\0\x05\x16\x07"):
        return "AppleDouble (macOS's metadata of a file)"
    head = content[:_HEAD]
    return next((name for name, matches in _SIGNATURES if matches(head)), "")


def why_not_read(name: str) -> str:
    """Return the sentence for a photo in a format that is not read here."""
    found = next((each for each in FORMATS if each.name == name), None)
    if found is not None and found.needs:
        return f"the format is {name}, which is read only with {found.needs}"
    return f"the format is {name}, which is not read: save the photo as one of {READ_NAMES}"


def pillow_names(name: str) -> tuple[str, ...]:
    """Return Pillow's names for a format made of ISO boxes, by its usual name."""
    if name == _OTHER_HEIF:
        return (*AVIF.pillow, *HEIC.pillow)
    return next((each.pillow for each in FORMATS if each.name == name), ())


def _name_of_box_file(content: bytes) -> str:
    size = min(int.from_bytes(content[:4], "big"), _HEAD)
    brands = {content[8:12], *(content[place : place + 4] for place in range(16, size, 4))}
    if brands & _BRANDS_OF_RAW:
        return "RAW"
    # A file never has the brands of both formats; both may also have the general brands.
    if brands & _BRANDS_OF_AVIF:
        return AVIF.name
    if brands & _BRANDS_OF_HEIC:
        return HEIC.name
    return _OTHER_HEIF if brands & _BRANDS_OF_ANY_CODEC else "video"
