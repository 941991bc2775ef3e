import io

import keras
import numpy as np
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


def test_augmentation_is_decided_by_its_seed_alone():
    random = np.random.default_rng(0)
    file = io.BytesIO()
    Image.fromarray(random.integers(0, 255, (60, 60, 3), np.uint8)).save(file, "PNG")
    one, again, other = (
        images.augment(file.getvalue(), 32, np.array([seed, 0], np.int64)).numpy()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 5
    assert one.shape == (32, 32, 3)
    assert one.min() >= 0
    assert one.max() <= 255


def test_colours_reach_the_network_as_keras_prepares_them_for_imagenet():
    photos = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    expected = keras.applications.resnet.preprocess_input(photos.copy())
    np.testing.assert_allclose(images.as_imagenet(photos), expected, atol=1e-4)


def test_what_is_too_fine_for_the_square_becomes_its_mean():
    """Without it, stripes of one pixel would come out as whatever pixel is hit."""
    stripes = np.zeros((96, 96, 3), np.uint8)
    stripes[:, ::2] = 255
    square = images.fitted(stripes, 32).numpy()
    assert np.abs(square - 127.5).max() < 30
