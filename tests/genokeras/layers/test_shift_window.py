import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.shift_window import centre_window, shift_window
from tfrecords import sequence

KEYS = np.random.default_rng(0).integers(0, 2**32, 700, dtype=np.uint32)
ON_JAX = """
import jax
from genokeras.layers.shift_window import shift_window

window = jax.jit(lambda packed, keys: shift_window(packed, keys, {length}, {shift_bp}))
result = {{"window": window(given["packed"], given["keys"])}}
"""


def random_dna(count, length, letters="ACGTN-"):
    rows = np.random.default_rng(1).choice(list(letters), (count, length))
    return ["".join(row) for row in rows]


def shifted(packed, length, shift_bp, keys=KEYS, **options):
    return shift_window(tf.constant(packed), tf.constant(keys), length, shift_bp, **options).numpy()


def windows_of(text, length):
    return [text[start : start + length] for start in range(len(text) - length + 1)]


@pytest.mark.parametrize(("length", "shift_bp"), [(4, 1), (5, 1), (6, 3), (7, 3)])
def test_all_windows_of_the_stored_sequence_are_equally_likely(length, shift_bp):
    """No letter comes twice, so that a window tells where it began."""
    text = "ACGTRYKMSWBDH"[: length + 2 * shift_bp]
    stored = sequence.encode([text] * len(KEYS), len(text))
    found = sequence.decode(shifted(stored, length, shift_bp), length)
    counts = [found.count(window) for window in windows_of(text, length)]
    assert sum(counts) == len(KEYS)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(("length", "shift_bp"), [(30, 5), (31, 4)])
def test_windows_equal_text_slices_on_both_backends(length, shift_bp, on_jax):
    """Odd and even starts and lengths; the last half byte of an odd window is zero."""
    texts = random_dna(len(KEYS), length + 2 * shift_bp)
    stored = sequence.encode(texts, length + 2 * shift_bp)
    windows = shifted(stored, length, shift_bp)
    compiled = tf.function(shift_window, jit_compile=True)
    np.testing.assert_array_equal(compiled(stored, KEYS, length, shift_bp), windows)
    script = ON_JAX.format(length=length, shift_bp=shift_bp)
    np.testing.assert_array_equal(on_jax(script, packed=stored, keys=KEYS)["window"], windows)
    found = sequence.decode(windows, length)
    places = [
        windows_of(text, length).index(window) for text, window in zip(texts, found, strict=True)
    ]
    assert set(places) == set(range(2 * shift_bp + 1))
    np.testing.assert_array_equal(sequence.encode(found, length), windows)


def test_shifts_can_be_kept_smaller_than_what_is_stored():
    text = "ACGTRYKMSWBDH"
    stored = sequence.encode([text] * len(KEYS), len(text))
    found = set(sequence.decode(shifted(stored, 5, 4, max_shift_bp=1), 5))
    assert found == {text[3:8], text[4:9], text[5:10]}
    still = sequence.decode(shifted(stored, 5, 4, max_shift_bp=0), 5)
    assert set(still) == {text[4:9]}
    with pytest.raises(ValueError, match="shifts of up to 5 bp, but 4 bp are stored on either"):
        shifted(stored, 5, 4, max_shift_bp=5)


def test_depends_on_the_key_and_not_on_the_batch():
    stored = sequence.encode(random_dna(len(KEYS), 50), 50)
    windows = shifted(stored, 30, 10)
    order = np.random.default_rng(2).permutation(len(KEYS))[:99]
    np.testing.assert_array_equal(shifted(stored[order], 30, 10, KEYS[order]), windows[order])
    assert (shifted(stored, 30, 10, KEYS[::-1].copy()) != windows).any(axis=1).mean() > 0.9


@pytest.mark.parametrize(("length", "shift_bp"), [(30, 5), (31, 5), (31, 4), (8, 0), (9, 0)])
def test_the_middle_of_the_opposite_strand_is_the_opposite_strand_of_the_middle(length, shift_bp):
    """So it does not matter that the reader turns whole stored sequences."""
    stored_bp = length + 2 * shift_bp
    stored = sequence.encode(random_dna(40, stored_bp), stored_bp)
    opposite = sequence.reverse_complement(stored, stored_bp)
    middle = np.asarray(centre_window(stored, length, shift_bp))
    np.testing.assert_array_equal(
        centre_window(opposite, length, shift_bp), sequence.reverse_complement(middle, length)
    )
    np.testing.assert_array_equal(middle, sequence.crop(stored, stored_bp, shift_bp, length))


def test_a_window_beside_the_middle_does_not_commute_with_the_strand():
    """The negative control: one base to the left is one to the right on the other strand."""
    text = "ACGTTGCAAC"
    stored = sequence.encode([text], 10)
    beside = sequence.crop(stored, 10, 1, 6)
    opposite = sequence.crop(sequence.reverse_complement(stored, 10), 10, 1, 6)
    assert not np.array_equal(opposite, sequence.reverse_complement(beside, 6))
