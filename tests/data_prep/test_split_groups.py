"""What stays together, for rows of every kind."""

import numpy as np
import pytest

from data_prep.build_config import BuildConfig
from data_prep.ingest import Ingested
from data_prep.scratch import Scratch
from data_prep.split_groups import split_groups

FRACTIONS = {"split_fractions": (0.6, 0.2, 0.2)}
NO_COPIES = (1, 2, 3, 4, 5)


@pytest.fixture
def groups(tmp_path):
    """The groups of windows of 10 bp on two chromosomes, whose source numbers them 7, 8, 9, ..."""

    def find(has_places=True, has_groups=False, keys=NO_COPIES, **config):
        columns = {"group": 7 + np.arange(5, dtype=np.uint64), "key": np.array(keys, np.uint64)}
        if has_places:
            columns["chrom_id"] = np.array([0, 0, 0, 1, 1], np.int32)
            columns["start"] = np.array([0, 9, 19, 0, 12])
        shapes = {name: (values.dtype.name, ()) for name, values in columns.items()}
        scratch = Scratch(tmp_path / "rows", shapes)
        scratch.write([columns])
        ingested = Ingested(scratch, has_groups=has_groups)
        found = split_groups(ingested, BuildConfig(**config), tmp_path / "clusters", length=10)
        assert not (tmp_path / "clusters").exists()
        return found[:].tolist()

    return find


def partition(numbers):
    """The rows of each number, whatever the numbers are."""
    return [
        np.flatnonzero(np.array(numbers) == number).tolist() for number in dict.fromkeys(numbers)
    ]


def test_windows_that_overlap_are_one_group(groups):
    """0-10 and 9-19 share a base; 19-29 touches, and shares none."""
    assert partition(groups(**FRACTIONS)) == [[0, 1], [2], [3], [4]]


def test_copies_join_all_that_their_windows_overlap(groups):
    """The last window of the first chromosome is the first of the second, on either strand."""
    copies = (1, 2, 3, 3, 5)
    assert partition(groups(**FRACTIONS, keys=copies)) == [[0, 1], [2, 3], [4]]
    assert partition(groups(num_folds=3, fold=0, keys=(1, 2, 2, 2, 5))) == [[0, 1, 2, 3], [4]]


def test_copies_join_groups(groups):
    found = groups(has_groups=True, keys=(1, 2, 3, 1, 2), **FRACTIONS)
    assert found == [7, 8, 9, 7, 8]


def test_copies_do_not_join_whole_chromosomes(groups):
    found = groups(**FRACTIONS, whole_chroms=True, keys=(1, 2, 3, 3, 5))
    assert partition(found) == [[0, 1, 2], [3, 4]]


def test_splits_that_are_given_leave_groups_as_they_are(groups):
    assert groups(has_groups=True, keys=(1, 1, 1, 1, 1)) == [7, 8, 9, 10, 11]
    by_chrom = {"valid_chroms": ("II",), "keys": (1, 1, 1, 1, 1)}
    assert groups(**by_chrom) == [7, 8, 9, 10, 11]


def test_whole_chromosomes(groups):
    assert partition(groups(**FRACTIONS, whole_chroms=True)) == [[0, 1, 2], [3, 4]]


def test_groups_that_are_given_come_first(groups):
    assert groups(has_groups=True, **FRACTIONS) == [7, 8, 9, 10, 11]


def test_other_sequences_have_the_groups_of_their_source(groups):
    assert groups(has_places=False, **FRACTIONS) == [7, 8, 9, 10, 11]
