import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable
from genokeras.evaluation.gc_by_class import describe_gc, gc_by_class


def test_means_and_auroc_by_hand():
    # Of six pairs the positive has more GC in four and as much in one.
    found = gc_by_class(np.array([0, 0, 0, 1, 1]), np.array([0.2, 0.5, 0.8, 0.5, 0.9]))
    assert found["negatives"] == pytest.approx(0.5)
    assert found["positives"] == pytest.approx(0.7)
    assert found["auroc"] == pytest.approx(4.5 / 6)
    assert found["separates"] is False  # Five examples say nothing.


@pytest.mark.parametrize("sign", [1, -1])
def test_a_shift_separates_in_either_direction(sign):
    rng = np.random.default_rng(0)
    targets = np.arange(2000) % 2
    # The AUROC of two normal distributions half a standard deviation apart is 0.638.
    found = gc_by_class(targets, 0.5 + rng.normal(0, 0.1, 2000) + sign * 0.05 * targets)
    assert found["auroc"] == pytest.approx(0.5 + sign * 0.138, abs=0.03)
    assert found["separates"] is True


def test_equal_classes_do_not_separate():
    rng = np.random.default_rng(0)
    found = gc_by_class(np.arange(2000) % 2, rng.normal(0.5, 0.1, 2000))
    assert found["auroc"] == pytest.approx(0.5, abs=0.04)
    assert found["separates"] is False


def test_few_examples_of_equal_classes_do_not_separate():
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(500):
        found = gc_by_class(np.arange(20) % 2, rng.normal(0.5, 0.1, 20))
        alarms += found["separates"]
    assert alarms <= 5


def test_unknown_bases_and_one_class_only():
    found = gc_by_class(np.array([1, 1, 0]), np.array([0.25, 0.75, np.nan]))
    assert found == {"negatives": None, "positives": 0.5, "auroc": None, "separates": False}


@pytest.fixture
def build(tmp_path):
    """Builds a dataset of 200 windows: positives have the GC content given, negatives 0.5."""

    def make(gc):
        rng = np.random.default_rng(0)
        rows = []
        for number in range(200):
            share = gc if number % 2 else 0.5
            letters = rng.choice(list("ATCG"), 40, p=[(1 - share) / 2] * 2 + [share / 2] * 2)
            rows.append(f"{''.join(letters)},{number % 2},{'train' if number < 150 else 'test'}")
        table = tmp_path / "a.csv"
        table.write_text("\n".join(["sequence,label,split", *rows]) + "\n")
        build_dataset(CsvTable(table, split_column="split"), tmp_path / "data", "x")
        return tmp_path / "data"

    return make


def test_a_dataset_is_described_by_split(build):
    lines = describe_gc(build(0.8))
    assert lines[0] == "Mean GC content of the classes, and the AUROC of GC content alone:"
    assert lines[1].split() == ["task", "split", "negatives", "positives", "AUROC"]
    task, split, negatives, positives, auroc = lines[2].split()
    assert (task, split) == ("label", "train")
    assert float(negatives) == pytest.approx(0.5, abs=0.05)
    assert float(positives) == pytest.approx(0.8, abs=0.05)
    assert float(auroc) > 0.95
    assert lines[4] == (
        "Warning: GC content alone tells the classes of label in train apart: the negatives are "
        "not matched for it, and every model will profit."
    )


def test_matched_classes_give_no_warning(build):
    assert len(describe_gc(build(0.5))) == 4


def test_of_large_splits_some_are_counted(build, monkeypatch):
    monkeypatch.setattr("genokeras.evaluation.gc_by_class._MAX_EXAMPLES", 100)
    assert describe_gc(build(0.5))[0].endswith("(100 examples of a split at most):")


def test_regressions_have_no_classes(tmp_path):
    (tmp_path / "a.csv").write_text("sequence,score\nACGT,0.5\nACGG,2\n")
    source = CsvTable({"train": tmp_path / "a.csv"}, target_columns=["score"])
    build_dataset(source, tmp_path / "data", "x")
    assert describe_gc(tmp_path / "data") == []
