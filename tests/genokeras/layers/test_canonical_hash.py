import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers.canonical_hash import canonical_hash
from tfrecords import sequence

ON_JAX = """
import jax
from genokeras.layers.canonical_hash import canonical_hash
result = {"hash": jax.jit(lambda packed: canonical_hash(packed, 31))(given["packed"])}
"""


def random_dna(rows, length):
    letters = np.random.default_rng(0).choice(list("ACGT"), (rows, length))
    return sequence.encode(["".join(row) for row in letters], length)


@pytest.mark.parametrize("length", [30, 31])
def test_strands_are_alike_and_others_differ(length):
    packed = random_dna(3000, length)
    found = canonical_hash(tf.constant(packed), length).numpy()
    opposite = sequence.reverse_complement(packed, length)
    np.testing.assert_array_equal(canonical_hash(tf.constant(opposite), length), found)
    assert len(set(found.tolist())) == 3000
    # Neither order nor which base it is are forgotten: these have the same letters.
    others = sequence.encode(["AACC", "ACAC", "CACA", "CCAA", "ATTT", "AAAT"], 4)
    assert len(set(canonical_hash(tf.constant(others), 4).numpy().tolist())) == 5


def test_it_is_the_same_on_jax(on_jax):
    packed = random_dna(20, 31)
    theirs = on_jax(ON_JAX, packed=packed)["hash"]
    np.testing.assert_array_equal(canonical_hash(tf.constant(packed), 31), theirs)
