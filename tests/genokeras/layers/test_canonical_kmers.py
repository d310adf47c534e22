import numpy as np
import pytest

from genokeras.layers.canonical_kmers import canonical_kmers, pair_of_kmer


@pytest.mark.parametrize(("k", "count"), [(1, 2), (2, 10), (3, 32), (4, 136), (5, 512), (6, 2080)])
def test_number_of_kmers_up_to_strand(k, count):
    """Half of all k-mers; of an even k, those that are their own reverse complement as well."""
    assert len(canonical_kmers(k)[0]) == count
    np.testing.assert_array_equal(np.unique(pair_of_kmer(k)), range(count))


def test_pairs_of_dinucleotides_by_hand():
    names = [first + second for first in "ACGT" for second in "ACGT"]
    pairs = [(names[a], names[b]) for a, b in zip(*canonical_kmers(2), strict=True)]
    assert pairs == [
        ("AA", "TT"), ("AC", "GT"), ("AG", "CT"), ("AT", "AT"), ("CA", "TG"),
        ("CC", "GG"), ("CG", "CG"), ("GA", "TC"), ("GC", "GC"), ("TA", "TA"),
    ]  # fmt: skip


def test_both_of_a_pair_have_its_place():
    kmers, opposites = canonical_kmers(5)
    for strand in (kmers, opposites):
        np.testing.assert_array_equal(pair_of_kmer(5)[strand], np.arange(512))
