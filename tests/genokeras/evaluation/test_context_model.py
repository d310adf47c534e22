"""Contexts of a Markov chain tell as much as can be known, those by hand what was counted."""

import numpy as np
import pytest

from genokeras.evaluation.context_model import ContextModel, count_kmers
from tfrecords import sequence

# Conditional entropy of a base given both neighbours, and given the one before: known exactly.
P = np.array(
    [[0.5, 0.2, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.1, 0.5, 0.2], [0.25, 0.25, 0.1, 0.4]]
)
BOTH, BEFORE = 1.04356, 1.19291


def chain(number, length, seed=0):
    rng = np.random.default_rng(seed)
    bases = rng.integers(4, size=(number, length))
    for place in range(1, length):
        drawn = rng.random(number)[:, None] > np.cumsum(P[bases[:, place - 1]], axis=1)
        bases[:, place] = drawn.sum(axis=1)
    return bases


def packed(bases):
    return sequence.encode(["".join("ACGT"[x] for x in row) for row in bases], bases.shape[1])


def asked_of(bases):
    """Hides every fifth base."""
    asked = np.zeros(bases.shape, bool)
    asked[:, 2:-2:5] = True
    return np.where(asked, -1, bases), asked


def test_by_hand():
    # AAC and its reverse complement GTT.
    counts = count_kmers([sequence.encode(["AAC"], 3)], 3, 3)
    assert {name: counts[2][i] for i, name in enumerate(sequence.kmer_texts(range(16), 2))} == {
        name: 1 if name in ("AA", "AC", "GT", "TT") else 0
        for name in sequence.kmer_texts(range(16), 2)
    }
    assert counts[1].tolist() == [2, 1, 1, 2]
    model = ContextModel(counts, context_bp=1, prior=2.0)
    bases, asked = np.array([[0, -1, 1]]), np.array([[False, True, False]])
    nothing = (np.array([2, 1, 1, 2]) + 2 / 4) / 8
    after_a = (np.array([1, 1, 0, 0]) + 2 * nothing) / 4
    between = (np.array([1, 0, 0, 0]) + 2 * after_a) / 3
    np.testing.assert_allclose(model.probabilities(bases, asked), [between], rtol=1e-12)
    # At the end of a window, and beside a base that is not known, there is less context.
    edge = model.probabilities(np.array([[0, -1]]), np.array([[False, True]]))
    np.testing.assert_allclose(edge, [after_a], rtol=1e-12)
    alone = model.probabilities(np.array([[-1, -1]]), np.array([[False, True]]))
    np.testing.assert_allclose(alone, [nothing], rtol=1e-12)


@pytest.mark.parametrize("behind", [True, False], ids=["both_sides", "before"])
def test_contexts_of_a_chain_tell_what_can_be_known(behind):
    train = chain(4000, 100)
    forward = [np.zeros(1), *(_counts(train, n) for n in range(1, 8))]
    model = ContextModel(forward, context_bp=3, prior=16.0, behind=behind)
    test = chain(4000, 100, seed=1)
    seen, asked = asked_of(test)
    found = model.probabilities(seen, asked)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    told = -np.log(found[np.arange(len(found)), test[asked]])
    error = told.std() / np.sqrt(len(told))
    assert abs(told.mean() - (BOTH if behind else BEFORE)) < 3 * error + 2e-3


def test_both_strands_are_counted():
    windows = [packed(chain(50, 40))]
    opposite = [sequence.reverse_complement(windows[0], 40)]
    for given, turned in zip(
        count_kmers(windows, 40, 5), count_kmers(opposite, 40, 5), strict=True
    ):
        np.testing.assert_array_equal(given, turned)


def _counts(bases, n):
    ids = sequence.kmer_ids(packed(bases), bases.shape[1], n)
    return np.bincount(ids[ids >= 0], minlength=4**n)
