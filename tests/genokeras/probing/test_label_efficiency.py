import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from genokeras.evaluation import linear_fit
from genokeras.evaluation.linear_fit import Labelled
from genokeras.probing.label_efficiency import PENALTIES, differences, measure
from tfrecords.errors import InputError

QUICK = {"fractions": (1.0,), "draws": 1, "num_bootstrap": 0, "seed": 0}


def test_probabilities_are_those_of_scikit_learn(two_classes):
    """At the same strength, of float64; and the penalty is that of the lowest valid loss."""
    (x, y), (xv, yv) = two_classes(400, 0), two_classes(200, 1)
    train, valid = (
        Labelled.of(a.astype(np.float32), b.astype(np.float32), np.ones(len(b)))
        for a, b in ((x, y), (xv, yv))
    )
    weights, bias, penalty = linear_fit.fit("binary", train, valid, PENALTIES, len(PENALTIES))
    reference = LogisticRegression(C=penalty).fit(x, y)
    found = 1 / (1 + np.exp(-(xv @ weights + bias)))
    np.testing.assert_allclose(found, reference.predict_proba(xv)[:, 1], atol=5e-4)
    costs = []
    for other in PENALTIES:
        probability = LogisticRegression(C=other).fit(x, y).predict_proba(xv)
        costs.append(-np.log(probability[np.arange(len(yv)), yv]).mean())
    assert PENALTIES[int(np.argmin(costs))] == penalty


def test_two_normal_classes_are_told_apart_as_well_as_they_can_be(made, two_classes):
    """Two apart, with a standard deviation of 1: accuracy Phi(1), AUROC Phi(sqrt 2)."""
    splits = {"train": two_classes(4000, 0), "valid": two_classes(1000, 1)}
    splits["test"] = two_classes(12000, 2)
    [row] = measure(*made(splits), **QUICK).rows
    assert row["accuracy"] == pytest.approx(norm.cdf(1), abs=0.01)
    assert row["auroc"] == pytest.approx(norm.cdf(math.sqrt(2)), abs=0.01)
    assert row["mcc_at_threshold"] == pytest.approx(2 * norm.cdf(1) - 1, abs=0.03)
    assert (row["labels"], row["n"], row["draws"], row["task"]) == (4000, 12000, 1, "label")


def test_scores_are_those_of_scikit_learn_and_the_threshold_is_of_the_valid_split(made):
    """With ties, since features are whole numbers."""
    rng = np.random.default_rng(0)
    y = {split: rng.integers(0, 2, 300) for split in ("train", "valid", "test")}
    splits = {s: ((v + rng.integers(0, 3, 300))[:, None], v) for s, v in y.items()}
    [row] = measure(*made(splits), **QUICK).rows
    x = splits["test"][0][:, 0]
    assert row["auroc"] == pytest.approx(roc_auc_score(y["test"], x), abs=1e-12)
    assert row["auprc"] == pytest.approx(average_precision_score(y["test"], x), abs=1e-12)
    # On the valid split a threshold between 1 and 2 has the best F1, or one between 0 and 1.
    calls = [np.corrcoef(x > cut, y["test"])[0, 1] for cut in (0.5, 1.5)]
    assert any(row["mcc_at_threshold"] == pytest.approx(call, abs=1e-9) for call in calls)


def test_labels_without_a_pattern_give_an_auroc_of_one_half(made, two_classes):
    rng = np.random.default_rng(0)
    splits = {s: two_classes(1000, k) for k, s in enumerate(("train", "valid", "test"))}
    splits = {s: (x, rng.permutation(y)) for s, (x, y) in splits.items()}
    [row] = measure(*made(splits), **QUICK).rows
    assert abs(row["auroc"] - 0.5) < 3 * math.sqrt(1 / (12 * 500) * 2)


def test_more_labels_are_better_and_intervals_hold_the_draws(made):
    rng = np.random.default_rng(0)

    def draw(count):
        y = rng.integers(0, 2, count)
        return rng.normal(size=(count, 20)) + 0.5 * (y[:, None] - 0.5), y

    splits = {"train": draw(3000), "valid": draw(1000), "test": draw(500)}
    options = {"fractions": (0.01, 0.1, 1.0), "draws": 4, "num_bootstrap": 40, "seed": 0}
    curve = measure(*made(splits), **options)
    few, more, most = curve.rows
    assert [row["labels"] for row in curve.rows] == [30, 300, 3000]
    assert [row["draws"] for row in curve.rows] == [4, 4, 1]
    assert few["auroc"] + 0.02 < more["auroc"] < most["auroc"]
    for row in curve.rows:
        low, high = row["auroc_ci"]
        assert low < row["auroc"] < high
        assert row["auroc"] == pytest.approx(np.mean(row["by_draw"]))
    assert len(set(few["by_draw"])) == 4
    widths = [row["auroc_ci"][1] - row["auroc_ci"][0] for row in curve.rows]
    assert widths[0] > 1.5 * widths[2]
    assert curve.rows == measure(*made(splits), **options).rows


