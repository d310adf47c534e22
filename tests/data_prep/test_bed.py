"""BED, narrowPeak and broadPeak files as they come, and every kind of bad row."""

import numpy as np
import pytest

from data_prep import text_file
from data_prep.bed import read_bed
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError


def rows(bed):
    found = bed.intervals
    names = [bed.names[number] for number in found.chrom_id.tolist()]
    return list(zip(names, found.start.tolist(), found.end.tolist(), strict=True))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["a.bed", "a.bed.gz"])
def test_three_columns(write, name, ending):
    """Unsorted rows keep their order; lines that are no rows are skipped, but counted."""
    lines = (
        "track name=x",
        "browser hide all",
        "#chrom\tstart",
        "b\t5\t9",
        "",
        "a\t0\t1",
        "b\t7\t8",
    )
    bed = read_bed(write(name, ending.join(lines)))
    assert rows(bed) == [("b", 5, 9), ("a", 0, 1), ("b", 7, 8)]
    assert bed.names == ("b", "a")
    assert bed.lines.tolist() == [4, 6, 7]
    assert bed.ends == {"b": 9, "a": 1}
    assert bed.intervals.strand.tolist() == [0, 0, 0]
    assert bed.intervals.summit.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("rest", ["", "\t1\t2\t3", "\t1\t2\t3\t-1", "\t1\t2\t0\t1\t8,\t0,"])
def test_strand_in_column_six(write, rest):
    """Of BED6, broadPeak, narrowPeak and BED12."""
    text = "".join(f"a\t1\t9\tx\t0.5\t{strand}{rest}\n" for strand in "+-.")
    assert read_bed(write("a.bed", text)).intervals.strand.tolist() == [1, -1, 0]


@pytest.mark.parametrize("name", ["a.narrowPeak", "a.bed"])
def test_summits_are_places_in_the_genome(write, name):
    lines = ("a 100 200 x 0 - 1 2 3 30", "a 5 6 y 0 . 0 0 0 0", "a 1 9 z 0 . 0 0 0 -1")
    text = "\n".join(lines).replace(" ", "\t")
    assert read_bed(write(name, text)).intervals.summit.tolist() == [130, 5, -1]


@pytest.mark.parametrize("scores", ["7 8 0,0,255", "7 8 .", "gene 1 2"])
def test_ten_columns_that_are_no_narrow_peak(write, scores):
    """Of BED10 column 10 is a number of blocks, and no summit."""
    text = f"a 100 200 x 0 - {scores} 3".replace(" ", "\t")
    assert read_bed(write("a.bed", text)).intervals.summit.tolist() == [-1]
    assert read_bed(write("a.narrowPeak", text)).intervals.summit.tolist() == [103]


def test_blank_lines_and_headers_as_they_come(write):
    lines = ("TRACK name=x", "Browser", " \t ", "a\t1\t2", "  ", " # a\t1", "b\t3\t4", "\t")
    bed = read_bed(write("a.bed", "\n".join(lines)))
    assert rows(bed) == [("a", 1, 2), ("b", 3, 4)]
    assert bed.lines.tolist() == [4, 7]


@pytest.mark.parametrize("block", [4, 1 << 20])
def test_the_first_row_says_what_separates_columns(write, monkeypatch, block):
    """Whatever the other rows, and the blocks in which they are read, hold."""
    monkeypatch.setattr(text_file, "_BLOCK", block)
    text = "# a\tb\na  1 2\n\n\nb\t3 4\n"
    assert rows(read_bed(write("a.bed", text))) == [("a", 1, 2), ("b", 3, 4)]
    with pytest.raises(InputError, match="a.bed:2: 1 columns, .* columns are separated by tabs"):
        read_bed(write("a.bed", "a\t1\t2\nb 3 4\n"))


def test_spaces(write):
    assert rows(read_bed(write("a.bed", "track x\na  1 2\nb 13   14\n"))) == [
        ("a", 1, 2),
        ("b", 13, 14),
    ]


def test_names_that_look_like_lines_to_skip(write):
    text = "track1\t1\t2\nbrowser_2\t3\t4\ntrac\t5\t6\n"
    assert read_bed(write("a.bed", text)).names == ("track1", "browser_2", "trac")


