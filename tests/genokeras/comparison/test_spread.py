"""Intervals and tests against SciPy's, hand-made numbers, and simulations with nothing to find."""

import numpy as np
import pytest
from scipy import stats

from genokeras.comparison.spread import estimate, holm


def test_without_resamples_it_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.8, 0.01, (2, 5))
    found = estimate(second - first, None)
    expected = stats.ttest_rel(second, first)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.ci == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found.covers, found.degrees) == ("seeds", pytest.approx(4))


def test_with_one_seed_it_is_the_bootstrap_of_the_examples():
    rng = np.random.default_rng(0)
    values = rng.normal(0.1, 1, 400)
    samples = values[rng.integers(400, size=(4000, 400))].mean(axis=1)
    found = estimate(np.array([values.mean()]), samples[None])
    expected = stats.ttest_1samp(values, 0)  # Whose 399 degrees of freedom are next to no limit.
    assert found.p == pytest.approx(expected.pvalue, rel=0.15)
    assert found.ci == pytest.approx(tuple(expected.confidence_interval(0.95)), abs=0.01)
    assert (found.covers, found.error_of_seeds, found.degrees) == ("examples", None, None)


def test_both_variances_add_up():
    scores = np.array([0.1, 0.2, 0.3])  # Standard error 0.1 / sqrt(3).
    samples = np.array([[0.0, 0.2], [0.1, 0.3], [0.2, 0.4]])  # Means 0.1 and 0.3.
    found = estimate(scores, samples)
    of_seeds, of_examples = 0.01 / 3, 0.02
    assert found.error_of_seeds**2 == pytest.approx(of_seeds)
    assert found.error_of_examples**2 == pytest.approx(of_examples)
    degrees = 2 * ((of_seeds + of_examples) / of_seeds) ** 2
    assert found.degrees == pytest.approx(degrees)
    reach = stats.t.ppf(0.975, degrees) * np.sqrt(of_seeds + of_examples)
    assert found.ci == pytest.approx((0.2 - reach, 0.2 + reach))
    assert found.covers == "examples and seeds"


def test_what_cannot_be_known():
    lone = estimate(np.array([0.8]), None)
    assert (lone.mean, lone.ci, lone.p, lone.covers) == (0.8, None, None, "nothing")
    same = estimate(np.zeros(2), np.zeros((2, 50)))  # One run under two names.
    assert (same.ci, same.p) == ((0.0, 0.0), 1.0)
    undefined = np.full((1, 10), np.nan)
    undefined[0, :4] = 0.5
    assert estimate(np.array([0.5]), undefined).covers == "nothing"


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, None, 0.9, 0.001]) == [1.0, None, 1.0, pytest.approx(0.003)]
    assert holm([]) == []


def rejected(rng, gap, of_seeds, with_seeds=True, trials=300):
    """How often a difference is found between two configurations of three seeds each.

    Runs are right or wrong about 150 examples, on which they agree somewhat; a seed moves all of
    its run. Each run is scored by its share of right answers.
    """
    found, counts = 0, rng.multinomial(150, np.full(150, 1 / 150), size=200) / 150
    for _ in range(trials):
        ease = rng.normal(0.8, 1, 150)
        luck = rng.normal(0, of_seeds, (2, 3, 1)) + np.array([0, gap])[:, None, None]
        right = (ease + luck + rng.normal(0, 0.6, (2, 3, 150)) > 0).astype(float)
        gaps = right[1] - right[0]
        scores, samples = gaps.mean(axis=1), gaps @ counts.T
        if not with_seeds:
            scores, samples = scores[:1], samples[:1]
        found += estimate(scores, samples).p < 0.05
    return found / trials


def test_nothing_is_found_where_there_is_nothing():
    """At a level of 5% at most 8.2% of 300 trials, in 99 of 100 cases."""
    rng = np.random.default_rng(0)
    assert rejected(rng, gap=0, of_seeds=0.0) <= 0.082
    assert rejected(rng, gap=0, of_seeds=0.3) <= 0.082
    assert rejected(rng, gap=0, of_seeds=1.0) <= 0.082


def test_the_two_controls():
    """What is there is found; one seed, taken for its configuration, finds what is not."""
    rng = np.random.default_rng(1)
    assert rejected(rng, gap=1.0, of_seeds=0.1) > 0.9
    assert rejected(rng, gap=0, of_seeds=0.6, with_seeds=False) > 0.25
