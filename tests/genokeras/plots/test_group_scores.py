import numpy as np

from genokeras.plots import group_scores
from genokeras.plots.group_scores import Grouping

GROUPS = [
    {"from": 2, "to": 5, "n": 1200, "auroc": 0.8, "auroc_ci": [0.7, 0.85], "b": 0.6, "b_ci": None},
    {"from": 6, "to": 6, "n": 10, "auroc": None, "auroc_ci": None, "b": 0.5, "b_ci": [0.4, 0.6]},
]


def drawn(pictures, rows):
    group_scores.draw_group_scores(rows, "unused.png", "AUROC", "mine")
    return pictures.pop()


def test_scores_with_their_intervals_and_gaps_where_undefined(pictures):
    grouping = Grouping("", "Repeat (bp)", GROUPS, {"model": "auroc", "6-mer baseline": "b"})
    (ax,) = drawn(pictures, [[grouping]]).axes
    model, baseline = ax.containers
    np.testing.assert_allclose(model.lines[0].get_data(), [[0], [0.8]])
    np.testing.assert_allclose(model.lines[2][0].get_segments()[0][:, 1], [0.7, 0.85])
    np.testing.assert_allclose(baseline.lines[0].get_ydata(), [0.6, 0.5])
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["2-5\nn=1,200", "6\nn=10"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Repeat (bp)", "AUROC")


def test_fractions_have_two_digits_and_panels_of_a_row_the_same_scale(pictures):
    low = [{"from": 0.333, "to": 0.5, "n": 5, "auroc": 0.1, "auroc_ci": [0.0, 0.2]}]
    row = [Grouping("", name, groups, {"model": "auroc"}) for name, groups in
           {"GC": low, "repeat": GROUPS[:1]}.items()]  # fmt: skip
    picture = drawn(pictures, [row] * 8)
    left, right = picture.axes[:2]
    assert left.get_xticklabels()[0].get_text() == "0.33-0.50\nn=5"
    assert left.get_ylim() == right.get_ylim()
    assert picture.get_suptitle() == "mine (the first 6 of 8 tasks)"
