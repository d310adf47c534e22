"""A picture of every kind of dataset, and the numbers in its panels."""

import dataclasses

import numpy as np
import pytest

from genokeras.plots import figure
from genokeras.plots.dataset_overview import draw_overview

AUDIT = {
    "rows": {"train": 100, "test": 20},
    "repeats": {"train": 5, "test": 0},
    "reverse_complement_repeats": {"train": 2, "test": 1},
    "shared": {"train/test": {"sequences": 4, "only_reverse_complement": 3}},
    "conflicts": {"sequences": 1, "examples": [[0, 1]]},
    "dropped": {"train": 4, "test": 0},
}


@dataclasses.dataclass
class Overview:
    """The arguments of `draw_overview` but for the path: a binary task, two splits."""

    title: str = "x: 120 examples of 8 bp"
    tasks: tuple = ("bound",)
    num_read: dict = dataclasses.field(
        default_factory=lambda: {"train": (100, 100), "test": (20, 20)}
    )
    classes: dict = dataclasses.field(
        default_factory=lambda: {"train": np.array([[60, 40, 0]]), "test": np.array([[10, 10, 0]])}
    )
    target_edges: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    target_counts: dict = dataclasses.field(default_factory=dict)
    lengths: dict = dataclasses.field(
        default_factory=lambda: {split: np.arange(9) for split in ("train", "test")}
    )
    groups: tuple = ("negatives", "positives")
    gc_edges: np.ndarray = dataclasses.field(default_factory=lambda: np.linspace(0, 1, 6))
    gc_counts: dict = dataclasses.field(
        default_factory=lambda: {split: np.ones((2, 5), int) for split in ("train", "test")}
    )
    kmers: tuple = ("A", "C")
    kmer_counts: np.ndarray = dataclasses.field(
        default_factory=lambda: np.array([[100, 300], [200, 200]])
    )
    audit: dict = dataclasses.field(default_factory=lambda: AUDIT)
    examples: tuple = (("ACGTACGT",), ("CCCCNN--",))


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws an overview and returns its panels by their titles; the file is written for one."""

    def draw(is_saved=False, **changes):
        kept = []
        save = figure.save
        monkeypatch.setattr(figure, "save", lambda picture, path: kept.append(picture))
        draw_overview(tmp_path / "x.png", **vars(Overview(**changes)))
        if is_saved:
            save(kept[0], tmp_path / "x.png")
        return kept[0], {ax.get_title(loc="left"): ax for ax in kept[0].axes}

    return draw


def names_of(ticks):
    return [label.get_text() for label in ticks]


def test_a_picture_with_seven_panels_is_written(drawn, tmp_path):
    picture, panels = drawn(is_saved=True)
    assert list(panels) == [
        "Labels", "Copies", "Length without padding", "GC content", "1-mers of train, both strands",
        "1-mers that differ most", "Examples of train",
    ]  # fmt: skip
    assert picture.get_suptitle() == "x: 120 examples of 8 bp"
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_labels_of_one_task_by_split(drawn):
    _, panels = drawn()
    ax = panels["Labels"]
    assert names_of(ax.get_yticklabels()) == ["train", "test"]
    assert [text.get_text() for text in ax.texts] == ["60", "40", "10", "10"]
    assert [bar.get_width() for bar in ax.patches][:3] == pytest.approx([0.6, 0.4, 0])
    assert names_of(ax.get_legend().get_texts()) == ["0", "1"]


def test_no_labels(drawn, tmp_path):
    counts = {split: np.array([[1] * 5, [0] * 5]) for split in ("train", "test")}
    _, panels = drawn(
        is_saved=True, tasks=(), classes={}, groups=("all examples", "labels"), gc_counts=counts,
        kmer_counts=np.array([[100, 300], [0, 0]]), examples=(("ACGTACGT",), ()),
    )  # fmt: skip
    assert [text.get_text() for text in panels["Labels"].texts] == ["there are none"]
    missing = panels["1-mers that differ most"].texts[0].get_text()
    assert missing == "nothing to compare:\nlabels missing"


def test_labels_of_many_tasks_with_missing_ones(drawn):
    tasks = tuple(f"transcription_factor_{number}" for number in range(20))
    counts = {split: np.tile([5, 3, 2], (20, 1)) for split in ("train", "test")}
    _, panels = drawn(tasks=tasks, classes=counts, groups=("no label 1", "some label 1"))
    ax = panels["Labels in train, 12 of 20"]
    assert names_of(ax.get_yticklabels()) == ["transcription_..."] * 12
    assert names_of(ax.get_legend().get_texts()) == ["0", "1", "missing"]


def test_labels_of_a_few_tasks_by_split(drawn):
    counts = {split: np.array([[5, 5, 0], [9, 1, 0]]) for split in ("train", "test")}
    _, panels = drawn(tasks=("CTCF", "MYC"), classes=counts)
    ax = panels["Labels"]
    assert names_of(ax.get_yticklabels()) == ["CTCF train", "CTCF test", "MYC train", "MYC test"]
    assert [text.get_text() for text in ax.texts] == ["5"] * 4 + ["9"] * 2


def test_targets_of_a_regression_are_densities(drawn):
    edges, counts = (
        np.array([0.0, 0.5, 1.0]),
        {"train": np.array([[3, 1]]), "test": np.array([[1, 1]])},
    )
    _, panels = drawn(classes={}, target_edges=edges, target_counts=counts, tasks=("activity",))
    ax = panels["Targets"]
    assert [step.get_data().values.tolist() for step in ax.patches] == [[1.5, 0.5], [1, 1]]
    assert names_of(ax.get_legend().get_texts()) == ["train", "test"]
    assert ax.get_xlabel() == "activity"
    counts = {"train": np.array([[3, 1], [0, 2]])}
    _, panels = drawn(classes={}, target_edges=edges, target_counts=counts, tasks=("dev", "hk"))
    ax = panels["Targets in train"]
    assert names_of(ax.get_legend().get_texts()) == ["dev", "hk"]


def test_copies_within_and_between_splits(drawn):
    _, panels = drawn()
    ax = panels["Copies"]
    assert names_of(ax.get_yticklabels()) == [
        "again in train", "again in test", "train and test", "labels differ",
    ]  # fmt: skip
    assert [text.get_text().strip() for text in ax.texts] == ["7", "1", "4", "1"]
    assert [bar.get_width() for bar in ax.patches] == [5, 0, 1, 1, 2, 1, 3, 0]
    assert ax.get_xlabel() == "Sequences in the input; dropped since: 4"
    _, panels = drawn(audit={})
    assert [text.get_text() for text in panels["Copies"].texts] == ["the manifest has no audit"]


def test_a_sample_says_so(drawn):
    picture, _ = drawn(num_read={"train": (100, 1000), "test": (20, 20)})
    assert picture.get_suptitle().endswith(
        "Counted: a random 100 of 1,000 of train, 20 of 20 of test"
    )


def test_one_split_of_one_class_and_one_length(drawn):
    lengths = np.zeros(9, int)
    lengths[8] = 100
    _, panels = drawn(
        num_read={"train": (100, 100)},
        classes={"train": np.array([[0, 100, 0]])},
        lengths={"train": lengths},
        gc_counts={"train": np.array([[0] * 5, [0, 50, 50, 0, 0]])},
        kmer_counts=np.array([[0, 0], [100, 100]]),
        audit=AUDIT | {"rows": {"train": 100}, "shared": {}},
        examples=((), ("ACGTACGT",)),
        is_saved=True,
    )
    assert names_of(panels["GC content"].get_legend().get_texts()) == ["positives, train"]
    assert panels["GC content"].get_xlim() == pytest.approx((0.2, 0.6))
    assert names_of(panels["Length without padding"].get_xticklabels()) == ["8"]
    assert "negatives missing" in panels["1-mers that differ most"].texts[0].get_text()


def test_sequences_without_a_known_base_have_no_gc_content(drawn):
    """All N: there is nothing to draw, and no legend of nothing, of which matplotlib would warn."""
    _, panels = drawn(gc_counts={split: np.zeros((2, 5), int) for split in ("train", "test")})
    assert not panels["GC content"].patches
    assert panels["GC content"].get_legend() is None


def test_lengths_are_binned_and_keep_their_sum(drawn):
    lengths = np.zeros(501, int)
    lengths[100:500:7] = 1
    _, panels = drawn(lengths={"train": lengths})
    (step,) = panels["Length without padding"].patches
    data = step.get_data()
    assert data.values.sum() == pytest.approx(1)
    assert len(data.values) <= 50
    assert data.edges[0] == 99.5
    assert data.edges[-1] >= 498.5
