import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics as sklearn_metrics

from genokeras.evaluation.scores import (
    Labels,
    by_task,
    choose_thresholds,
    difference,
    probability,
    score_split,
)
from genokeras.metrics.supervised import supervised_scores


def labels_of(targets, weight=None, task_type="binary"):
    targets = np.asarray(targets, np.float32)
    targets = targets[:, None] if targets.ndim == 1 else targets
    weight = np.ones_like(targets) if weight is None else np.asarray(weight, np.float32)
    tasks = tuple(f"tf{task}" for task in range(targets.shape[1]))
    return Labels(task_type, tasks, targets, weight)


@pytest.fixture
def two_tasks():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (300, 2))
    weight = (rng.random((300, 2)) < 0.8).astype(np.float32)
    logits = rng.normal(targets * [2.0, 0.5], 1).astype(np.float32)
    return labels_of(targets, weight), logits


def test_probability_is_the_logistic_function_without_overflow():
    logits = np.array([-800.0, -30, 0, 2, 800])
    np.testing.assert_allclose(probability(logits), special.expit(logits), rtol=1e-15)


def test_scores_are_those_of_the_metrics(two_tasks):
    labels, logits = two_tasks
    scores = score_split(labels, logits, num_bootstrap=0).values
    expected = supervised_scores("binary", labels.tasks, logits, labels.targets, labels.weight)
    places = [(scores, expected)]
    places += [(scores["tasks"][task], expected["tasks"][task]) for task in labels.tasks]
    for place, other in places:
        for name in ("auroc", "auprc", "mcc", "accuracy", "f1", "loss", "n"):
            assert place[name] == pytest.approx(other[name], abs=1e-12), name
    assert scores["num_undefined"] == 0
    assert not [name for name in scores if name.endswith("_ci")]


def test_scores_at_the_threshold_are_sklearns(two_tasks):
    labels, logits = two_tasks
    scores = score_split(labels, logits, thresholds=(0.7, 0.2), num_bootstrap=0).values
    f1 = []
    for task, threshold in enumerate((0.7, 0.2)):
        rows = labels.weight[:, task] > 0
        called = special.expit(logits[rows, task].astype(float)) >= threshold
        f1.append(sklearn_metrics.f1_score(labels.targets[rows, task], called))
        of_task = scores["tasks"][f"tf{task}"]
        assert of_task["threshold"] == threshold
        assert of_task["f1_at_threshold"] == pytest.approx(f1[-1], abs=1e-12)
    assert scores["f1_at_threshold"] == pytest.approx(np.mean(f1), abs=1e-12)


def test_one_task_has_its_scores_and_threshold_at_the_top():
    labels, logits = labels_of([0, 1, 0, 1]), np.array([[-2.0], [1.0], [0.2], [3.0]])
    scores = score_split(labels, logits, thresholds=(0.6,), num_bootstrap=20).values
    assert scores["threshold"] == 0.6
    assert scores["accuracy"] == 0.75
    assert scores["accuracy_at_threshold"] == 1.0
    assert scores["n"] == 4
    assert "tasks" not in scores


def test_without_a_threshold_scores_at_it_are_null():
    scores = score_split(labels_of([0, 1]), np.array([[-1.0], [1.0]]), num_bootstrap=10).values
    for name in ("threshold", "f1_at_threshold", "mcc_at_threshold_ci"):
        assert scores[name] is None


def test_a_task_with_one_class_is_null_counted_and_left_out_of_the_mean(two_tasks):
    labels, logits = two_tasks
    labels.targets[:, 1] = 1
    scores = score_split(labels, logits, num_bootstrap=10).values
    assert scores["num_undefined"] == 1
    assert scores["tasks"]["tf1"]["auroc"] is None
    assert scores["tasks"]["tf1"]["auroc_ci"] is None
    assert scores["auroc"] == scores["tasks"]["tf0"]["auroc"]
    assert scores["auroc_ci"] == scores["tasks"]["tf0"]["auroc_ci"]


def test_a_task_without_labels_is_null(two_tasks):
    labels, logits = two_tasks
    labels.weight[:, 0] = 0
    scores = score_split(labels, logits, num_bootstrap=10).values
    assert scores["tasks"]["tf0"]["loss"] is None
    assert scores["tasks"]["tf0"]["n"] == 0
    assert scores["loss"] == scores["tasks"]["tf1"]["loss"]


