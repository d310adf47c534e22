import numpy as np
import pytest
from sklearn import metrics as sklearn

from genokeras.metrics.supervised import ALL, labelled_tasks, score_tasks, supervised_scores


def example(num_tasks=3, size=200, seed=0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((size, num_tasks)) < 0.4).astype(np.float32)
    logits = (targets + rng.normal(size=(size, num_tasks))).astype(np.float32)
    weight = (rng.random((size, num_tasks)) < 0.7).astype(np.float32)
    return logits, targets, weight


def test_one_task_has_the_metrics_of_scikit_learn():
    logits, targets, _ = example(1)
    scores = supervised_scores("binary", ["bound"], logits, targets, np.ones_like(targets))
    y, s = targets[:, 0], logits[:, 0]
    assert scores == {
        "auroc": pytest.approx(sklearn.roc_auc_score(y, s)),
        "auprc": pytest.approx(sklearn.average_precision_score(y, s)),
        "mcc": pytest.approx(sklearn.matthews_corrcoef(y, s > 0)),
        "accuracy": pytest.approx(sklearn.accuracy_score(y, s > 0)),
        "f1": pytest.approx(sklearn.f1_score(y, s > 0)),
        "loss": pytest.approx(sklearn.log_loss(y, 1 / (1 + np.exp(-s.astype(float))))),
        "n": 200,
        "num_undefined": 0,
    }


def test_missing_labels_count_nowhere():
    logits, targets, weight = example()
    scores = supervised_scores("binary", list("abc"), logits, targets, weight)
    for t, task in enumerate("abc"):
        kept = weight[:, t] > 0
        alone = supervised_scores(
            "binary",
            ["x"],
            logits[kept, t : t + 1],
            targets[kept, t : t + 1],
            np.ones((kept.sum(), 1)),
        )
        assert scores["tasks"][task]["n"] == kept.sum()
        for name in ("auroc", "auprc", "mcc", "accuracy", "f1", "loss"):
            assert scores["tasks"][task][name] == pytest.approx(alone[name])
    poisoned = np.where(weight > 0, logits, np.nan)
    assert supervised_scores("binary", list("abc"), poisoned, targets, weight) == scores


def test_averages_are_over_tasks_and_the_loss_over_labels():
    logits, targets, weight = example()
    scores = supervised_scores("binary", list("abc"), logits, targets, weight)
    for name in ("auroc", "auprc", "mcc", "accuracy", "f1"):
        assert scores[name] == pytest.approx(np.mean([t[name] for t in scores["tasks"].values()]))
    losses = np.logaddexp(0, logits.astype(float)) - logits * targets
    assert scores["loss"] == pytest.approx((losses * weight).sum() / weight.sum())
    assert scores["n"] == (weight.sum(axis=1) > 0).sum()


def test_a_task_of_one_class_is_null_and_counted_and_left_out():
    logits, targets, weight = example()
    targets[:, 1] = 1
    scores = supervised_scores("binary", list("abc"), logits, targets, weight)
    assert scores["num_undefined"] == 1
    for name in ("auroc", "auprc", "mcc", "f1"):
        assert scores["tasks"]["b"][name] is None
        others = [scores["tasks"][task][name] for task in "ac"]
        assert scores[name] == pytest.approx(np.mean(others))
    # Right or wrong, and at what cost, each example is by itself.
    assert scores["tasks"]["b"]["accuracy"] == pytest.approx(
        np.mean(logits[weight[:, 1] > 0, 1] >= 0)
    )
    losses = np.logaddexp(0, logits.astype(float)) - logits * targets
    assert scores["loss"] == pytest.approx((losses * weight).sum() / weight.sum())


def test_a_loss_that_is_no_number_is_null_and_not_zero():
    logits, targets, weight = example()
    logits[weight[:, 0] > 0, 0] = np.nan
    with np.errstate(invalid="ignore"):
        scores = supervised_scores("binary", list("abc"), logits, targets, weight)
    assert scores["loss"] is None
    assert scores["tasks"]["a"]["loss"] is None
    assert scores["tasks"]["b"]["loss"] is not None


def test_resamples_are_scored_as_the_examples_that_they_repeat():
    logits, targets, weight = example()
    rng = np.random.default_rng(1)
    drawn = rng.integers(200, size=(3, 200))
    counts = np.stack([np.bincount(rows, minlength=200) for rows in drawn])
    found = score_tasks(labelled_tasks("binary", "abc", logits, targets, weight), counts)
    for resample, rows in enumerate(drawn):
        repeated = logits[rows], targets[rows], weight[rows]
        expected = supervised_scores("binary", list("abc"), *repeated)
        for name in ("auroc", "auprc", "mcc", "accuracy", "f1", "loss"):
            assert found[ALL, name][resample] == pytest.approx(expected[name])
            assert found["b", name][resample] == pytest.approx(expected["tasks"]["b"][name])


def test_nothing_defined_is_null():
    logits, targets, weight = example(1)
    scores = supervised_scores("binary", ["a"], logits, np.zeros_like(targets), weight)
    assert scores["auroc"] is None
    assert scores["num_undefined"] == 1
    empty = supervised_scores("binary", list("ab"), *(np.zeros((4, 2)) for _ in range(3)))
    assert empty["loss"] is None
    assert empty["n"] == 0
    assert empty["tasks"]["a"]["accuracy"] is None
    assert empty["num_undefined"] == 2


def test_padding_rows_count_nowhere():
    logits, targets, weight = example()
    padding = np.zeros((7, 3), np.float32)
    padded = (np.concatenate([part, padding]) for part in (logits, targets, weight))
    expected = supervised_scores("binary", list("abc"), logits, targets, weight)
    assert supervised_scores("binary", list("abc"), *padded) == expected


def test_regression():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(50, 2))
    predictions = targets + rng.normal(size=(50, 2))
    targets[:, 1] = 3
    scores = supervised_scores("regression", ["a", "b"], predictions, targets, np.ones((50, 2)))
    assert set(scores) == {
        *("pearson_r", "spearman_r", "r2", "loss", "n", "num_undefined", "tasks")
    }
    assert scores["num_undefined"] == 1
    assert scores["tasks"]["b"]["pearson_r"] is None
    assert scores["r2"] == pytest.approx(sklearn.r2_score(targets[:, 0], predictions[:, 0]))
    assert scores["loss"] == pytest.approx(np.mean((targets - predictions) ** 2))
