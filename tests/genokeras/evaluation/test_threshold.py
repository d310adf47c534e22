import numpy as np
import pytest
from sklearn.metrics import f1_score

from genokeras.evaluation.threshold import best_f1_threshold


def test_threshold_of_a_case_worked_by_hand():
    # F1 after each of the sorted examples: 2/4, 2/5, 4/6, 6/7, 6/8, 6/9: the fourth is best.
    probability = np.array([0.9, 0.8, 0.7, 0.6, 0.3, 0.1])
    targets = np.array([1, 0, 1, 1, 0, 0])
    assert best_f1_threshold(probability, targets) == pytest.approx(0.45)


def test_no_other_threshold_has_a_better_f1():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    # Two decimals make ties, which no threshold can separate.
    probability = np.round(np.clip(rng.normal(0.4 + 0.2 * targets, 0.2), 0, 1), 2)
    best = best_f1_threshold(probability, targets)
    reached = f1_score(targets, probability >= best)
    tried = [f1_score(targets, probability >= cut) for cut in np.unique(probability)]
    assert reached == pytest.approx(max(tried), abs=1e-15)


def test_separable_classes_are_cut_half_way():
    assert best_f1_threshold(np.array([0.2, 0.4, 0.8]), np.array([0, 0, 1])) == pytest.approx(0.6)


def test_neighbouring_floats_are_still_told_apart():
    low = 0.3
    high = np.nextafter(low, 1)
    threshold = best_f1_threshold(np.array([low, high]), np.array([0, 1]))
    assert low < threshold <= high


def test_uninformative_scores_call_everything_positive():
    assert best_f1_threshold(np.full(4, 0.5), np.array([0, 1, 0, 1])) == 0.5


def test_missing_labels_have_no_say():
    probability, targets = np.array([0.9, 0.2, 0.8, 0.1]), np.array([1, 0, 0, 0])
    weight = np.array([1, 1, 0, 1])
    expected = best_f1_threshold(probability[weight > 0], targets[weight > 0])
    assert best_f1_threshold(probability, targets, weight) == expected == pytest.approx(0.55)


@pytest.mark.parametrize("targets", [[0, 0], [1, 1]])
def test_one_class_has_no_threshold(targets):
    assert best_f1_threshold(np.array([0.1, 0.9]), np.array(targets)) is None
