"""Compares the served graph with ingestion, whose photos the model is evaluated on."""

import functools
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from customer_age.components.canary import edge_case_images
from customer_age.components.trainer import images
from customer_age.components.trainer.serving_graph import file_headers, served_photos
from customer_age.components.trainer.serving_graph.header import BMP, GIF, JPEG, OTHER, PNG
from customer_age.photos import decode
from customer_age.photos.color import resizable, to_srgb
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.refusals import Reason

SIZE = 48
SPEC = PhotoSpec(min_size=2)
_prepare = tf.function(
    lambda encoded: served_photos.prepare(encoded, SIZE, SPEC),
    input_signature=[tf.TensorSpec([], tf.string)],
)
_header = tf.function(file_headers.read, input_signature=[tf.TensorSpec([], tf.string)])


def _picture(width=80, height=60):
    """Create a picture whose corners have four different colours."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 255 - across / 2], -1).astype(np.uint8))


def _file(image, file_format="JPEG", **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _check_as_in_ingestion(file, spec=SPEC):
    """Compare the network's input; one stored pixel may be rounded differently."""
    square, reason = _prepare(file) if spec == SPEC else served_photos.prepare(file, SIZE, spec)
    assert reason == b""
    difference = np.abs(square - images.square(prepare_photo(file, spec).encoded, SIZE))
    assert difference.max() <= 2
    assert difference.mean() < 0.1  # a smooth gradient has many halves to round


def _exif(orientation, little=True, tags_before=0):
    """Return the content of an APP1 segment; Pillow writes only one byte order."""
    order = "little" if little else "big"
    tags = [(0x0100 + tag, 3, 7) for tag in range(tags_before)] + [(0x0112, 3, orientation)]
    entries = b"".join(
        tag.to_bytes(2, order) + kind.to_bytes(2, order) + (1).to_bytes(4, order)
        + value.to_bytes(2, order) + bytes(2)
        for tag, kind, value in tags
    )  # fmt: skip
    tiff = (b"II" if little else b"MM") + (42).to_bytes(2, order) + (8).to_bytes(4, order)
    return b"Exif\0\0" + tiff + len(tags).to_bytes(2, order) + entries + bytes(4)


def _segment(marker, content):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("shape", [(80, 60), (60, 80)])
def test_every_exif_orientation_is_turned_upright(shape, file_format):
    upright = _picture(*shape)
    for lies in edge_case_images.turned(upright, file_format):
        _check_as_in_ingestion(lies)
        np.testing.assert_allclose(
            _prepare(lies)[0], images.fitted(np.asarray(upright), SIZE), atol=8
        )


def _xmp(description, name=b"http://ns.adobe.com/xap/1.0/\0"):
    jpeg = _file(_picture())
    return jpeg[:2] + _segment(0xE1, name + description) + jpeg[2:]


@pytest.mark.parametrize(
    ("description", "orientation"),
    [
        (b'<rdf:Description tiff:Orientation="6"/>', 6),
        (b"<tiff:Orientation>8</tiff:Orientation>" + bytes(range(256)), 8),
        (b'tiff:Orientation="9"', 1),
        (b"tiff:Orientation", 1),
        (b"nothing \xff\xd8", 1),
    ],
)
def test_a_jpeg_without_exif_is_turned_by_its_xmp(description, orientation):
    file = _xmp(description)
    assert _header(file).orientation == orientation
    _check_as_in_ingestion(file)


def test_exif_has_precedence_over_xmp_and_a_comment_is_neither():
    file = _xmp(b'tiff:Orientation="6"')
    for value in (3, 77):
        both = file[:2] + _segment(0xE1, _exif(value)) + file[2:]
        assert _header(both).orientation == (3 if value == 3 else 1)
        _check_as_in_ingestion(both)
    comment = _file(_picture(), comment=b'tiff:Orientation="6"')
    assert _header(comment).orientation == 1


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("tags_before", [0, 15])
@pytest.mark.parametrize("orientation", range(10))
def test_exif_is_read_in_both_byte_orders_and_after_other_segments(
    little, tags_before, orientation
):
    plain = _file(_picture())
    before = _segment(0xE0, b"JFIF\0" + bytes(9)) + _segment(0xE2, bytes(60_000)) + b"\xff"
    content = _segment(0xE1, _exif(orientation, little, tags_before))
    header = _header(plain[:2] + before + content + plain[2:])
    assert header.orientation == (orientation if 1 <= orientation <= 8 else 1)
    assert (header.width, header.height) == (80, 60)


@pytest.mark.parametrize(
    ("file_format", "known"),
    [
        ("JPEG", JPEG),
        ("PNG", PNG),
        ("GIF", GIF),
        ("BMP", BMP),
        ("TIFF", OTHER),
        ("WEBP", OTHER),
    ],
)
def test_sides_and_format_are_read_before_anything_is_decoded(file_format, known):
    header = _header(_file(_picture(301, 207), file_format))
    assert header.format == known
    sides = (301, 207) if known != OTHER else (0, 0)
    assert (int(header.width), int(header.height)) == sides


