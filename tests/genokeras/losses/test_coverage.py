"""Losses of coverage against SciPy, their minima, and what missing bins do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.losses import coverage as losses

NAN = float("nan")
ALL = ("poisson", "poisson_multinomial", "profile_counts", "mse_log")


@pytest.fixture(autouse=True)
def exact():
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.fixture
def counts():
    """Counts and rates `[3, 7, 2]`, some of the counts 0."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 3.0, (3, 7, 2))
    return rng.poisson(rates).astype(float), rates


def total(name, targets, predicted, weight=0.2):
    return sum(losses.coverage_terms(name, targets, predicted, weight).values())


def test_poisson_is_the_log_likelihood_ratio(counts):
    y, x = counts
    expected = (stats.poisson.logpmf(y, y) - stats.poisson.logpmf(y, x)).mean(axis=1)
    np.testing.assert_allclose(losses.poisson(y, x), expected, rtol=1e-12)
    assert losses.poisson(y, x).shape == (3, 2)


def test_multinomial_is_the_log_likelihood_ratio_of_the_shapes(counts):
    y, x = counts
    expected = np.zeros((3, 2))
    for example, track in np.ndindex(3, 2):
        seen, rates = y[example, :, track], x[example, :, track]
        best, given = (
            stats.multinomial.logpmf(seen, seen.sum(), p / p.sum()) for p in (seen, rates)
        )
        expected[example, track] = best - given
    np.testing.assert_allclose(losses.multinomial(y, x), expected, rtol=1e-9)
    np.testing.assert_allclose(losses.multinomial(y, 10 * x), expected, rtol=1e-9)


def test_uniform_shares_cost_n_log_l():
    y = np.zeros((1, 8, 1))
    y[0, 3] = 5
    np.testing.assert_allclose(losses.multinomial(y, np.full_like(y, 0.1)), [[5 * np.log(8)]])


def test_squared_log_error_by_hand():
    y = np.array([[[np.e - 1], [0.0]]])
    x = np.array([[[np.e**3 - 1], [np.e - 1]]])
    np.testing.assert_allclose(losses.squared_log_error(y, x), [[(4 + 1) / 2]])


def test_shape_and_total_are_all_there_is_to_poisson(counts):
    """A Poisson process is its total, and where in the window each read falls."""
    y, x = counts
    np.testing.assert_allclose(
        total("poisson_multinomial", y, x, 1.0), losses.poisson(y, x), rtol=1e-9
    )


def test_profile_and_counts_by_hand():
    y, x = np.array([[[6.0], [2.0]]]), np.array([[[2.0], [2.0]]])
    terms = losses.coverage_terms("profile_counts", y, x, 10.0)
    np.testing.assert_allclose(terms["profile"], [[6 * np.log(1.5) + 2 * np.log(0.5)]])
    np.testing.assert_allclose(terms["counts"], [[10 * np.log(9 / 5) ** 2]])


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_better_than_the_targets(name, counts):
    y, x = counts
    np.testing.assert_allclose(total(name, y, y), 0, atol=1e-12)
    assert (np.asarray(total(name, y, x)) > 0).all()
    nothing = np.zeros_like(y)
    np.testing.assert_allclose(total(name, nothing, nothing), 0, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_missing_bins_are_as_if_they_were_not_there(name, counts):
    y, x = counts
    rng = np.random.default_rng(1)
    more = np.insert(y, [2, 5], NAN, axis=1)
    guessed = np.insert(x, [2, 5], rng.gamma(1, 1, (3, 2, 2)), axis=1)
    fewer = losses.coverage_terms(name, y, x, 0.2)
    if name == "profile_counts":
        fewer["profile"] = fewer["profile"] * (9 / 7)
    np.testing.assert_allclose(total(name, more, guessed), sum(fewer.values()), rtol=1e-12)


def test_the_profile_of_half_of_the_bins_is_scaled_to_all(counts):
    """With a weight of 1/2, as of such windows, the known bins cost what they do by themselves."""
    y, x = counts
    half = np.concatenate([y, np.full_like(y, NAN)], axis=1)
    guessed = np.concatenate([x, x[:, ::-1]], axis=1)
    terms = losses.coverage_terms("profile_counts", half, guessed, 10.0)
    np.testing.assert_allclose(0.5 * terms["profile"], losses.multinomial(y, x), rtol=1e-12)
    whole = losses.coverage_terms("profile_counts", y, x, 10.0)
    np.testing.assert_allclose(terms["counts"], whole["counts"], rtol=1e-12)


def gradient(name, targets, predicted):
    coverage = tf.constant(predicted)
    with tf.GradientTape() as tape:
        tape.watch(coverage)
        loss = total(name, tf.constant(targets), coverage)
    return loss.numpy(), tape.gradient(loss, coverage).numpy()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_missing_bins_and_rates_of_zero_have_finite_gradients(name, dtype):
    targets = np.array([[[NAN, 1.0, NAN], [2.0, 0.0, NAN], [0.0, 3.0, NAN]]], dtype)
    for predicted in (np.zeros_like(targets), np.full_like(targets, 0.5)):
        loss, slope = gradient(name, targets, predicted)
        assert np.isfinite(loss).all()
        assert np.isfinite(slope).all()
        # Of a track of which nothing is known, and of the bin that is missing.
        assert loss[0, 2] == 0
        assert (slope[0, :, 2] == 0).all()
        assert slope[0, 0, 0] == 0


def test_half_precision_targets_are_as_good_as_whole_ones(counts):
    y, x = counts
    np.testing.assert_array_equal(losses.poisson(y.astype(np.float16), x), losses.poisson(y, x))
