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
    with pytest.raises(
        InputError, match=r"a.bw cannot be read; it is damaged, copy or download it again"
    ):
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
    names, notes = names_in([found], GENOME)
    assert names == [("II", "I", None)]
    assert notes == ("Not read, as they are not in the genome: EBV of the bigWig files.",)


def test_names_in_another_style(bigwig):
    sizes = {"chr1": 100, "chr2": 50, "chr3": 9}
    ours, theirs = (
        open_bigwig(bigwig(f"{name}.bw", sizes, [(list(sizes)[0], 0, 1, 1)]))
        for name, sizes in (("ours", {"I": 100}), ("theirs", sizes))
    )
    names, notes = names_in([ours, theirs], GENOME, "auto")
    assert names == [(None, "I", None), ("chr2", "chr1", "chr3")]
    (note,) = notes
    assert "chr2 = II, chr1 = I, chr3 = III (theirs.bw)" in note
    with pytest.raises(InputError, match=r"theirs.bw names the chromosomes chr1, chr2, chr3; the "):
        names_in([ours, theirs], GENOME)


@pytest.mark.parametrize(("name", "alias"), [("II", "none"), ("chrII", "auto")])
def test_another_assembly_is_told_by_its_lengths(bigwig, name, alias):
    found = open_bigwig(bigwig("a.bw", {name: 49}, [(name, 0, 1, 1)]))
    message = rf"a.bw: {name} has 49 bp, but II of the genome 50; was it made for another assembly"
    with pytest.raises(InputError, match=message):
        names_in([found], GENOME, alias)
