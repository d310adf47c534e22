"""Windows around alleles, against windows cut out of a chromosome that has the allele."""

import numpy as np
import pytest

from data_prep.alleles import Alleles
from data_prep.genome import open_genome
from data_prep.variant_windows import longest_allele, variant_windows
from tfrecords import sequence

TEXT = "".join(np.random.default_rng(0).choice(list("ACGT"), 60))
# Where, how many bases of the reference, and what is there instead; also beside both ends.
CHANGES = [
    (30, 1, "A"),
    (30, 1, "C"),
    (31, 0, "GATTACA"),
    (25, 5, ""),
    (25, 5, "GG"),
    (25, 2, "TTTTT"),
    (0, 1, "T"),
    (59, 1, "G"),
    (2, 3, ""),
    (60, 0, "CCC"),
]


@pytest.fixture
def genome(tmp_path):
    (tmp_path / "x.fa").write_text(f">other\nACGT\n>it\n{TEXT}\n")
    return open_genome(tmp_path / "x.fa", cache_dir=tmp_path / "cache")


def alleles():
    starts, sizes, texts = zip(*CHANGES, strict=True)
    references = [TEXT[start : start + size] for start, size, _ in CHANGES]
    return Alleles(np.ones(len(sizes), np.int64), np.array(starts), references, list(texts))


def centred(text, start, size, length, shift_bp):
    """The window of `text` in whose middle `size` bases from `start` on are."""
    first = start - (length - size) // 2 + shift_bp
    return ("-" * 99 + text + "-" * 99)[first + 99 : first + 99 + length]


@pytest.mark.parametrize("shift_bp", [0, 3, -4])
@pytest.mark.parametrize("length", [20, 21])
def test_each_allele_is_in_the_middle_of_its_window(genome, length, shift_bp):
    found = variant_windows(genome, alleles(), length, shift_bp)
    windows = {name: sequence.decode(found[name], length) for name in ("reference", "alternative")}
    for row, (start, size, text) in enumerate(CHANGES):
        changed = TEXT[:start] + text + TEXT[start + size :]
        assert windows["reference"][row] == centred(TEXT, start, size, length, shift_bp)
        assert windows["alternative"][row] == centred(changed, start, len(text), length, shift_bp)
        place = found["place"][row]
        assert windows["reference"][row][place : place + size] == TEXT[start : start + size]


def test_single_bases_by_hand(genome):
    found = variant_windows(genome, alleles(), 20)
    reference = [*("ACGT".index(TEXT[at]) for at in (30, 30)), *[-1] * 4]
    reference += [*("ACGT".index(TEXT[at]) for at in (0, 59)), -1, -1]
    assert found["reference_base"].tolist() == reference
    assert found["alternative_base"].tolist() == [0, 1, -1, -1, -1, -1, 3, 2, -1, -1]
    assert found["place"][0] == 9
    # One base in the place of another leaves all others where they are.
    is_other = np.array(list(sequence.decode(found["reference"], 20)[0])) != np.array(
        list(sequence.decode(found["alternative"], 20)[0])
    )
    assert np.flatnonzero(is_other).tolist() in ([9], [])


def test_the_longest_allele_is_whole_after_the_largest_shift(genome):
    longest = longest_allele(20, 4)
    assert longest == 12
    insertion = Alleles(np.array([1]), np.array([30]), [""], ["ACGTACGTACGT"])
    for shift_bp in (-4, 4):
        (text,) = sequence.decode(
            variant_windows(genome, insertion, 20, shift_bp)["alternative"], 20
        )
        assert "ACGTACGTACGT" in text
        assert len(text.replace("-", "")) == 20
