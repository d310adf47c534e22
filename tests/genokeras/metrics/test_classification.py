import numpy as np
import pytest
from sklearn import metrics as sklearn

from genokeras.metrics import classification


def random_scores(rng, kind, size=300):
    if kind == "distinct":
        return rng.normal(size=size)
    if kind == "heavy ties":
        return rng.integers(0, 4, size).astype(float)
    return np.zeros(size)


def binary(rng, size=300, share=0.3):
    targets = (rng.random(size) < share).astype(np.float32)
    targets[:2] = 0, 1
    return targets


def test_auroc_of_four_pairs_by_counting():
    """Positives .9 and .4, negatives .5 and .4: a win, a win, a loss and a tie."""
    value = classification.auroc(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.4]))
    assert value == (1 + 1 + 0 + 0.5) / 4


def test_auprc_by_hand():
    """In order of calling: 1, 0, then 1 and 0 tied. Precision at the positives: 1 and 2/4."""
    value = classification.auprc(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.3, 0.3]))
    assert value == (1 + 0.5) / 2


def test_calls_by_hand():
    """3 true positives, 1 false positive, 2 false negatives, 4 true negatives."""
    targets = np.array([1] * 3 + [0] + [1] * 2 + [0] * 4)
    called = np.array([1] * 4 + [0] * 6, bool)
    assert classification.accuracy(targets, called) == 0.7
    assert classification.f1(targets, called) == pytest.approx(6 / 9)
    assert classification.mcc(targets, called) == pytest.approx((12 - 2) / np.sqrt(4 * 5 * 5 * 6))


@pytest.mark.parametrize("kind", ["distinct", "heavy ties", "constant"])
def test_equals_scikit_learn(kind):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        targets, scores = binary(rng), random_scores(rng, kind)
        called = scores > 0.5
        pairs = [
            (classification.auroc(targets, scores), sklearn.roc_auc_score(targets, scores)),
            (
                classification.auprc(targets, scores),
                sklearn.average_precision_score(targets, scores),
            ),
            (classification.mcc(targets, called), sklearn.matthews_corrcoef(targets, called)),
            (classification.accuracy(targets, called), sklearn.accuracy_score(targets, called)),
            (classification.f1(targets, called), sklearn.f1_score(targets, called)),
            (
                classification.log_loss(targets, scores),
                sklearn.log_loss(targets, 1 / (1 + np.exp(-scores))),
            ),
        ]
        np.testing.assert_allclose(*np.array(pairs, np.float64).T, rtol=1e-12, atol=1e-12)


SCORES = {
    "auroc": classification.auroc,
    "auprc": classification.auprc,
    "log_loss": classification.log_loss,
    "mcc": lambda y, s, c=None: classification.mcc(y, s > 0.5, c),
    "accuracy": lambda y, s, c=None: classification.accuracy(y, s > 0.5, c),
    "f1": lambda y, s, c=None: classification.f1(y, s > 0.5, c),
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("kind", ["distinct", "heavy ties"])
def test_counts_equal_the_resampled_arrays(name, kind):
    rng = np.random.default_rng(1)
    targets, scores = binary(rng, 60), random_scores(rng, kind, 60)
    draws = rng.integers(60, size=(40, 60))
    counts = np.stack([np.bincount(draw, minlength=60) for draw in draws])
    expected = [SCORES[name](targets[draw], scores[draw]) for draw in draws]
    ours = SCORES[name](targets, scores, counts)
    assert ours.shape == (40,)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_a_count_of_zero_leaves_an_example_out(name):
    rng = np.random.default_rng(2)
    targets, scores, kept = binary(rng), random_scores(rng, "heavy ties"), rng.random(300) < 0.5
    expected = SCORES[name](targets[kept], scores[kept])
    np.testing.assert_allclose(
        SCORES[name](targets, scores, kept.astype(int)), expected, rtol=1e-12
    )


@pytest.mark.parametrize("name", ["auroc", "auprc", "mcc", "f1"])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_one_class_has_no_score(name, target):
    scores = np.linspace(0, 1, 9)
    assert np.isnan(SCORES[name](np.full(9, target), scores))
    mixed = np.array([1 - target] + [target] * 8)
    one_class_resample = np.array([[0] + [1] * 8, [2] + [1] * 8])
    assert np.isnan(SCORES[name](mixed, scores, one_class_resample)).tolist() == [True, False]


def test_a_constant_score_is_chance():
    targets = np.array([1, 0, 0, 0])
    assert classification.auroc(targets, np.zeros(4)) == 0.5
    assert classification.auprc(targets, np.zeros(4)) == 0.25
    assert classification.mcc(targets, np.zeros(4, bool)) == 0


def test_order_of_examples_and_scale_of_scores_do_not_matter():
    rng = np.random.default_rng(3)
    targets, scores, order = binary(rng), random_scores(rng, "distinct"), rng.permutation(300)
    for metric in (classification.auroc, classification.auprc):
        value = metric(targets, scores)
        assert metric(targets[order], scores[order]) == pytest.approx(value)
        assert metric(targets, np.exp(scores)) == pytest.approx(value)
    flipped = classification.auroc(targets, -scores)
    assert flipped == pytest.approx(1 - classification.auroc(targets, scores))


def test_a_mean_over_batches_is_another_number():
    """Why no metric here is averaged over batches: batches differ in level and in balance."""
    rng = np.random.default_rng(4)
    targets = binary(rng, 320)
    scores = targets + rng.normal(size=320) + np.repeat(np.arange(10), 32)
    batches = [
        classification.auroc(targets[i : i + 32], scores[i : i + 32]) for i in range(0, 320, 32)
    ]
    assert np.mean(batches) - classification.auroc(targets, scores) > 0.1


def test_log_loss_of_certain_mistakes_is_finite():
    assert classification.log_loss(np.array([1, 0]), np.array([-1000.0, -1000.0])) == 500
