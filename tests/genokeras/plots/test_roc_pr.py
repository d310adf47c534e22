import numpy as np
import pytest
from sklearn import metrics

from genokeras.plots import roc_pr
from genokeras.plots.roc_pr import Curve


@pytest.fixture
def tied():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 300)
    return np.round(rng.normal(targets), 1), targets


def test_roc_points_are_scikit_learns_with_ties(tied):
    x, y = roc_pr.roc_points(*tied)
    expected_x, expected_y, _ = metrics.roc_curve(tied[1], tied[0], drop_intermediate=False)
    np.testing.assert_allclose(x, expected_x)
    np.testing.assert_allclose(y, expected_y)
    assert metrics.auc(x, y) == pytest.approx(metrics.roc_auc_score(tied[1], tied[0]))


def test_area_under_the_steps_is_the_average_precision(tied):
    recall, precision = roc_pr.pr_points(*tied)
    area = np.sum(np.diff(recall) * precision[1:])
    assert area == pytest.approx(metrics.average_precision_score(tied[1], tied[0]), abs=1e-12)
    # The negative control: straight lines between the points would promise more.
    assert metrics.auc(recall, precision) > area


def test_points_of_a_perfect_ranking_worked_by_hand():
    scores, targets = np.array([4, 3, 2, 1]), np.array([1, 1, 0, 0])
    assert [part.tolist() for part in roc_pr.roc_points(scores, targets)] == [
        [0, 0, 0, 0.5, 1],
        [0, 0.5, 1, 1, 1],
    ]
    assert [part.tolist() for part in roc_pr.pr_points(scores, targets)] == [
        [0, 0.5, 1, 1, 1],
        [1, 1, 1, 2 / 3, 0.5],
    ]


def drawn(pictures, curves):
    """The two panels of the picture."""
    roc_pr.draw_roc_pr(curves, "unused.png", "title")
    return pictures.pop().axes


def test_baseline_is_dashed_and_named(pictures, tied):
    scores, targets = tied
    roc, pr = drawn(
        pictures,
        [
            Curve("model", scores, targets, "model: AUROC 0.8", "model: AUPRC 0.7"),
            Curve("k-mers", -scores, targets, "k-mers: AUROC 0.2", "k-mers: AUPRC 0.3", True),
        ],
    )
    assert [text.get_text() for text in roc.get_legend().get_texts()] == [
        "model: AUROC 0.8",
        "k-mers: AUROC 0.2",
        "chance: AUROC 0.500",
    ]
    assert pr.get_legend().get_texts()[-1].get_text() == f"chance: AUPRC {targets.mean():.3f}"
    assert [line.get_linestyle() for line in roc.get_lines()] == ["-", "--", ":"]
    assert pr.get_lines()[0].get_drawstyle() == "steps-pre"
    assert pr.get_lines()[0].get_color() != pr.get_lines()[1].get_color()


def test_precision_of_a_handful_of_calls_is_not_drawn(pictures):
    """The most probable example is negative: a precision of 0 there is no property of the model."""
    scores = np.arange(200.0)[::-1]
    targets = np.array([0] + [1] * 99 + [0] * 100)
    _, pr = drawn(pictures, [Curve("model", scores, targets)])
    recall, precision = pr.get_lines()[0].get_data()
    assert (recall[0], precision[0]) == (9 / 99, 0.9)
    assert roc_pr.pr_points(scores, targets)[1][0] == 0


def test_chance_of_tasks_with_other_shares_of_positives_is_named_once(pictures):
    curves = [Curve("a", np.arange(4.0), np.array([1, 0, 0, 0]), auprc="a")]
    curves += [Curve("b", np.arange(4.0), np.array([1, 1, 0, 0]), auprc="b")]
    _, pr = drawn(pictures, curves)
    assert [text.get_text() for text in pr.get_legend().get_texts()] == [
        *("a", "b", "chance: share of positives"),
    ]
    assert [line.get_ydata()[0] for line in pr.get_lines()[2:]] == [0.25, 0.5]


def test_chance_precision_is_the_share_of_positives(pictures):
    targets = np.array([1, 0, 0, 0])
    _, pr = drawn(pictures, [Curve("model", np.arange(4.0), targets)])
    assert pr.get_lines()[1].get_ydata() == [0.25, 0.25]


def test_a_task_of_one_class_has_no_curve(pictures):
    roc, pr = drawn(pictures, [Curve("model", np.arange(3.0), np.ones(3))])
    assert len(roc.get_lines()) == 1
    assert len(pr.get_lines()) == 0


def test_many_points_are_thinned_and_keep_their_ends(pictures):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 50_000)
    roc, _ = drawn(pictures, [Curve("model", rng.normal(targets), targets)])
    x = roc.get_lines()[0].get_xdata()
    assert len(x) <= 2000
    assert (x[0], x[-1]) == (0, 1)
