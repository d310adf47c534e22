import numpy as np
import pytest

from genokeras.layers.kmer_tokens import (
    BasesOfTokens,
    KmerTokens,
    mask_token,
    num_tokens,
    opposites,
    padding_token,
)
from genokeras.layers.one_hot import OneHot
from tfrecords import sequence


def tokens(texts, k, overlapping=True):
    length = len(texts[0])
    one_hot, mask = OneHot(length)(sequence.encode(texts, length))
    return [np.asarray(x) for x in KmerTokens(k, overlapping)(one_hot, mask)]


def number(kmer):
    return int("".join(str("ACGT".index(base)) for base in kmer), 4)


@pytest.mark.parametrize("k", range(1, 9))
def test_overlapping_tokens_are_numbers_in_base_four(k):
    text = "".join(np.random.default_rng(k).choice(list("ACGT"), 24))
    found, mask = tokens([text], k)
    assert found[0].tolist() == [number(text[i : i + k]) for i in range(24 - k + 1)]
    assert mask.all()


def test_tokens_side_by_side():
    assert tokens(["ACGTTT"], 3, overlapping=False)[0][0].tolist() == [number("ACG"), number("TTT")]


def test_special_tokens():
    """A base that is not known takes every token that covers it; only padding is no DNA."""
    found, mask = tokens(["ACGNACGR--"], 2)
    ac, cg, m = number("AC"), number("CG"), mask_token(2)
    assert found[0].tolist() == [ac, cg, m, m, ac, cg, m, m, padding_token(2)]
    assert mask[0].tolist() == [True] * 8 + [False]


@pytest.mark.parametrize("k", range(1, 9))
def test_the_vocabulary_is_closed_under_reverse_complement(k):
    table = opposites(k)
    assert len(table) == num_tokens(k)
    np.testing.assert_array_equal(table[table], np.arange(num_tokens(k)))
    assert table[mask_token(k)] == mask_token(k)
    assert table[padding_token(k)] == padding_token(k)
    # A k-mer is its own reverse complement if its first half says the second, so for even k only.
    assert (table[: 4**k] == np.arange(4**k)).sum() == (4 ** (k // 2) if k % 2 == 0 else 0)


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_tokens_of_the_reverse_complement_are_the_opposites_backwards(k, overlapping):
    text = "ACGGTNCATTGCACAGTACC--AT"
    turned = sequence.decode(sequence.reverse_complement(sequence.encode([text], 24), 24), 24)
    given, opposite = (tokens([x], k, overlapping)[0][0] for x in (text, turned[0]))
    np.testing.assert_array_equal(opposite, opposites(k)[given][::-1])


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_every_base_gets_the_answer_of_a_token_that_covers_it(k, overlapping):
    """An answer here is the number of the base that it is about."""
    length = 24
    first = np.arange(length - k + 1) if overlapping else np.arange(0, length, k)
    about = (first[:, None] + np.arange(k))[None].repeat(2, axis=0)
    answers = np.asarray(BasesOfTokens(k, overlapping)(about[..., None].reshape(2, len(first), k)))
    np.testing.assert_array_equal(answers[1, :, 0], np.arange(length))


def test_of_an_even_k_a_base_takes_the_mean_of_both_tokens_in_whose_middle_it_is():
    """Answers of the tokens at 0, 1, 2 to four bases each: by hand."""
    answers = np.array([[[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]])
    found = np.asarray(BasesOfTokens(4)(answers))[0, :, 0]
    np.testing.assert_array_equal(found, [0, (1 + 1) / 2, (2 + 11) / 2, (12 + 21) / 2, 22, 23])


def test_windows_that_are_not_whole_tokens_are_refused():
    for length, overlapping in ((10, False), (2, True)):
        with pytest.raises(ValueError, match=f"windows of {length} bp are not whole tokens of 3"):
            tokens(["A" * length], 3, overlapping)
    with pytest.raises(ValueError, match="k must be between 1 and 8, got 9"):
        KmerTokens(9)


def test_config_is_complete(assert_config_complete):
    assert_config_complete(KmerTokens(3, False, name="tokens"))
    assert_config_complete(BasesOfTokens(3, False, name="logits"))
