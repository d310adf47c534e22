"""Tables of tracks as basenji's users have them, and what is said of those with a mistake."""

import pytest

from data_prep.targets_table import read_targets_table, tracks_of
from data_prep.track import Track
from tfrecords.errors import InputError

# The header that pandas writes: the index has no name.
HEADER = "\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription\n"


@pytest.fixture
def table(write):
    """Writes a table beside two files that are there."""
    for name in ("plus.bw", "minus.bw"):
        write(name, "not opened")

    def write_table(text, header=HEADER):
        return write("targets.txt", header + text)

    return write_table


def test_a_table_of_two_strands(table, tmp_path):
    path = table(
        "5\tcage+\tplus.bw\t384\t64\t2.5\tsum_sqrt\t7\tCAGE:liver, 3 days\n"
        f"7\tcage-\t{tmp_path}/minus.bw\t384\t\t-1\tsum_sqrt\t5\tCAGE:liver\n"
        "9\tatac\tplus.bw\tnan\tNA\t\t\t9\tATAC\n"
    )
    found = read_targets_table(path)
    assert found.tracks == (
        Track("cage+", f"{tmp_path}/plus.bw", "sum_sqrt", 2.5, 64, 384),
        Track("cage-", f"{tmp_path}/minus.bw", "sum_sqrt", -1, None, 384),
        Track("atac", f"{tmp_path}/plus.bw", "mean", 1, None, None),
    )
    assert found.strand_pairs == (1, 0, 2)


def test_the_two_columns_that_must_be_there_are_enough(table, tmp_path):
    path = table("plus.bw\ta\tx\r\nminus.bw\tb\ty\r\n", header="file\tidentifier\tnotes\r\n")
    found = read_targets_table(path)
    assert found.tracks == (
        Track("a", f"{tmp_path}/plus.bw"),
        Track("b", f"{tmp_path}/minus.bw"),
    )
    assert found.strand_pairs is None


def test_strand_pairs_without_an_index_count_rows_from_0(table):
    rows = "a\tplus.bw\t1\nb\tminus.bw\t0\n"
    found = read_targets_table(table(rows, header="identifier\tfile\tstrand_pair\n"))
    assert found.strand_pairs == (1, 0)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("0\ta\tplus.bw\n", "no column 'identifier'. Expected a header line, separated by tabs: "),
        ("identifer\tfile\n", "no column 'identifier'. Did you mean 'identifer'"),
        ("identifier,file\n", "no column 'identifier'."),
        ("identifier\tfile\tclip_sof\n", "no column is named 'clip_sof'. Did you mean 'clip_soft'"),
        ("identifier\tfile\tclip\tclip\n", "two columns are named 'clip'"),
    ],
)
def test_headers_with_a_mistake(table, header, message):
    with pytest.raises(InputError, match=rf"targets.txt:1: {message}"):
        read_targets_table(table("", header=header))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("\tplus.bw\t1\t1\t1\tsum\t0\t", "identifier is empty"),
        ("a\t\t1\t1\t1\tsum\t0\t", "file is empty"),
        ("a\tpluss.bw\t1\t1\t1\tsum\t0\t", ".*pluss.bw: there is no such file. Did you mean '.*pl"),
        (
            "a\tplus.bw\t1\t1\t1\tmedian\t0\t",
            "no sum_stat 'median'. Did you mean 'mean'. There are: mean, avg",
        ),
        ("a\tplus.bw\tx\t1\t1\tsum\t0\t", "clip is 'x', expected a number"),
        ("a\tplus.bw\t-1\t1\t1\tsum\t0\t", "clip is -1, expected a number above 0"),
        ("a\tplus.bw\t1\t0\t1\tsum\t0\t", "clip_soft is 0, expected a number above 0"),
        ("a\tplus.bw\t1\t1\tinf\tsum\t0\t", "scale is 'inf', expected a number"),
        ("a\tplus.bw\t1\t1\t0\tsum\t0\t", "scale is 0, expected a number that leaves something"),
        ("a\tplus.bw\t1\t1\t1\tsum\t4\t", "strand_pair '4' is the index of no track"),
        ("a\tplus.bw\t1\t1\t1\tsum\t0", "8 cells, but the header names 9"),
    ],
)
def test_rows_with_a_mistake(table, row, message):
    good = "0\tgood\tminus.bw\t1\t1\t1\tsum\t0\t\n"
    with pytest.raises(InputError, match=rf"targets.txt:3: {message}"):
        read_targets_table(table(f"{good}1\t{row}\n"))


def test_a_partner_that_is_not_the_partner_of_its_partner(table):
    rows = "0\ta\tplus.bw\t0\n1\tb\tminus.bw\t0\n"
    path = table(rows, header="index\tidentifier\tfile\tstrand_pair\n")
    message = (
        r"targets.txt:3: strand_pair is 0, but there \(.*targets.txt:2\) it is 0; two strands name "
        "each other, a track without strand itself"
    )
    with pytest.raises(InputError, match=message):
        read_targets_table(path)


@pytest.mark.parametrize(("first", "column"), [("0\ta", "index '0'"), ("1\tb", "identifier 'b'")])
def test_rows_that_repeat_a_name(table, first, column):
    second = {"0\ta": "0\tb", "1\tb": "2\tb"}[first]
    path = table(f"{first}\tplus.bw\n{second}\tplus.bw\n", header="index\tidentifier\tfile\n")
    with pytest.raises(InputError, match=rf"txt:3: {column} is that of .*targets.txt:2 already"):
        read_targets_table(path)


def test_a_table_without_tracks(table):
    with pytest.raises(InputError, match=r"targets.txt has a header and no tracks"):
        read_targets_table(table(""))


def test_files_without_a_table_are_named_after_themselves():
    found = tracks_of(["x/a.bw", "b.bigWig"])
    assert found.tracks == (Track("a", "x/a.bw"), Track("b", "b.bigWig"))
    assert found.strand_pairs is None
    message = r"x/a.bw and y/a.bw would both be the task 'a'; name them in a table, --targets=FILE"
    with pytest.raises(InputError, match=message):
        tracks_of(["x/a.bw", "y/a.bw"])
