"""Deletion, insertion, inversion, translocation: what stays, what moves, what is new."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.rearrange import rearrange
from tfrecords import sequence

LENGTH, EVENTS = 40, ("deletion", "insertion", "inversion", "translocation")
KEYS = np.arange(400, dtype=np.uint32) * 977
ON_JAX = """
import jax
from genokeras.layers.rearrange import rearrange
run = jax.jit(lambda p, k, e: rearrange(p, k, e, 0.7, 9), static_argnums=2)
result = {e: run(given["packed"], given["keys"], e)
          for e in ("deletion", "insertion", "inversion", "translocation")}
"""


def random_dna(rows=400, length=LENGTH, seed=0):
    letters = np.random.default_rng(seed).choice(list("ACGT"), (rows, length))
    return sequence.encode(["".join(row) for row in letters], length)


def run(packed, event, rate=0.999999, longest_bp=9, keep=None, keys=KEYS):
    return rearrange(tf.constant(packed), tf.constant(keys), event, rate, longest_bp, keep).numpy()


def texts(packed, length=LENGTH):
    return list(sequence.decode(packed, length))


def opposite(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def explained(event, before, after, longest_bp=9):
    """Whether some event of this kind makes `after` of `before`; the new bases may be any."""
    size = len(before)
    if event == "translocation":
        return any(before[cut:] + before[:cut] == after for cut in range(size))
    for at in range(size):
        for n in range(1, min(longest_bp, size - at) + 1):
            found = {
                "deletion": lambda at=at, n=n: after[: size - n] == before[:at] + before[at + n :],
                "insertion": lambda at=at, n=n: after[:at] + after[at + n :] == before[: size - n],
                "inversion": lambda at=at, n=n: (
                    after == before[:at] + opposite(before[at : at + n]) + before[at + n :]
                ),
            }[event]()
            if found:
                return True
    return False


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_is_what_its_name_says(event):
    before = random_dna()
    after = run(before, event)
    pairs = list(zip(texts(before)[:60], texts(after)[:60], strict=True))
    assert all(explained(event, *pair) for pair in pairs)
    others = [other for other in EVENTS if other != event]
    assert not all(any(explained(other, *pair) for other in others) for pair in pairs)


@pytest.mark.parametrize("event", EVENTS)
def test_dna_stays_one_hot_and_of_the_same_length(event):
    bits = sequence.unpack(run(random_dna(), event), LENGTH, ambiguous="one")
    assert (bits.sum(axis=-1) == 1).all()


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_happens_at_its_rate(event):
    before = random_dna(400, 60)
    changed = (run(before, event, 0.3, 30) != before).any(axis=1)
    # Some events change nothing: a palindrome turned, a cut at the begin.
    assert 0.2 < changed.mean() < 0.37
    np.testing.assert_array_equal(run(before, event, 0.0), before)


def test_inserted_bases_are_all_alike():
    after = texts(run(sequence.encode(["A" * 40] * 400, 40), "insertion"))
    counts = [sum(text.count(base) for text in after) for base in "CGT"]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("event", EVENTS)
def test_padding_and_what_is_kept_stay_where_they_are(event):
    text = "----" + "ACGTTGCATCAGGATCCTAAGC" + "-" * 14
    before = sequence.encode([text] * 400, LENGTH)
    keep = np.zeros(LENGTH, bool)
    keep[10:16] = True
    after = texts(run(before, event, keep=keep))
    assert {t[10:16] for t in after} == {text[10:16]}
    assert {(t[:4], t[26:]) for t in after} == {("----", "-" * 14)}
    assert len({t[4:10] for t in after}) > 5
    assert len({t[16:26] for t in after}) > 5
    all_kept = run(before, event, keep=np.ones(LENGTH, bool))
    np.testing.assert_array_equal(all_kept, before)
    nothing = sequence.encode(["-" * LENGTH] * 400, LENGTH)
    np.testing.assert_array_equal(run(nothing, event), nothing)


def test_the_same_key_does_the_same_in_any_batch_and_on_jax(on_jax):
    packed, order = random_dna(), np.array([7, 0, 300])
    theirs = on_jax(ON_JAX, packed=packed, keys=KEYS)
    for event in EVENTS:
        whole = run(packed, event, 0.7)
        part = run(packed[order], event, 0.7, keys=KEYS[order])
        np.testing.assert_array_equal(part, whole[order])
        np.testing.assert_array_equal(theirs[event], whole)
