"""Which columns are read: those that are named so, and nothing that would surprise."""

import pytest

from data_prep.table_columns import find_columns, find_separator
from data_prep.table_rows import split_line
from tfrecords.errors import InputError


def find(header, *rows, **asked):
    separator = find_separator(header)
    names, *sample = (split_line(line, separator) for line in (header, *rows))
    return find_columns(names, sample, where="a.csv:1", **asked)


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        ("sequence,label", ","),
        ("FoldID\tEventID\tseq\tBound", "\t"),
        ("sequence;label", ";"),
        ("sequence|label", "|"),
        ('"one, two"\tseq\tlabel', "\t"),
    ],
)
def test_separator_is_found(header, separator):
    assert find_separator(header) == separator


@pytest.mark.parametrize(
    ("header", "sequence", "targets", "unread"),
    [
        ("sequence,label", "sequence", ("label",), ()),
        (
            "sequence,label,transcription_factor,subset",
            "sequence", ("label",), ("transcription_factor", "subset"),
        ),
        ("FoldID\tEventID\tseq\tBound", "seq", ("Bound",), ("FoldID", "EventID")),
        ("id,Seq,label_CTCF,note,label_MYC", "Seq", ("label_CTCF", "label_MYC"), ("id", "note")),
        (",sequence,target", "sequence", ("target",), ("",)),
        ("sequence,label,label_source", "sequence", ("label",), ("label_source",)),
    ],
)  # fmt: skip
def test_columns_are_recognised_by_name(header, sequence, targets, unread):
    columns = find(header)
    assert (columns.sequence, columns.targets, columns.unread) == (sequence, targets, unread)


def test_columns_of_numbers_are_tasks_if_nothing_else_is_there():
    columns = find("sequence,CTCF,MYC,split", "ACG,1,,train", "ACC,NA,0.5,test", split="split")
    assert columns.targets == ("CTCF", "MYC")
    assert columns.split == "split"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("sequence,CTCF,gene", "ACGT,1,TP53"),  # Words beside the numbers.
        ("id,sequence,CTCF", "17,ACGT,1"),  # A row number is a number, but no label.
        ("sequence,start,CTCF", "ACGT,17,1"),
        ("sequence,CTCF,MYC", "ACGT,1,"),  # Nothing to tell what MYC is.
        ("sequence", "ACGT"),
    ],
)
def test_columns_are_not_guessed_when_in_doubt(header, row):
    with pytest.raises(InputError, match="no column is named like a label.*--target_columns="):
        find(header, row)


def test_asked_for_columns_win_over_recognised_ones():
    columns = find("sequence,other,label,score", sequence="other", targets=["score", "label"])
    assert (columns.sequence, columns.targets) == ("other", ("score", "label"))
    assert columns.unread == ("sequence",)


@pytest.mark.parametrize(
    ("header", "asked", "message"),
    [
        (
            "name,label",
            {},
            r"a.csv:1: no column is named like a sequence; .* name, label \(.*; --seq",
        ),
        ("seq,sequence,label", {}, "columns seq, sequence all look like a sequence"),
        (
            "sequence,label,target",
            {},
            "label, target all look like labels; --target_columns=label,",
        ),
        ("sequence,label", {"targets": ["lable"]}, "no column 'lable'.*Did you mean 'label'"),
        ("sequence,label", {"sequence": "dna"}, "no column 'dna'; the columns are sequence, label"),
        ("sequence,label", {"split": "subset"}, "there is no column 'subset'"),
        ("sequence,label,label", {}, "a.csv:1: there are several columns named 'label'"),
        ("sequence,label", {"targets": ["sequence"]}, "'sequence' cannot be used for two things"),
        ("sequence,label", {"targets": ["label", "label"]}, "'label' cannot be used for two"),
        (
            "chr,Start,end,label",
            {},
            r"a.csv:1: intervals \(chr, Start, end, label\), and no column is named like a "
            "sequence; cut the sequences out of the genome first, .*, or --sequence_column=NAME",
        ),
        (" ", {"sequence": "dna"}, "a.csv:1: a blank line, expected the names of the columns"),
        (
            "ACGT,1",
            {},
            r"no column is named like a sequence; the columns are ACGT, 1 \(a table's first",
        ),
    ],
)
def test_what_cannot_be_told_is_an_error(header, asked, message):
    with pytest.raises(InputError, match=message):
        find(header, **asked)


def rows_with(cells):
    return [f"ACGT,{number},{cell}" for number, cell in enumerate(cells)]


@pytest.mark.parametrize(
    "cells", [["enh", "bg"] * 4, ["1", "0"] * 4, ["a", "a", "b", "b", "c", ""]]
)
def test_few_values_over_and_over_are_not_taken_for_positives(cells):
    shown = ", ".join(sorted(set(cells) - {""}))
    message = rf"a.csv:1: .* column 'klass' holds {shown}; --target_columns=klass reads labels of 0"
    with pytest.raises(InputError, match=message):
        find("sequence,id,klass", *rows_with(cells), may_lack_targets=True)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("cell", ["K562"] * 8),  # One value throughout is no label.
        ("peak", [f"peak_{number}" for number in range(8)]),
        ("chrom", ["chr1", "chr2"] * 4),
        ("fold", ["1", "2"] * 4),
        ("subset", ["train", "test"] * 4),
        ("comment", ["", "", "", "odd", "", ""]),
    ],
)
def test_positives_may_have_names_and_places(name, cells):
    columns = find(f"sequence,id,{name}", *rows_with(cells), may_lack_targets=True)
    assert (columns.targets, columns.unread) == ((), ("id", name))


def test_long_header_is_shown_in_short():
    with pytest.raises(InputError) as error:
        find(",".join(["ACGT" * 100] + [f"c{number}" for number in range(40)]))
    assert len(str(error.value)) < 400
    assert "and 29 more" in str(error.value)
