import numpy as np

from genokeras.plots import scatter
from genokeras.plots.scatter import Cloud


def drawn(pictures, clouds):
    scatter.draw_scatter(clouds, "unused.png", "mine")
    return pictures.pop()


def test_points_are_true_and_predicted_values(pictures):
    cloud = Cloud("yield, model", np.array([0.0, 1.0]), np.array([0.5, 2.0]), task="yield")
    (ax,) = drawn(pictures, [cloud]).axes
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[0, 0.5], [1, 2]])
    # The line of equality spans both axes.
    np.testing.assert_array_equal(ax.get_lines()[0].get_data(), [[0, 2], [0, 2]])
    assert ax.get_title() == "yield, model"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Measured yield", "Predicted yield")


def test_model_and_baseline_of_a_task_share_their_axes(pictures):
    """Else a baseline that predicts hardly anything but the mean would look as good."""
    targets = np.array([0.0, 1.0])
    clouds = [
        Cloud("model", targets, np.array([-1.0, 1.0]), task="a"),
        Cloud("baseline", targets, np.array([0.4, 0.6]), task="a", is_baseline=True),
        Cloud("model", targets, np.array([0.4, 3.0]), task="b"),
    ]
    ends = [ax.get_lines()[0].get_xdata() for ax in drawn(pictures, clouds).axes[:3]]
    np.testing.assert_array_equal(ends, [[-1, 1], [-1, 1], [0, 3]])


def test_the_title_says_how_many_tasks_were_left_out(pictures):
    clouds = [Cloud(f"t{task}", np.zeros(2), np.zeros(2)) for task in range(14)]
    picture = drawn(pictures, clouds)
    assert len(picture.axes) == 12
    title = "mine (the first 12 of 14 panels)\nin the units of the table"
    assert picture.get_suptitle() == title


def test_a_task_without_labels_is_an_empty_panel(pictures):
    picture = drawn(pictures, [Cloud(f"t{n}", np.zeros(0), np.zeros(0)) for n in range(5)])
    assert len(picture.axes) == 8
    assert [ax.axison for ax in picture.axes] == [True] * 5 + [False] * 3
