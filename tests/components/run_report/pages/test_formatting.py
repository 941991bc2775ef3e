"""The sentences about the photos."""

from customer_age.components.artifacts.statistics import (
    Histogram,
    SplitStatistics,
    Spread,
    read_statistics,
)
from customer_age.components.run_report.pages import formatting
from customer_age.schema import features


def test_the_findings_cover_format_mode_shape_brightness_and_sharpness(statistics_uris):
    found = formatting.about_the_photos(read_statistics(statistics_uris["statistics"]))
    assert found[0] == "All 730 photos have the format JPEG."
    assert found[1] == "715 of 730 photos have the colour mode RGB; the others have L (15)."
    assert found[2].endswith(
        "are not square: the shorter side is less than 99% of the longer side."
    )
    assert "dark" in found[3]
    assert "blurred" in found[4]


def test_findings_that_apply_to_all_photos_have_their_own_sentence():
    one = Histogram((1.0, 1.0), (10.0,))
    light = Histogram((90.0, 200.0), (10.0,))
    split = SplitStatistics(
        photos=10,
        spreads={
            features.IMAGE_SQUARENESS: Spread(10, 1.0, 1.0, 1.0, one, one),
            features.IMAGE_BRIGHTNESS: Spread(10, 90.0, 150.0, 200.0, light, light),
            features.IMAGE_SHARPNESS: Spread(10, 9.0, 15.0, 20.0, light, light),
        },
        words={features.IMAGE_FORMAT: {"JPEG": 10}, features.IMAGE_MODE: {"RGB": 10}},
    )
    assert formatting.about_the_photos({"train": split}) == (
        "All 10 photos have the format JPEG.",
        "All 10 photos have the colour mode RGB.",
        "All are square.",
        "None is dark: the mean brightness is never below 50 of 255.",
        "All 10 photos are blurred or low in detail: the sharpness is below 100.",
    )
