"""HEIC and AVIF as other programs write them (samples/README.md), and damaged or hostile files."""

import struct
import subprocess
import sys

import heif_writer
import numpy as np
import pytest
from heif_writer import grid, irot, sample, single
from PIL import ExifTags, Image
from quarters import assert_quarters, encoded, prepare, quarters, stored

from customer_age.photos import decode, heif_boxes
from customer_age.schema.refusals import PhotoRefused, Reason

ORIENTATIONS = range(1, 9)


@pytest.fixture
def fresh_decoders():
    """Search for the decoders of HEIC and AVIF again, in the test and after it."""
    decode._box_formats.cache_clear()
    yield
    decode._box_formats.cache_clear()


def refused(content) -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        prepare(content)
    assert "\n" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    "said_by", ["boxes_{}.heic", "exif_{}.heic", "both_{}.heic", "exif_{}.avif", "both_{}.avif"]
)
def test_a_photo_is_upright_by_boxes_and_by_exif(said_by, orientation):
    photo = prepare(sample(said_by.format(orientation)))
    assert (photo.width, photo.height) == (64, 48)
    assert stored(photo).size == (64, 48)
    assert_quarters(stored(photo), tolerance=24)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_an_avif_with_orientation_only_in_its_boxes(orientation):
    """Pillow writes them, and no EXIF."""
    turn = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    lies = quarters() if turn is None else quarters().transpose(turn)
    content = encoded(lies, "AVIF", quality=95, subsampling="4:4:4", exif=exif)
    assert (b"irot" in content or b"imir" in content) == (orientation > 1)
    photo = prepare(content)
    assert (photo.format, photo.width, photo.height) == ("AVIF", 160, 96)
    assert_quarters(stored(photo), tolerance=24)


@pytest.mark.parametrize("content", [sample("boxes_3_exif_6.heic"), single(irot(0), orientation=6)])
def test_boxes_are_right_if_exif_contradicts_them(content):
    photo = prepare(content)
    assert (photo.width, photo.height) == (64, 48)
    assert_quarters(stored(photo), tolerance=24)


@pytest.mark.parametrize(
    ("content", "size", "back"),
    [
        (grid(), (120, 96), None),
        (grid(irot(2)), (120, 96), Image.Transpose.ROTATE_180),
        (grid(irot(3), orientation=6), (96, 120), Image.Transpose.ROTATE_90),
        (grid(orientation=6), (96, 120), Image.Transpose.ROTATE_90),
    ],
    ids=["as it lies", "boxes", "both", "EXIF"],
)
def test_a_grid_of_tiles_is_one_photo_and_is_turned_as_a_whole(content, size, back):
    """iPhones write all photos so."""
    photo = prepare(content)
    assert (photo.format, photo.width, photo.height) == ("HEIF", *size)
    image = stored(photo)
    assert_quarters(image if back is None else image.transpose(back), tolerance=24)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("ten_bit.heic", "RGB"), ("alpha.heic", "RGBA"), ("premultiplied.heic", "RGBa"),
     ("second_of_three.heic", "RGB")],
)  # fmt: skip
def test_other_kinds_keep_their_look(name, mode):
    photo = prepare(sample(name))
    assert (photo.format, photo.mode) == ("HEIF", mode)
    assert_quarters(stored(photo), tolerance=24)


def test_a_grey_heic_is_grey():
    photo = prepare(sample("grey.heic"))
    assert photo.mode == "L"
    for x, y in [(1, 1), (3, 1), (1, 3), (3, 3)]:
        at = (x * 16, y * 12)
        looks = quarters((64, 48)).convert("L").getpixel(at)
        assert np.allclose(stored(photo).getpixel(at), looks, atol=8)


@pytest.mark.parametrize("brand", [b"mif1", b"heix", b"hevc", b"msf1"])
def test_the_main_picture_of_a_sequence_is_used(brand):
    assert_quarters(stored(prepare(single(brand=brand))), tolerance=24)


def test_the_first_picture_of_an_animated_avif_is_used():
    content = encoded(
        quarters(), "AVIF", save_all=True, append_images=[Image.new("RGB", (160, 96))]
    )
    assert_quarters(stored(prepare(content)), tolerance=24)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (single(size=(60_000, 60_000)), Reason.TOO_MANY_PIXELS),
        (single(size=(8_000, 6_000)), Reason.TOO_MANY_PIXELS),
        (single(size=(7_000, 5_000)), Reason.DAMAGED),
        (grid(size=(16_000, 12_000)), Reason.TOO_MANY_PIXELS),
        (grid(tile=(30_000, 30_000)), Reason.TOO_MANY_PIXELS),
        (grid(tile=(6_000, 6_000)), Reason.TOO_MANY_PIXELS),
        (grid(size=(2_000, 2_000)), Reason.DAMAGED),
        (grid(copies=40), Reason.DAMAGED),
        (single()[:-50], Reason.TRUNCATED),
        (grid()[:-50], Reason.TRUNCATED),
        (single()[:100], Reason.TRUNCATED),
        (single()[:20], Reason.DAMAGED),
        (sample("both_6.avif")[:-60], Reason.TRUNCATED),
        (single().replace(b"hvcC", b"xxxx"), Reason.DAMAGED),
        (single().replace(b"ipma", b"xxxx"), Reason.DAMAGED),
    ],
    ids=["bomb", "48 megapixels", "says 35 megapixels", "bomb of a grid", "bomb of a tile",
         "four tiles of 36 megapixels", "grid with holes", "6,400 tiles", "cut", "cut grid",
         "half of its boxes", "one box", "cut AVIF", "no decoder", "no properties"],
)  # fmt: skip
def test_a_hostile_file_is_refused_before_it_takes_memory(content, reason):
    assert refused(content).reason == reason


