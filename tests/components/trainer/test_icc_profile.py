"""Compares the graph's conversion of ICC profiles with ingestion's, which is LittleCMS's."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms

from customer_age.components.trainer.serving_graph import file_headers, icc_profile
from customer_age.photos.color import to_srgb

DISPLAY_P3 = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""X, Y and Z of red, green and blue."""


def _fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _power(*parameters):
    """A curve of type `para`."""
    function = {1: 0, 3: 1, 4: 2, 5: 3, 7: 4}[len(parameters)]
    return b"para\0\0\0\0" + struct.pack(">HH", function, 0) + _fixed(*parameters)


def _table(*values):
    """A curve of type `curv`."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


SRGB_CURVE = _power(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "type 0": _power(1.8),
    "type 1": _power(2.2, 1.1, -0.1),
    "type 2": _power(2.2, 1.1, -0.1, 0),
    "type 3": SRGB_CURVE,
    "type 4": _power(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0),
    "the values themselves": _table(),
    "a power": _table(round(2.2 * 256)),
    "a table": _table(*(round(65535 * (i / 1023) ** 2.2) for i in range(1024))),
    "a short table": _table(0, 9000, 65535),
}


def profile(colours=DISPLAY_P3, curves=(SRGB_CURVE,) * 3, name="a screen", more=()):
    """Build a profile of a matrix and three curves."""
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = [(b"desc", described), (b"wtpt", b"XYZ \0\0\0\0" + _fixed(0.9642, 1, 0.8249))]
    for letter, colour, curve in zip("rgb", colours, curves, strict=True):
        tags.append((f"{letter}XYZ".encode(), b"XYZ \0\0\0\0" + _fixed(*colour)))
        tags.append((f"{letter}TRC".encode(), curve))
    tags += more
    directory, data = struct.pack(">I", len(tags)), b""
    for tag, content in tags:
        directory += tag + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">II4s4s4s4s", 0, 0, b"\x04\x30\0\0", b"mntr", b"RGB ", b"XYZ ")
    head = (head.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + _fixed(0.9642, 1, 0.8249)
    whole = head.ljust(128, b"\0") + directory + data
    return struct.pack(">I", len(whole)) + whole[4:]


def _picture():
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (90, 70, 3), np.uint8))


@tf.function(
    input_signature=[tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([], tf.string)]
)
def _in_srgb(photo, content):
    parsed = icc_profile.parse(content)
    converted = tf.cond(parsed.is_usable, lambda: icc_profile.in_srgb(photo, parsed), lambda: photo)
    return converted, parsed.is_usable


def _check_as_littlecms(content):
    picture = _picture()
    converted, is_usable = _in_srgb(np.asarray(picture), content)
    assert bool(is_usable)
    picture.info["icc_profile"] = content
    expected = np.asarray(to_srgb(picture)).astype(int)
    assert (np.abs(expected - np.asarray(picture)) > 2).mean() > 0.2, "the test would not notice"
    difference = np.abs(expected - converted.numpy())
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("colours", [DISPLAY_P3, ADOBE_RGB])
def test_colours_are_converted_as_littlecms_does(colours, curve):
    _check_as_littlecms(profile(colours, (CURVES[curve],) * 3))


@pytest.mark.parametrize(
    ("curve", "light"),
    [
        (_power(2, 0.5, 0.25), lambda x: (0.5 * x + 0.25) ** 2),
        (_power(2, 2, -1, 0.125), lambda x: np.where(x >= 0.5, (2 * x - 1) ** 2, 0) + 0.125),
        (_power(2, 1, 0, 0.5, 0.5), lambda x: np.where(x >= 0.5, x**2, 0.5 * x)),
        (
            _power(2, 1, 0, 0.25, 0.5, 0.125, 0.0625),
            lambda x: np.where(x >= 0.5, x**2 + 0.125, 0.25 * x + 0.0625),
        ),
    ],
)
def test_a_curve_may_have_light_at_black(curve, light):
    """LittleCMS would compensate for the black, which no screen's profile has."""
    curves = icc_profile.parse(tf.constant(profile(curves=(curve,) * 3))).curves
    expected = np.floor(light(np.linspace(0, 1, 256)) * 2**14 + 0.5)
    np.testing.assert_array_equal(curves, [expected] * 3)


def test_each_channel_has_its_own_curve_and_colour():
    red, green, blue = ADOBE_RGB
    curves = (CURVES["type 0"], CURVES["a table"], CURVES["a power"])
    _check_as_littlecms(profile((green, blue, red), curves))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(500),
        profile()[:140],
        profile(name="my sRGB"),
        profile().replace(b"desc\0\0", b"desc\xf0\0", 1)[:300],
        profile(curves=(b"nope" + bytes(20),) * 3),
        profile(more=[(b"A2B0", bytes(40))]),
        profile().replace(b"XYZ \0\0\0\0", b"ABC \0\0\0\0"),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
)
def test_a_profile_that_cannot_or_need_not_be_applied_changes_nothing(content):
    photo = np.asarray(_picture())
    converted, is_usable = _in_srgb(photo, content)
    assert not bool(is_usable)
    np.testing.assert_array_equal(converted, photo)


_content = tf.function(
    lambda file: icc_profile.content(file, file_headers.read(file)),
    input_signature=[tf.TensorSpec([], tf.string)],
)


def _file(image, file_format, **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_the_profile_is_found_in_a_colour_picture(file_format):
    picture, wanted = _picture(), profile()
    assert _content(_file(picture, file_format)) == b""
    assert _content(_file(picture, file_format, icc_profile=wanted)) == wanted
    assert _content(_file(picture.convert("L"), file_format, icc_profile=wanted)) == b""
    if file_format == "PNG":
        palette = picture.quantize(16)
        assert _content(_file(palette, "PNG", icc_profile=wanted)) == wanted
        see_through = picture.convert("RGBA")
        assert _content(_file(see_through, "PNG", icc_profile=wanted)) == wanted


def test_a_profile_in_two_segments_is_ignored():
    large = profile(more=[(b"junk", bytes(70_000))])
    assert _content(_file(_picture(), "JPEG", icc_profile=large)) == b""


def test_a_damaged_or_huge_compressed_profile_is_ignored():
    png = _file(_picture(), "PNG", icc_profile=profile())
    place = png.index(b"iCCP") + 20
    assert _content(png[:place] + b"\xff\xff\xff\xff" + png[place + 4 :]) == b""
    chunk = b"iCCPname\0\0" + zlib.compress(bytes(2**25))
    written = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    plain = _file(_picture(), "PNG")
    assert _content(plain[:33] + written + plain[33:]) == b""
