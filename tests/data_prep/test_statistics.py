"""Statistics of small datasets worked out by hand, and of GUE counted with text tools."""

import numpy as np
import pytest

from data_prep.statistics import gather, label_warnings
from tfrecords import sequence


def statistics_of(texts, targets, split=None, task_type="binary", tasks=("a", "b")):
    packed = sequence.encode(texts, len(texts[0]))
    split = np.zeros(len(texts), np.int8) if split is None else np.array(split, np.int8)
    found = gather(packed, np.array(targets, np.float32), split)
    return {name: sums.to_json(tasks, task_type) for name, sums in found.items()}, found


@pytest.mark.parametrize("length", [5, 6])
def test_bases_are_counted_without_ambiguous_ones_and_padding(length):
    texts = ["-ACGGTN"[:length], "RCCC---"[:length], "CCCCCCC"[:length]]
    described, found = statistics_of(texts, [[0], [1], [1]], tasks=("a",))
    letters = "".join(texts)
    counts = {base: letters.count(base) for base in "ACGT"}
    total = sum(counts.values())
    shares = {base: count / total for base, count in counts.items()}
    assert found["train"].base_composition == pytest.approx(shares)
    gc = (counts["G"] + counts["C"]) / total
    assert described["train"]["gc_content"] == pytest.approx(gc)
    assert described["train"]["ambiguous_bases"] == sum(letters.count(base) for base in "RN")


def test_only_the_bases_of_the_window_are_counted():
    packed = sequence.encode(["GGACTNGG", "GGNNNNGG"], 8)
    found = gather(
        packed, np.ones((2, 1), "f4"), np.zeros(2, "i1"), lambda p: sequence.crop(p, 8, 2, 4)
    )
    assert found["train"].base_composition == pytest.approx(
        {"A": 1 / 3, "C": 1 / 3, "G": 0, "T": 1 / 3}
    )
    assert found["train"].to_json(["a"], "binary")["ambiguous_bases"] == 5


def test_labels_are_counted_by_split_and_task():
    nan = np.nan
    targets = [[1, 0], [1, nan], [0, 1], [nan, 1], [nan, nan]]
    described, _ = statistics_of(["ACGT"] * 5, targets, split=[0, 0, 2, 0, -2])
    assert list(described) == ["train", "test"]
    assert described["train"]["rows"] == 3
    assert described["train"]["tasks"] == {
        "a": {"positives": 2, "negatives": 0, "missing": 1},
        "b": {"positives": 1, "negatives": 1, "missing": 1},
    }
    assert described["test"]["tasks"]["b"] == {"positives": 1, "negatives": 0, "missing": 0}


def test_regression_targets_are_described_as_numpy_does():
    values = np.random.default_rng(0).normal(5, 2, 50_000).astype(np.float32)
    targets = np.stack([values, np.full_like(values, np.nan)], axis=1)
    described, _ = statistics_of(["A"] * len(values), targets, task_type="regression")
    assert described["train"]["tasks"]["a"] == pytest.approx(
        {
            "mean": values.mean(dtype="f8"), "std": values.std(dtype="f8"),
            "min": values.min(), "max": values.max(), "missing": 0,
        }
    )  # fmt: skip
    nothing = {"mean": None, "std": None, "min": None, "max": None, "missing": len(values)}
    assert described["train"]["tasks"]["b"] == nothing


def test_a_task_with_one_class_is_warned_of():
    described, _ = statistics_of(["A"] * 4, [[1, 0], [1, 1], [0, 0], [1, 0]], split=[0, 0, 1, 1])
    assert label_warnings(described, "binary") == [
        "Warning: all labels of a in train are 1.",
        "Warning: all labels of b in valid are 0.",
    ]


def test_training_on_positives_alone_gets_a_hint():
    targets = [[1, 1], [1, np.nan], [1, 1]]
    described, _ = statistics_of(["A"] * 3, targets, split=[0, 0, 1])
    assert label_warnings(described, "binary") == [
        "Warning: all labels of a in train are 1.",
        "Warning: all labels of b in train are 1.",
        "--negatives=dinucleotide_shuffle makes negatives of the positives.",
        "Warning: all labels of a in valid are 1.",
        "Warning: all labels of b in valid are 1.",
    ]
    lines = label_warnings(described, "binary", suggest_negatives=False)
    assert len(lines) == 4
    assert not any("--negatives" in line for line in lines)


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_a_task_without_labels_is_not_taken_for_one_of_zeros(task_type):
    targets = [[1, np.nan], [0, np.nan], [1, 0], [0, 1]]
    described, _ = statistics_of(["A"] * 4, targets, split=[0, 0, 1, 1], task_type=task_type)
    assert label_warnings(described, task_type) == ["Warning: train has no label of b."]


def test_one_value_throughout_is_no_class_of_a_regression():
    described, _ = statistics_of(["A"] * 2, [[1, 0], [1, 0]], task_type="regression")
    assert label_warnings(described, "regression") == []
