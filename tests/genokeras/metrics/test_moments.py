import numpy as np
import pytest
from sklearn.metrics import r2_score

from genokeras.metrics.moments import PairMoments


def added_up(x, y, known, parts):
    found = PairMoments(x.shape[1])
    for rows in np.array_split(np.arange(len(x)), parts):
        found.add(x[rows], y[rows], known[rows])
    return found


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_equals_numpy_and_scikit_learn_in_any_parts(parts, offset):
    rng = np.random.default_rng(0)
    x = rng.gamma(1, 5, (100, 3)) + offset
    y = x + rng.normal(0, 4, (100, 3))
    known = rng.random((100, 3)) < 0.8
    found = added_up(x, y, known, parts)
    np.testing.assert_array_equal(found.count, known.sum(axis=0))
    for track in range(3):
        rows = known[:, track]
        pair = x[rows, track], y[rows, track]
        assert found.correlation()[track] == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-10)
        assert found.r2()[track] == pytest.approx(r2_score(*pair), abs=1e-10)


def test_a_constant_has_no_correlation():
    x, y = np.full((50, 2), 0.1), np.random.default_rng(0).normal(size=(50, 2))
    y[:, 1], x[:, 1] = 0.7, y[:, 1].copy()
    found = added_up(x, y, np.ones((50, 2), bool), 9)
    assert np.isnan(found.correlation()).all()
    assert np.isnan(found.r2()[0])
    assert np.isfinite(found.r2()[1])


def test_a_track_of_which_nothing_is_known():
    x = np.random.default_rng(0).normal(size=(20, 2))
    known = np.ones((20, 2), bool)
    known[:, 0] = False
    found = added_up(np.where(known, x, np.nan), x, known, 3)
    assert np.isnan(found.correlation()[0])
    assert found.correlation()[1] == pytest.approx(1)
