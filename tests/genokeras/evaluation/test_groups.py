import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genokeras.evaluation.groups import group_scores
from genokeras.evaluation.scores import Labels


@pytest.fixture
def split():
    """500 examples; the model is right where the value is low, and guesses where it is high."""
    rng = np.random.default_rng(0)
    values = rng.random(500)
    targets = rng.integers(0, 2, (500, 2)).astype(np.float32)
    logits = rng.normal(size=(500, 2)) + np.where(values < 0.5, 4, 0)[:, None] * targets
    weight = np.ones_like(targets)
    weight[::7, 0] = 0
    return values, Labels("binary", ("a", "b"), targets, weight), logits


def test_fifths_are_scored_by_themselves(split):
    values, labels, logits = split
    found = group_scores(values, labels, 0, logits, -logits, num_bootstrap=100)
    assert len(found) == 5
    assert sum(group["n"] for group in found) == np.count_nonzero(labels.weight[:, 0])
    assert found[0]["to"] < found[1]["from"]
    for group in found:
        rows = (values >= group["from"]) & (values <= group["to"]) & (labels.weight[:, 0] > 0)
        targets = labels.targets[rows, 0]
        assert (group["n"], group["positives"]) == (rows.sum(), targets.sum())
        expected = roc_auc_score(targets, logits[rows, 0])
        assert group["auroc"] == pytest.approx(expected)
        assert group["baseline_auroc"] == pytest.approx(1 - expected)
        low, high = group["auroc_ci"]
        assert low < expected < high
        # The same resamples: the baseline's interval is the model's, turned over.
        assert group["baseline_auroc_ci"] == pytest.approx([1 - high, 1 - low])
    assert found[0]["auroc"] > 0.95 > 0.7 > found[-1]["auroc"]


def test_without_baseline_and_resamples_there_is_one_number(split):
    values, labels, logits = split
    group = group_scores(values, labels, 1, logits, None, num_bootstrap=0)[0]
    assert set(group) == {"from", "to", "n", "positives", "auroc", "auroc_ci"}
    assert group["auroc_ci"] is None


def test_a_regression_is_scored_by_its_correlation():
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(200, 1)).astype(np.float32)
    predictions = targets + rng.normal(size=(200, 1))
    labels = Labels("regression", ("y",), targets, np.ones_like(targets))
    values = np.repeat([3, 8], 100)
    low, high = group_scores(values, labels, 0, predictions, None, num_bootstrap=50)
    assert (low["from"], low["to"], high["from"], low["n"]) == (3, 3, 8, 100)
    assert isinstance(low["from"], int)
    expected = np.corrcoef(targets[:100, 0], predictions[:100, 0])[0, 1]
    assert low["pearson_r"] == pytest.approx(expected)
    assert "positives" not in low


def test_groups_of_one_class_or_without_labels_have_no_score(split):
    values, labels, logits = split
    labels.targets[values < np.quantile(values, 0.3), 0] = 1
    labels.weight[values > np.quantile(values, 0.7), 0] = 0
    found = group_scores(values, labels, 0, logits, None, num_bootstrap=20)
    assert (found[0]["auroc"], found[0]["auroc_ci"]) == (None, None)
    assert (found[-1]["n"], found[-1]["auroc"]) == (0, None)
    assert found[2]["auroc"] is not None
