"""Builds whose sequences have bases on either side of the window that a model reads."""

import dataclasses

import numpy as np
import pytest

from data_prep import build, resume
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.describe import describe
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset

SHIFT = BuildConfig(shift_bp=2)


@pytest.fixture
def source(write):
    """A table of rows (sequence, label, split)."""

    def make(*rows, **options):
        lines = [",".join(map(str, row)) for row in rows]
        table = write("all.csv", "\n".join(["sequence,label,split", *lines]) + "\n")
        return CsvTable(table, split_column="split", **options)

    return make


def test_records_hold_the_window_and_what_stands_beside_it(source, tmp_path):
    rows = ("GGACTTACC", 1, "train"), ("CCTTTTTGG", 0, "train")
    manifest = build_dataset(source(*rows), tmp_path / "data", "x", config=SHIFT)
    assert (manifest.shift_bp, manifest.window_bp, manifest.schema["sequence"].bases) == (2, 5, 9)
    assert Manifest.load(tmp_path / "data") == manifest
    batch = Dataset(tmp_path / "data").split("train").read(np.arange(2))
    texts = sequence.decode(batch["sequence"], 9)
    assert set(texts) == {"GGACTTACC", "CCTTTTTGG"}
    # ACTTA and TTTTT: no G, and C once among ten bases.
    assert manifest.base_composition == {"A": 0.2, "C": 0.1, "G": 0.0, "T": 0.7}
    assert manifest.statistics["splits"]["train"]["gc_content"] == 0.1
    assert "Window: 5 bp, and 2 bp to shift it either way" in describe(tmp_path / "data")


def test_equal_windows_leak_whatever_stands_beside_them(source, tmp_path):
    """TAAGT is the opposite strand of ACTTA; a shared flank, on the other hand, is no copy."""
    others = [(f"GG{a}{b}{c}AACC", 0, "test") for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    train = ("GGACTTACC", 1, "train"), ("GGTCTTTCC", 0, "train")
    leak = source(*train, *others, ("AATAAGTAA", 1, "test"))
    lines = []
    manifest = build_dataset(leak, tmp_path / "window", "x", config=SHIFT, log=lines.append)
    assert manifest.audit["shared"]["train/test"] == {
        "sequences": 1,
        "only_reverse_complement": 1,
        "near_duplicates": [0, 0],
    }
    assert manifest.num_examples("train") == 1
    assert "train and test share 1 sequence, on either strand; dropped 1 of train" in "".join(lines)
    whole = build_dataset(leak, tmp_path / "whole", "x", config=BuildConfig())
    assert whole.audit["shared"]["train/test"]["sequences"] == 0


def test_no_split_parts_equal_windows(write, random_sequences, tmp_path):
    windows = random_sequences(40, 9) * 3
    flanks = random_sequences(120, 4, seed=1)
    rows = [
        f"{f[:2]}{w}{f[2:]},{n % 2}" for n, (w, f) in enumerate(zip(windows, flanks, strict=True))
    ]
    table = CsvTable(write("a.csv", "\n".join(["sequence,label", *rows]) + "\n"))
    config = BuildConfig(split_fractions=(0.5, 0.25, 0.25), shift_bp=2)
    manifest = build_dataset(table, tmp_path / "data", "x", config=config)
    assert [found["sequences"] for found in manifest.audit["shared"].values()] == [0, 0, 0]
    assert sum(map(manifest.num_examples, manifest.splits)) == 120


def test_the_length_asked_for_is_that_of_the_whole(source, tmp_path):
    rows = ("GGGACTTACCC", 1, "train"), ("CTTTTTG", 0, "train")
    manifest = build_dataset(source(*rows, length=9), tmp_path / "data", "x", config=SHIFT)
    assert manifest.window_bp == 5
    batch = Dataset(tmp_path / "data").split("train").read(np.arange(2))
    assert set(sequence.decode(batch["sequence"], 9)) == {"GGACTTACC", "-CTTTTTG-"}


def test_what_stands_beside_the_window_is_part_of_the_plan(source, tmp_path, monkeypatch):
    """Finished shards of a killed build with other flanks are of no use to the next one."""
    digests = {}

    def write_plan(plan, *args, **options):
        digests[flank] = plan.digest
        return resume.write_plan(plan, *args, **options)

    monkeypatch.setattr(build, "write_plan", write_plan)
    for flank in ("GG", "AA"):
        rows = (f"{flank}ACTTACC", 1, "train")
        build_dataset(source(rows), tmp_path / flank, "x", config=SHIFT)
    assert digests["GG"] != digests["AA"]


def test_sequences_that_are_all_flank(source, tmp_path):
    config = dataclasses.replace(SHIFT, shift_bp=4)
    rows = source(("ACGTACGT", 1, "train"))
    with pytest.raises(InputError, match="--shift_bp=4 leaves nothing of sequences of 8 bp: they"):
        build_dataset(rows, tmp_path / "data", "x", config=config)
    assert not (tmp_path / "data").exists()
