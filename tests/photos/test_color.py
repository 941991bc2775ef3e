import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from quarters import assert_quarters, encoded, prepare, quarters, stored


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(format_name):
    photo = prepare(encoded(quarters().convert("CMYK"), format_name))
    assert photo.mode == "CMYK"
    assert_quarters(stored(photo))


def test_inks_are_shrunk_as_colours():
    """The mean of two colours' ink is not the ink of their mean, as black darkens all colours."""
    random = np.random.default_rng(4)
    image = Image.fromarray(random.integers(0, 256, (192, 320, 4), np.uint8), "CMYK")
    as_shown = stored(prepare(encoded(image.convert("RGB"), "PNG")))
    np.testing.assert_array_equal(stored(prepare(encoded(image, "TIFF"))), as_shown)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LAB", "RGBA", "LA"])
def test_modes_keep_their_look(mode):
    grey = mode in ("L", "1", "LA")
    image = quarters()
    if mode == "LAB":
        image = ImageCms.profileToProfile(
            image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    elif mode == "1":
        image = image.convert("L").point(lambda value: 255 * (value > 60), "1")
    else:
        image = image.convert(mode)
    photo = prepare(encoded(image, "TIFF"))
    assert photo.mode == mode
    if not grey:
        assert_quarters(stored(photo), tolerance=24)
        return
    for x, y in [(1, 1), (3, 3)]:
        at = (x * 160 // 4, y * 96 // 4)
        small = (x * 80 // 4, y * 48 // 4)
        looks = image.convert("L").getpixel(at)
        assert np.allclose(stored(photo).getpixel(small), looks, atol=6)


def _ramp(largest: float, dtype: type) -> np.ndarray:
    """Dark on the left, bright on the right: (64, 256)."""
    return np.tile(np.linspace(0, largest, 256), (64, 1)).astype(dtype)


@pytest.mark.parametrize(
    ("values", "format_name"),
    [
        (_ramp(65535, np.uint16), "PNG"),
        (_ramp(65535, np.uint16), "TIFF"),
        (_ramp(4095, np.uint16), "TIFF"),
        (_ramp(255, np.uint16), "TIFF"),
        (_ramp(65535, np.int32), "TIFF"),
        (_ramp(10**6, np.int32), "TIFF"),
        (_ramp(1, np.float32), "TIFF"),
        (_ramp(255, np.float32), "TIFF"),
    ],
    ids=["16 PNG", "16 TIFF", "12 TIFF", "8 in 16", "16 in 32", "32", "float 1", "float 255"],
)
def test_greys_of_many_bits_are_neither_black_nor_white(values, format_name):
    photo = prepare(encoded(Image.fromarray(values), format_name), stored_size=64)
    columns = np.asarray(stored(photo).convert("L")).mean(axis=0)
    assert np.allclose(columns, np.linspace(0, 255, 256), atol=3)
    assert photo.brightness == pytest.approx(127.5, abs=2)


def test_nan_and_infinity_do_not_damage_a_photo():
    values = _ramp(1, np.float32)
    values[:, :10] = np.nan
    values[:, 10:20] = np.inf
    photo = prepare(encoded(Image.fromarray(values), "TIFF"), stored_size=64)
    assert photo.brightness == pytest.approx(127.5, abs=6)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_a_transparent_image_is_put_on_white(format_name):
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (80, 48, 160, 96))
    options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
    assert_quarters(stored(prepare(encoded(image, format_name, **options))))


def test_a_transparent_palette_is_put_on_white():
    image = quarters().quantize(8)
    white = image.getpixel((159, 95))
    palette = image.getpalette()
    palette[3 * white : 3 * white + 3] = (0, 0, 0)
    image.putpalette(palette)
    assert_quarters(stored(prepare(encoded(image, "PNG", transparency=white))))


def _profile(red: tuple, green: tuple, blue: tuple) -> bytes:
    """A minimal ICC profile (version 2, matrix and gamma 2.2) with the given primaries in XYZ."""

    def fixed(values) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(values) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(values)

    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(83)
    tags = {
        b"desc": description, b"cprt": b"text\0\0\0\0free\0\0\0\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue),
        b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma,
    }  # fmt: skip
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    rest = struct.pack(">I", len(tags)) + table + body
    header = struct.pack(">I4sI4s4s4s", 128 + len(rest), b"none", 0x02400000, b"mntr", b"RGB ",
                         b"XYZ ")  # fmt: skip
    header += bytes(12) + b"acsp" + bytes(28) + fixed((0.9642, 1.0, 0.8249))
    return header + bytes(128 - len(header)) + rest


# sRGB's primaries, adapted to D50, as in its own profile.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


def test_an_icc_profile_is_applied():
    red, green, blue = quarters().split()
    mixed_up = Image.merge("RGB", (blue, green, red))
    content = encoded(mixed_up, "JPEG", quality=95, icc_profile=_profile(BLUE, GREEN, RED))
    assert_quarters(stored(prepare(content)))


@pytest.mark.parametrize("profile", [b"broken", _profile(RED, GREEN, BLUE)[:200]])
def test_a_photo_with_a_broken_profile_is_kept(profile):
    assert_quarters(stored(prepare(encoded(quarters(), "JPEG", quality=95, icc_profile=profile))))


def test_a_profile_of_another_colour_space_is_ignored():
    content = encoded(quarters().convert("CMYK"), "JPEG", icc_profile=_profile(RED, GREEN, BLUE))
    assert_quarters(stored(prepare(content)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("gamma", [1.0, 0.25, 0.45455])
def test_a_pngs_gamma_is_obeyed(gamma, bits):
    """Values are the light to that power; sRGB's are so to 1 / 2.2, but in the dark."""
    light = np.linspace(0.03, 1, 256)
    values = np.tile(np.round((2**bits - 1) * light**gamma), (64, 1))
    chunk = PngImagePlugin.PngInfo()
    chunk.add(b"gAMA", struct.pack(">I", round(100_000 * gamma)))
    image = Image.fromarray(values.astype(np.uint8 if bits == 8 else np.uint16))
    photo = prepare(encoded(image, "PNG", pnginfo=chunk), stored_size=64)
    columns = np.asarray(stored(photo).convert("L"), float).mean(axis=0)
    assert np.allclose(columns, 255 * light ** (1 / 2.2), atol=4)


@pytest.mark.parametrize("said", [(b"sRGB", b"\0"), (b"gAMA", bytes(4))])
def test_no_gamma_counts_beside_srgb_nor_one_that_is_none(said):
    image = quarters()
    chunks = PngImagePlugin.PngInfo()
    if said[0] == b"sRGB":
        chunks.add(b"gAMA", struct.pack(">I", 100_000))
    chunks.add(*said)
    assert_quarters(stored(prepare(encoded(image, "PNG", pnginfo=chunks))))
