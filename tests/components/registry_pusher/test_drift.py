"""Drift, against statistics as TFDV itself computes them."""

import json

import numpy as np
import pandas as pd
import pytest

from customer_age.components.registry_pusher import drift
from customer_age.schema import features

AGE, SHARPNESS, WIDTH = features.REAL_AGE, features.IMAGE_SHARPNESS, features.IMAGE_WIDTH


def photos(number, seed, age=35.0):
    random = np.random.default_rng(seed)
    return {
        AGE: random.normal(age, 12, number).clip(1, 100),
        SHARPNESS: random.lognormal(5, 1, number),
        WIDTH: np.full(number, 200),
    }


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    import tensorflow_data_validation as tfdv

    folder = tmp_path_factory.mktemp("statistics")
    (folder / "Split-train").mkdir()
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame(photos(5000, seed=0)))
    (folder / "Split-train" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return drift.training_histograms(str(folder))


def test_the_tag_of_a_version_is_small(training):
    assert len(training) < 2000
    histograms = json.loads(training)
    assert set(histograms) == {AGE, SHARPNESS, WIDTH}
    assert len(histograms[AGE]["edges"]) == len(histograms[AGE]["counts"]) + 1
    assert sum(histograms[AGE]["counts"]) == pytest.approx(5000, rel=0.01)


def test_photos_of_the_same_kind_are_near(training):
    found = drift.distances(photos(300, seed=1), training)
    assert set(found) == {AGE, SHARPNESS, WIDTH}
    assert max(found.values()) < 0.05


@pytest.mark.parametrize(
    ("feature", "change"),
    [(AGE, lambda ages: ages + 25), (SHARPNESS, lambda values: values / 50),
     (WIDTH, lambda widths: widths * 3)],
)  # fmt: skip
def test_photos_of_another_kind_are_far(training, feature, change):
    new = photos(300, seed=1)
    new[feature] = change(new[feature])
    found = drift.distances(new, training)
    assert found.pop(feature) > 0.3
    assert max(found.values()) < 0.05


def test_only_what_both_have_is_compared(training):
    assert set(drift.distances({AGE: [30.0, 40.0], "other": [1.0]}, training)) == {AGE}


def test_statistics_without_a_training_split(tmp_path):
    with pytest.raises(ValueError, match="no statistics of the split train"):
        drift.training_histograms(str(tmp_path))