def test_a_bmp_with_the_top_row_first_has_a_height():
    upright = _file(_picture(), "BMP")
    rows_down = upright[:22] + (2**32 - 60).to_bytes(4, "little") + upright[26:]
    assert _header(rows_down).height == 60


@functools.cache
def _of_each_kind():
    """Files with all that the graph reads: transparency, gamma, profiles, EXIF and XMP."""
    picture = _picture()
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = colours.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    see_through = picture.convert("RGBA")
    see_through.putalpha(120)
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    return [
        *(_file(picture, kind) for kind in ("JPEG", "PNG", "GIF", "BMP")),
        *(_file(picture, kind, icc_profile=colours) for kind in ("JPEG", "PNG")),
        _file(see_through, "PNG"),
        _with_chunks(_file(picture.convert("L"), "PNG"), gamma),
        _xmp(b'tiff:Orientation="6"'),
        _bmp_with_alpha(120)[0],
        next(edge_case_images.turned(picture, "PNG")),
    ]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_bytes_never_raise(data):
    whole = data.draw(st.sampled_from(_of_each_kind()))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    square, reason = _prepare(bytes(damaged))
    assert bool(np.isnan(square.numpy()).any()) == (reason.numpy() != b"")


def _pngs():
    """PNGs of each colour type and bit depth, with transparency and without."""
    picture = _picture()
    ramp = Image.linear_gradient("L").resize(picture.size)
    see_through = picture.copy()
    see_through.putalpha(ramp)
    grey = picture.convert("L")
    yield from (_file(picture.convert(mode), "PNG") for mode in ("1", "L", "RGB"))
    yield from (_file(see_through.convert(mode), "PNG") for mode in ("LA", "RGBA"))
    yield _file(picture, "PNG", transparency=picture.getpixel((5, 5)))
    for colours in (2, 4, 16, 256):  # 1, 2, 4 and 8 bits
        palette = picture.quantize(colours)
        yield _file(palette, "PNG")
        yield _file(palette, "PNG", transparency=palette.getpixel((5, 5)))
    yield _file(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG")


def test_a_png_of_each_kind_is_read_as_in_ingestion():
    for file in _pngs():
        _check_as_in_ingestion(file)


def test_transparent_pngs_are_shrunk_as_in_ingestion():
    """The pixels that can be seen count; those of other colours behind them do not."""
    photo = _picture(700, 600).convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    for mode in ("RGBA", "LA"):
        _check_as_in_ingestion(_file(photo.convert(mode), "PNG"))
    palette = _picture(700, 600).quantize(16)
    _check_as_in_ingestion(_file(palette, "PNG", transparency=palette.getpixel((5, 5))))


@pytest.mark.parametrize("largest", [200, 3000, 65535])
def test_greys_of_16_bits_are_scaled_as_in_ingestion(largest):
    grey = np.asarray(_picture(700, 600).convert("L"), np.float32) * (largest / 255)
    _check_as_in_ingestion(_file(Image.fromarray(grey.astype(np.uint16)), "PNG"))


def _with_chunks(png, *chunks):
    """Insert chunks before the pixels of a PNG."""
    written = b"".join(
        struct.pack(">I", len(content)) + name + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )  # fmt: skip
    place = png.index(b"IDAT") - 4
    return png[:place] + written + png[place:]


@pytest.mark.parametrize("gamma", [100_000, 45_455, 55_555, 9_000, 2_000_000, 0])
@pytest.mark.parametrize("mode", ["L", "RGB", "LA"])
def test_a_stated_gamma_is_applied_as_in_ingestion(gamma, mode):
    stated = (b"gAMA", struct.pack(">I", gamma))
    png = _file(_picture().convert(mode), "PNG")
    _check_as_in_ingestion(_with_chunks(png, stated))
    _check_as_in_ingestion(_with_chunks(png, (b"sRGB", b"\0"), stated))
    assert _header(_with_chunks(png, (b"sRGB", b"\0"), stated)).gamma == 0


def _bmp_with_alpha(alpha):
    """Return a BMP of 8x4 pixels with the fifth version of the header, and its pixels on white."""
    pixels = np.zeros((4, 8, 4), np.uint8)  # blue, green, red, alpha; the lowest row first
    pixels[..., :3] = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)
    pixels[..., 3] = alpha
    masks = b"".join(mask.to_bytes(4, "little") for mask in (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    numbers = [(124, 4), (8, 4), (4, 4), (1, 2), (32, 2), (3, 4), (128, 4)]
    header = b"".join(number.to_bytes(size, "little") for number, size in numbers)
    header = (header + bytes(16) + masks + b"BGRs").ljust(124, b"\0")
    file = b"BM" + (14 + 124 + 128).to_bytes(4, "little") + bytes(4) + (138).to_bytes(4, "little")
    upright = pixels[::-1, :, 2::-1].astype(float)
    return file + header + pixels.tobytes(), np.round(255 - (255 - upright) * alpha / 255)


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_transparent_parts_of_a_bmp_are_white(alpha):
    file, expected = _bmp_with_alpha(alpha)
    ours = to_srgb(resizable(Image.open(io.BytesIO(file))))
    np.testing.assert_allclose(ours, expected, atol=1)
    _check_as_in_ingestion(file)


def test_a_photo_that_cannot_be_used_has_a_reason():
    reasons = [_prepare(each)[1].numpy() for each in edge_case_images.unusable(_picture(), 2)]
    assert reasons == [
        b"file_empty", b"not_an_image", b"damaged", b"damaged",
        *[b"format_unsupported"] * 4, b"too_many_pixels", b"too_small",
    ]  # fmt: skip


def test_a_bmp_that_tensorflow_would_misread_is_refused():
    """It reads a palette's indexes as greys: an age 18 years from that of the same picture."""
    for image in (_picture().quantize(64), _picture().convert("L"), _picture().convert("1")):
        _, reason = _prepare(_file(image, "BMP"))
        assert reason.numpy().decode() == Reason.FORMAT_UNSUPPORTED
    for changed in ((28, 16), (30, 1), (14, 12)):  # bits, compression, the header of OS/2
        file = bytearray(_file(_picture(), "BMP"))
        file[changed[0]] = changed[1]
        assert _prepare(bytes(file))[1].numpy().decode() == Reason.FORMAT_UNSUPPORTED, changed


@pytest.mark.parametrize("file_format", ["WEBP", "TIFF", "AVIF", "JPEG2000", "ICO", "PDF"])
def test_another_format_and_a_file_without_an_image_have_different_reasons(
    file_format,
):
    assert _prepare(_file(_picture(), file_format))[1] == Reason.FORMAT_UNSUPPORTED.encode()
    for beginning in (b"II+\0", b"MM\0+", b"\xff\xd8\xff\xf7"):  # BigTIFF, JPEG-LS
        assert _prepare(beginning + bytes(99))[1] == Reason.FORMAT_UNSUPPORTED.encode()
    for no_picture in (b"text", b"ftyp", b"RIFF----WAVE", bytes(99), b"\xff\xfe\x80"):
        assert _prepare(no_picture)[1] == Reason.NOT_AN_IMAGE.encode()


def test_the_limits_are_those_of_ingestion():
    for name in ("MAX_FILE_BYTES", "MAX_PIXELS", "MAX_DECODED_PIXELS", "MAX_SIDE"):
        assert getattr(served_photos, name) == getattr(decode, name)


@pytest.mark.parametrize(
    "kinds",
    [edge_case_images.coloured, edge_case_images.few_colours, edge_case_images.grey],
)
def test_all_formats_that_the_graph_decodes_are_prepared_as_in_ingestion(kinds):
    for side in (120, 480):
        for encoded in kinds(_picture(side * 4 // 3, side)):
            _check_as_in_ingestion(encoded)


@pytest.mark.parametrize("side", [511, 1023, 1024, 2100, 4200])
def test_a_large_jpeg_is_decoded_smaller_as_in_ingestion(side):
    _check_as_in_ingestion(_file(_picture(side * 4 // 3, side), quality=95))


@pytest.mark.parametrize(
    "shape", [(511, 700), (1023, 1400), (1025, 1301), (2100, 1999), (300, 3001)]
)
def test_a_large_png_is_shrunk_as_in_ingestion(shape):
    _check_as_in_ingestion(_file(_picture(*shape), "PNG", compress_level=1))


@pytest.mark.parametrize(
    "spec",
    [PhotoSpec(stored_size=64, jpeg_quality=60), PhotoSpec(stored_size=500, jpeg_quality=100)],
)
def test_the_photo_settings_of_the_training_apply(spec):
    _check_as_in_ingestion(_file(_picture(640, 480)), spec)
    assert served_photos.prepare(_file(_picture(40, 31)), SIZE, spec)[1] == b"too_small"


def test_one_photo_in_two_sizes_fills_the_same_rows():
    sizes = [(200, 150), (341, 256), (4000, 3000)]
    squares = [images.fitted(np.full((h, w, 3), 255, np.uint8), 96) for w, h in sizes]
    for one, other in itertools.pairwise(squares):
        np.testing.assert_allclose(one, other, atol=0.01)


def test_damaged_exif_is_not_an_error():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = exif.tobytes()
    for cut in range(0, len(content), 3):
        assert _prepare(_file(_picture(), exif=content[:cut] or b""))[1] == b""
