"""InfoNCE, NT-Xent, supervised contrastive: by hand, by NumPy, and the temperature of a batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from genokeras.losses.contrastive import (
    Views,
    exact_temperature_for,
    found_probability,
    info_nce,
    nt_xent,
    supervised_contrastive,
    temperature_for,
)


def unit(rng, rows, size=5):
    x = rng.normal(size=(rows, size))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture
def views():
    rng = np.random.default_rng(0)
    return Views(unit(rng, 8), unit(rng, 8))


ROWS = np.arange(8, dtype=np.int32)


def brute_force(views, temperature, labels, excluded):
    """Loops over views, written from the papers' formulas: positives share the label."""
    stacked, size = np.concatenate(views), len(labels)
    costs = np.zeros(2 * size)
    for i in range(2 * size):
        terms = {
            j: np.exp(stacked[i] @ stacked[j] / temperature)
            for j in range(2 * size)
            if j != i and (not excluded[i % size, j % size] or labels[i % size] == labels[j % size])
        }
        positives = [j for j in terms if labels[j % size] == labels[i % size]]
        costs[i] = -np.mean([np.log(terms[j] / sum(terms.values())) for j in positives])
    return (costs[:size] + costs[size:]) / 2


def test_views_that_are_all_alike_cost_the_log_of_their_number():
    alike = Views(*np.ones((2, 8, 1)))
    np.testing.assert_allclose(nt_xent(alike, alike, ROWS, 0.1), np.log(15))
    np.testing.assert_allclose(np.log(15), 2.70805, atol=1e-5)
    np.testing.assert_allclose(info_nce(alike, alike, ROWS, 0.1), np.log(8))


def test_equal_views_at_right_angles_to_all_else():
    axes = Views(np.eye(8), np.eye(8))
    expected = -10 + np.log(np.exp(10) + 14)
    np.testing.assert_allclose(nt_xent(axes, axes, ROWS, 0.1), expected, rtol=1e-6)
    assert expected == pytest.approx(6.3540e-4, rel=1e-4)


def test_info_nce_by_numpy(views):
    logits = views.first @ views.second.T / 0.3
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = info_nce(views, views, ROWS, 0.3)
    np.testing.assert_allclose(found, -np.log(np.diag(shares)), rtol=1e-6)


def test_nt_xent_and_supervised_by_a_loop(views):
    nothing = np.zeros((8, 8), bool)
    twins = np.zeros((8, 8), bool)
    twins[0, 3] = twins[3, 0] = twins[5, 6] = True
    labels = np.array([0, 1, 0, 2, 2, 2, 3, 1])
    alike = labels[:, None] == labels
    for excluded in (nothing, twins):
        found = nt_xent(views, views, ROWS, 0.2, excluded)
        np.testing.assert_allclose(found, brute_force(views, 0.2, ROWS, excluded), rtol=1e-6)
        found = supervised_contrastive(views, views, ROWS, 0.2, alike, excluded)
        np.testing.assert_allclose(found, brute_force(views, 0.2, labels, excluded), rtol=1e-6)
    alone = supervised_contrastive(views, views, ROWS, 0.2, nothing)
    np.testing.assert_allclose(alone, nt_xent(views, views, ROWS, 0.2), rtol=1e-6)


def test_halves_see_the_negatives_of_the_whole_batch(views):
    """Each replica has its own rows; had it its own negatives only, the loss would be another."""
    whole = nt_xent(views, views, ROWS, 0.2)
    half = Views(*(view[4:] for view in views))
    np.testing.assert_allclose(nt_xent(half, views, ROWS[4:], 0.2), whole[4:], rtol=1e-6)
    apart = nt_xent(half, half, ROWS[:4], 0.2)
    assert np.abs(apart - whole[4:]).min() > 0.1


def test_order_does_not_matter(views):
    order = np.random.default_rng(1).permutation(8)
    mixed = Views(*(view[order] for view in views))
    for loss in (info_nce, nt_xent):
        whole = ops.convert_to_numpy(loss(views, views, ROWS, 0.2))
        np.testing.assert_allclose(loss(mixed, mixed, ROWS, 0.2), whole[order], rtol=1e-6)


@pytest.mark.parametrize("loss", [info_nce, nt_xent])
def test_excluded_pairs_have_no_gradient(loss, views):
    excluded = np.zeros((8, 8), bool)
    excluded[0, 3] = True

    def gradient(excluded):
        own = Views(*(tf.constant(view[:1]) for view in views))
        everyone = Views(*map(tf.constant, views))
        with tf.GradientTape() as tape:
            tape.watch(everyone)
            cost = loss(own, everyone, tf.constant(ROWS[:1]), 0.2, excluded)
        return [g.numpy() for g in tape.gradient(cost, everyone) if g is not None]

    assert all((part[3] == 0).all() for part in gradient(excluded[:1]))
    assert any(np.abs(part[3]).max() > 1e-3 for part in gradient(None))


