import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageDraw

from customer_age.photos import prepare as photos
from customer_age.schema.refusals import PhotoRefused, Reason

SEEN = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def quarters(size=(160, 96)) -> Image.Image:
    """Four colours, one in each corner: shows every turn and every mix-up of colours."""
    width, height = size
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), "red")
    draw.rectangle((width // 2, 0, width, height // 2 - 1), "green")
    draw.rectangle((0, height // 2, width // 2 - 1, height), "blue")
    return image


def encoded(image: Image.Image, format_name: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def prepare(content: bytes, stored_size=48, min_size=16) -> photos.Photo:
    return photos.prepare(content, stored_size, min_size, 95)


def stored(photo: photos.Photo) -> Image.Image:
    image = Image.open(io.BytesIO(photo.encoded))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def assert_quarters(image: Image.Image, tolerance=12):
    width, height = image.size
    for name, x, y in [("red", 1, 1), ("green", 3, 1), ("blue", 1, 3), ("white", 3, 3)]:
        pixel = image.getpixel((x * width // 4, y * height // 4))
        assert np.allclose(pixel, SEEN[name], atol=tolerance), (name, pixel)


# What a camera that was held so would have stored, for the scene to come out upright.
TURNED_BY_CAMERA = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", TURNED_BY_CAMERA)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_photo_comes_out_upright(format_name, orientation):
    turn = TURNED_BY_CAMERA[orientation]
    image = quarters() if turn is None else quarters().transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photo = prepare(encoded(image, format_name, exif=exif))
    assert stored(photo).size == (80, 48)
    assert (photo.width, photo.height) == (160, 96)
    assert_quarters(stored(photo), tolerance=16)


def test_nothing_but_the_picture_is_kept():
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SECRET camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 8.0, 0.0)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(
        quarters(), "JPEG", exif=exif, comment=b"SECRET home", icc_profile=srgb, dpi=(300, 300)
    )
    assert content.count(b"SECRET") == 2
    kept = prepare(content).encoded
    image = Image.open(io.BytesIO(kept))
    assert b"SECRET" not in kept
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert image.info["jfif_density"] == (1, 1)


def test_broken_exif_does_not_cost_the_photo():
    photo = prepare(encoded(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken"))
    assert_quarters(stored(photo))


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("MPO", {"quality": 95, "save_all": True, "append_images": [Image.new("RGB", (160, 96))]}),
    ],
)
def test_formats_are_read_whatever_the_name(format_name, options):
    photo = prepare(encoded(quarters(), format_name, **options))
    assert (photo.format, photo.mode) == (format_name, "RGB")
    assert_quarters(stored(photo))


def test_of_an_animation_the_first_picture_is_taken():
    content = encoded(
        quarters().quantize(8), "GIF", save_all=True, append_images=[Image.new("P", (160, 96))]
    )
    photo = prepare(content)
    assert photo.format == "GIF"
    assert_quarters(stored(photo))


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(format_name):
    photo = prepare(encoded(quarters().convert("CMYK"), format_name))
    assert photo.mode == "CMYK"
    assert_quarters(stored(photo))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LAB", "RGBA", "LA"])
def test_modes_come_out_as_they_look(mode):
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
def test_deep_greys_are_neither_black_nor_white(values, format_name):
    photo = prepare(encoded(Image.fromarray(values), format_name), stored_size=64)
    columns = np.asarray(stored(photo).convert("L")).mean(axis=0)
    assert np.allclose(columns, np.linspace(0, 255, 256), atol=3)
    assert photo.brightness == pytest.approx(127.5, abs=2)


def test_broken_floats_do_not_spoil_a_photo():
    values = _ramp(1, np.float32)
    values[:, :10] = np.nan
    values[:, 10:20] = np.inf
    photo = prepare(encoded(Image.fromarray(values), "TIFF"), stored_size=64)
    assert photo.brightness == pytest.approx(127.5, abs=6)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_what_is_see_through_lies_on_white(format_name):
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (80, 48, 160, 96))
    options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
    assert_quarters(stored(prepare(encoded(image, format_name, **options))))


def test_a_see_through_palette_lies_on_white():
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


# sRGB's primaries, adapted to D50, as its own profile holds them.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


def test_an_icc_profile_is_obeyed():
    red, green, blue = quarters().split()
    mixed_up = Image.merge("RGB", (blue, green, red))
    content = encoded(mixed_up, "JPEG", quality=95, icc_profile=_profile(BLUE, GREEN, RED))
    assert_quarters(stored(prepare(content)))


@pytest.mark.parametrize("profile", [b"broken", _profile(RED, GREEN, BLUE)[:200]])
def test_a_broken_profile_does_not_cost_the_photo(profile):
    assert_quarters(stored(prepare(encoded(quarters(), "JPEG", quality=95, icc_profile=profile))))


def test_a_profile_of_another_colour_space_is_left_alone():
    content = encoded(quarters().convert("CMYK"), "JPEG", icc_profile=_profile(RED, GREEN, BLUE))
    assert_quarters(stored(prepare(content)))


@pytest.fixture(scope="module")
def large() -> Image.Image:
    """12 megapixels with soft and with sharp edges."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((4000, 3000), Image.Resampling.BICUBIC)
    ImageDraw.Draw(image).ellipse((1000, 800, 2600, 2200), "white", "black", 60)
    return image


def test_scaled_decoding_looks_like_full_decoding(large):
    content = encoded(large, "JPEG", quality=95)
    photo = prepare(content, stored_size=256)
    assert (photo.width, photo.height) == (4000, 3000)
    exact = large.resize((341, 256), Image.Resampling.LANCZOS)
    exact = Image.open(io.BytesIO(encoded(exact, "JPEG", quality=95)))
    difference = np.abs(np.asarray(stored(photo), dtype=int) - np.asarray(exact, dtype=int))
    assert difference.mean() < 1
    assert np.percentile(difference, 99) < 16


def test_large_jpegs_are_decoded_at_a_reduced_scale():
    # 60 megapixels: too many to decode whole, few at 1/8.
    grey = Image.new("L", (10_000, 6_000), 90)
    assert stored(prepare(encoded(grey, "JPEG"))).size == (80, 48)
    with pytest.raises(PhotoRefused) as caught:
        prepare(encoded(grey, "PNG", compress_level=1))
    assert caught.value.reason == Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("size", "stored_to"),
    [((160, 96), (80, 48)), ((96, 160), (48, 80)), ((48, 300), (48, 300)), ((40, 44), (40, 44)),
     ((97, 97), (48, 48)), ((5000, 100), (2400, 48))],
)  # fmt: skip
def test_the_shorter_side_is_shrunk_and_never_grown(size, stored_to):
    assert stored(prepare(encoded(quarters(size), "PNG"))).size == stored_to


def test_what_it_was_before_is_told():
    content = encoded(quarters((160, 80)), "PNG")
    photo = prepare(content)
    assert (photo.width, photo.height, photo.squareness) == (160, 80, 0.5)
    assert photo.byte_size == len(content)
    assert photo.brightness == pytest.approx(
        np.asarray(quarters((160, 80)).convert("L")).mean(), abs=2
    )


def test_blur_lowers_sharpness(large):
    sharp = large.resize((200, 150))
    blurred = sharp.resize((50, 38)).resize((200, 150))
    measured = [prepare(encoded(image, "PNG"), 150).sharpness for image in (sharp, blurred)]
    assert measured[0] > 2 * measured[1] > 0


def test_sharpness_is_the_variance_of_the_laplacian():
    luma = np.random.default_rng(1).integers(0, 256, (7, 9), dtype=np.uint8)
    at = luma.astype(int)
    by_hand = [
        at[y - 1, x] + at[y + 1, x] + at[y, x - 1] + at[y, x + 1] - 4 * at[y, x]
        for y in range(1, 6)
        for x in range(1, 8)
    ]
    assert photos.sharpness(luma) == pytest.approx(np.var(by_hand))
    assert photos.sharpness(luma[:2]) == 0.0


def _png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = encoded(quarters(), "PNG")
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.FILE_EMPTY),
        (b"no photo at all", Reason.NOT_AN_IMAGE),
        (b"%PDF-1.7\n", Reason.NOT_AN_IMAGE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.NOT_AN_IMAGE),
        (b"P6 64 64 255\n" + bytes(64 * 64 * 3), Reason.NOT_AN_IMAGE),
        (bytes(1000), Reason.NOT_AN_IMAGE),
        (encoded(quarters(), "JPEG")[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "JPEG", progressive=True)[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "PNG")[:-60], Reason.TRUNCATED),
        (encoded(quarters(), "BMP")[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "TIFF")[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "GIF")[:-60], Reason.TRUNCATED),
        (encoded(quarters(), "WEBP")[:-60], Reason.TRUNCATED),
        (encoded(quarters((160, 15)), "JPEG"), Reason.TOO_SMALL),
        (encoded(Image.new("RGB", (1, 1)), "PNG"), Reason.TOO_SMALL),
        (_png_that_claims(60_000, 60_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(12_000, 12_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(8_000, 8_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(70_000, 20), Reason.TOO_MANY_PIXELS),
        (bytes(photos.MAX_FILE_BYTES + 1), Reason.FILE_TOO_LARGE),
    ],
    ids=["empty", "text", "PDF", "SVG", "PPM", "zeros", "cut JPEG", "cut progressive JPEG",
         "cut PNG", "cut BMP", "cut TIFF", "cut GIF", "cut WEBP", "small", "one pixel", "bomb",
         "144 megapixels", "64 megapixels", "long", "large file"],
)  # fmt: skip
def test_bad_photos_are_refused_with_a_reason(content, reason):
    with pytest.raises(PhotoRefused) as caught:
        prepare(content)
    assert caught.value.reason == reason
    assert caught.value.detail
    assert "\n" not in caught.value.detail
