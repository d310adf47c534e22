import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.turn_strand import reverse_complement, turn_strand
from tfrecords import sequence

KEYS = np.arange(500, dtype=np.uint32) * 977


@pytest.mark.parametrize("length", [8, 9])
def test_it_is_the_reverse_complement_and_its_own_inverse(length):
    packed = sequence.encode(["ACGTNRAA-"[:length], "TTGACCAGC"[:length]], length)
    turned = reverse_complement(tf.constant(packed), length)
    np.testing.assert_array_equal(turned, sequence.reverse_complement(packed, length))
    np.testing.assert_array_equal(reverse_complement(turned, length), packed)


def test_a_share_of_the_examples_is_turned():
    packed = sequence.encode(["AACCC"] * 500, 5)
    turned = turn_strand(tf.constant(packed), tf.constant(KEYS), 5, 0.3).numpy()
    found = np.array([text == "GGGTT" for text in sequence.decode(turned, 5)])
    assert stats.binomtest(int(found.sum()), 500, 0.3).pvalue > 1e-3
    everyone = turn_strand(tf.constant(packed), tf.constant(KEYS), 5, 1.0)
    assert set(sequence.decode(everyone.numpy(), 5)) == {"GGGTT"}
    np.testing.assert_array_equal(turn_strand(packed, KEYS, 5, 0.0), packed)