def test_a_pair_is_never_excluded_itself(views):
    everything = np.ones((8, 8), bool)
    np.testing.assert_allclose(nt_xent(views, views, ROWS, 0.2, everything), 0, atol=1e-7)


def test_it_is_float32_where_views_are(views):
    small = Views(*(ops.convert_to_tensor(view.astype(np.float32)) for view in views))
    found = nt_xent(small, small, ROWS, 0.01)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(found, nt_xent(views, views, ROWS, 0.01), rtol=1e-4)


def test_temperatures_of_a_batch():
    assert temperature_for(1, 0, 255, 0.5) == pytest.approx(0.180464, abs=1e-6)
    assert temperature_for(0.8, 0.1, 255, 0.9) == pytest.approx(0.0904570, abs=1e-7)
    assert temperature_for(1, 0, 2 * 256 - 2, 0.5) < temperature_for(1, 0, 255, 0.5)
    temperature = temperature_for(0.8, 0.1, 255, 0.9)
    found = found_probability(np.array([0.8]), np.full((1, 255), 0.1), temperature)
    np.testing.assert_allclose(found, 0.9, rtol=1e-12)


def test_a_temperature_is_for_all_negatives_of_the_whole_batch():
    """Views at right angles to all else are found with the probability asked for.

    Not with the temperature for B - 1 negatives instead of 2 B - 2, nor with that for the negatives
    of one half of the batch (the controls).
    """
    axes = Views(np.eye(8), np.eye(8))

    def found(loss, num_negatives):
        cost = loss(axes, axes, ROWS, temperature_for(1, 0, num_negatives, 0.6))
        return np.exp(-ops.convert_to_numpy(cost))

    np.testing.assert_allclose(found(info_nce, 7), 0.6, rtol=1e-6)
    np.testing.assert_allclose(found(nt_xent, 14), 0.6, rtol=1e-6)
    for wrong in (7, 2 * 4 - 2):
        assert (found(nt_xent, wrong) < 0.45).all()


def test_the_exact_temperature_gives_the_probability_that_the_mean_field_one_misses():
    rng = np.random.default_rng(0)
    for width in (0.05, 0.2):
        negatives = rng.normal(0.1, width, (64, 127))
        positives = np.full(64, 0.8)
        exact = exact_temperature_for(positives, negatives, 0.7)
        found = found_probability(positives, negatives, exact).mean()
        assert found == pytest.approx(0.7, abs=1e-6)
        mean_field = temperature_for(0.8, float(negatives.mean()), 127, 0.7)
        assert exact < mean_field
        assert found_probability(positives, negatives, mean_field).mean() < 0.7
    alike = np.full((4, 9), 0.1)
    same = exact_temperature_for(np.full(4, 0.8), alike, 0.7)
    assert same == pytest.approx(temperature_for(0.8, 0.1, 9, 0.7), rel=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1, 0, 9, 0.1), "among 9 negatives .* between 0.1, which is chance, and 1, got 0.1"),
        ((1, 0, 9, 1), "and 1, got 1"),
        ((0.2, 0.2, 9, 0.5), "similarity 0.2 among negatives of similarity 0.2: positives must"),
    ],
)
def test_temperatures_that_do_not_exist(given, message):
    with pytest.raises(ValueError, match=message):
        temperature_for(*given)


def test_no_temperature_makes_up_for_positives_that_are_less_similar():
    with pytest.raises(ValueError, match="probability 0.5: a share of 0 of the positives"):
        exact_temperature_for(np.zeros(4), np.full((4, 9), 0.5), 0.5)


def test_info_nce_is_a_bound_on_mutual_information_and_reaches_it():
    """Two normal numbers that correlate with rho = .8 share -ln(1 - rho^2)/2 = .51083 nats.

    The optimal critic is their log density ratio; the bound is ln N - loss. Scalar products of
    (x^2, y^2, xy) with factors are that critic.
    """
    rho, rng = 0.8, np.random.default_rng(0)
    estimates = {}
    for size, repeats in ((4, 2000), (2000, 2)):
        bounds = []
        for _ in range(repeats):
            x = rng.normal(size=size)
            y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=size)
            first = np.stack([x, x**2, np.ones(size)], axis=1)
            scale = 2 * (1 - rho**2)
            second = np.stack([2 * rho * y, -(rho**2) * np.ones(size), -(rho**2) * y**2], axis=1)
            views = Views(first, second / scale)
            rows = np.arange(size, dtype=np.int32)
            cost = ops.convert_to_numpy(info_nce(views, views, rows, 1.0))
            bounds.append(np.log(size) - cost.mean())
        assert max(bounds) <= np.log(size)
        estimates[size] = np.mean(bounds)
    assert estimates[4] < 0.47 < estimates[2000]
    assert estimates[2000] == pytest.approx(0.51083, abs=0.04)
