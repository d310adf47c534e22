"""Signatures agree as the sets of k-mers do, on both strands, whatever letters are between."""

import numpy as np
import pytest

from data_prep import minhash
from tfrecords import sequence

K = minhash.K


def signatures(texts):
    length = len(texts[0])
    return minhash.signatures(sequence.encode(texts, length), length)


def kmers(text, reverse_complement):
    """The canonical 11-mers of A, C, G and T in a text, one by one."""
    words = {text[at : at + K] for at in range(len(text) - K + 1)}
    return {min(word, reverse_complement(word)) for word in words if set(word) <= set("ACGT")}


@pytest.mark.parametrize("length", [3, 11, 12, 60, 201])
def test_both_strands_have_one_signature(random_sequences, reverse_complement, length):
    texts = random_sequences(50, length, letters="ACGTN")
    opposites = [reverse_complement(text) for text in texts]
    np.testing.assert_array_equal(signatures(texts), signatures(opposites))


def test_the_share_of_equal_values_is_the_jaccard_index(random_sequences, reverse_complement):
    """Pairs that share 0, 10, ... 300 of their 300 bases; the estimate's error is 0.06 at most."""
    firsts, others = random_sequences(31, 300, 1), random_sequences(31, 300, 2)
    seconds = [
        f[: 10 * n] + o[10 * n :] for n, (f, o) in enumerate(zip(firsts, others, strict=True))
    ]
    estimate = (signatures(firsts) == signatures(seconds)).mean(axis=1)
    sets = [[kmers(t, reverse_complement) for t in texts] for texts in (firsts, seconds)]
    truth = [len(a & b) / len(a | b) for a, b in zip(*sets, strict=True)]
    np.testing.assert_allclose(estimate, truth, atol=0.2)
    assert abs(np.mean(estimate - truth)) < 0.03
    assert estimate[-1] == 1


def test_order_and_repetition_do_not_matter(random_sequences):
    """A sequence twice has the k-mers of the sequence, but for those across the seam."""
    once = random_sequences(20, 400)
    twice = [text + text for text in once]
    assert (signatures(once) == signatures(twice)).mean() > 0.93


def test_kmers_with_other_letters_do_not_count(random_sequences):
    """A text whose every 11-mer has an N but those of its first half has the k-mers of that."""
    halves = random_sequences(20, 100)
    with_n = [half + "NACGTNACGT" * 10 for half in halves]
    np.testing.assert_array_equal(signatures(halves), signatures(with_n))


def test_without_a_kmer_there_is_no_value():
    assert (signatures(["N" * 40, "ACGTN" * 8]) == minhash.NO_VALUE).all()


def test_a_short_sequence_is_its_own_kmer():
    found = signatures(["ACGGT", "ACCGT", "ACGGA"])
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).all()


def test_blocks_do_not_show(random_sequences, monkeypatch):
    texts = random_sequences(50, 60)
    whole = signatures(texts)
    monkeypatch.setattr(minhash, "_BLOCK_BASES", 7 * 60)
    np.testing.assert_array_equal(signatures(texts), whole)


def naive_signature(text, reverse_complement):
    """The smallest hash of each of 64 ranges, or that of the next range, counted up to it."""
    smallest = {}
    for word in kmers(text, reverse_complement):
        opposite = reverse_complement(word)
        number = min(
            sum("ACGT".index(x) << 2 * n for n, x in enumerate(w[::-1])) for w in (word, opposite)
        )
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
            number = (number ^ number >> shift) * factor % 2**32
        smallest[number >> 26] = min(number, smallest.get(number >> 26, number))
    found = []
    for place in range(64):
        steps = next(n for n in range(64) if (place + n) % 64 in smallest)
        found.append((smallest[(place + steps) % 64] + steps * 40503) % 2**16)
    return found


@pytest.mark.parametrize("length", [11, 14, 40, 200, 999])
def test_values_one_by_one(random_sequences, reverse_complement, length):
    texts = random_sequences(20, length, letters="ACGT" * 20 + "N" * (length > 30))
    expected = [naive_signature(text, reverse_complement) for text in texts]
    assert signatures(texts).tolist() == expected
