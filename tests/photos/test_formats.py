"""The formats that are read: the page about them, the schema and the decoder agree."""

import re
from pathlib import Path

import heif_writer
import pytest
from quarters import encoded, prepare, quarters

from customer_age.photos import decode, formats
from customer_age.schema import schema_file
from customer_age.schema.refusals import PhotoRefused, Reason

PAGE = Path(__file__).parents[2] / "docs" / "photos.md"


def tiff(tag: int, value: object) -> bytes:
    return encoded(quarters(), "TIFF", tiffinfo={tag: value})


def tga(image=None, **options) -> bytes:
    """A TGA without a footer: Pillow adds one that identifies the format."""
    return encoded(image or quarters(), "TGA", **options)[:-26]


SUBFILE_TYPE, DNG_VERSION, SAMPLE_FORMAT = 254, 50706, 339

FILES = {
    "JPEG 2000": [encoded(quarters(), "JPEG2000"), encoded(quarters(), "JPEG2000", no_jp2=True)],
    "JPEG XL": [b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), b"\xff\x0a\xfa\x1f\x01\x90" + bytes(99)],
    "JPEG XR": [b"II\xbc\x01" + bytes(99)],
    "RAW": [
        tiff(SUBFILE_TYPE, 1), tiff(DNG_VERSION, b"\1\4\0\0"),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(99),
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99), b"FUJIFILMCCD-RAW 0201" + bytes(99),
        b"IIRO\x08\0" + bytes(99), b"IIU\0\x18" + bytes(99), b"FOVb" + bytes(99),
    ],
    "JPEG-LS": [b"\xff\xd8\xff\xf7\0\x11" + bytes(99) + b"\xff\xd9"],
    "TIFF with unusual pixels": [tiff(SAMPLE_FORMAT, (3, 3, 3))],
    "PSD": [b"8BPS\0\1" + bytes(99)],
    "ICO": [encoded(quarters((32, 32)), "ICO")],
    "TGA": [
        encoded(quarters(), "TGA"), tga(), tga(quarters().quantize(8)), tga(compression="tga_rle"),
    ],
    "PNM": [encoded(quarters(), "PPM"), encoded(quarters().convert("L"), "PPM")],
    "OpenEXR": [b"\x76\x2f\x31\x01\x02" + bytes(99)],
    "PDF": [encoded(quarters(), "PDF"), b"\n\n%PDF-1.7"],
    "EPS": [encoded(quarters(), "EPS"), b"\xc5\xd0\xd3\xc6" + bytes(99)],
    "SVG": [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg width='3'/>",
    ],
    "HEIF with another codec than HEVC": [
        heif_writer.single(brand=b"avci").replace(b"mif1heic", b"mif1miaf"),
    ],
    "video": [
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99), b"\0\0\0\x14ftypqt  " + bytes(99),
    ],
    "AppleDouble (macOS's metadata of a file)": [b"\0\x05\x16\x07\0\2\0\0" + bytes(99)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"), [(name, content) for name, files in FILES.items() for content in files]
)
def test_a_format_that_is_not_read_is_refused_by_its_name(name, content):
    with pytest.raises(PhotoRefused) as caught:
        prepare(content)
    assert caught.value.reason == Reason.FORMAT_UNSUPPORTED
    assert caught.value.detail == (
        f"the format is {name}, which is not read: save the photo as one of JPEG, PNG, WebP, TIFF, "
        "BMP, GIF, HEIC, AVIF"
    )


def test_every_format_that_is_not_read_is_tried_above():
    assert {each.name for each in formats.NEVER_READ} <= set(FILES)


def test_an_ordinary_tiff_is_not_a_raw_file():
    assert {prepare(tiff(SUBFILE_TYPE, kind)).format for kind in (0, 2)} == {"TIFF"}


@pytest.mark.parametrize("content", [b"text", bytes(999), b"\xff\xd8", b"II", b"\0\0\0\x18ftyp"])
def test_an_unknown_format_has_no_name(content):
    assert formats.name_of(content) in ("", "video")


def test_every_suffix_belongs_to_one_format():
    assert len(set(formats.SUFFIXES)) == len(formats.SUFFIXES)
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in formats.SUFFIXES)


def test_the_list_the_decoder_and_the_schema_agree():
    read = {pillow for each in formats.FORMATS for pillow in each.pillow}
    assert {*decode.FORMATS, "MPO", *decode._box_formats()} == read
    allowed = re.search(r'name: "format"(.*?)\}', schema_file.SCHEMA_FILE.read_text(), re.DOTALL)
    assert set(re.findall(r'value: "(\w+)"', allowed[1])) == read


def test_the_page_shows_the_list():
    shown = {}
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip().replace("`", "") for cell in row.strip("|").split(" | ")]
        if len(cells) == 3 and cells[1].startswith("."):
            shown[cells[0]] = (tuple(cells[1].split(" ")), cells[2])
    assert shown == {each.name: (each.suffixes, _read(each)) for each in formats.FORMATS}


def _read(format: formats.PictureFormat) -> str:
    if format.needs:
        return f"with {format.needs}"
    return "yes" if format.pillow else "no"
