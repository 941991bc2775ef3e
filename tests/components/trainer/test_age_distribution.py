"""Labels as distributions, and their expected ages."""

import keras
import numpy as np
import pytest

from customer_age.components.trainer.layers import age_distribution
from customer_age.components.trainer.layers.age_distribution import YEARS
from customer_age.schema import age_groups


@pytest.mark.parametrize("age", [9.0, 30.0, 41.5, 110.0])
def test_the_expected_age_of_a_labels_distribution_is_the_label(age):
    shares = age_distribution.label_shares(np.array([[age]], np.float32))
    assert float(keras.ops.sum(shares)) == pytest.approx(1)
    assert float(age_distribution.expected_age(keras.ops.log(shares + 1e-9))[0, 0]) == (
        pytest.approx(age, abs=0.01)
    )
    spread = np.sqrt(np.sum(np.asarray(shares) * (YEARS - age) ** 2))
    assert spread == pytest.approx(age_distribution.SPREAD, abs=0.01)


def test_there_is_a_logit_for_each_age_up_to_the_oldest():
    assert list(YEARS) == list(range(age_groups.OLDEST + 1))


def test_an_age_beyond_the_oldest_one_has_a_finite_loss():
    label, logits = np.array([[1e6]], np.float32), np.zeros((1, len(YEARS)), np.float32)
    assert np.asarray(age_distribution.label_shares(label))[0].argmax() == len(YEARS) - 1
    assert np.isfinite(float(age_distribution.DistributionLoss()(label, logits)))


def test_the_loss_is_least_at_the_label_and_grows_with_the_distance():
    labels = np.full((4, 1), 40, np.float32)
    answers = age_distribution.label_shares(np.array([[40], [42], [50], [90]], np.float32))
    losses = age_distribution.DistributionLoss(reduction=None)(
        labels, keras.ops.log(answers + 1e-12)
    )
    assert losses.shape == (4,)
    assert list(losses) == sorted(losses)
    entropy = np.log(age_distribution.SPREAD * np.sqrt(2 * np.pi * np.e))
    assert float(losses[0]) == pytest.approx(entropy, abs=0.01)


def test_the_error_is_measured_in_years():
    metric = age_distribution.ExpectedAgeError(name="mae")
    answers = age_distribution.label_shares(np.array([[30], [50]], np.float32))
    metric.update_state(np.array([[33], [49]], np.float32), keras.ops.log(answers + 1e-12))
    assert float(metric.result()) == pytest.approx(2, abs=0.01)


def test_a_network_starts_with_the_ages_of_the_training_set():
    ages = np.array([20.0, 20.0, 21.0, 60.0, 300.0])  # the last one is beyond the oldest age
    logits = age_distribution.logits_of(ages)
    assert logits.shape == (121,)
    shares = np.exp(logits) / np.exp(logits).sum()
    assert shares[:40].sum() == pytest.approx(0.6, abs=0.01)
    assert shares[100:].sum() == pytest.approx(0.2, abs=0.01)
    assert np.isfinite(logits).all()


def test_one_output_in_years_becomes_a_distribution_with_the_same_mean():
    """So a training can start from a champion of release 0.1."""
    random = np.random.default_rng(2)
    features = random.normal(size=(50, 6)).astype(np.float32)
    kernel, bias = random.normal(0, 6, (6, 1)), np.array([45.0])
    ages = features @ kernel + bias
    inside = ((ages > 8) & (ages < 112))[:, 0]
    kernel_of_logits, bias_of_logits = age_distribution.head_of(kernel, bias)
    logits = features @ kernel_of_logits + bias_of_logits
    expected = np.asarray(age_distribution.expected_age(logits))
    assert inside.sum() > 30
    np.testing.assert_allclose(expected[inside], ages[inside], atol=0.02)


def of_views(ages, spread):
    """Logits of normal distributions, [1, photos, ages]."""
    return (-0.5 * ((YEARS - ages[:, None]) / spread) ** 2)[None].astype(np.float32)


@pytest.fixture
def photos():
    """Real ages of 400 photos, and answers whose error varies by 5 years."""
    random = np.random.default_rng(5)
    real = random.uniform(20, 80, 400)
    return real, real + random.normal(0, 5, 400)


@pytest.mark.parametrize("bias", [-2.0, 1.5])
def test_a_tilt_removes_the_mean_error_except_for_chance(photos, bias):
    real, answers = photos
    logits = of_views(answers + bias, 6)
    errors = age_distribution.age_errors(logits, real)
    tilt = age_distribution.unbiasing_tilt(logits, real)
    left = age_distribution.age_errors(logits + tilt * YEARS, real).mean()
    assert tilt == pytest.approx(-bias / 6**2, rel=0.2)
    assert left == pytest.approx(errors.var(ddof=1) / 400 / errors.mean(), abs=1e-3)
    assert 0.01 < abs(left) < 0.1


def test_a_tilt_moves_sure_answers_less():
    real = np.array([30.0, 30.0])
    logits = np.concatenate([of_views(real[:1], 2), of_views(real[1:], 8)], axis=1)
    sure, unsure = age_distribution.age_errors(logits - 0.05 * YEARS, real)
    assert sure == pytest.approx(-0.05 * 2**2, abs=0.01)
    assert unsure == pytest.approx(-0.05 * 8**2, abs=0.1)


def test_a_mean_error_within_chance_is_left(photos):
    real, answers = photos
    few = answers[:9] - (answers - real)[:9].mean() + 1  # its standard error is above 1
    assert age_distribution.unbiasing_tilt(of_views(few, 6), real[:9]) == 0
    assert age_distribution.unbiasing_tilt(of_views(answers[:1] + 9, 6), real[:1]) == 0


def test_a_tilt_never_raises_the_mean_absolute_error():
    """Here three of four answers are right; all would be five years too young without the bias."""
    real, answers = np.full(400, 40.0), np.where(np.arange(400) % 4, 40.0, 60.0)
    logits = of_views(answers, 6)
    assert age_distribution.age_errors(logits, real).mean() == pytest.approx(5, abs=0.1)
    assert age_distribution.unbiasing_tilt(logits, real) == 0


def test_an_answer_is_the_mean_of_its_views(photos):
    real, answers = (each + 10 for each in photos)  # far from 0
    views = np.concatenate([of_views(answers - 3, 2), of_views(answers + 3, 2)])
    np.testing.assert_allclose(age_distribution.age_errors(views, real), answers - real, atol=0.05)
