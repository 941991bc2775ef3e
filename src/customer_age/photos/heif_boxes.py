"""Read the sizes and the orientation of a HEIC or AVIF file's pictures before they are decoded.

The orientation of the main picture has two sources. Every decoder applies the boxes `irot` and
`imir`, which belong to the picture; EXIF's orientation is only for information (ISO/IEC 23008-12,
6.5.10, 6.5.12 and annex A). Cameras write both with the same meaning. Some programs write only
EXIF's, and phones and macOS then turn the picture by it. But libheif ignores EXIF, and Pillow
overwrites it, so it is read here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ExifTags, Image

_TURNING = (b"irot", b"imir")
_MAX_BOXES = 4096
"""The most boxes in one box, and the most items; a grid of tiles has some hundred."""

_MAX_DEPTH = 8
"""The most levels of pictures made of other pictures; a grid has 1."""

_MAX_EXTENTS = 32
_MAX_EXIF_BYTES = 2**20


_OF_PICTURES = (b"meta", b"mdat", b"moov")
"""The outermost boxes that are read; some phones write other data after them."""


@dataclass(frozen=True)
class Pictures:
    """The sizes and the orientation of a file's pictures.

    Attributes:
        largest: width and height, in pixels, of the largest picture, which may be a tile of the
            main one or its alpha.
        pixels: all pixels that are decoded for the main picture, with all tiles.
        turned_by_boxes: whether boxes set the main picture's orientation, even to upright.
        exif_turn: EXIF's orientation of the main picture, 1 to 8; 1 if there is none, or if the
            boxes set it.
    """

    largest: tuple[int, int]
    pixels: int
    turned_by_boxes: bool
    exif_turn: int


_DAMAGE = (struct.error, IndexError, KeyError, ValueError)


def read(content: bytes) -> Pictures | None:
    """Read the boxes of a file; return None if it is damaged or has no main picture."""
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
    """Return the same file without references from metadata to a picture: no EXIF and no text.

    pi-heif reads all metadata, and crashes at a type that is not text. So the name of the
    reference (`cdsc`) is replaced everywhere in the boxes, even in damaged ones.
    """
    changed = bytearray(content)
    for kind, box in _boxes(content, 0, len(content), outermost=True):
        if kind != b"mdat":
            changed[box.start : box.stop] = changed[box.start : box.stop].replace(b"cdsc", b"free")
    return bytes(changed)


def is_cut(content: bytes) -> bool:
    """Return whether a file ends before the end of one of its outermost boxes."""
    try:
        boxes = list(_boxes(content, 0, len(content), outermost=True))
    except _DAMAGE:
        return False
    return any(box.stop > len(content) for kind, box in boxes if kind in _OF_PICTURES)


class _Meta:
    """The box `meta` of a file: its items and their properties."""

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
        """Yield the width and height of each picture, in pixels."""
        for kind, box in self._shared:
            if kind == b"ispe":
                yield self._number(box.start + 4, 4), self._number(box.start + 8, 4)

    def properties(self) -> Iterator[bytes]:
        """Return the types of the boxes that belong to the main picture."""
        return (kind for kind, _ in self._properties(self._main))

    def pixels(self) -> int:
        """Return the pixels of the main picture and of all pictures that it is made of.

        A picture that is used several times is decoded and counted several times.

        Raises:
            ValueError: they are nested more deeply than in any real photo.
        """
        parts: dict[int, tuple[int, ...]] = dict(self._references(b"dimg"))
        counted: dict[int, int] = {}

        def count(item: int, depth: int) -> int:
            if depth > _MAX_DEPTH:
                raise ValueError("pictures are nested too deeply, or in a circle")
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
        """Return the main picture's EXIF from its TIFF header on; empty if there is none."""
        of_main = {item for item, others in self._references(b"cdsc") if self._main in others}
        for item in self._items(b"Exif"):
            if item in of_main:
                held = self._held(item)
                return held[4 + int.from_bytes(held[:4], "big") :]
        return b""

    def _properties(self, item: int) -> Iterator[tuple[bytes, range]]:
        return (self._shared[number - 1] for number in self._owned.get(item, ()) if number)

    def _associate(self, box: range) -> None:
        """Read a box `ipma`, which maps each item to the numbers, from 1, of its properties."""
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
        """Yield the numbers of the items of one type."""
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
        """Yield the references of one type: the item, and the items that it refers to."""
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
        """Return the content of an item, located by the box `iloc`."""
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
        """Return the version of a box that has one, and the position of its content."""
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
    """Yield the boxes in a part of a file: the type, and the range of the content.

    Args:
        content: the file.
        start: where the part begins.
        stop: where it ends.
        outermost: whether the part is the whole file, which may be cut off.

    Raises:
        ValueError: a box ends before it begins, or after the box that contains it.
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
            raise ValueError("a box ends outside the box that contains it")
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
    except Exception:  # The picture may be good although its EXIF is broken.
        return 1
