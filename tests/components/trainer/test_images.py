import io

import keras
import numpy as np
import pytest
from PIL import Image

from customer_age.components.trainer import images


def _encoded(width, height, colour):
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG")
    return file.getvalue()


def test_a_jpeg_is_decoded_as_pillow_does():
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", subsampling=0)
    np.testing.assert_array_equal(images.decoded_jpeg(file.getvalue()), Image.open(file))


def test_a_wide_photo_is_kept_whole_and_padded_with_black():
    photo = images.square(_encoded(80, 40, (255, 255, 255)), 32).numpy()
    np.testing.assert_allclose(photo[:7], 0, atol=1)
    np.testing.assert_allclose(photo[9:23], 255, atol=1)
    np.testing.assert_allclose(photo[25:], 0, atol=1)


def test_a_single_pixel_becomes_a_square():
    np.testing.assert_allclose(images.square(_encoded(1, 1, (9, 9, 9)), 32), 9, atol=1)


def augmented(squares, seed, size=32):
    return images.augmented(squares, size, np.array([seed, 0], np.int64)).numpy()


def test_augmentation_depends_only_on_its_seed():
    squares = np.random.default_rng(0).integers(0, 255, (5, 40, 40, 3), np.uint8)
    one, again, other = (augmented(squares, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 5
    assert one.shape == (5, 32, 32, 3)
    assert one.min() >= 0
    assert one.max() <= 255


def test_a_varied_photo_has_on_average_the_size_and_position_that_are_served():
    """Measures a red square in the middle, and the position of a blue one next to it."""
    squares = np.zeros((600, 80, 80, 3), np.uint8)
    squares[:, 30:50, 30:50, 0] = 255
    squares[:, 35:45, 50:60, 2] = 255  # on the right
    photos = augmented(squares, 5, 64)
    coloured = photos[np.abs(photos[..., 0] - photos[..., 2]).max(axis=(1, 2)) > 1]
    assert 540 < len(coloured) < 590, "some are grey"
    red, blue = (
        coloured[..., of] > coloured[..., of].max(axis=(1, 2), keepdims=True) / 2 for of in (0, 2)
    )
    sides = np.sqrt(red.sum(axis=(1, 2)))
    assert sides.mean() == pytest.approx(16, abs=0.2)
    assert sides.min() == pytest.approx(16 * (1 - images.ZOOM), abs=0.5)
    assert sides.max() == pytest.approx(16 * (1 + images.ZOOM), abs=0.5)
    middles, marks = (
        np.stack([(mask.sum(axis=axis) * np.arange(64)).sum(axis=1) for axis in (2, 1)])
        / mask.sum(axis=(1, 2))
        for mask in (red, blue)
    )
    assert middles.mean(axis=1) == pytest.approx([31.5, 31.5], abs=0.3)
    assert np.abs(middles - 31.5).max() == pytest.approx(3.5, abs=0.5), "a tenth of half the side"
    assert 0.4 < (marks[1] > middles[1]).mean() < 0.6, "mirrored or not"


def test_the_padding_of_a_photo_stays_black():
    """As in a served photo, for any brightness and contrast."""
    photos = augmented(np.full((200, 40, 40, 3), 255, np.uint8), 3)
    corners, inner = (
        photos[:, [0, 0, -1, -1], [0, -1, 0, -1]],
        photos[:, [1, 1, -2, -2], [1, -2, 1, -2]],
    )
    padding = corners[inner < 60]  # white is 235 or more, and the border is a pixel wide
    assert len(padding) > 0.1 * corners.size
    assert padding.max() == 0


def test_colours_are_prepared_as_keras_prepares_them_for_imagenet():
    photos = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    expected = keras.applications.resnet.preprocess_input(photos.copy())
    np.testing.assert_allclose(images.as_imagenet(photos), expected, atol=1e-4)


def test_details_that_are_too_fine_for_the_square_become_their_mean():
    """Without antialiasing, each stripe would become the black or white of one sampled pixel."""
    stripes = np.zeros((96, 96, 3), np.uint8)
    stripes[:, ::2] = 255
    square = images.fitted(stripes, 32).numpy()
    assert np.abs(square - 127.5).max() < 30