def test_blocks_do_not_show(write, monkeypatch):
    rng = np.random.default_rng(0)
    starts = rng.integers(10**9, size=300) // 10 ** rng.integers(9, size=300)
    expected = [(f"chr{s % 12}", int(s), int(s) + 5) for s in starts]
    text = "".join(f"# {s}\n{c}\t{s}\t{e}\n" for c, s, e in expected)
    monkeypatch.setattr(text_file, "_BLOCK", 64)
    bed = read_bed(write("a.bed", text))
    assert rows(bed) == expected
    assert bed.lines.tolist() == list(range(2, 602, 2))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a\t5", r"a\.bed:3: 2 columns, the rows before have 3; columns are separated by tabs"),
        ("a\t1\t2\tx", r"a\.bed:3: 4 columns, the rows before have 3"),
        ("a 1 2", r"a\.bed:3: 1 columns, the rows before have 3"),
        ("\t1\t2", r"a\.bed:3: '\\t1\\t2' begins with no chromosome"),
        ("a\t-1\t2", r"a\.bed:3: a -1 2: the start is negative, expected 0 or more"),
        ("a\t1\t-2", r"a\.bed:3: a 1 -2: the end is negative, expected 0 or more"),
        ("a\t1.0\t2", r"a\.bed:3: start '1\.0', expected a whole number of bases; a line of"),
        ("a\t1\t2e3", r"a\.bed:3: end '2e3', expected a whole number of bases"),
        ("a\t1\t", r"a\.bed:3: end '', expected a whole number"),
        ("a\t1\t1234567890123", r"a\.bed:3: end '1234567890123', expected a whole number"),
        (
            "chrom\tstart\tend",
            r"a\.bed:3: start 'start', .* line of column names must begin with #",
        ),
        ("a\t5\t5", r"a\.bed:3: a 5 5: the end is not after the start, expected the first base, "),
        ("a\t6\t5", r"a\.bed:3: a 6 5: the end is not after the start"),
    ],
)
def test_bad_rows(write, row, message):
    with pytest.raises(InputError, match=message):
        read_bed(write("a.bed", f"#\na\t1\t2\n{row}\na\tx\tx\n"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.bed", "", r"a\.bed is empty"),
        ("a.bed", "track\n#\n\n", r"a\.bed has no intervals"),
        ("a.bed", "a\t1\t2" + "\t0" * 10, r"a\.bed:1: 13 columns, expected 3 to 12, with tabs"),
        ("a.bed", "#\na 1 2\na 1\n", r"a\.bed:3: 2 columns, .* columns are separated by spaces"),
        ("a.bed", "track \n#\n\n", r"a\.bed has no intervals"),
        ("a.bed", "a\t1\n", r"a\.bed:1: 2 columns, expected 3 to 12, with tabs between them"),
        ("a.narrowPeak", "a\t1\t2\n", r":1: 3 columns, expected the 10 of a narrowPeak file"),
        ("a.bed", "a\t1\t2\tx\t0\t*\n", r"a\.bed:1: strand '\*', expected \+, - or \."),
        ("a.bed", "a\t1\t2\tx\t0\t\n", r"a\.bed:1: strand '', expected \+, - or \."),
        ("a.bed", "a\t1\t2\tx\t0\t+-\n", r"a\.bed:1: strand '\+-', expected"),
        (
            "a.narrowPeak",
            "a\t1\t5\tx\t0\t.\t0\t0\t0\t4\n",
            r":1: a 1 5: summit '4', expected its distance from the start, less than the length of "
            "the row, or -1 if there is none",
        ),
        ("a.narrowPeak", "a\t1\t5\tx\t0\t.\t0\t0\t0\t-2\n", r":1: a 1 5: summit '-2', expected"),
    ],
)
def test_bad_files(write, name, text, message):
    with pytest.raises(InputError, match=message):
        read_bed(write(name, text))


def test_placed_in_a_genome(write):
    bed = read_bed(write("a.bed", "chr2\t5\t9\nchr1\t0\t30\n"))
    chroms = [Chrom("I", 30), Chrom("II", 9)]
    placed = bed.placed(chroms, {"chr1": 0, "chr2": 1})
    assert placed.chrom_id.tolist() == [1, 0]
    assert placed.end.tolist() == [9, 30]
    message = (
        r"a\.bed:2: chr1 0 30 ends past its chromosome: I has 29 bp; was this file made for "
        r"another genome\?"
    )
    with pytest.raises(InputError, match=message):
        bed.placed([Chrom("I", 29), Chrom("II", 9)], {"chr1": 0, "chr2": 1})


@pytest.mark.parametrize(("name", "count"), [("Abf1", 72), ("Reb1", 110), ("Sua7", 861)])
def test_summits_of_yeast(yeast, name, count):
    """The name of each row repeats its place: `chr9_254325_254326`."""
    bed = read_bed(yeast / f"{name}.bed")
    lines = (yeast / f"{name}.bed").read_text().splitlines()
    assert ["_".join(map(str, row)) for row in rows(bed)] == [x.split("\t")[3] for x in lines]
    assert len(bed.intervals) == count
    assert set(bed.names) == {"chr1", "chr2", "chr3"}


def test_narrow_peak_of_macs(more_data):
    path = more_data("yeast") / "atac_accessible.narrowPeak"
    lines = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    found = read_bed(path).intervals
    assert found.start.tolist() == [int(line[1]) for line in lines]
    assert found.summit.tolist() == [int(line[1]) + int(line[9]) for line in lines]
