"""What a header says is what the values are, and files that cannot be read are told apart."""

import sys

import numpy as np
import pyBigWig
import pytest

from data_prep.bigwig import names_in, open_bigwig
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

SIZES = {"I": 100, "II": 50}


@pytest.fixture
def atac_bigwig(yeast):
    """Real coverage of three chromosomes; every base is covered."""
    return yeast / "atac_coverage.bw"


def test_header_of_real_data(atac_bigwig):
    bigwig = open_bigwig(atac_bigwig)
    assert bigwig.chroms == (Chrom("chrI", 230218), Chrom("chrII", 813184), Chrom("chrIII", 316620))
    with pyBigWig.open(str(atac_bigwig)) as file:
        values = np.concatenate(
            [file.values(c.name, 0, c.length, numpy=True) for c in bigwig.chroms]
        )
    assert (bigwig.smallest, bigwig.largest) == (values.min(), values.max())
    assert bigwig.total == values.sum(dtype=np.float64)


def test_fractions_in_the_header_are_not_cut(bigwig):
    """The header that pyBigWig hands out has whole numbers: 0 for all three."""
    found = open_bigwig(bigwig("a.bw", SIZES, [("I", 10, 20, -0.25), ("II", 0, 4, 0.75)]))
    assert (found.smallest, found.largest, found.total) == (-0.25, 0.75, 0.5)


def test_a_largest_value_that_comes_first(bigwig):
    """The header of this file, which libBigWig writes, says that nothing exceeds 4."""
    found = open_bigwig(bigwig("a.bw", SIZES, [("I", 0, 4, 9), ("I", 4, 5, 3), ("I", 5, 6, 4)]))
    assert (found.smallest, found.largest, found.total) == (3, 9, 43)


def test_values_of_stretches(bigwig):
    found = open_bigwig(bigwig("a.bw", SIZES, [("I", 2, 4, 1.5), ("I", 5, 6, 3), ("II", 0, 1, 2)]))
    nan = np.nan
    stretches = [("I", 0, 7), ("II", 0, 2), (None, 5, 8), ("I", 98, 100)]
    expected = [[nan, nan, 1.5, 1.5, nan, 3, nan], [2, nan], [nan] * 3, [nan, nan]]
    for values, numbers in zip(found.read(stretches), expected, strict=True):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, numbers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"track type=wiggle_0\n", "is no bigWig file; expected a bigWig, as bedGraphToBigWig"),
        (b"\xeb\xf2\x89\x87" + bytes(99), "is a bigBed file; expected a bigWig"),
        (b"\x88\x8f\xfc\x26" + bytes(99), "is a bigWig file of a big-endian computer; expected"),
        (b"\x1f\x8b\x08", "is a gzip file; expected a bigWig"),
        (b"\x89HDF\r\n", "is an HDF5 file; expected a bigWig"),
        (b"\x26\xfc\x8f\x88", "is cut short; copy or download it again"),
    ],
)
def test_other_files_are_refused(write, content, message):
    with pytest.raises(InputError, match=f"a.bw {message}"):
        open_bigwig(write("a.bw", content))


# The library itself crashes on the second and the third of these.
@pytest.mark.parametrize("size", [10, 64, 70, 500, 100_000, 170_000])
def test_files_cut_short_are_refused(atac_bigwig, write, size):
    with pytest.raises(InputError, match=r"a.bw is cut short; copy or download it again"):
        open_bigwig(write("a.bw", atac_bigwig.read_bytes()[:size]))


def test_a_file_that_is_not_there(atac_bigwig, tmp_path):
    with pytest.raises(InputError, match=r"no.bw: there is no such file"):
        open_bigwig(tmp_path / "no.bw")
    with pytest.raises(InputError, match=r"Did you mean '.*atac_coverage.bw'"):
        open_bigwig(atac_bigwig.with_name("atac_coverag.bw"))


def test_a_file_without_values(bigwig):
    with pytest.raises(InputError, match=r"a.bw holds no values, or no sum of them"):
        open_bigwig(bigwig("a.bw", SIZES, []))


def test_infinite_values_are_refused(bigwig):
    with pytest.raises(InputError, match=r"a.bw holds infinite values, from 0 to inf"):
        open_bigwig(bigwig("a.bw", SIZES, [("I", 0, 1, 0), ("I", 1, 2, np.inf)]))


def test_a_damaged_block_is_named(atac_bigwig, write):
    content = bytearray(atac_bigwig.read_bytes())
    content[600:700] = bytes(100)
    damaged = open_bigwig(write("a.bw", bytes(content)))
    message = r"a.bw: chrI:0-1000 cannot be read; it is damaged, copy or download it again"
    with pytest.raises(InputError, match=message):
        list(damaged.read([("chrI", 0, 1000)]))
    assert len(next(damaged.read([("chrIII", 0, 1000)]))) == 1000


