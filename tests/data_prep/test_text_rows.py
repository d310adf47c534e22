"""Labels and letters of text rows: what is a number, what is missing, and where mistakes are."""

import math

import numpy as np
import pytest

from data_prep.text_rows import (
    TextRows,
    check_options,
    encode_sequences,
    parse_label,
    parse_labels,
)
from tfrecords import sequence
from tfrecords.errors import InputError


def rows(sequences=(), labels=()):
    return TextRows(
        list(sequences), [list(column) for column in labels], lambda row: row + 2, "a.csv"
    )


@pytest.mark.parametrize(
    ("cell", "value"), [("1", 1), (" 0.5 ", 0.5), ("-3e2", -300), ("1.0", 1), ("+2", 2)]
)
def test_numbers(cell, value):
    assert parse_label(cell) == value


@pytest.mark.parametrize(
    "cell", ["", "  ", "NA", "na", "NaN", "nan", "N/A", "<NA>", "null", "None"]
)
def test_missing_labels(cell):
    assert math.isnan(parse_label(cell))


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e39", "bound", "1_0", "0x1", "1,5", "TRUE"])
def test_what_is_no_label(cell):
    with pytest.raises(
        InputError, match=f"a.csv:3: CTCF is '{cell}', expected a number .*, or an emp"
    ):
        parse_labels(rows("AC", [["1", cell]]), ["CTCF"], None)


def test_every_task_is_a_column_of_the_targets():
    targets = parse_labels(rows("ACG", [["1", "0", ""], ["0.5", "NA", "2"]]), ["a", "b"], None)
    np.testing.assert_array_equal(targets, np.array([[1, 0.5], [0, np.nan], [np.nan, 2]], "f4"))
    assert targets.dtype == np.float32


def test_label_of_a_binary_task_is_0_or_1():
    parse_labels(rows("ACG", [["1", "0.0", ""]]), ["bound"], "binary")
    with pytest.raises(
        InputError, match="a.csv:4: bound is 0.7, but a binary task has labels 0 and"
    ):
        parse_labels(rows("ACG", [["1", "0", "0.7"]]), ["bound"], "binary")


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        (["ACGT", "ACXT"], "a.csv:3: position 2: 'X' is no base and no IUPAC code"),
        (["ACGT", "AC T"], "a.csv:3: position 2: ' ' is no base"),
        (["ACGT", "ACµT"], "a.csv:3: position 2: 'µ' is no base"),
        (["ACGT", "AC-T"], "a.csv:3, position 2: '-' is a gap; expected unaligned sequences"),
        (["ACGT", ""], "a.csv:3: the sequence is empty"),
        (["ACGT", "  "], "a.csv:3: the sequence is empty"),
        (["ACGT", "ACG", "X"], "a.csv:3: the sequence has 3 bases, those before it 4; --length=4"),
    ],
)
def test_what_is_no_sequence(sequences, message):
    with pytest.raises(InputError, match=message):
        encode_sequences(rows(sequences), 4, is_resizing=False)


def test_case_blanks_and_rna_do_not_matter():
    packed = encode_sequences(rows(["ACGT", " acgu\t"]), 4, is_resizing=False)
    assert sequence.decode(packed, 4) == ["ACGT", "ACGT"]


def test_resizing_takes_any_length():
    packed = encode_sequences(rows(["ACGT", "C", "AACGTT"]), 4, is_resizing=True)
    assert sequence.decode(packed, 4) == ["ACGT", "--C-", "ACGT"]
    with pytest.raises(InputError, match="a.csv:2: the sequence is empty"):
        encode_sequences(rows([""]), 4, is_resizing=True)


@pytest.mark.parametrize("text", ["AXACGT", "AAACGTTX", "XACGT", "ACGTX", "A\u00b5ACGTTT"])
def test_letters_that_are_cropped_away_are_checked_too(text):
    position = next(place for place, letter in enumerate(text) if letter not in "ACGT")
    message = f"a.csv:3: position {position}: '{text[position]}' is no base and no IUPAC code"
    with pytest.raises(InputError, match=message):
        encode_sequences(rows(["ACGT", text, "C"]), 4, is_resizing=True)


def test_options_are_checked():
    with pytest.raises(InputError, match="--length=0, expected a positive number of bases"):
        check_options(0, None)
    with pytest.raises(InputError, match="--task_type=multi, expected one of binary, regression"):
        check_options(None, "multi")
