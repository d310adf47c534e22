import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers.one_hot import AMBIGUOUS, OneHot, pack_nibbles, unpack_nibbles
from tfrecords import sequence

IUPAC = "ACGTRYSWKMBDHVN-"


def random_packed(length, count=5):
    letters = np.random.default_rng(length).choice(list(IUPAC), (count, length))
    return sequence.encode(["".join(row) for row in letters], length)


@pytest.mark.parametrize("ambiguous", AMBIGUOUS)
@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_equals_the_codec_of_the_records(ambiguous, length):
    packed = random_packed(length)
    one_hot, _ = OneHot(length, ambiguous)(packed)
    expected = sequence.unpack(packed, length, ambiguous=ambiguous)
    np.testing.assert_allclose(one_hot, expected, rtol=1e-6)


def test_channels_are_a_c_g_t():
    one_hot, mask = OneHot(5)(sequence.encode(["GATC-"], 5))
    np.testing.assert_array_equal(
        one_hot[0], [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    )
    np.testing.assert_array_equal(mask[0], [True, True, True, True, False])


@pytest.mark.parametrize(
    ("ambiguous", "n", "r"),
    [("zero", [0, 0, 0, 0], [0, 0, 0, 0]), ("mean", [0.25] * 4, [0.5, 0, 0.5, 0])]
    + [("one", [1, 1, 1, 1], [1, 0, 1, 0])],
)
def test_an_unknown_base_is_not_padding(ambiguous, n, r):
    one_hot, mask = OneHot(3, ambiguous)(sequence.encode(["NR-"], 3))
    np.testing.assert_array_equal(one_hot[0], [n, r, [0, 0, 0, 0]])
    np.testing.assert_array_equal(mask[0], [True, True, False])


def test_gives_the_precision_of_the_policy():
    one_hot, mask = OneHot(4, "mean", dtype="mixed_bfloat16")(sequence.encode(["ACGN"], 4))
    assert one_hot.dtype == tf.bfloat16
    assert mask.dtype == tf.bool
    assert OneHot(4, dtype="float64")(random_packed(4))[0].dtype == tf.float64


def test_nibbles_and_back():
    packed = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(pack_nibbles(unpack_nibbles(packed)), packed)
    np.testing.assert_array_equal(unpack_nibbles(np.array([[0x8F]], np.uint8)), [[8, 15]])


def test_unknown_treatment_is_refused():
    with pytest.raises(ValueError, match=r"ambiguous must be one of .*got 'half'"):
        OneHot(4, "half")


def test_config_is_complete(assert_config_complete):
    assert_config_complete(OneHot(7, "mean", name="one_hot"))
