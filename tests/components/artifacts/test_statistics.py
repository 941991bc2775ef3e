"""What is read of TFDV's files is what the photos are like."""

import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_age.components.artifacts.statistics import (
    Count,
    Histogram,
    Spread,
    read_anomalies,
    read_statistics,
)
from customer_age.schema import features


@pytest.fixture(scope="module")
def statistics(statistics_uris):
    return read_statistics(statistics_uris["statistics"])


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


def test_tfdv_itself_reads_the_same_file(statistics, statistics_uris):
    own = tfdv.load_stats_binary(
        f"{statistics_uris['statistics']}/Split-test/FeatureStats.pb"
    ).datasets[0]
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


def test_anomalies_are_tfdvs_sentences_for_each_split(statistics_uris):
    found = read_anomalies(statistics_uris["anomalies"])
    assert {(anomaly.split, anomaly.feature) for anomaly in found} == {
        (split, feature)
        for split in ("train", "valid", "test")
        for feature in ("image/format", "real_age")
    }
    assert any("JPEG" in anomaly.sentence for anomaly in found)
    assert any("95>60" in anomaly.sentence for anomaly in found)
