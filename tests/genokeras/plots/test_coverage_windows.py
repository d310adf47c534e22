"""A picture of windows of coverage: which are drawn, and what of them."""

import numpy as np
import pytest

from genokeras.plots import figure
from genokeras.plots.coverage_windows import MAX_TASKS, Window, draw_coverage_windows


def draw(path, tasks):
    true = np.arange(4.0 * len(tasks)).reshape(4, -1)
    true[1] = np.nan
    windows = [Window(f"{kind} window", true, 2 * true) for kind in ("best", "worst")]
    draw_coverage_windows(path, title="reads", tasks=tasks, bin_bp=32, windows=windows)


@pytest.fixture
def drawn(monkeypatch):
    """Draws, and gives the figure instead of writing it."""
    kept = []
    monkeypatch.setattr(figure, "save", lambda picture, path: kept.append(picture))

    def draw_tasks(*tasks):
        draw("x.png", tasks)
        return kept[-1]

    return draw_tasks


def test_a_row_for_each_window_and_task(drawn):
    picture = drawn("plus", "minus")
    titles = [ax.get_title(loc="left") for ax in picture.axes]
    assert titles == [
        f"{kind} window, {task}" for kind in ("best", "worst") for task in ("plus", "minus")
    ]
    (line,) = picture.axes[1].lines
    np.testing.assert_array_equal(line.get_xdata(), [-48, -16, 16, 48])
    np.testing.assert_array_equal(line.get_ydata(), [2, np.nan, 10, 14])
    assert [text.get_text() for text in picture.axes[0].get_legend().texts] == [
        "observed",
        "predicted",
    ]


def test_of_many_tasks_the_first_are_drawn(drawn):
    picture = drawn(*"abcdef")
    assert len(picture.axes) == 2 * MAX_TASKS
    assert picture.get_suptitle() == "reads, 4 of 6 tasks"


def test_the_picture_is_written(tmp_path):
    draw(tmp_path / "x.png", ("atac",))
    assert (tmp_path / "x.png").stat().st_size > 10_000
