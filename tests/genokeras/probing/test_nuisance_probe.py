import math

import numpy as np
import pytest
from scipy.stats import norm

from genokeras.probing import nuisance_probe
from genokeras.probing.nuisance_probe import probe_nuisance

SHIFT = 2.0


def shifted(count, seed=0):
    """Two normal dimensions, the first of which is shifted in one of two batches."""
    rng = np.random.default_rng(seed)
    batch = rng.integers(0, 2, count)
    x = rng.normal(size=(count, 2))
    x[:, 0] += SHIFT * batch
    return x, batch


def probed(x, classes, within=None, **options):
    count = len(x)
    given = np.zeros(count, int) if within is None else within
    rows = probe_nuisance(x, classes, given, np.arange(count), seed=0, **options)
    return {row["probe"]: row for row in rows}


def test_a_batch_is_told_as_well_as_it_can_be_and_not_after_projection():
    """A shift of 2 standard deviations: accuracy Phi(1). Without that dimension there is none."""
    x, batch = shifted(8000, seed=2)
    for row in probed(x, batch).values():
        assert row["accuracy"] == pytest.approx(norm.cdf(SHIFT / 2), abs=0.015)
        assert (row["chance"], row["p_value"]) == (0.5, 1 / 1000)
        assert (row["classes"], row["n"]) == (2, 4000)
        assert row["information"] == pytest.approx(_information(SHIFT), abs=0.03)
        assert row["entropy"] == pytest.approx(math.log(2), abs=1e-3)
    for row in probed(x[:, 1:], batch).values():
        assert row["accuracy"] == pytest.approx(0.5, abs=0.03)
        assert row["p_value"] > 0.05
        assert row["information"] < 0.002


def _information(shift):
    """I(X; batch) of two normal distributions, by quadrature."""
    x = np.linspace(-10, 10 + shift, 20001)
    first, second = norm.pdf(x), norm.pdf(x, loc=shift)
    mean = (first + second) / 2
    safe = np.maximum(mean, 1e-300)
    parts = [p * np.log(np.maximum(p, 1e-300) / safe) for p in (first, second)]
    return float(np.sum(sum(parts) / 2) * (x[1] - x[0]))


def test_a_line_that_fails_shows_nothing_of_a_network():
    """Whether the signs of two dimensions agree cannot be told by a line."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    found = probed(x, (x[:, 0] * x[:, 1] > 0).astype(int))
    assert found["linear"]["accuracy"] < 0.55
    assert found["linear"]["p_value"] > 0.01
    assert found["mlp"]["accuracy"] > 0.9
    assert found["mlp"]["p_value"] == 1 / 1000


def test_what_only_goes_with_the_label_is_not_told_within_its_classes():
    """The embedding is the label and noise; the batch is the label in four cases of five."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 2000)
    batch = np.where(rng.random(2000) < 0.8, label, 1 - label)
    x = label[:, None] + 0.3 * rng.normal(size=(2000, 2))
    for row in probed(x, batch).values():
        assert row["accuracy"] > 0.75
        assert row["p_value"] == 1 / 1000
    for row in probed(x, batch, label).values():
        assert row["accuracy"] < 0.55
        assert row["p_value"] > 0.05
    # The control: what is of the batch itself is told there as well.
    x[:, 1] += batch
    for row in probed(x, batch, label).values():
        assert row["accuracy"] > 0.85
        assert row["p_value"] == 1 / 1000


@pytest.mark.slow
def test_p_values_of_what_is_not_there_are_evenly_spread(monkeypatch):
    monkeypatch.setattr(nuisance_probe, "PROBES", ("linear",))
    rng = np.random.default_rng(0)
    values = []
    for _ in range(40):
        x, classes = rng.normal(size=(80, 2)), rng.integers(0, 2, 80)
        values.append(probed(x, classes, permutations=99)["linear"]["p_value"])
    assert abs(np.mean(values) - 0.5) < 3 * math.sqrt(1 / 12 / 40)
    assert 0 < np.mean(np.array(values) <= 0.25) < 0.45


def test_classes_of_few_windows_are_left_out():
    x, batch = shifted(1000)
    batch[:15] = 2  # Of 15, fewer than 10 are in one of the halves.
    assert probed(x, batch)["linear"]["classes"] == 2
    # Of one class, and where no window has both the nuisance and the label.
    for given in ((x, np.zeros(1000, int)), (x[:0], batch[:0])):
        nothing = probed(*given)["linear"]
        assert nothing["n"] == 0
        assert nothing["p_value"] is None


def test_blocks_are_not_divided(monkeypatch):
    """Copies of a window are in the same half; else whatever is drawn could be learnt by heart."""
    monkeypatch.setattr(nuisance_probe, "PROBES", ("linear",))
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(60, 60)), 30, axis=0)
    classes = np.repeat(rng.integers(0, 2, 60), 30)
    blocks = np.repeat(np.arange(60), 30)
    [apart] = probe_nuisance(x, classes, 0 * blocks, blocks, seed=0)
    together = probed(x, classes)["linear"]
    assert apart["accuracy"] < 0.75
    assert together["accuracy"] > 0.95
    halves = nuisance_probe._halves(blocks, np.random.default_rng(0))
    assert all(len(set(halves[blocks == block])) == 1 for block in range(60))
    assert halves.mean() == pytest.approx(0.5, abs=0.03)
