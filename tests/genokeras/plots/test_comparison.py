import pytest

from genokeras.plots import figure
from genokeras.plots.comparison import Mark, Panel, draw_against, draw_comparison

MARKS = (
    Mark("a", (0.8, 0.9), 0.85, (0.7, 0.95), 1.0, "f:1"),
    Mark("b", (0.6,), 0.6, None, 2.0, "f:1"),
    Mark("c", (), None, None, None, "f:2", "not there"),
)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    found = []
    monkeypatch.setattr(figure, "save", lambda picture, path: found.append((picture, path)))
    return found


def test_dots_means_and_what_is_missing(drawn):
    panels = [Panel(name, "auroc", MARKS, 0.85) for name in ("first", "second")]
    draw_comparison(panels, ["x.png", "x.svg"])
    assert [path for _, path in drawn] == ["x.png", "x.svg"]
    first, second = drawn[0][0].axes
    assert [ax.get_title(loc="left") for ax in (first, second)] == ["first", "second"]
    assert [text.get_text() for text in first.get_yticklabels()] == ["a", "b", "c"]
    assert [text.get_text() for text in first.texts] == ["not there"]
    data = [line.get_xdata() for line in first.lines]
    assert [0.85, 0.85] in [list(x) for x in data]  # The line, from end to end.
    assert [0.8, 0.9] in [list(x) for x in data]
    low, high = first.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((0.7, 0.95))


def test_scores_over_another_number(drawn):
    draw_against([Panel("first", "nll", MARKS, None)], "kl", "x.png")
    [ax] = drawn[0][0].axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("kl", "nll")
    [legend] = drawn[0][0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 0.85], [2.0, 0.6]]  # One sweep, joined.
