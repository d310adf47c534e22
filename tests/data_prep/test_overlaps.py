"""Overlaps and groups of splits, against bases and members counted one by one."""

import itertools

import numpy as np
import pytest

from data_prep import genome_order
from data_prep.overlaps import find_overlaps, find_shared_groups
from data_prep.scratch import Scratch

TRAIN, VALID, TEST, NOWHERE = 0, 1, 2, -2
PAIRS = [(TRAIN, VALID), (TRAIN, TEST), (VALID, TEST)]


@pytest.fixture
def overlap(tmp_path):
    def find(chrom_id, start, split, **options):
        scratch = Scratch(tmp_path / "rows", {"chrom_id": ("int32", ()), "start": ("int64", ())})
        scratch.write([{"chrom_id": np.array(chrom_id), "start": np.array(start)}])
        columns = scratch.read("chrom_id"), scratch.read("start")
        folder = tmp_path / "parts"
        found = find_overlaps(*columns, np.array(split, np.int8), folder, **options)
        assert not folder.exists()
        return found

    return find


@pytest.fixture
def group(tmp_path):
    def find(groups, split):
        scratch = Scratch(tmp_path / "rows", {"group": ("uint64", ())})
        scratch.write([{"group": np.array(groups, np.uint64)}])
        return find_shared_groups(scratch.read("group"), np.array(split, np.int8))

    return find


def test_windows_by_hand(overlap):
    """Of windows of 10: 0-10 and 6-16 share 4 bases; 16-26 touches one and shares none."""
    found = overlap([0, 0, 0, 1], [0, 6, 16, 6], [TRAIN, VALID, TEST, TEST], length=10)
    assert found.counts == {(TRAIN, VALID): 4, (TRAIN, TEST): 0, (VALID, TEST): 0}
    assert found.found.tolist() == [1 << VALID, 1 << TRAIN, 0, 0]


def test_bases_in_several_windows_count_once(overlap):
    found = overlap([0] * 4, [0, 2, 4, 0], [TRAIN, TRAIN, TRAIN, TEST], length=10)
    assert found.counts[TRAIN, TEST] == 10
    assert found.found.tolist() == [1 << TEST] * 3 + [1 << TRAIN]


def test_chromosomes_lie_apart(overlap):
    """What is stored before the first base of a chromosome is not on the one before it."""
    found = overlap([0, 1], [7, -3], [TRAIN, TEST], length=10)
    assert found.counts[TRAIN, TEST] == 0


def test_rows_of_no_place_or_no_split_overlap_nothing(overlap):
    found = overlap([0, 0, -1, -1], [0, 0, -1, -1], [NOWHERE, TEST, TRAIN, TEST], length=10)
    assert not any(found.counts.values())
    assert not found.found.any()


@pytest.mark.parametrize("block", [16, 1 << 18])
def test_random_windows_base_by_base(overlap, monkeypatch, block):
    monkeypatch.setattr(genome_order, "_BLOCK", block)
    rng = np.random.default_rng(0)
    chrom_id, start = rng.integers(0, 3, 200), rng.integers(0, 4000, 200)
    split = rng.choice([TRAIN, VALID, TEST, NOWHERE], 200)
    found = overlap(chrom_id, start, split, length=15)
    bases = [
        {(c, at + n) for c, at, s in zip(chrom_id, start, split, strict=True) if s == code
         for n in range(15)}
        for code in range(3)
    ]  # fmt: skip
    assert found.counts == {(a, b): len(bases[a] & bases[b]) for a, b in PAIRS}
    assert min(found.counts.values()) > 0
    for row, (chrom, at, code) in enumerate(zip(chrom_id, start, split, strict=True)):
        own = {(chrom, at + n) for n in range(15)}
        others = [other for other in range(3) if other != code and own & bases[other]]
        assert found.found[row] == (0 if code < 0 else sum(1 << other for other in others))


def test_shared_groups_by_hand(group):
    found = group([7, 7, 8, 8, 9, 9, 9], [TRAIN, TEST, TRAIN, TRAIN, TRAIN, VALID, TEST])
    assert found.counts == {(TRAIN, VALID): 1, (TRAIN, TEST): 2, (VALID, TEST): 1}
    train, valid, test = (1 << code for code in (TRAIN, VALID, TEST))
    assert found.found.tolist() == [test, train, 0, 0, valid | test, train | test, train | valid]


def test_groups_of_rows_of_no_split(group):
    found = group([7, 7, 8, 8], [NOWHERE, TEST, TRAIN, TEST])
    assert found.counts == {(TRAIN, VALID): 0, (TRAIN, TEST): 1, (VALID, TEST): 0}
    assert found.found.tolist() == [0, 0, 1 << TEST, 1 << TRAIN]


def test_random_groups_one_by_one(group):
    rng = np.random.default_rng(1)
    groups, split = rng.integers(0, 60, 200), rng.integers(0, 3, 200)
    members = [set(groups[split == code].tolist()) for code in range(3)]
    found = group(groups, split)
    assert found.counts == {
        (a, b): len(members[a] & members[b]) for a, b in itertools.combinations(range(3), 2)
    }
