import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.redraw_bases import redraw_bases
from tfrecords import sequence

KEYS = np.arange(500, dtype=np.uint32)


def redraw(packed, rate, keys=KEYS):
    return redraw_bases(tf.constant(packed), tf.constant(keys), rate).numpy()


def test_three_in_four_redrawn_bases_change():
    before = sequence.encode(["A" * 200] * 500, 200)
    letters = np.array([list(text) for text in sequence.decode(redraw(before, 0.2), 200)])
    counts = np.array([(letters == base).sum() for base in "ACGT"])
    assert counts.sum() == 100_000
    assert stats.chisquare(counts, 100_000 * np.array([0.85, 0.05, 0.05, 0.05])).pvalue > 1e-3


@pytest.mark.parametrize("length", [7, 8])
def test_padding_is_never_redrawn(length):
    before = sequence.encode(["--" + "N" * (length - 4) + "--"] * 500, length)
    after = sequence.decode(redraw(before, 0.9), length)
    assert all(text.startswith("--") and text.endswith("--") for text in after)
    assert {base for text in after for base in text} == set("ACGTN-")
    if length % 2:
        assert not (redraw(before, 0.9)[:, -1] & 15).any()


def test_rate_zero_changes_nothing():
    before = sequence.encode(["ACGTN-RY"] * 500, 8)
    np.testing.assert_array_equal(redraw(before, 0.0), before)


def test_depends_on_the_key_and_not_on_the_batch():
    before = sequence.encode(["ACGT" * 10] * 500, 40)
    after = redraw(before, 0.5)
    np.testing.assert_array_equal(redraw(before[:7], 0.5, KEYS[:7]), after[:7])
    assert len(np.unique(after, axis=0)) == 500
