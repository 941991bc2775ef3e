import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageDraw
from quarters import assert_quarters, encoded, prepare, quarters, stored

from customer_age.schema.refusals import PhotoRefused, Reason

# The pixels that a camera held in this orientation would store for an upright scene.
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


def test_only_the_picture_is_kept():
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


def test_a_photo_with_broken_exif_is_kept():
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
def test_formats_are_read_with_any_name(format_name, options):
    photo = prepare(encoded(quarters(), format_name, **options))
    assert (photo.format, photo.mode) == (format_name, "RGB")
    assert_quarters(stored(photo))


def test_the_first_picture_of_an_animation_is_used():
    content = encoded(
        quarters().quantize(8), "GIF", save_all=True, append_images=[Image.new("P", (160, 96))]
    )
    photo = prepare(content)
    assert photo.format == "GIF"
    assert_quarters(stored(photo))


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
def test_the_shorter_side_is_shrunk_and_never_enlarged(size, stored_to):
    assert stored(prepare(encoded(quarters(size), "PNG"))).size == stored_to


def test_properties_of_the_original_are_reported():
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
