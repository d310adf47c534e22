import re

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.insert_motif import MOTIF, insert_motif
from tfrecords import sequence

KEYS = np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint32)
ON_JAX = """
import jax
from genokeras.layers.insert_motif import insert_motif

motifs = ("TGACTCA", "CCWGGN", "G")
inserted = jax.jit(lambda packed, keys: insert_motif(packed, keys, motifs, 0.9))
result = {"inserted": inserted(given["packed"], given["keys"])}
"""


def insert(texts, motifs, rate, keys=KEYS):
    length = len(texts[0])
    packed = tf.constant(sequence.encode(texts, length))
    return sequence.decode(insert_motif(packed, tf.constant(keys), motifs, rate).numpy(), length)


def counts(found, outcomes):
    found = list(found)
    assert set(found) <= set(outcomes)
    return [found.count(outcome) for outcome in outcomes]


def test_share_strand_and_place_are_as_documented():
    """TTGC in a desert of A: wherever it is, the strand and the place can be read off."""
    after = insert(["A" * 24] * 2000, ("TTGC",), 0.4)
    places = [re.search("[CGT]+", text) for text in after]
    hits = [hit for hit in places if hit]
    assert stats.binomtest(len(hits), 2000, 0.4).pvalue > 1e-3
    assert {text.strip("A") for text in after} == {"", "TTGC", "GC"}  # The opposite is GCAA.
    strands = counts((hit.group() for hit in hits), ["TTGC", "GC"])
    assert stats.binomtest(strands[0], len(hits), 0.5).pvalue > 1e-3
    starts = counts((hit.start() for hit in hits), range(21))
    assert stats.chisquare(starts).pvalue > 1e-3
    assert min(starts) > 0


def test_motifs_are_equally_likely_whatever_their_lengths():
    after = insert(["A" * 30] * 2000, ("C", "CCC", "CCCCC"), 0.999)
    sizes = counts((30 - text.count("A") for text in after), (0, 1, 3, 5))
    assert stats.chisquare(sizes[1:]).pvalue > 1e-3


def test_codes_become_one_of_their_bases():
    """AHSN: H is A, C or T, S is C or G, N any base. On the opposite strand it is NSDT."""
    words = [word for word in insert(["RRRR"] * 2000, ("AHSN",), 0.999) if word != "RRRR"]
    assert len(words) > 1980
    assert all(re.fullmatch("A[ACT][CG][ACGT]|[ACGT][CG][AGT]T", word) for word in words)
    # A or T as the third letter can only be D, as the second only H, which tells the strands apart.
    opposite = [word for word in words if word[2] in "AT"]
    for place, letters in ((0, "ACGT"), (1, "CG"), (2, "AT"), (3, "T")):
        found = counts((word[place] for word in opposite), letters)
        assert stats.chisquare(found).pvalue > 1e-3 or len(letters) == 1
    given = [word for word in words if word[1] in "AT"]
    assert stats.chisquare(counts((word[3] for word in given), "ACGT")).pvalue > 1e-3
    assert stats.binomtest(len(given) + len(opposite), len(words), 2 / 3).pvalue > 1e-3


@pytest.mark.parametrize("text", ["--" + "A" * 9 + "----", "---" + "A" * 9 + "---", "A" * 15])
def test_padding_is_never_covered(text):
    after = insert([text] * 2000, ("CCGGG",), 0.9)
    is_padding = np.array(list(text)) == "-"
    rows = np.array([list(row) for row in after])
    assert (rows[:, is_padding] == "-").all()
    assert (rows[:, ~is_padding] != "-").all()
    hits = [re.search("[CG]+", row) for row in after]
    places = {hit.start() for hit in hits if hit}
    assert places == set(range(text.index("A"), text.rindex("A") - 3))
    assert {hit.group() for hit in hits if hit} == {"CCGGG", "CCCGG"}


def test_examples_without_room_are_left_alone():
    texts = ["ACGT------", "AC-GT-AC-G", "----------"]
    assert insert(texts * 600, ("GGGGG",), 0.9, KEYS[:1800]) == texts * 600
    beside = insert(["AC-GTT-ACG"] * 600, ("GGG",), 0.9, KEYS[:600])
    assert set(beside) == {
        *("AC-GTT-ACG", "AC-GGG-ACG", "AC-CCC-ACG", "AC-GTT-GGG", "AC-GTT-CCC"),
    }


def test_at_a_rate_of_zero_nothing_is_inserted():
    assert insert(["A" * 24] * 2000, ("TTGC",), 0.0) == ["A" * 24] * 2000


def test_depends_on_the_key_and_not_on_the_batch():
    texts = ["".join(row) for row in np.random.default_rng(1).choice(list("ACGT-"), (2000, 31))]
    after = insert(texts, ("TGA", "CCWGGN"), 0.7)
    order = np.random.default_rng(2).permutation(2000)[:77]
    part = insert([texts[row] for row in order], ("TGA", "CCWGGN"), 0.7, KEYS[order])
    assert part == [after[row] for row in order]


def test_same_motifs_compiled_and_on_jax(on_jax):
    rows = np.random.default_rng(1).choice(list("ACGTN-"), (2000, 31), p=[0.23] * 4 + [0.04] * 2)
    packed = sequence.encode(["".join(row) for row in rows], 31)
    motifs = ("TGACTCA", "CCWGGN", "G")
    expected = insert_motif(tf.constant(packed), tf.constant(KEYS), motifs, 0.9).numpy()
    compiled = tf.function(insert_motif, jit_compile=True)
    np.testing.assert_array_equal(compiled(packed, KEYS, motifs, 0.9), expected)
    np.testing.assert_array_equal(on_jax(ON_JAX, packed=packed, keys=KEYS)["inserted"], expected)
    assert (expected != packed).any(axis=1).mean() > 0.7


def test_words_are_known_by_their_letters():
    assert all(MOTIF.fullmatch(word) for word in ("ACGT", "ccwggn", "U"))
    assert not any(MOTIF.fullmatch(word) for word in ("", "AC-GT", "ACX", "A C"))
