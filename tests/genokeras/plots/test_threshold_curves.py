import numpy as np

from genokeras.plots import threshold_curves
from genokeras.plots.threshold_curves import Sweep


def drawn(pictures, sweeps):
    threshold_curves.draw_threshold_curves(sweeps, "unused.png", "mine")
    return pictures.pop()


def test_curves_and_chosen_thresholds(pictures):
    thresholds = np.array([0.9, 0.5, 0.1])
    curves = {"recall": np.array([0.2, 0.6, 1.0]), "F1": np.array([0.3, 0.7, 0.6])}
    picture = drawn(pictures, [Sweep("model", thresholds, curves, {"best F1": 0.4})])
    recall, f1, chosen = picture.axes[0].get_lines()
    np.testing.assert_array_equal(recall.get_data(), [[0.9, 0.5, 0.1], [0.2, 0.6, 1.0]])
    assert recall.get_color() != f1.get_color()
    assert chosen.get_xdata() == [0.4, 0.4]
    legend = picture.legends[0].get_texts()
    assert [text.get_text() for text in legend] == ["recall", "F1", "best F1"]


def test_many_points_are_thinned_and_many_tasks_left_out(pictures):
    many = np.linspace(1, 0, 5000)
    sweeps = [Sweep(f"t{task}", many, {"recall": 1 - many}, {}) for task in range(13)]
    picture = drawn(pictures, sweeps)
    x = picture.axes[0].get_lines()[0].get_xdata()
    assert len(x) <= 1000
    assert (x[0], x[-1]) == (1, 0)
    assert picture.get_suptitle() == "mine (the first 12 of 13)"


def test_no_curves_are_said_to_be_none(pictures):
    picture = drawn(pictures, [])
    (text,) = picture.axes[0].texts
    assert text.get_text() == "no task has examples of both classes"
