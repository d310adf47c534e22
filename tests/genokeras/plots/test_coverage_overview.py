"""A picture of datasets with coverage, of one track and of many, and what its panels say."""

import numpy as np
import pytest

from genokeras.plots import coverage_overview, figure
from genokeras.plots.coverage_overview import draw_coverage_overview


def arguments(tasks=("atac",), splits=("train", "valid", "test"), shown=2):
    """The arguments of the function, but for the path."""
    count, rng = len(tasks), np.random.default_rng(0)
    window = rng.random((count, 8))
    window[0, 3] = np.nan
    examples = tuple((f"I:{place}-{place + 64}:+", window) for place in range(shown))
    return {
        "title": "x: 30 windows of 64 bp",
        "tasks": tasks,
        "num_read": dict.fromkeys(splits, (10, 10)),
        "positions": np.arange(-28, 36, 8.0),
        "profiles": {split: rng.random((count, 8)) for split in splits},
        "value_edges": np.geomspace(0.1, 10, 5),
        "value_counts": {split: np.tile([0, 2, 1, 1], (count, 1)) for split in splits},
        "no_coverage": {split: np.full(count, 0.5) for split in splits},
        "gc_edges": np.linspace(0, 1, 5),
        "gc_profiles": {split: np.tile([np.nan, 1, 2, np.nan], (count, 1)) for split in splits},
        "examples": dict.fromkeys(splits, examples),
    }


@pytest.fixture
def drawn(monkeypatch):
    """Draws, and gives the figure instead of writing it."""
    kept = []
    monkeypatch.setattr(figure, "save", lambda picture, path: kept.append(picture))

    def draw(**options):
        draw_coverage_overview("x.png", **arguments(**options))
        return kept[-1]

    return draw


def titles(picture):
    return [ax.get_title(loc="left") for ax in picture.axes]


def test_one_task_compares_the_splits(drawn):
    picture = drawn()
    windows = [f"{split} I:{place}-{place + 64}:+" for place in (0, 1) for split in
               ("train", "valid", "test")]  # fmt: skip
    assert titles(picture) == ["Values", "Coverage by GC content", "Mean window", *windows]
    legend = [text.get_text() for text in picture.axes[0].get_legend().get_texts()]
    assert legend == ["train, 0: 50%", "valid, 0: 50%", "test, 0: 50%"]
    # Half of the bins are 0, a half and two quarters of the others in the bins of values.
    assert picture.axes[0].patches[0].get_data().values.tolist() == [0, 0.25, 0.125, 0.125]
    line = picture.axes[1].lines[0]
    assert line.get_xdata().tolist() == [0.375, 0.625]


def test_several_tasks_are_told_apart_in_the_first_split(drawn):
    picture = drawn(tasks=("plus", "minus"), splits=("train", "test"))
    assert titles(picture)[:3] == [
        "Values in train", "Coverage by GC content in train", "Mean window in train"
    ]  # fmt: skip
    assert len(picture.axes) == 3 + 4
    legend = [text.get_text() for text in picture.axes[3].get_legend().get_texts()]
    assert legend == ["plus", "minus"]


def test_of_very_many_tasks_only_some_are_drawn(drawn):
    picture = drawn(tasks=tuple(f"a_very_long_name_{number}" for number in range(20)))
    assert titles(picture)[0] == "Values in train, 6 of 20 tasks"
    assert len(picture.axes[3].lines) == coverage_overview._MAX_TASKS


def test_a_sample_is_called_one(drawn, monkeypatch):
    options = arguments()
    options["num_read"] = {"train": (10, 99), "valid": (10, 10), "test": (10, 10)}
    kept = []
    monkeypatch.setattr(figure, "save", lambda picture, path: kept.append(picture))
    draw_coverage_overview("x.png", **options)
    assert "Counted: a random 10 of 99 of train" in kept[0].get_suptitle()


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_files(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    draw_coverage_overview(path, **arguments())
    assert path.stat().st_size > 10_000
