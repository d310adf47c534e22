"""The whole audit: one report of all kinds of leaks, what is told, and what is refused."""

import numpy as np
import pytest

from data_prep.audit import DROPPED
from data_prep.audit_rows import audit_rows
from data_prep.scratch import Scratch
from data_prep.sequence_keys import sequence_keys
from tfrecords import sequence
from tfrecords.errors import InputError

TRAIN, VALID, TEST = range(3)
LENGTH = 100


@pytest.fixture
def rows(tmp_path, random_sequences):
    """Audits 40 unlike windows far apart, half of train and half of test, changed in some."""

    def audit(texts=None, start=None, groups=None, split=None, **options):
        found = dict(enumerate(random_sequences(40, LENGTH))) | (texts or {})
        places = dict(enumerate(range(0, 40_000, 1000))) | (start or {})
        members = dict(enumerate(range(40))) | (groups or {})
        codes = dict(enumerate([TRAIN] * 20 + [TEST] * 20)) | (split or {})
        packed = sequence.encode(list(found.values()), LENGTH)
        key, is_reverse = sequence_keys(packed, LENGTH)
        columns = {
            "sequence": packed,
            "key": key,
            "is_reverse": is_reverse.astype(np.uint8),
            "row": np.arange(40),
            "group": np.array(list(members.values()), np.uint64),
            "chrom_id": np.zeros(40, np.int32),
            "start": np.array(list(places.values())),
        }
        scratch = Scratch(
            tmp_path / "rows", {name: (a.dtype.name, a.shape[1:]) for name, a in columns.items()}
        )
        scratch.write([columns])
        codes = np.array(list(codes.values()), np.int8)
        options = {"has_groups": groups is not None, "length": LENGTH} | options
        return audit_rows(scratch, codes, None, tmp_path / "alike", **options)

    return audit


@pytest.fixture
def near(random_sequences):
    """A text that differs from the first of the 40 in one base."""
    first = random_sequences(40, LENGTH)[0]
    return first[:50] + ("C" if first[50] != "C" else "G") + first[51:]


def test_nothing_is_shared(rows, tmp_path):
    result = rows(groups={})
    assert result.report["shared"] == {
        "train/test": {
            "sequences": 0,
            "only_reverse_complement": 0,
            "overlap_bp": 0,
            "overlapping_windows": [0, 0],
            "shared_groups": 0,
            "rows_of_shared_groups": [0, 0],
            "near_duplicates": [0, 0],
        }
    }
    assert result.lines == ()
    assert not (tmp_path / "alike").exists()


def test_near_duplicates_are_told_of_and_kept(rows, near):
    result = rows(texts={39: near})
    assert result.report["shared"]["train/test"]["near_duplicates"] == [1, 1]
    assert (result.split >= 0).all()
    assert result.lines == (
        "Near duplicates: 1 of 20 sequences of test (5.0%) are much like one of another split, as "
        "repeats and homologous genes are.",
    )


@pytest.mark.parametrize("on_leak", ["drop", "warn", "error"])
def test_near_duplicates_beyond_their_threshold_are_an_error(rows, near, on_leak):
    rows(texts={39: near}, on_leak=on_leak, near_duplicate_threshold=0.05, leak_threshold=0)
    message = (
        r"^1 of 20 sequences of test \(5.0%\) are much like one of another split \(train 1\), more "
        r"than --near_duplicate_threshold=0.04: row 39 is much like row 0 of train, for example; "
        r"choose other chromosomes, or name the families .* --group_column .*, or allow it with "
        r"--near_duplicate_threshold=1$"
    )
    with pytest.raises(InputError, match=message):
        rows(texts={39: near}, on_leak=on_leak, near_duplicate_threshold=0.04)


def test_a_copy_that_was_dropped_is_not_near(rows, random_sequences):
    result = rows(texts={39: random_sequences(40, LENGTH)[0]})
    assert result.split[0] == DROPPED
    shared = result.report["shared"]["train/test"]
    assert (shared["sequences"], shared["near_duplicates"]) == (1, [0, 0])


def test_windows_that_overlap(rows):
    """The last window of test begins 60 bases into the first of train."""
    result = rows(start={39: 60})
    shared = result.report["shared"]["train/test"]
    assert (shared["overlap_bp"], shared["overlapping_windows"]) == (40, [1, 1])
    assert result.lines == (
        "Warning: 1 of 20 windows of test (5.0%) overlap windows of another split; all were kept.",
    )
    message = (
        r"^1 of 20 windows of test \(5.0%\) overlap windows of another split \(train 1\), more "
        r"than --leak_threshold=0.04: row 39 overlaps row 0 of train, for example; split by "
        r"chromosome, or by .*together, or allow it with --leak_threshold=1$"
    )
    with pytest.raises(InputError, match=message):
        rows(start={39: 60}, leak_threshold=0.04)
    message = (
        r"^1 of 20 windows of test \(5.0%\) overlap windows of another split \(train 1\): row 39 "
        r".*, for example; split by .*, or keep them with --on_leak=warn$"
    )
    with pytest.raises(InputError, match=message):
        rows(start={39: 60}, on_leak="error")


def test_groups_in_two_splits(rows):
    """Two rows of test are of the group of row 3; without groups nobody looks."""
    shared = {38: 3, 39: 3}
    result = rows(groups=shared, leak_threshold=0.1)
    found = result.report["shared"]["train/test"]
    assert (found["shared_groups"], found["rows_of_shared_groups"]) == (1, [1, 2])
    assert "2 of 20 rows of test (10.0%) are of a group that is in another" in result.lines[0]
    message = (
        r"more than --leak_threshold=0.05: row 38 is of the group of row 3 of train, for example; "
        r"split the data anew"
    )
    with pytest.raises(InputError, match=message):
        rows(groups=shared)
    unknown = rows(groups=shared, has_groups=False).report["shared"]["train/test"]
    assert "shared_groups" not in unknown


def test_three_splits_have_three_pairs(rows):
    result = rows(start={39: 60}, split={39: VALID}, leak_threshold=1)
    found = {pair: shared["overlap_bp"] for pair, shared in result.report["shared"].items()}
    assert found == {"train/valid": 40, "train/test": 0, "valid/test": 0}


def test_rows_made_of_others_do_not_count_towards_the_threshold(rows):
    """The last row is made: of those given none overlaps, though the report has it."""
    result = rows(start={39: 60}, num_given=39, on_leak="error")
    assert result.report["shared"]["train/test"]["overlapping_windows"] == [1, 1]
    assert result.lines == ()
