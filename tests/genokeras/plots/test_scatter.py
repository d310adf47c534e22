import numpy as np

from genokeras.plots import scatter
from genokeras.plots.scatter import Cloud


def drawn(monkeypatch, clouds):
    pictures = []
    monkeypatch.setattr(scatter.figure, "save", lambda picture, path: pictures.append(picture))
    scatter.draw_scatter(clouds, "unused.png", "mine")
    return pictures[0]


def test_points_are_true_and_predicted_values(monkeypatch):
    cloud = Cloud("yield", np.array([0.0, 1.0]), np.array([0.5, 2.0]))
    (ax,) = drawn(monkeypatch, [cloud]).axes
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[0, 0.5], [1, 2]])
    # The line of equality spans both axes.
    np.testing.assert_array_equal(ax.get_lines()[0].get_data(), [[0, 2], [0, 2]])
    assert ax.get_title() == "yield"


def test_the_title_says_how_many_tasks_were_left_out(monkeypatch):
    clouds = [Cloud(f"t{task}", np.zeros(2), np.zeros(2)) for task in range(14)]
    picture = drawn(monkeypatch, clouds)
    assert len(picture.axes) == 12
    assert picture.get_suptitle() == "mine (the first 12 of 14 tasks)"


def test_a_task_without_labels_is_an_empty_panel(monkeypatch):
    picture = drawn(monkeypatch, [Cloud(f"t{n}", np.zeros(0), np.zeros(0)) for n in range(5)])
    assert len(picture.axes) == 8
    assert [ax.axison for ax in picture.axes] == [True] * 5 + [False] * 3
