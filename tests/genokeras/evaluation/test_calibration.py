import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from genokeras.evaluation.calibration import (
    calibration,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    wilson_interval,
)
from genokeras.evaluation.scores import probability


def drawn(number, scale=1.0, seed=0):
    """Labels drawn from logits, and these logits times a factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, number)
    return (rng.random(number) < probability(logits)).astype(float), logits * scale


def test_ece_of_two_bins_worked_by_hand():
    """10 of 20 examples given 0.3 are positive, 19 of 20 given 0.8: (0.2 + 0.15) / 2."""
    probabilities = np.repeat([0.3, 0.8], 20)
    targets = np.concatenate([np.arange(20) < 10, np.arange(20) < 19]).astype(float)
    assert expected_calibration_error(targets, probabilities) == pytest.approx(0.175)
    low, high = reliability_bins(targets, probabilities)
    assert {"from": 0.3, "to": 0.3, "n": 20, "share_positive": 0.5}.items() <= low.items()
    assert high["mean_probability"] == pytest.approx(0.8)
    assert high["share_positive"] == pytest.approx(0.95)
    assert high["share_positive_ci"] == pytest.approx(list(wilson_interval(19, 20)))


def test_bins_hold_a_tenth_each_and_few_examples_have_fewer_bins():
    targets, logits = drawn(1000)
    bins = reliability_bins(targets, probability(logits))
    assert [part["n"] for part in bins] == [100] * 10
    assert len(reliability_bins(targets[:35], probability(logits[:35]))) == 3
    assert len(reliability_bins(targets[:5], probability(logits[:5]))) == 1
    assert reliability_bins(np.zeros(0), np.zeros(0)) == []


@pytest.mark.parametrize(("positives", "count"), [(0, 10), (3, 10), (10, 10), (480, 1000)])
def test_wilson_interval_is_scipys(positives, count):
    expected = stats.binomtest(positives, count).proportion_ci(0.95, "wilson")
    assert wilson_interval(positives, count) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_logits_times_a_factor_give_back_that_temperature(scale):
    targets, logits = drawn(50_000, scale)
    assert fit_temperature(targets, logits) == pytest.approx(scale, rel=0.03)


def test_temperature_is_the_minimum_that_scipy_finds():
    for seed in range(5):
        targets, logits = drawn(200, scale=1.7, seed=seed)

        def loss(inverse, targets=targets, logits=logits):
            return np.mean(np.logaddexp(0, inverse * logits) - targets * inverse * logits)

        found = optimize.minimize_scalar(loss, bounds=(1e-3, 10), method="bounded",
                                         options={"xatol": 1e-10})  # fmt: skip
        assert fit_temperature(targets, logits) == pytest.approx(1 / found.x, rel=1e-6)


def test_temperature_of_enormous_logits_is_found():
    targets, logits = drawn(2000, scale=1e4)
    assert fit_temperature(targets, logits) == pytest.approx(
        1e4 * fit_temperature(*drawn(2000)), rel=1e-6
    )


@pytest.mark.parametrize(
    ("targets", "logits"),
    [
        ([0, 0, 1, 1], [-2, -1, 1, 2]),  # Separated: the colder the better.
        ([1, 1, 0, 0], [-2, -1, 1, 2]),  # The wrong way round: the hotter the better.
        ([1, 0, 1, 0], [0, 0, 0, 0]),  # All the same at any temperature.
        ([], []),
    ],
)
def test_where_no_temperature_is_best_there_is_none(targets, logits):
    assert fit_temperature(np.array(targets, float), np.array(logits, float)) is None


def test_a_fitted_temperature_mends_an_overconfident_model():
    targets, logits = drawn(4000, scale=3.0)
    temperature = fit_temperature(targets[:2000], logits[:2000])
    found = calibration(targets[2000:], logits[2000:], temperature, num_bootstrap=100)
    assert found["temperature"] == pytest.approx(3, rel=0.15)
    assert found["ece"] > found["ece_if_calibrated_ci"][1]
    assert found["ece_ci"][0] > 0
    assert found["ece_after_temperature"] < found["ece"] / 3
    assert len(found["bins_after_temperature"]) == len(found["bins"]) == 10


def test_ece_of_a_calibrated_model_is_what_calibrated_labels_give():
    """It is above 0: 10 bins of 100 examples miss their shares by about 0.03 each."""
    targets, logits = drawn(1000)
    found = calibration(targets, logits, None, num_bootstrap=200)
    low, high = found["ece_if_calibrated_ci"]
    assert 0.01 < low < found["ece_if_calibrated"] < high < 0.05
    assert low < found["ece"] < high
    assert found["ece_ci"][0] == 0
    assert found["ece_ci"][1] >= found["ece"]


def test_intervals_of_an_ece_hold_the_true_one_as_often_as_they_should():
    """Logits times 1.5: the true ECE of 10 bins comes from a very large sample."""
    targets, logits = drawn(100_000, 1.5, seed=99)
    true = expected_calibration_error(probability(logits / 1.5), probability(logits))
    held = 0
    for seed in range(60):
        targets, logits = drawn(500, 1.5, seed)
        low, high = calibration(targets, logits, None, num_bootstrap=200, seed=seed)["ece_ci"]
        held += low <= true <= high
    assert held >= 54  # 57 are 95%.


def test_brier_score_is_scikit_learns():
    targets, logits = drawn(300)
    found = calibration(targets, logits, None, num_bootstrap=0)
    assert found["brier"] == pytest.approx(brier_score_loss(targets, probability(logits)))
    assert found["ece_ci"] is None
    assert found["ece_if_calibrated"] is None
    assert (found["temperature"], found["ece_after_temperature"]) == (None, None)


def test_a_task_without_labels_has_no_calibration():
    found = calibration(np.zeros(0), np.zeros(0), 2.0, num_bootstrap=10)
    assert found["ece"] is found["brier"] is found["ece_after_temperature"] is None
    assert found["bins"] == []


def test_reliability_is_that_of_scikit_learns_quantiles():
    targets, logits = drawn(1000)
    bins = reliability_bins(targets, probability(logits))
    shares, means = calibration_curve(targets, probability(logits), n_bins=10, strategy="quantile")
    assert [part["share_positive"] for part in bins] == pytest.approx(shares.tolist())
    assert [part["mean_probability"] for part in bins] == pytest.approx(means.tolist())
