"""What is read of TFDV's files is what the photos are like."""

import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_age.components.artifacts.statistics import (
    Count,
    Histogram,
    SplitStatistics,
    Spread,
    read_anomalies,
    read_statistics,
)
from customer_age.components.run_report.pages import formatting
from customer_age.schema import features


@pytest.fixture(scope="module")
def statistics(uris):
    return read_statistics(uris["statistics"])


def test_the_extremes_and_counts_are_exact(statistics, frames):
    for split, frame in frames.items():
        found = statistics[split]
        assert found.photos == len(frame)
        for feature in (features.REAL_AGE, features.IMAGE_WIDTH, features.IMAGE_SHARPNESS):
            assert found.spreads[feature].minimum == pytest.approx(frame[feature].min())
            assert found.spreads[feature].maximum == pytest.approx(frame[feature].max())
        assert (
            found.words[features.IMAGE_MODE] == frame[features.IMAGE_MODE].value_counts().to_dict()
        )


def test_tfdv_itself_reads_the_same_file(statistics, uris):
    own = tfdv.load_stats_binary(f"{uris['statistics']}/Split-test/FeatureStats.pb").datasets[0]
    assert own.num_examples == statistics["test"].photos


def test_counts_below_a_limit_are_near_the_truth(statistics, frames):
    for feature, limit in (
        (features.IMAGE_SQUARENESS, 0.99),
        (features.IMAGE_BRIGHTNESS, 100.0),
        (features.IMAGE_SHARPNESS, 400.0),
    ):
        truth = (frames["train"][feature] < limit).sum()
        found = statistics["train"].spreads[feature].below(limit)
        assert found.photos == pytest.approx(truth, abs=0.05 * len(frames["train"]))
        assert not found.exact


def test_none_and_all_are_exact(statistics, frames):
    spread = statistics["train"].spreads[features.IMAGE_WIDTH]
    widths = frames["train"][features.IMAGE_WIDTH]
    assert spread.below(widths.min()) == Count(0, exact=True)
    assert spread.below(widths.max() + 1) == Count(len(widths), exact=True)


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(deadline=None)
def test_an_estimate_rises_with_the_limit_and_stays_within_the_photos(counts, one, other):
    edges = tuple(float(edge) for edge in range(len(counts) + 1))
    bins = Histogram(edges, tuple(float(count) for count in counts))
    photos = max(2, sum(counts))
    spread = Spread(photos, 0.0, 1.0, edges[-1], bins, Histogram((), ()))
    low, high = sorted((one * edges[-1], other * edges[-1]))
    assert 0 <= spread.below(low).photos <= spread.below(high).photos <= photos


def test_anomalies_are_tfdvs_sentences_for_each_split(uris):
    found = read_anomalies(uris["anomalies"])
    assert {(anomaly.split, anomaly.feature) for anomaly in found} == {
        (split, feature)
        for split in ("train", "valid", "test")
        for feature in ("image/format", "real_age")
    }
    assert any("JPEG" in anomaly.sentence for anomaly in found)
    assert any("95>60" in anomaly.sentence for anomaly in found)


def test_the_findings_answer_format_mode_shape_light_and_sharpness(statistics):
    found = formatting.about_the_photos(statistics)
    assert found[0] == "All 730 photos came as JPEG."
    assert found[1] == "715 of 730 photos are RGB; the others are L (15)."
    assert found[2].endswith("are not square: the shorter side is under 99% of the longer.")
    assert "dark" in found[3]
    assert "blurred" in found[4]


def test_findings_without_exception_say_so():
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
        "All 10 photos came as JPEG.",
        "All 10 photos are RGB.",
        "All are square.",
        "None is dark: no mean brightness is under 50 of 255.",
        "All 10 photos are blurred, or plain: the sharpness is under 100.",
    )
