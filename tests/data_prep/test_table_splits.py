"""Cells become splits and groups, whatever they are called, and one at a time is enough."""

import pytest

from data_prep.table_splits import ChromSplits, parse_groups, parse_splits
from data_prep.text_rows import TextRows
from tfrecords.errors import InputError


def rows(count):
    return TextRows(["ACGT"] * count, [], range(2, 2 + count).__getitem__, "a.csv")


def test_splits_by_name_and_by_chromosome():
    assert parse_splits(["train", " Val", "TEST"], "set", rows(3)).tolist() == [0, 1, 2]
    chroms = ChromSplits("chrom", {"valid": ("2",), "test": ("X", "3")})
    assert parse_splits(["1", "2", " X", "3"], "chrom", rows(4), chroms).tolist() == [0, 1, 2, 2]
    chroms.check_all_seen()


def test_chromosomes_may_come_in_several_batches():
    chroms = ChromSplits("chrom", {"valid": ("2",), "test": ("X",)})
    parse_splits(["1", "2"], "chrom", rows(2), chroms)
    with pytest.raises(InputError, match="^--test_chroms=X: column 'chrom' has no chromosome 'X'"):
        chroms.check_all_seen()
    parse_splits(["X"], "chrom", rows(1), chroms)
    chroms.check_all_seen()


def test_groups_do_not_depend_on_what_else_is_there():
    first = parse_groups(["a", "b", "a "], "gene", rows(3)).tolist()
    assert first[0] == first[2] != first[1]
    assert parse_groups(["b"], "gene", rows(1)).tolist() == [first[1]]


def test_where_a_cell_is_wrong():
    with pytest.raises(InputError, match=r"^a\.csv:3: column 'set': 'tset' is no split"):
        parse_splits(["test", "tset"], "set", rows(2))
    with pytest.raises(InputError, match=r"^a\.csv:4: column 'gene' is empty"):
        parse_groups(["a", "b", ""], "gene", rows(3))