def test_a_file_that_is_gone(bigwig):
    path = bigwig("a.bw", SIZES, [("I", 0, 1, 1)])
    found = open_bigwig(path)
    path.unlink()
    with pytest.raises(InputError, match=r"a.bw: there is no such file"):
        list(found.read([("I", 0, 1)]))


def test_without_the_library(atac_bigwig, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    with pytest.raises(
        InputError, match=r"needs the package pyBigWig; pip install 'genokeras.prep"
    ):
        open_bigwig(atac_bigwig)


GENOME = (Chrom("II", 50), Chrom("I", 100), Chrom("III", 9))


def test_names_of_the_chromosomes_of_a_genome(bigwig):
    found = open_bigwig(bigwig("a.bw", SIZES | {"EBV": 7}, [("I", 0, 1, 1)]))
    names, notes = names_in([found], GENOME[:2])
    assert names == [("II", "I")]
    assert notes == ("Not read, as they are not in the genome: EBV of the bigWig files.",)


def test_chromosomes_that_a_file_lacks_are_told(bigwig):
    found = [open_bigwig(bigwig(f"{x}.bw", SIZES, [("I", 0, 1, 1)])) for x in "ab"]
    names, notes = names_in(found, (*GENOME, Chrom("IV", 8)))
    assert names == [("II", "I", None, None)] * 2
    told = "Of the genome, III, IV are not in a.bw, b.bw; they count as uncovered."
    assert notes == (told,)


def test_one_shared_name_does_not_hide_the_others(bigwig):
    """The mitochondrion is M in both; without the alias all others would be read as zeros."""
    genome = (Chrom("I", 100), Chrom("II", 50), Chrom("M", 9))
    sizes = {"chrI": 100, "chrII": 50, "M": 9}
    found = open_bigwig(bigwig("a.bw", sizes, [("chrI", 0, 1, 1)]))
    assert names_in([found], genome, "auto")[0] == [("chrI", "chrII", "M")]
    message = (
        r"a.bw names the chromosomes chrI, chrII, M; the genome has I, II, M; --chrom_alias=none "
        r"does not match chrI, chrII; if it is of this genome, give --chrom_alias=auto or "
    )
    with pytest.raises(InputError, match=message):
        names_in([found], genome)


def test_names_that_are_not_in_an_alias_file_are_not_read(bigwig, write):
    found = open_bigwig(bigwig("a.bw", SIZES | {"EBV": 7}, [("I", 0, 1, 1)]))
    for alias in ("none", "auto"):
        with pytest.raises(InputError, match=f"--chrom_alias={alias} does not match EBV"):
            names_in([found], GENOME, alias)
    names, notes = names_in([found], GENOME, str(write("names.txt", "I\tchrI\n")))
    assert names == [("II", "I", None)]
    assert "EBV" in notes[-2]
    assert "III" in notes[-1]
    other = str(write("others.txt", "x\ty\n"))
    stranger = open_bigwig(bigwig("b.bw", {"EBV": 7}, [("EBV", 0, 1, 1)]))
    with pytest.raises(InputError, match="b.bw names the chromosomes EBV; the genome has II, I"):
        names_in([stranger], GENOME, other)


def test_names_in_another_style(bigwig):
    sizes = {"chr1": 100, "chr2": 50, "chr3": 9}
    ours, theirs = (
        open_bigwig(bigwig(f"{name}.bw", sizes, [(list(sizes)[0], 0, 1, 1)]))
        for name, sizes in (("ours", {"I": 100}), ("theirs", sizes))
    )
    names, notes = names_in([ours, theirs], GENOME, "auto")
    assert names == [(None, "I", None), ("chr2", "chr1", "chr3")]
    matched, lacking = notes
    assert "chr2 = II, chr1 = I, chr3 = III (theirs.bw)" in matched
    assert lacking == "Of the genome, II, III are not in ours.bw; they count as uncovered."
    with pytest.raises(InputError, match=r"theirs.bw names the chromosomes chr1, chr2, chr3; the "):
        names_in([ours, theirs], GENOME)


@pytest.mark.parametrize(("name", "alias"), [("II", "none"), ("chrII", "auto")])
def test_another_assembly_is_told_by_its_lengths(bigwig, name, alias):
    found = open_bigwig(bigwig("a.bw", {name: 49}, [(name, 0, 1, 1)]))
    message = rf"a.bw: {name} has 49 bp, but II of the genome 50; was it made for another assembly"
    with pytest.raises(InputError, match=message):
        names_in([found], GENOME, alias)
