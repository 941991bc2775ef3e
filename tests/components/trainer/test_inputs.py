import numpy as np
import pytest

from customer_age.components.trainer import inputs
from customer_age.errors import DataRefused


def test_ages_are_read_from_every_file(bright_is_old):
    train, valid = bright_is_old
    assert inputs.real_ages(train).shape == (64,)
    assert inputs.real_ages([*train, *valid]).shape == (80,)


def test_an_empty_split_is_named(tmp_path):
    with pytest.raises(DataRefused, match="no examples in .*nothing"):
        inputs.real_ages([str(tmp_path / "nothing*")])


def test_an_epoch_shows_each_photo_once_in_a_new_order(bright_is_old):
    train, _ = bright_is_old
    batches = inputs.training_batches(train, 32, 16, augmentation=False, seed=1)
    ages = [age.numpy().ravel() for _, age in batches.take(8)]
    first, second = np.concatenate(ages[:4]), np.concatenate(ages[4:])
    np.testing.assert_array_equal(np.sort(first), np.sort(inputs.real_ages(train)))
    np.testing.assert_array_equal(np.sort(first), np.sort(second))
    assert not np.array_equal(first, second)


def test_the_same_seed_gives_the_same_batches(bright_is_old):
    train, _ = bright_is_old
    one, again = (
        next(iter(inputs.training_batches(train, 32, 16, augmentation=True, seed=3)))
        for _ in range(2)
    )
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], again[1])


def test_a_resumed_training_continues_with_the_next_batches(bright_is_old):
    train, _ = bright_is_old
    options = {"size": 32, "batch_size": 16, "augmentation": True, "seed": 3}
    whole = list(inputs.training_batches(train, **options).take(7))
    rest = inputs.training_batches(train, **options, skipped=5)
    next(iter(rest))  # an earlier iterator makes no difference
    for one, other in zip(whole[5:], rest.take(2), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_measuring_batches_contain_every_photo_once_as_it_is_served(bright_is_old):
    _, valid = bright_is_old
    batches = list(inputs.measuring_batches(valid, 32, 6, photos=16))
    assert [len(age) for _, age in batches] == [6, 6, 4]
    for photos, ages in batches:
        np.testing.assert_allclose(photos.numpy().mean((1, 2, 3)), ages[:, 0] * 3, atol=3)


def test_decoded_photos_in_memory_give_the_same_batches(bright_is_old):
    train, _ = bright_is_old
    options = {"size": 32, "batch_size": 16, "augmentation": True, "seed": 3, "skipped": 2}
    decoded_again, from_memory = (
        list(inputs.training_batches(train, **options, in_memory=in_memory).take(6))
        for in_memory in (False, True)
    )
    for one, other in zip(decoded_again, from_memory, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert inputs.decoded_bytes(5000, 96, augmentation=True) == 5000 * 120 * 120 * 3
    assert inputs.decoded_bytes(5000, 96, augmentation=False) == 5000 * 96 * 96 * 3


def test_no_thread_sleeps_after_the_last_batch(bright_is_old):
    """The thread of tf.data's autotune may sleep for up to a minute, and `fit` waits for it."""
    train, valid = bright_is_old
    for batches in (
        inputs.training_batches(train, 32, 16, augmentation=True, seed=3),
        inputs.measuring_batches(valid, 32, 6, photos=16),
        inputs.labelled_records(valid, 6),
    ):
        assert batches.options().autotune.enabled is False