def test_labels_of_train_and_valid_are_as_few_and_no_test_label_counts(
    made, two_classes, monkeypatch
):
    seen = []
    fit = linear_fit.fit

    def watch(task_type, train, valid, *options):
        seen.append((len(train), len(valid)))
        return fit(task_type, train, valid, *options)

    monkeypatch.setattr(linear_fit, "fit", watch)
    splits = {"train": two_classes(1000, 0), "valid": two_classes(400, 1)}
    splits["test"] = two_classes(300, 2)
    options = {"fractions": (0.05, 1.0), "draws": 2, "num_bootstrap": 0, "seed": 0}
    first = measure(*made(splits), **options).rows
    assert seen == [(50, 50), (50, 50), (1000, 400)]
    x, y = splits["test"]
    again = measure(*made(splits | {"test": (x, 1 - y)}), **options).rows
    assert [row["penalty"] for row in first] == [row["penalty"] for row in again]
    for one, other in zip(first, again, strict=True):
        assert one["auroc"] == pytest.approx(1 - other["auroc"])


def test_several_tasks_and_missing_labels(made):
    """Each is fitted on its own labels; the mean is over tasks."""
    rng = np.random.default_rng(0)
    splits, weight = {}, {}
    for split, count in {"train": 2000, "valid": 500, "test": 4000}.items():
        x, y = rng.normal(size=(count, 3)), rng.integers(0, 2, (count, 2))
        x[:, 0] += 3 * y[:, 0]
        x[:, 1] += y[:, 1]
        known = (rng.random((count, 2)) < 0.5).astype(np.float32)
        splits[split] = x, np.where(known > 0, y, 0)
        weight[split] = known
    given = made(splits, tasks=("easy", "hard"), weight=weight)
    easy, hard, mean = measure(*given, **QUICK | {"num_bootstrap": 50}).rows
    assert [row["task"] for row in (easy, hard, mean)] == ["easy", "hard", "mean"]
    assert easy["auroc"] == pytest.approx(norm.cdf(3 / math.sqrt(2)), abs=0.02)
    assert hard["auroc"] == pytest.approx(norm.cdf(1 / math.sqrt(2)), abs=0.03)
    assert mean["auroc"] == pytest.approx((easy["auroc"] + hard["auroc"]) / 2)
    assert easy["labels"] == weight["train"][:, 0].sum()
    assert mean["labels"] == weight["train"].sum()


def test_numbers_are_predicted_by_a_ridge(made):
    """A line with noise of the same variance as its slope: r squared is one half."""
    rng = np.random.default_rng(0)
    splits = {}
    for split, count in {"train": 4000, "valid": 500, "test": 4000}.items():
        x = rng.normal(size=(count, 5))
        splits[split] = x, x[:, 0] + rng.normal(size=count)
    [row] = measure(*made(splits, "regression"), **QUICK | {"num_bootstrap": 50}).rows
    assert row["r2"] == pytest.approx(0.5, abs=0.04)
    assert row["pearson_r"] == pytest.approx(math.sqrt(0.5), abs=0.03)
    assert row["pearson_r_ci"][0] < row["pearson_r"] < row["pearson_r_ci"][1]
    assert "threshold" not in row


def test_differences_are_of_the_same_resamples(made, two_classes):
    """So that of two that predict the same, the interval of the difference is zero wide."""
    splits = {s: two_classes(200, k) for k, s in enumerate(("train", "valid", "test"))}
    worse = {s: (np.random.default_rng(k).normal(size=x.shape), y)
             for k, (s, (x, y)) in enumerate(splits.items())}  # fmt: skip
    options = {"fractions": (0.1, 1.0), "draws": 2, "num_bootstrap": 40, "seed": 0}
    curve, same, other = (measure(*made(each), **options) for each in (splits, splits, worse))
    differences(curve, {"same": same, "other": other}, "auroc")
    for row in curve.rows:
        assert row["minus"]["same"] == {"auroc": 0.0, "auroc_ci": [0.0, 0.0]}
    last = curve.rows[-1]
    assert last["minus"]["other"]["auroc_ci"][0] > 0
    assert last["minus"]["other"]["auroc"] == last["auroc"] - other.rows[-1]["auroc"]


def test_without_a_valid_split_nothing_is_chosen(made, two_classes):
    splits = {"train": two_classes(300, 0), "test": two_classes(300, 1)}
    [row] = measure(*made(splits), **QUICK).rows
    assert row["penalty"] == [linear_fit.DEFAULT_PENALTY]
    assert row["mcc_at_threshold"] is None
    assert row["mcc"] > 0.5


@pytest.mark.parametrize(
    ("task_type", "kind"), [("binary", "one class"), ("regression", "one value")]
)
def test_labels_of_one_class_are_refused(made, two_classes, task_type, kind):
    x, y = two_classes(50, 0)
    splits = {"train": (x, np.ones(50)), "test": (x, y)}
    message = f"task label: its 50 labels of the train split are of {kind}, and a probe needs two"
    with pytest.raises(InputError, match=message):
        measure(*made(splits, task_type), **QUICK)
