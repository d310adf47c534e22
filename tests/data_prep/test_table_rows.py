"""Rows are those that the csv module reads, whichever way they are cut, with their line numbers."""

import csv

import numpy as np
import pytest

from data_prep.table_rows import read_table, split_line
from data_prep.text_file import TextFile
from tfrecords.errors import InputError


def read(path, separator=",", num_columns=3, size=7):
    batches = list(read_table(TextFile(path), separator, num_columns, size))
    assert all(0 < len(batch.columns[0]) <= size for batch in batches)
    rows = [row for batch in batches for row in zip(*batch.columns, strict=True)]
    lines = [batch.line(row) for batch in batches for row in range(len(batch.columns[0]))]
    return [list(row) for row in rows], lines


def random_table(num_rows, seed, cells):
    drawn = np.random.default_rng(seed).choice(cells, (num_rows, 3))
    return [["name", "sequence", "label"], *drawn.tolist()]


def write_table(path, table):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "cells", [["ACGT", "0.5", "", "x y"], ['a "b"', "one,two", "over\ntwo lines", "", "ACGT"]]
)
def test_cells_are_those_of_the_csv_module(tmp_path, cells, seed):
    table = random_table(100, seed, cells)
    write_table(tmp_path / "a.csv", table)
    rows, _ = read(tmp_path / "a.csv")
    assert rows == table[1:]


def test_line_is_where_the_row_starts(write):
    path = write("a.csv", 'a,b,c\n1,2,3\n\n4,"5\n5\n5",6\n\n\n7,8,9\n')
    rows, lines = read(path)
    assert [row[0] for row in rows] == ["1", "4", "7"]
    assert lines == [2, 4, 9]


@pytest.mark.parametrize("blank", ["", " ", "  \t "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_of_blanks_are_no_rows(write, blank, quote):
    text = f"a,b,c\n{blank}\n{quote}1{quote},2,3\n{blank}\n{blank}\n4,5,6\n{blank}\n"
    assert read(write("a.csv", text)) == ([["1", "2", "3"], ["4", "5", "6"]], [3, 6])


def test_blank_cells_are_not_a_blank_line(write):
    assert read(write("a.csv", "a,b,c\n , ,\n1,2,3\n"))[0] == [[" ", " ", ""], ["1", "2", "3"]]


def test_lines_are_right_far_into_a_large_file(write):
    table = "a,b,c\n" + "".join(f"{number},{'ACGT' * 20},0\n" for number in range(2, 60_000))
    for text in (table, table.replace("59999,", '"59999",')):
        rows, lines = read(write("a.csv", text), size=1000)
        assert lines == [int(row[0]) for row in rows] == list(range(2, 60_000))


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_other_separators(write, separator):
    path = write("a.tsv", separator.join("abc") + "\n" + separator.join("1,3") + "\n")
    assert read(path, separator, 3)[0] == [list("1,3")] if separator == "," else True
    path = write("b.tsv", f"a{separator}b\n1,5{separator}2\n")
    assert read(path, separator, 2)[0] == [["1,5", "2"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n1,2\n1,2,3,4\n", "a.csv:3: 2 cells, but the header names 3"),
        ("a,b,c\n1,2,3\n1,2,3,4\n1,2\n", "a.csv:3: 4 cells, but the header names 3"),
        ('a,b,c\n1,2,3\n"1",2,3\n\n1\n', "a.csv:5: 1 cells, but the header names 3"),
        ('a,b,c\n1,"2,3\n', "a.csv:2: unexpected end of data"),
        ('a,b,c\n1,2,3\n1,"2"2,3\n', "a.csv:3: ',' expected after '\"'"),
    ],
)
def test_ragged_rows_and_stray_quotes_are_named(write, text, message):
    with pytest.raises(InputError, match=message):
        read(write("a.csv", text))


def test_split_line_takes_blanks_off():
    assert split_line('seq , "a,b",label\n', ",") == ["seq", '"a', 'b"', "label"]
    assert split_line('seq,"a,b",label\n', ",") == ["seq", "a,b", "label"]
