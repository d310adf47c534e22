import numpy as np
import pytest
from sklearn import metrics

from genokeras.evaluation.operating_points import HALF, confusion, measures, operating_points
from genokeras.evaluation.threshold import cuts


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    targets = (rng.random(400) < 0.4).astype(float)
    return targets, np.round(1 / (1 + np.exp(-rng.normal(3 * targets - 1.5))), 2)


def by_rule(rows):
    return {row["rule"]: row for row in rows}


def test_measures_are_scikit_learns(scored):
    targets, probabilities = scored
    called = probabilities >= 0.3
    found = measures(targets, probabilities, 0.3)
    assert found == pytest.approx(
        {
            "threshold": 0.3,
            "precision": metrics.precision_score(targets, called),
            "recall": metrics.recall_score(targets, called),
            "specificity": metrics.recall_score(targets, called, pos_label=0),
            "f1": metrics.f1_score(targets, called),
            "mcc": metrics.matthews_corrcoef(targets, called),
        }
    )
    tn, fp, fn, tp = metrics.confusion_matrix(targets, called).ravel()
    assert confusion(targets, probabilities, 0.3) == {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    assert confusion(targets, probabilities, None) is None


def test_every_cut_does_what_it_says(scored):
    targets, probabilities = scored
    found = cuts(probabilities, targets)
    assert len(found.thresholds) == len(np.unique(probabilities))
    for place in range(0, len(found.thresholds), 7):
        called = probabilities >= found.thresholds[place]
        assert found.precision[place] == pytest.approx(metrics.precision_score(targets, called))
        assert found.recall[place] == pytest.approx(metrics.recall_score(targets, called))
        assert found.f1[place] == pytest.approx(metrics.f1_score(targets, called))
        assert found.mcc[place] == pytest.approx(metrics.matthews_corrcoef(targets, called))
        negatives = called[targets < 0.5]
        assert found.false_positive_rate[place] == pytest.approx(negatives.mean())
    assert found.mcc[-1] == 0, "all are called"


def test_rules_hold_on_valid_and_as_many_are_called_as_they_allow(scored):
    """Measured on the valid split itself every rule is kept; one cut lower it no longer is."""
    targets, probabilities = scored
    rows = by_rule(operating_points(targets, probabilities, (targets, probabilities)))
    found = cuts(probabilities, targets)
    assert 1 - rows["FPR 5% on valid"]["specificity"] <= 0.05
    assert 1 - rows["FPR 1% on valid"]["specificity"] <= 0.01
    assert rows["precision 90% on valid"]["precision"] >= 0.9
    assert rows["recall 90% on valid"]["recall"] >= 0.9
    assert rows["best F1 on valid"]["f1"] == pytest.approx(found.f1.max())
    assert rows["best MCC on valid"]["mcc"] == pytest.approx(found.mcc.max())
    place = np.flatnonzero(found.thresholds == rows["FPR 5% on valid"]["threshold"])[0]
    assert found.false_positive_rate[place + 1] > 0.05
    place = np.flatnonzero(found.thresholds == rows["recall 90% on valid"]["threshold"])[0]
    assert found.recall[place - 1] < 0.9


def test_labels_of_the_split_move_no_threshold(scored):
    targets, probabilities = scored
    rows = operating_points(targets, probabilities, (targets, probabilities))
    turned = operating_points(1 - targets, probabilities, (targets, probabilities))
    assert [row["threshold"] for row in rows] == [row["threshold"] for row in turned]
    assert rows[1]["f1"] != turned[1]["f1"]


def test_a_rule_that_no_threshold_keeps_has_none():
    """The most probable example is negative: no threshold has a precision of 90%."""
    targets, probabilities = np.array([0.0, 1, 0, 1]), np.array([0.9, 0.8, 0.2, 0.1])
    rows = by_rule(operating_points(targets, probabilities, (targets, probabilities)))
    assert set(rows["precision 90% on valid"].values()) == {"precision 90% on valid", None}
    assert rows["FPR 5% on valid"]["threshold"] is None
    assert rows["recall 90% on valid"]["threshold"] == pytest.approx(0.1)


@pytest.mark.parametrize("valid", [None, (np.ones(3), np.arange(3) / 3)])
def test_without_both_classes_on_valid_only_one_half_is_left(scored, valid):
    first, *others = operating_points(*scored, valid)
    assert (first["rule"], first["threshold"]) == (HALF, 0.5)
    assert first["f1"] > 0.5
    assert all(row["threshold"] is None for row in others)


def test_a_split_of_one_class_has_counts_and_no_f1():
    found = measures(np.ones(4), np.array([0.1, 0.6, 0.7, 0.8]), 0.5)
    assert (found["recall"], found["specificity"], found["f1"]) == (0.75, None, None)
    assert measures(np.ones(2), np.zeros(2), 0.5)["precision"] is None
