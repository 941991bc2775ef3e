"""Build HEIC files box by box from a sample's coded picture: grids, contradictions and bombs."""

import struct
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"

HEVC, GRID, EXIF = b"hvc1", b"grid", b"Exif"

CODED = (64, 64)
"""The sides of a sample's coded picture; a 64x48 one has extra rows that `clap` cuts off."""

TILES = [f"tile_{colour}.heic" for colour in ("red", "green", "blue", "white")]


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def box(kind: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I4s", 8 + len(whole), kind) + whole


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def ispe(width: int, height: int) -> bytes:
    return full_box(b"ispe", 0, 0, struct.pack(">II", width, height))


def irot(quarters_left: int) -> bytes:
    return box(b"irot", bytes([quarters_left]))


def clap(width: int, height: int) -> bytes:
    """Cut off a coded picture's right and lower edge."""
    across, down = width - CODED[0], height - CODED[1]
    return box(b"clap", struct.pack(">8i", width, 1, height, 1, across, 2, down, 2))


def coded(name: str) -> tuple[bytes, bytes]:
    """The configuration and the content of a sample's only picture."""
    content = sample(name)
    start = content.index(b"hvcC") - 4
    config = content[start : start + int.from_bytes(content[start : start + 4], "big")]
    data = content[content.index(b"mdat") + 4 :]
    end = 0
    while end + 4 <= len(data):  # up to the EXIF, which does not begin with a unit's length
        unit = int.from_bytes(data[end : end + 4], "big")
        if not 0 < unit <= len(data) - end - 4:
            break
        end += 4 + unit
    return config, data[:end]


def exif(orientation: int) -> bytes:
    tiff = (
        b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1" + struct.pack(">HH", orientation, 0) + bytes(4)
    )
    return bytes(4) + tiff


class HeifWriter:
    """Collects items and writes the file; the first item is the main picture."""

    def __init__(self) -> None:
        self._items: list[tuple[bytes, bytes, list[bytes]]] = []
        self._references: list[bytes] = []

    def add(self, kind: bytes, content: bytes, *properties: bytes) -> int:
        """Add an item; its number is returned."""
        self._items.append((kind, content, list(properties)))
        return len(self._items)

    def refer(self, kind: bytes, item: int, *others: int) -> None:
        ids = struct.pack(f">HH{len(others)}H", item, len(others), *others)
        self._references.append(box(kind, ids))

    def written(self, brand: bytes = b"heic") -> bytes:
        head = box(b"ftyp", brand, bytes(4), b"mif1", b"heic")
        meta = self._meta(0)
        return head + self._meta(len(head) + len(meta) + 8) + box(b"mdat", self._data())

    def _data(self) -> bytes:
        return b"".join(content for _, content, _ in self._items)

    def _meta(self, start: int) -> bytes:
        infos, places, shared, owners = [], [], [], []
        for number, (kind, content, properties) in enumerate(self._items, 1):
            infos.append(full_box(b"infe", 2, 0, struct.pack(">HH4sx", number, 0, kind)))
            places.append(struct.pack(">HHHII", number, 0, 1, start, len(content)))
            start += len(content)
            first = len(shared) + 1
            shared += properties
            owned = [0x8000 | n for n in range(first, first + len(properties))]
            owners.append(struct.pack(f">HB{len(owned)}H", number, len(owned), *owned))
        count = struct.pack(">H", len(self._items))
        return full_box(
            b"meta", 0, 0,
            full_box(b"hdlr", 0, 0, struct.pack(">I4s12xx", 0, b"pict")),
            full_box(b"pitm", 0, 0, struct.pack(">H", 1)),
            full_box(b"iloc", 0, 0, b"\x44\0", count, *places),
            full_box(b"iinf", 0, 0, count, *infos),
            box(
                b"iprp",
                box(b"ipco", *shared),
                full_box(b"ipma", 0, 1, struct.pack(">I", len(owners)), *owners),
            ),
            full_box(b"iref", 0, 0, *self._references),
        )  # fmt: skip


def single(*properties: bytes, size=CODED, orientation=0, brand=b"heic") -> bytes:
    """A file of the picture of 64x48 pixels, which may claim other sides."""
    config, data = coded("boxes_1.heic")
    file = HeifWriter()
    picture = file.add(HEVC, data, config, ispe(*size), clap(64, 48), *properties)
    if orientation:
        file.refer(b"cdsc", file.add(EXIF, exif(orientation)), picture)
    return file.written(brand)


def grid(*properties: bytes, size=(120, 96), tile=CODED, copies=1, orientation=0) -> bytes:
    """A file of a grid, two tiles wide and high, or as many times that."""
    file = HeifWriter()
    side = 2 * copies - 1  # counted from 0
    shape = struct.pack(">BBBBHH", 0, 0, side, side, *size)
    picture = file.add(GRID, shape, ispe(*size), *properties)
    names = [n for row in (TILES[:2], TILES[2:]) for _ in range(copies) for n in row * copies]
    tiles = []
    for name in names:
        config, data = coded(name)
        tiles.append(file.add(HEVC, data, config, ispe(*tile)))
    file.refer(b"dimg", picture, *tiles)
    if orientation:
        file.refer(b"cdsc", file.add(EXIF, exif(orientation)), picture)
    return file.written()
