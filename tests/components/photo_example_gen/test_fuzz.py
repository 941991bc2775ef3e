"""Any file becomes an example or a refusal, within limits of time and memory."""

import csv
import re
import subprocess
import sys
import time
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from customer_age.errors import SettingsError
from customer_age.labels import open_data_set
from customer_age.photos import decode
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.refusals import PhotoRefused

LONGEST = 5.0
"""Seconds of work for one photo."""
MOST_MEMORY = 2**30
"""Bytes for one photo."""


@pytest.fixture(scope="module")
def seeds(encode):
    """Good photos of all kinds, to be spoilt."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.linear_gradient("L").resize((48, 40)).convert("RGB")
    return [
        encode(image, "JPEG", exif=exif, icc_profile=srgb),
        encode(image, "JPEG", progressive=True),
        encode(image.convert("CMYK"), "JPEG", icc_profile=srgb),
        encode(image, "PNG", exif=exif, icc_profile=srgb),
        encode(image.quantize(16), "PNG", transparency=3),
        encode(image.convert("L").convert("I;16"), "PNG"),
        encode(image.convert("RGBA"), "WEBP", exif=exif),
        encode(image, "WEBP", lossless=True),
        encode(image, "TIFF", exif=exif, icc_profile=srgb),
        encode(image, "TIFF", compression="tiff_lzw"),
        encode(image.convert("F"), "TIFF", compression="tiff_adobe_deflate"),
        encode(image, "TIFF", compression="jpeg"),
        encode(image, "BMP"),
        encode(image.quantize(16), "GIF", save_all=True, append_images=[image.quantize(4)]),
        encode(image, "MPO", save_all=True, append_images=[image]),
    ]


# Where to, as a share of the file; what to do there; and with which bytes.
_CHANGE = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["set", "insert", "remove", "cut", "repeat"]),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xd8"]),
    ),
)


def _spoilt(content: bytes, changes: list) -> bytes:
    for where, how, with_bytes in changes:
        at = int(where * len(content))
        if how == "set":
            content = content[:at] + with_bytes + content[at + len(with_bytes) :]
        elif how == "insert":
            content = content[:at] + with_bytes + content[at:]
        elif how == "remove":
            content = content[:at] + content[at + len(with_bytes) :]
        elif how == "cut":
            content = content[:at]
        else:
            content = content + content[at:]
    return content


@settings(
    max_examples=3000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.integers(0, 14), st.lists(_CHANGE, min_size=1, max_size=6))
def test_a_corrupted_photo_is_stored_or_refused(seeds, which, changes):
    content = _spoilt(seeds[which], changes)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            photo = prepare_photo(content, PhotoSpec(stored_size=32, min_size=16))
        except PhotoRefused as refused:
            assert refused.detail
        else:
            assert photo.encoded.startswith(b"\xff\xd8")
            assert 0 <= photo.brightness <= 255
            assert 0 <= photo.sharpness < float("inf")
    assert time.process_time() - started < LONGEST


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(_CHANGE, min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_a_corrupted_table_is_read_or_named(tmp_path_factory, changes, delimiter):
    folder = tmp_path_factory.mktemp("table")
    (folder / "a.jpg").write_bytes(b"photo")
    table = f'file_name{delimiter}real_age\n"a.jpg"{delimiter}30\nb.jpg{delimiter}"4\n1"\n'
    (folder / "labels.csv").write_bytes(_spoilt(table.encode(), changes))
    try:
        data_set = open_data_set(str(folder))
    except SettingsError as error:
        assert "\n" not in str(error)
    else:
        assert len(list(data_set.rows())) == data_set.row_count


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=10)), min_size=1, max_size=5))
def test_any_text_in_a_table_is_a_row(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("table")
    (folder / "final_files").mkdir()
    (folder / "final_files" / "a.jpg").write_bytes(b"photo")
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([("file_name", "real_age"), *cells])
    blank = sum(not name.strip() and not age.strip() for name, age in cells)
    try:
        data_set = open_data_set(str(folder))
    except SettingsError as error:
        assert "no rows" in str(error) or re.search(r"line \d+: ", str(error))
    else:
        assert len(list(data_set.rows())) == data_set.row_count == len(cells) - blank


# The peak memory of a process, without the memory of the process that started it.
_MEASURE = """
import re, sys, warnings
from pathlib import Path
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

warnings.simplefilter("ignore")
before = peak()
prepare_photo(Path(sys.argv[1]).read_bytes(), PhotoSpec())
print((peak() - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "side", "format_name", "options"),
    [
        ("RGB", 10_900, "JPEG", {"progressive": True, "subsampling": 0}),
        ("RGBA", 6_300, "WEBP", {"method": 0}),
        ("F", 6_300, "TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_the_largest_photos_fit_in_memory(tmp_path, mode, side, format_name, options):
    assert side**2 > 0.98 * (
        decode.MAX_PIXELS if format_name == "JPEG" else decode.MAX_DECODED_PIXELS
    )
    path = tmp_path / "large"
    Image.new(mode, (side, side)).save(path, format_name, **options)
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    assert 0 < int(measured.stdout) < MOST_MEMORY
