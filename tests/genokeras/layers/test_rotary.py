import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from genokeras.layers.rotary import frequencies, rotate


def vectors(length=6, heads=2, size=8, seed=0):
    return np.random.default_rng(seed).normal(size=(2, length, heads, size))


def turned(x, positions=None, angles=None, pairing="half"):
    positions = np.arange(x.shape[1]) if positions is None else positions
    angles = frequencies(x.shape[-1] // 2) if angles is None else angles
    return np.asarray(rotate(tf.constant(x), positions, angles, pairing))


def test_a_pair_of_channels_turns_by_the_closed_form():
    """q_i k_j = cos(w (j - i)) (q1 k1 + q2 k2) + sin(w (j - i)) (q2 k1 - q1 k2)."""
    (q1, q2), (k1, k2) = np.random.default_rng(1).normal(size=(2, 2))
    angle, i, j = 0.37, 4, 11
    x = np.array([[q1, q2], [k1, k2]]).reshape(1, 2, 1, 2)
    q, k = turned(x, [i, j], np.array([angle]))[0, :, 0]
    delta = angle * (j - i)
    expected = np.cos(delta) * (q1 * k1 + q2 * k2) + np.sin(delta) * (q2 * k1 - q1 * k2)
    np.testing.assert_allclose(q @ k, expected, rtol=1e-12)


def test_equals_rotate_half_of_gpt_neox():
    x = vectors()
    turns = np.outer(np.arange(6), frequencies(4))
    cos, sin = (np.concatenate([f(turns)] * 2, axis=-1)[None, :, None] for f in (np.cos, np.sin))
    half = np.concatenate([-x[..., 4:], x[..., :4]], axis=-1)
    np.testing.assert_allclose(turned(x), x * cos + half * sin, rtol=1e-12)


def test_interleaved_is_multiplication_by_a_complex_number():
    x = vectors()
    as_complex = x[..., 0::2] + 1j * x[..., 1::2]
    expected = as_complex * np.exp(1j * np.outer(np.arange(6), frequencies(4)))[None, :, None]
    ours = turned(x, pairing="interleaved")
    np.testing.assert_allclose(ours[..., 0::2] + 1j * ours[..., 1::2], expected, rtol=1e-12)


def test_the_two_pairings_differ_by_a_permutation_of_channels():
    """And by nothing less: weights that were trained with one are wrong for the other."""
    x = vectors()
    to_half = [0, 2, 4, 6, 1, 3, 5, 7]
    np.testing.assert_allclose(
        turned(x[..., to_half]), turned(x, pairing="interleaved")[..., to_half]
    )
    assert np.abs(turned(x) - turned(x, pairing="interleaved")).max() > 0.1


def test_norms_and_the_first_position_are_kept():
    x = vectors()
    np.testing.assert_allclose(np.linalg.norm(turned(x), axis=-1), np.linalg.norm(x, axis=-1))
    np.testing.assert_array_equal(turned(x)[:, 0], x[:, 0])


@pytest.mark.parametrize(("shift", "error"), [(1, 1e-12), (1000, 1e-11), (10**6, 1e-8)])
def test_scores_depend_on_the_distance_only(shift, error):
    x = vectors(length=8)
    at, moved = turned(x), turned(x, np.arange(8) + shift)
    scores, moved_scores = (np.einsum("bihd,bjhd->bhij", y, y) for y in (at, moved))
    np.testing.assert_allclose(moved_scores, scores, atol=error)


def test_bfloat16_keeps_its_angles_at_far_positions():
    """bfloat16 has 8 bits: it cannot tell position 100,000 from 100,200."""
    x = vectors(length=1)
    exact = turned(x, [100_000])
    rounded = np.asarray(
        ops.cast(rotate(ops.cast(x, "bfloat16"), [100_000], frequencies(4)), "float32")
    )
    assert np.abs(rounded - exact).max() < 0.03
    in_bfloat16 = float(ops.cast(ops.cast(100_000.0, "bfloat16"), "float32"))
    assert np.abs(turned(x, [in_bfloat16]) - exact).max() > 0.5


@pytest.mark.parametrize("num_pairs", [16, 32, 64])
def test_the_usual_frequencies_miss_the_turn_of_the_helix(num_pairs):
    periods = 2 * np.pi / frequencies(num_pairs)
    assert periods[np.argmin(np.abs(periods - 10.5))] == pytest.approx(11.173, abs=0.001)


def test_a_period_that_is_asked_for_shows_in_the_scores():
    angles = frequencies(4, periods=(10.5,))
    assert 2 * np.pi / angles[-1] == pytest.approx(10.5)
    only_last = np.zeros((1, 210, 1, 8))
    only_last[..., [3, 7]] = 1
    scores = turned(only_last, angles=angles)[0, :, 0] @ only_last[0, 0, 0]
    assert np.argmax(np.abs(np.fft.rfft(scores))) == 210 / 10.5


def test_impossible_periods_are_refused():
    with pytest.raises(ValueError, match=r"expected at most 2 positive periods, got \(10.5, 0\)"):
        frequencies(2, (10.5, 0))
    with pytest.raises(ValueError, match="expected at most 1 positive periods"):
        frequencies(1, (10.5, 21))
