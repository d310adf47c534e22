import numpy as np
import pytest
from scipy import stats

from genokeras.metrics.rank_sample import RankSample


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    x = rng.poisson(3, (200, 16, 2)).astype(np.float32)
    return x, (x + rng.normal(0, 3, x.shape)).astype(np.float32)


def sampled(x, y, parts, limit=None):
    found = RankSample(x.shape[2], limit)
    for rows in np.array_split(np.arange(len(x)), parts):
        found.add(x[rows], y[rows])
    return found.correlation()


def test_few_bins_are_all_kept(pairs):
    x, y = pairs
    x[3:9, :5, 1] = np.nan
    expected = []
    for track in range(2):
        known = ~np.isnan(x[..., track])
        expected.append(stats.spearmanr(x[known, track], y[known, track]).statistic)
    np.testing.assert_allclose(sampled(x, y, 5), expected, rtol=1e-12)


def test_of_many_bins_a_sample_is_kept_whatever_the_batches(pairs):
    x, y = pairs
    found = sampled(x, y, 1, limit=1000)
    np.testing.assert_array_equal(found, sampled(x, y, 13, limit=1000))
    expected = [stats.spearmanr(x[..., t].ravel(), y[..., t].ravel()).statistic for t in range(2)]
    assert (np.abs(found - expected) < 3 * np.sqrt(2 / 1000)).all()
    assert (found != expected).all()


def test_memory_is_bounded():
    """Between half of the limit and the limit, all bins being as likely to be among them."""
    sample = RankSample(1, limit=64)
    places = np.arange(100 * 50, dtype=np.float32).reshape(100, 50, 1)
    for window in range(100):
        sample.add(places[window : window + 1], places[window : window + 1])
        assert len(sample._x) <= 64
    assert len(sample._x) > 16
    assert stats.kstest(sample._x.ravel() / 5000, "uniform").pvalue > 0.01
    assert RankSample(32).limit == 1 << 17
    assert RankSample(1).limit == 1 << 20
    assert RankSample(5000).limit == 1 << 12


def test_undefined_where_nothing_is_known_or_all_is_alike():
    x = np.random.default_rng(0).normal(size=(4, 8, 2))
    y = x.copy()
    x[..., 0], y[..., 1] = np.nan, 3
    assert np.isnan(sampled(x, y, 2)).all()
