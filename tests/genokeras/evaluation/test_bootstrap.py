import numpy as np
import pytest

from genokeras.evaluation import bootstrap


def mean_of(values):
    return lambda counts: {"mean": counts @ values / counts.sum(axis=1)}


def test_counts_are_draws_with_replacement():
    counts = np.concatenate(list(bootstrap.resample_counts(50, 4000, seed=1)))
    assert counts.shape == (4000, 50)
    assert (counts.sum(axis=1) == 50).all()
    # Multinomial: mean 1, variance 1 - 1/N, covariance -1/N.
    assert counts.mean() == 1
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.02)
    assert np.cov(counts[:, :2].T)[0, 1] == pytest.approx(-1 / 50, abs=0.05)


def test_same_seed_same_resamples_whatever_the_block(monkeypatch):
    whole = np.concatenate(list(bootstrap.resample_counts(30, 25, seed=7)))
    monkeypatch.setattr(bootstrap, "_BLOCK", 100)
    blocks = list(bootstrap.resample_counts(30, 25, seed=7))
    assert len(blocks) == 9
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert (np.concatenate(list(bootstrap.resample_counts(30, 25, seed=8))) != whole).any()


def test_interval_of_a_mean_is_that_of_the_normal_theory():
    values = np.random.default_rng(0).normal(3, 2, 400)
    scores = bootstrap.resampled_scores(mean_of(values), 400, num_resamples=4000)["mean"]
    standard_error = values.std() / np.sqrt(400)
    assert scores.std() == pytest.approx(standard_error, rel=0.04)
    low, high = bootstrap.interval(scores)
    assert low == pytest.approx(values.mean() - 1.96 * standard_error, abs=0.08 * standard_error)
    assert high == pytest.approx(values.mean() + 1.96 * standard_error, abs=0.08 * standard_error)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, shape: rng.normal(5, 1, shape), 5.0),
        (lambda rng, shape: (rng.random(shape) < 0.8).astype(float), 0.8),
    ],
    ids=["normal", "binomial"],
)
def test_interval_covers_the_truth_as_often_as_it_says(draw, truth):
    """1000 test sets of 200 examples: 95% intervals hold the truth 95% of the time."""
    test_sets = draw(np.random.default_rng(3), (1000, 200))
    counts = np.concatenate(list(bootstrap.resample_counts(200, 1000, seed=0)))
    resampled = counts @ test_sets.T / 200
    intervals = np.array([bootstrap.interval(scores) for scores in resampled.T])
    covered = np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1]))
    # The binomial standard error of this share is .007; a percentile interval is a little short.
    assert 0.925 < covered < 0.965


def test_resamples_without_a_score_are_left_out():
    scores = np.append(np.linspace(0, 1, 1001), [np.nan] * 1000)
    assert bootstrap.interval(scores) == pytest.approx((0.025, 0.975))


def test_too_few_defined_resamples_give_no_interval():
    assert bootstrap.interval(np.array([0.5, np.nan])) is None
    assert bootstrap.interval(np.full(10, np.nan)) is None


def test_progress_counts_resamples(bar):
    bootstrap.resampled_scores(
        mean_of(np.ones(3)), 3, num_resamples=17, progress=lambda text, total: bar
    )
    assert (bar.done, bar.is_closed) == (17, True)