def test_pictures_made_of_each_other_are_refused():
    file = heif_writer.HeifWriter()
    first = file.add(heif_writer.GRID, bytes(8), heif_writer.ispe(64, 64))
    second = file.add(heif_writer.GRID, bytes(8), heif_writer.ispe(64, 64))
    file.refer(b"dimg", first, second)
    file.refer(b"dimg", second, first)
    assert refused(file.written()).reason == Reason.DAMAGED


def test_a_picture_that_is_used_several_times_counts_several_times():
    """Two pictures at each level, each made of both below: 2**7 at the lowest level."""
    file = heif_writer.HeifWriter()
    side = 1_100  # pixels
    levels = [[file.add(heif_writer.GRID, bytes(8), heif_writer.ispe(side, side))]]
    for _ in range(7):
        below = [
            file.add(heif_writer.GRID, bytes(8), heif_writer.ispe(side, side)) for _ in range(2)
        ]
        for item in levels[-1]:
            file.refer(b"dimg", item, *below)
        levels.append(below)
    said = heif_boxes.read(file.written())
    assert said is not None and said.pixels == (2**8 - 1) * side**2
    assert refused(file.written()).reason == Reason.TOO_MANY_PIXELS


def test_another_picture_does_not_replace_the_main_one():
    """The main picture is marked as a preview of another one, which pi-heif then opens."""
    config, data = heif_writer.coded("boxes_1.heic")
    file = heif_writer.HeifWriter()
    main = file.add(heif_writer.HEVC, data, config, heif_writer.ispe(64, 64))
    other = file.add(heif_writer.HEVC, data, config, heif_writer.ispe(64, 64))
    file.refer(b"thmb", main, other)
    error = refused(file.written())
    assert error.reason == Reason.DAMAGED
    assert error.detail == "cannot be decoded: its main picture is not found"


def test_a_photo_with_damaged_exif_is_kept():
    whole = single(orientation=6)
    for cut in range(1, 30):
        assert prepare(whole[:-cut] + bytes(cut)).format == "HEIF"


def test_damaged_boxes_never_raise_anything_else():
    whole = grid(irot(1), orientation=6)
    random = np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(0, 256)
        said = heif_boxes.read(bytes(damaged))
        assert said is None or said.exif_turn in ORIENTATIONS
        try:
            prepare(bytes(damaged))
        except PhotoRefused as error:
            assert error.detail


def test_a_long_list_of_items_is_read_quickly():
    content = single().replace(b"iloc", b"free")
    lists = struct.pack(">I4sIHHI", 2**31 - 1, b"iloc", 2 << 24, 0, 0, 2**32 - 1)
    assert heif_boxes.read(lists + content + bytes(10**6)) is None


def test_without_the_extra_heic_is_refused_by_its_name(fresh_decoders, monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # for Python: not installed
    for name in ("boxes_1.heic", "exif_6.heic", "second_of_three.heic"):
        error = refused(sample(name))
        assert error.reason == Reason.FORMAT_UNSUPPORTED
        assert error.detail == (
            "the format is HEIC, which is read only with the extra [heic] "
            "(pip install 'customer-age[heic]')"
        )
    assert prepare(sample("exif_6.avif")).format == "AVIF"


def test_an_older_pillow_refuses_avif_by_its_name(fresh_decoders, monkeypatch):
    monkeypatch.delitem(Image.OPEN, "AVIF")  # as before Pillow 11.2
    error = refused(sample("exif_6.avif"))
    assert error.reason == Reason.FORMAT_UNSUPPORTED
    assert error.detail == "the format is AVIF, which is read only with Pillow 11.3 or newer"
    assert prepare(sample("exif_6.heic")).format == "HEIF"


def test_a_process_without_set_up_decodes_heic():
    """As Beam's workers do; libheif is not loaded without a HEIC file."""
    code = (
        "import sys; from customer_age.photos.prepare import prepare_photo, PhotoSpec\n"
        "assert 'pi_heif' not in sys.modules\n"
        "photo = prepare_photo(sys.stdin.buffer.read(), PhotoSpec())\n"
        "assert photo.format == 'HEIF', photo.format\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], input=sample("both_6.heic"), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
