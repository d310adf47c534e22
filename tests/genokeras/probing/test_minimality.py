import math

import numpy as np
import pytest

from genokeras.probing import minimality
from genokeras.probing.minimality import info_nce_bound, information_bounds, rounded_bounds

RHO = 0.8
EXACT = -math.log(1 - RHO**2) / 2  # .51083 nats, of a correlation of .8.
NOISE = math.sqrt(1 - RHO**2)


def means(count, seed, dimensions=1):
    """Z = rho X + noise: its mean given X."""
    return RHO * np.random.default_rng(seed).normal(size=(count, dimensions))


def test_bounds_of_correlated_normal_numbers():
    assert pytest.approx(0.51083, abs=1e-5) == EXACT
    found = information_bounds(means(20000, 0), means(12000, 1), NOISE, batch_size=1500)
    assert found["lower"] == pytest.approx(EXACT, abs=0.02)
    assert found["upper"] == pytest.approx(EXACT, abs=0.01)
    assert found["most"] == pytest.approx(math.log(1500))
    # In four dimensions four times as much.
    found = information_bounds(means(20000, 0, 4), means(6000, 1, 4), NOISE, batch_size=3000)
    assert found["lower"] == pytest.approx(4 * EXACT, abs=0.1)
    assert found["upper"] == pytest.approx(4 * EXACT, abs=0.03)


def test_the_lower_bound_is_never_above_the_logarithm_of_the_batch():
    """Of 64 dimensions with hardly any noise, where I(Z; X) is some hundred nats."""
    for size in (2, 8, 64):
        found = information_bounds(means(500, 0, 64), means(256, 1, 64), 0.01, batch_size=size)
        assert found["lower"] <= math.log(size) + 1e-9
        assert found["lower"] == pytest.approx(math.log(size), abs=1e-3)
        assert found["upper"] > 100
    rng = np.random.default_rng(0)
    for scale in (1, 100):
        assert info_nce_bound(scale * rng.normal(size=(16, 16))) <= math.log(16)
    assert info_nce_bound(np.zeros((16, 16))) == pytest.approx(0)


def test_bounds_do_not_depend_on_how_many_windows_are_computed_at_a_time(monkeypatch):
    given = means(1000, 0, 3), means(700, 1, 3), NOISE
    whole = information_bounds(*given)
    monkeypatch.setattr(minimality, "_ROWS", 64)
    assert information_bounds(*given) == pytest.approx(whole, rel=1e-12)


def test_more_noise_leaves_less():
    found = [information_bounds(means(3000, 0, 3), means(3000, 1, 3), noise, batch_size=500)
             for noise in (0.3, 1.0, 3.0)]  # fmt: skip
    for bound in ("lower", "upper"):
        values = [each[bound] for each in found]
        assert values == sorted(values, reverse=True)
    assert all(each["lower"] <= each["upper"] + 0.02 for each in found)


def test_rounded_embeddings_hold_their_entropy():
    """Two independent uniform numbers of four values: 2 ln 4. A copy of the first: ln 4."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (50000, 2)) + 0.2 * rng.uniform(-1, 1, (50000, 2))
    found = rounded_bounds(x, 1.0)
    assert found["lower"] == pytest.approx(2 * math.log(4), abs=1e-3)
    assert found["upper"] == pytest.approx(2 * math.log(4), abs=1e-3)
    copied = rounded_bounds(x[:, [0, 0]].round(), 1.0)
    assert copied["lower"] == pytest.approx(math.log(4), abs=1e-3)
    assert copied["upper"] == pytest.approx(2 * math.log(4), abs=1e-3)
    assert rounded_bounds(rng.normal(size=(100, 20)), 0.1)["lower"] == pytest.approx(math.log(100))


def test_what_has_no_bound_is_refused():
    with pytest.raises(ValueError, match="noise must be above 0, got 0"):
        information_bounds(means(10, 0), means(10, 1), 0)
    with pytest.raises(ValueError, match="expected at least 2 windows, got 10 and 1"):
        information_bounds(means(10, 0), means(1, 1), 1.0)
    with pytest.raises(ValueError, match="step must be above 0, got -1"):
        rounded_bounds(means(10, 0), -1)
