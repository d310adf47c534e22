import re

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.mask_spans import mask_spans
from tfrecords import sequence

KEYS = np.arange(500, dtype=np.uint32) * 977
ON_JAX = """
import jax
from genokeras.layers.mask_spans import mask_spans

masked = jax.jit(lambda packed, keys: mask_spans(packed, keys, 0.3, 7))
result = {"masked": masked(given["packed"], given["keys"])}
"""


def mask(packed, rate, span_bp=1, keys=KEYS):
    return mask_spans(tf.constant(packed), tf.constant(keys), rate, span_bp).numpy()


def is_masked(packed, length):
    return np.array([list(text) for text in sequence.decode(packed, length)]) == "N"


def test_single_bases_are_masked_at_the_rate():
    masked = is_masked(mask(sequence.encode(["ACGT" * 50] * 500, 200), 0.15), 200)
    assert stats.binomtest(masked.sum(), masked.size, 0.15).pvalue > 1e-3


@pytest.mark.parametrize("span_bp", [2, 3, 8, 200])
def test_the_rate_holds_at_every_place_also_for_spans(span_bp):
    """Examples are independent, so at one place their masks are 500 throws of a coin."""
    masked = is_masked(mask(sequence.encode(["ACGT" * 50] * 500, 200), 0.3, span_bp), 200)
    for place in (0, 1, 100, 198, 199):
        assert stats.binomtest(masked[:, place].sum(), 500, 0.3).pvalue > 1e-3
    # Per example the share varies more than a binomial does; its mean over examples is normal.
    shares = masked.mean(axis=1)
    assert abs(shares.mean() - 0.3) < 4 * shares.std() / np.sqrt(500)


def test_spans_are_whole_except_at_the_ends():
    after = sequence.decode(mask(sequence.encode(["A" * 200] * 500, 200), 0.1, 5), 200)
    text = "|".join(["", *after, ""])
    runs = [len(run) for run in re.findall(r"(?<=A)N+(?=A)", text)]
    assert min(runs) == 5
    # Runs of exactly one span are the most frequent ones; longer ones overlap or touch.
    assert runs.count(5) > len(runs) / 2
    assert min(len(run) for run in re.findall(r"(?<=\|)N+(?=A)", text)) == 1


def test_what_is_not_masked_stays_and_padding_is_never_masked():
    texts = ["--ACGTRYN" + "GATTACA" * 4] * 500
    after = sequence.decode(mask(sequence.encode(texts, 37), 0.5, 3), 37)
    for text in after:
        assert all(new in (old, "N") for new, old in zip(text, texts[0], strict=True))
        assert text.startswith("--")
    assert not (mask(sequence.encode(texts, 37), 0.9)[:, -1] & 15).any()
    assert len(set(after)) > 400


def test_rate_zero_changes_nothing():
    before = sequence.encode(["ACGTN-RY"] * 500, 8)
    np.testing.assert_array_equal(mask(before, 0.0, 4), before)


def test_depends_on_the_key_and_not_on_the_batch():
    before = sequence.encode(["ACGT" * 10] * 500, 40)
    after = mask(before, 0.3, 6)
    order = np.random.default_rng(0).permutation(500)[:33]
    np.testing.assert_array_equal(mask(before[order], 0.3, 6, KEYS[order]), after[order])
    assert (mask(before, 0.3, 6, KEYS + np.uint32(1)) != after).any(axis=1).mean() > 0.8


def test_same_spans_compiled_and_on_jax(on_jax):
    before = sequence.encode(["ACGTN-RYA" * 5] * 500, 45)
    expected = mask(before, 0.3, 7)
    compiled = tf.function(mask_spans, jit_compile=True)
    np.testing.assert_array_equal(compiled(before, KEYS, 0.3, 7), expected)
    np.testing.assert_array_equal(on_jax(ON_JAX, packed=before, keys=KEYS)["masked"], expected)