def test_missing_labels_are_left_out(two_tasks):
    labels, logits = two_tasks
    missing = labels.weight == 0
    before = score_split(labels, logits, thresholds=(0.5, 0.5), num_bootstrap=50).values
    logits[missing] = 100
    labels.targets[missing] = 1
    assert score_split(labels, logits, thresholds=(0.5, 0.5), num_bootstrap=50).values == before


def test_regression_has_correlations_and_no_threshold():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=100)
    predictions = targets + rng.normal(size=100)
    labels = labels_of(targets, task_type="regression")
    scores = score_split(labels, predictions[:, None], num_bootstrap=200).values
    assert scores["pearson_r"] == pytest.approx(np.corrcoef(targets, predictions)[0, 1], abs=1e-6)
    low, high = scores["spearman_r_ci"]
    assert low < stats.spearmanr(targets, predictions)[0] < high
    assert "threshold" not in scores


def test_standard_error_of_auroc_is_that_of_hanley_and_mcneil():
    """Exponential scores, for which their formula is exact (Radiology 143:29, 1982)."""
    rng = np.random.default_rng(1)
    targets = np.repeat([0, 1], [600, 400])
    logits = rng.exponential(np.where(targets, 4.0, 1.0))[:, None]
    samples = score_split(labels_of(targets), logits, num_bootstrap=2000).samples
    area = 4 / 5
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + 399 * (q1 - area**2) + 599 * (q2 - area**2)
    assert samples["tf0", "auroc"].std() == pytest.approx(np.sqrt(variance / 240_000), rel=0.08)


def test_accuracy_varies_as_a_binomial():
    targets = np.tile([0, 1], 200)
    logits = np.where(np.arange(400) < 320, 2 * targets - 1, 1 - 2 * targets)[:, None]
    samples = score_split(labels_of(targets), logits, num_bootstrap=3000).samples
    assert samples[None, "accuracy"].std() == pytest.approx(np.sqrt(0.8 * 0.2 / 400), rel=0.05)


def test_the_mean_of_auroc_over_batches_is_another_number():
    """Why scores are pooled: where batches differ in level, each may rank well on its own."""
    rng = np.random.default_rng(0)
    targets = np.tile([0, 1], 160)
    level = np.repeat(rng.normal(0, 3, 10), 32)
    logits = (targets + level + rng.normal(0, 0.3, 320))[:, None]
    pooled = score_split(labels_of(targets), logits, num_bootstrap=0).values["auroc"]
    assert pooled == pytest.approx(sklearn_metrics.roc_auc_score(targets, logits[:, 0]), abs=1e-12)
    batches = [slice(start, start + 32) for start in range(0, 320, 32)]
    by_batch = [sklearn_metrics.roc_auc_score(targets[b], logits[b, 0]) for b in batches]
    assert np.mean(by_batch) > 0.95 > 0.7 > pooled


def test_same_seed_same_intervals(two_tasks):
    labels, logits = two_tasks
    first = score_split(labels, logits, num_bootstrap=50, seed=3).values
    assert score_split(labels, logits, num_bootstrap=50, seed=3).values == first
    assert score_split(labels, logits, num_bootstrap=50, seed=4).values != first


def test_difference_to_oneself_is_zero(two_tasks):
    scores = score_split(*two_tasks, num_bootstrap=50)
    found = difference(scores, scores)
    assert found["auroc"] == 0
    assert found["auroc_ci"] == [0, 0]


def test_differences_are_paired():
    """Two good models err on the same hard examples, so their difference is known better."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 400)
    hardness = rng.normal(0, 1, 400)
    first, second = (
        score_split(labels_of(targets), (targets + hardness + noise)[:, None], num_bootstrap=500)
        for noise in rng.normal(0, 0.2, (2, 400))
    )
    low, high = difference(first, second)["auroc_ci"]
    low_1, high_1 = first.values["auroc_ci"]
    assert high - low < 0.5 * (high_1 - low_1)
    assert low < first.values["auroc"] - second.values["auroc"] < high


def test_thresholds_are_chosen_for_each_task(two_tasks):
    labels, logits = two_tasks
    first, second = choose_thresholds(labels, logits)
    assert first != second
    labels.targets[:, 1] = 0
    assert choose_thresholds(labels, logits) == (first, None)


def test_scores_by_task():
    assert by_task({"auroc": 1}, ("a",)) == [{"auroc": 1}]
    assert by_task({"auroc": 1, "tasks": {"a": 2, "b": 3}}, ("a", "b")) == [2, 3]
    assert by_task(None, ("a", "b")) == [{}, {}]
