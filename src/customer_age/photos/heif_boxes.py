"""What a HEIC or AVIF file says of its pictures before any is decoded: their sizes, their turn.

Two places can say how the main picture is turned. The boxes `irot` and `imir` belong to it and are
obeyed by every decoder; EXIF's orientation is there for information (ISO/IEC 23008-12, 6.5.10,
6.5.12 and annex A). Cameras write both, which mean one turn; some programs write EXIF's alone, and
phones and macOS show such a file as EXIF says. libheif then ignores EXIF, and Pillow overwrites it,
so it is read here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ExifTags, Image

_TURNING = (b"irot", b"imir")
_MAX_BOXES = 4096
"""Of one box that holds others, and of items; a grid of tiles has some hundred."""

_MAX_DEPTH = 8
"""Of pictures made of pictures; a grid has 1."""

_MAX_EXTENTS = 32
_MAX_EXIF_BYTES = 2**20


_OF_PICTURES = (b"meta", b"mdat", b"moov")
"""The outermost boxes that matter; behind them some phones put what is no box."""


@dataclass(frozen=True)
class Pictures:
    """What a file says.

    Attributes:
        largest: width and height, in pixels, of the largest picture, be it a tile of the main one
            or its alpha.
        pixels: of all that is decoded for the main picture, tile by tile.
        turned_by_boxes: whether boxes say how the main picture is turned, be it not at all.
        exif_turn: EXIF's orientation of the main picture, 1 to 8; 1 where there is none, and where
            the boxes say it.
    """

    largest: tuple[int, int]
    pixels: int
    turned_by_boxes: bool
    exif_turn: int


_DAMAGE = (struct.error, IndexError, KeyError, ValueError)


def read(content: bytes) -> Pictures | None:
    """Read what a file says of its pictures; None where there is no main picture, or damage."""
    try:
        meta = _Meta(content)
        largest = max(meta.sizes(), key=lambda size: size[0] * size[1], default=(0, 0))
        pixels = meta.pixels()
        turned_by_boxes = any(kind in _TURNING for kind in meta.properties())
    except _DAMAGE:
        return None
    try:
        exif_turn = 1 if turned_by_boxes else _orientation(meta.exif())
    except _DAMAGE:
        exif_turn = 1
    return Pictures(largest, pixels, turned_by_boxes, exif_turn)


def without_metadata(content: bytes) -> bytes:
    """The same file, in which nothing describes a picture: neither EXIF nor any other text.

    pi-heif reads all of that, and crashes over a type that is no text. So the name of the
    reference (`cdsc`) is replaced wherever it stands among the boxes, be they damaged or not.
    """
    changed = bytearray(content)
    for kind, box in _boxes(content, 0, len(content), outermost=True):
        if kind != b"mdat":
            changed[box.start : box.stop] = changed[box.start : box.stop].replace(b"cdsc", b"free")
    return bytes(changed)


def is_cut(content: bytes) -> bool:
    """Whether a file ends before one of its outermost boxes does."""
    try:
        boxes = list(_boxes(content, 0, len(content), outermost=True))
    except _DAMAGE:
        return False
    return any(box.stop > len(content) for kind, box in boxes if kind in _OF_PICTURES)


class _Meta:
    """The box `meta` of a file: its items, and what is said of them."""

    def __init__(self, content: bytes):
        self._content = content
        meta = dict(_boxes(content, 0, len(content), outermost=True))[b"meta"]
        self._boxes = dict(_boxes(content, meta.start + 4, meta.stop))
        version, place = self._opened(b"pitm")
        self._main = self._number(place, 4 if version else 2)
        inner = self._boxes[b"iprp"]
        parts = list(_boxes(content, inner.start, inner.stop))
        shared = dict(parts)[b"ipco"]
        self._shared = list(_boxes(content, shared.start, shared.stop))
        self._owned: dict[int, list[int]] = {}
        for kind, box in parts:
            if kind == b"ipma":
                self._associate(box)

    def sizes(self) -> Iterator[tuple[int, int]]:
        """The width and height of each picture."""
        for kind, box in self._shared:
            if kind == b"ispe":
                yield self._number(box.start + 4, 4), self._number(box.start + 8, 4)

    def properties(self) -> Iterator[bytes]:
        """The types of the boxes that belong to the main picture."""
        return (kind for kind, _ in self._properties(self._main))

    def pixels(self) -> int:
        """The pixels of all pictures that the main one is made of, itself included.

        One that is used many times counts as often: it is decoded as often.

        Raises:
            ValueError: they are nested more deeply than any photo's.
        """
        parts: dict[int, tuple[int, ...]] = dict(self._references(b"dimg"))
        counted: dict[int, int] = {}

        def count(item: int, depth: int) -> int:
            if depth > _MAX_DEPTH:
                raise ValueError("pictures of pictures of pictures, or in a circle")
            if item not in counted:
                own = sum(
                    self._number(box.start + 4, 4) * self._number(box.start + 8, 4)
                    for kind, box in self._properties(item)
                    if kind == b"ispe"
                )
                counted[item] = own + sum(count(part, depth + 1) for part in parts.get(item, ()))
            return counted[item]

        return count(self._main, 0)

    def exif(self) -> bytes:
        """The main picture's EXIF, from its TIFF header on; empty where there is none."""
        of_main = {item for item, others in self._references(b"cdsc") if self._main in others}
        for item in self._items(b"Exif"):
            if item in of_main:
                held = self._held(item)
                return held[4 + int.from_bytes(held[:4], "big") :]
        return b""

    def _properties(self, item: int) -> Iterator[tuple[bytes, range]]:
        return (self._shared[number - 1] for number in self._owned.get(item, ()) if number)

    def _associate(self, box: range) -> None:
        """Read one box `ipma`: item to the numbers, from 1, of its properties."""
        head = self._number(box.start, 4)
        id_size = 4 if head >> 24 else 2
        size, mask = (2, 0x7FFF) if head & 1 else (1, 0x7F)
        entries, place = self._number(box.start + 4, 4), box.start + 8
        _check_count(entries)
        for _ in range(entries):
            item, count = self._number(place, id_size), self._number(place + id_size, 1)
            place += id_size + 1
            owned = self._owned.setdefault(item, [])
            owned += (self._number(place + size * n, size) & mask for n in range(count))
            place += size * count

    def _items(self, wanted: bytes) -> Iterator[int]:
        """The numbers of the items of one type."""
        version, place = self._opened(b"iinf")
        for kind, box in _boxes(
            self._content, place + (4 if version else 2), self._boxes[b"iinf"].stop
        ):
            version = self._content[box.start]
            size = 4 if version >= 3 else 2
            type_at = box.start + 4 + size + 2
            if kind == b"infe" and self._content[type_at : type_at + 4] == wanted:
                yield self._number(box.start + 4, size)

    def _references(self, wanted: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The references of one type: from which item, to which."""
        if b"iref" not in self._boxes:
            return
        version, place = self._opened(b"iref")
        size = 4 if version else 2
        for kind, box in _boxes(self._content, place, self._boxes[b"iref"].stop):
            if kind == wanted:
                count, ids = self._number(box.start + size, 2), box.start + size + 2
                others = (self._number(ids + size * n, size) for n in range(count))
                yield self._number(box.start, size), tuple(others)

    def _held(self, wanted: int) -> bytes:
        """The content of an item, as the box `iloc` says where it lies."""
        version, place = self._opened(b"iloc")
        sizes = self._number(place, 2)
        offset_size, length_size = sizes >> 12, sizes >> 8 & 15
        base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
        id_size = 4 if version >= 2 else 2
        count, place = self._number(place + 2, id_size), place + 2 + id_size
        _check_count(count)
        extent_size = index_size + offset_size + length_size
        for _ in range(count):
            item, place = self._number(place, id_size), place + id_size
            method, place = (self._number(place, 2) & 15, place + 2) if version else (0, place)
            base, place = self._number(place + 2, base_size), place + 2 + base_size
            extents, place = self._number(place, 2), place + 2
            if item != wanted:
                place += extents * extent_size
                continue
            base += self._boxes[b"idat"].start if method == 1 else 0
            held = b""
            for _ in range(min(extents, _MAX_EXTENTS)):
                start = base + self._number(place + index_size, offset_size)
                length = self._number(place + index_size + offset_size, length_size)
                held += self._content[start : start + min(length, _MAX_EXIF_BYTES)]
                place += extent_size
            return held
        return b""

    def _opened(self, kind: bytes) -> tuple[int, int]:
        """The version of a box that has one, and where its content begins."""
        start = self._boxes[kind].start
        return self._content[start], start + 4

    def _number(self, place: int, size: int) -> int:
        found = self._content[place : place + size]
        if len(found) < size:
            raise ValueError("the file ends too early")
        return int.from_bytes(found, "big")


def _boxes(
    content: bytes, start: int, stop: int, outermost: bool = False
) -> Iterator[tuple[bytes, range]]:
    """The boxes of a part of a file: the type, and where its content lies.

    Args:
        content: the file.
        start: where the part begins.
        stop: where it ends.
        outermost: whether it is the whole file, which may be cut off.

    Raises:
        ValueError: a box ends before it begins, or behind the one that holds it.
    """
    count = 0
    while start + 8 <= stop:
        count += 1
        _check_count(count)
        size, kind = struct.unpack_from(">I4s", content, start)
        begins = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, begins)
            begins += 8
        ends = stop if size == 0 and outermost else start + size
        if ends < begins or (ends > stop and not outermost):
            raise ValueError("a box does not lie in the one that holds it")
        yield kind, range(begins, ends)
        start = ends


def _check_count(count: int) -> None:
    if count > _MAX_BOXES:
        raise ValueError("more boxes than any photo has")


def _orientation(tiff: bytes) -> int:
    exif = Image.Exif()
    try:
        exif.load(tiff)
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # Broken EXIF says nothing about the picture beside it.
        return 1
