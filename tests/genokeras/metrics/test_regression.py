import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from genokeras.metrics import regression

METRICS = {
    name: getattr(regression, name)
    for name in ("pearson_r", "spearman_r", "r2", "mean_squared_error")
}


def example(seed, ties=False, size=80):
    rng = np.random.default_rng(seed)
    targets = rng.normal(100, 1, size)
    predictions = targets + rng.normal(size=size)
    return (np.round(targets), np.round(predictions)) if ties else (targets, predictions)


@pytest.mark.parametrize("ties", [False, True])
def test_equals_scipy_and_scikit_learn(ties):
    for seed in range(20):
        targets, predictions = example(seed, ties)
        pairs = [
            (regression.pearson_r, stats.pearsonr(targets, predictions).statistic),
            (regression.spearman_r, stats.spearmanr(targets, predictions).statistic),
            (regression.r2, sklearn.r2_score(targets, predictions)),
            (regression.mean_squared_error, sklearn.mean_squared_error(targets, predictions)),
        ]
        for metric, expected in pairs:
            assert metric(targets, predictions) == pytest.approx(expected, abs=1e-11)


def test_by_hand():
    targets, predictions = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])
    assert regression.pearson_r(targets, predictions) == pytest.approx(0.5)
    assert regression.spearman_r(targets, predictions) == pytest.approx(0.5)
    assert regression.r2(targets, predictions) == 1 - 2 / 2
    assert regression.mean_squared_error(targets, predictions) == pytest.approx(2 / 3)


def test_ranks_do_not_see_a_monotone_map():
    targets, predictions = example(0)
    squeezed = np.tanh(predictions - 100)
    value = regression.spearman_r(targets, predictions)
    assert regression.spearman_r(targets, squeezed) == pytest.approx(value)
    assert regression.pearson_r(targets, squeezed) != pytest.approx(
        regression.pearson_r(targets, predictions)
    )


def test_predicting_the_mean_explains_nothing():
    targets, _ = example(0)
    assert regression.r2(targets, np.full(80, targets.mean())) == pytest.approx(0)
    assert regression.r2(targets, targets) == 1


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("ties", [False, True])
def test_counts_equal_the_resampled_arrays(name, ties):
    targets, predictions = example(1, ties)
    draws = np.random.default_rng(0).integers(80, size=(30, 80))
    counts = np.stack([np.bincount(draw, minlength=80) for draw in draws])
    expected = [METRICS[name](targets[draw], predictions[draw]) for draw in draws]
    np.testing.assert_allclose(METRICS[name](targets, predictions, counts), expected, atol=1e-11)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 + 0.1])
def test_a_constant_has_no_correlation(constant):
    targets, _ = example(0)
    flat = np.full(80, constant)
    for name in ("pearson_r", "spearman_r"):
        assert np.isnan(METRICS[name](targets, flat))
        assert np.isnan(METRICS[name](flat, targets))
    assert np.isnan(regression.r2(flat, targets))
    counts = np.zeros((2, 80))
    counts[0, 7] = 3
    counts[1] = 1
    assert np.isnan(regression.pearson_r(targets, targets, counts)).tolist() == [True, False]
