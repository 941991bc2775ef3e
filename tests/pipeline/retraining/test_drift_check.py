"""Drift of real photos in an inbox, against a version's record of its training photos."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from standing_clock import START

from customer_age.components.registry_pusher import drift
from customer_age.pipeline.retraining.drift_check import RegisteredChampions, measure_photos
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState
from customer_age.pipeline.settings import loading
from customer_age.schema import features

TRAINING = {
    features.REAL_AGE: {"edges": [0, 20, 40, 60, 80], "counts": [1, 49, 49, 1]},
    features.IMAGE_BRIGHTNESS: {"edges": [0, 64, 128, 192, 255], "counts": [0, 50, 50, 0]},
}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "inbox").mkdir()
    return loading.load("local", data__inbox=str(tmp_path / "inbox"))


def put(settings, tmp_path, name, photos, brightness=128, age=None):
    """A batch of grey squares, of people between 20 and 60, or of one age."""
    folder = tmp_path / "inbox" / name
    (folder / "photos").mkdir(parents=True)
    shown, cards = ["file_name,card_id,captured_at"], ["card_id,date_of_birth,consent"]
    for number in range(photos):
        years = age or 20 + number % 40
        light = brightness + (number % 100) - 50
        pixels = np.full((40, 40 + number % 3, 3), light, np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.jpg")
        shown.append(f"{number}.jpg,{number},2026-01-01T10:00")
        cards.append(f"{number},{2026 - years}-01-01,yes")
    (folder / "photos.csv").write_text("\n".join(shown))
    (folder / "cards.csv").write_text("\n".join(cards))
    (folder / "_SUCCESS").touch()
    return Batch(name, BatchState.WAITING, photos, START)


def champions(settings, training=TRAINING):
    tags = {} if training is None else {drift.TAG: json.dumps(training)}
    champion = SimpleNamespace(tags=tags)
    return RegisteredChampions(SimpleNamespace(champion=lambda: champion), settings)


def test_new_photos_are_measured(settings, tmp_path):
    put(settings, tmp_path, "monday", 6)
    (tmp_path / "inbox" / "monday" / "photos" / "3.jpg").write_bytes(b"no photo")
    (tmp_path / "inbox" / "monday" / "photos" / "4.jpg").unlink()
    values = measure_photos(settings, ["monday", "there-is-none"], at_most=100)
    assert values[features.REAL_AGE] == pytest.approx([20, 21, 22, 25], abs=16 / 365)
    assert values[features.IMAGE_WIDTH] == [40, 41, 42, 42]
    assert values[features.IMAGE_HEIGHT] == [40, 40, 40, 40]
    assert values[features.IMAGE_BRIGHTNESS] == pytest.approx([78, 79, 80, 83], abs=1)


def test_a_sample_is_taken_from_all_over(settings, tmp_path):
    put(settings, tmp_path, "monday", 20)
    put(settings, tmp_path, "tuesday", 20, age=70)
    ages = measure_photos(settings, ["monday", "tuesday"], at_most=10)[features.REAL_AGE]
    assert len(ages) == 10
    assert sum(round(age) == 70 for age in ages) == 5


def test_the_farthest_feature_counts(settings, tmp_path):
    batches = [put(settings, tmp_path, "monday", 60), put(settings, tmp_path, "tuesday", 60)]
    near = champions(settings).drift(batches)
    assert near.photos == 120
    assert near.distance < 0.1
    older = [put(settings, tmp_path, "wednesday", 60, age=75)]
    far = champions(settings).drift(older)
    assert (far.feature, far.photos) == (features.REAL_AGE, 60)
    assert far.distance > 0.4


def test_where_drift_cannot_be_measured(settings, tmp_path):
    few = [put(settings, tmp_path, "monday", 10)]
    assert champions(settings).drift(few) is None
    many = [put(settings, tmp_path, "tuesday", 60)]
    assert champions(settings, training=None).drift(many) is None
    no_champion = RegisteredChampions(SimpleNamespace(champion=lambda: None), settings)
    assert no_champion.drift(many) is None
