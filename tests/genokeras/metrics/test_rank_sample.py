import numpy as np
import pytest
from scipy import stats

from genokeras.metrics import rank_sample
from genokeras.metrics.rank_sample import RankSample


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    x = rng.poisson(3, (200, 16, 2)).astype(np.float32)
    return x, (x + rng.normal(0, 3, x.shape)).astype(np.float32)


def sample_of(x, y, parts, limit=None):
    """Of windows of which two make a block."""
    found = RankSample(x.shape[2], limit)
    for rows in np.array_split(np.arange(len(x)), parts):
        found.add(x[rows], y[rows], rows // 2)
    return found


def sampled(x, y, parts, limit=None):
    return sample_of(x, y, parts, limit).correlation()


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
        sample.add(*[places[window : window + 1]] * 2, np.array([window]))
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


def test_resamples_are_ranked_anew(pairs):
    """By hand: 200 windows in blocks of 2 and groups of 6, each bin as often as its group."""
    x, y = pairs
    x[3:9, :5, 1] = np.nan
    counts = np.random.default_rng(1).poisson(1, (3, 34)).astype(float)
    found = sample_of(x, y, 5).resampled(counts, 3)
    for row, drawn in enumerate(counts):
        times = np.repeat(drawn.astype(int), 6)[:200]
        for track in range(2):
            flat = [np.repeat(values[..., track], times, axis=0).ravel() for values in (x, y)]
            known = ~np.isnan(flat[0])
            expected = stats.spearmanr(*(values[known] for values in flat)).statistic
            assert found[row, track] == pytest.approx(expected, rel=1e-12)


def test_resamples_of_some_bins_are_about_the_score_of_all(pairs, monkeypatch):
    sample = sample_of(*pairs, 5)
    counts = np.random.default_rng(1).multinomial(100, np.full(100, 0.01), 200).astype(float)
    of_all = sample.resampled(counts, 1)
    monkeypatch.setattr(rank_sample, "_MOST_RESAMPLED", 2000)
    monkeypatch.setattr(rank_sample, "_LEAST_RESAMPLED", 1)
    of_some = sample.resampled(counts, 1)
    once = sample.resampled(np.ones((1, 100)), 1)
    np.testing.assert_allclose(once[0], sample.correlation(), rtol=1e-12)
    assert (np.abs(of_some.mean(axis=0) - of_all.mean(axis=0)) < 0.01).all()
    # A third of the bins, each nearly independent of the others.
    wider = of_some.std(axis=0) / of_all.std(axis=0)
    assert ((wider > 1) & (wider < 2.5)).all()


def test_no_resamples_of_nothing():
    assert RankSample(2).resampled(np.zeros((0, 5)), 1).shape == (0, 2)
    assert np.isnan(RankSample(2).resampled(np.zeros((3, 0)), 1)).all()
