import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.redraw_bases import UNIFORM, redraw_bases
from tfrecords import sequence

KEYS = np.arange(500, dtype=np.uint32)
SHARES = (0.4, 0.1, 0.2, 0.3)
ON_JAX = """
import jax
from genokeras.layers.redraw_bases import redraw_bases

@jax.jit
def redraw(packed, keys):
    all_shares = {"uniform": (0.25,) * 4, "uneven": (0.4, 0.1, 0.2, 0.3)}
    return {name: redraw_bases(packed, keys, 0.5, shares) for name, shares in all_shares.items()}

result = redraw(given["packed"], given["keys"])
"""


def redraw(packed, rate, keys=KEYS, shares=UNIFORM):
    return redraw_bases(tf.constant(packed), tf.constant(keys), rate, shares).numpy()


def letters(packed, length):
    return np.array([list(text) for text in sequence.decode(packed, length)])


@pytest.mark.parametrize("shares", [UNIFORM, SHARES, (0.0, 0.0, 0.5, 0.5), (2, 2, 2, 2)])
@pytest.mark.parametrize("base", "AT")
def test_redrawn_bases_have_their_shares(shares, base):
    """Of 100,000 equal bases a fifth is drawn anew: 15% change by uniform draws."""
    before = sequence.encode([base * 200] * 500, 200)
    after = letters(redraw(before, 0.2, shares=shares), 200)
    counts = np.array([(after == letter).sum() for letter in "ACGT"])
    assert counts.sum() == 100_000
    expected = 0.2 * np.array(shares) / sum(shares) + 0.8 * (np.array(list("ACGT")) == base)
    possible = expected > 0
    assert counts[~possible].sum() == 0
    assert stats.chisquare(counts[possible], 100_000 * expected[possible]).pvalue > 1e-3


def test_share_of_changed_bases_is_as_documented():
    """1 - sum p_b q_b of those drawn; three quarters for uniform draws, whatever the DNA."""
    rng = np.random.default_rng(0)
    given = np.array([0.1, 0.4, 0.3, 0.2])
    rows = rng.choice(list("ACGT"), (500, 200), p=given)
    before = sequence.encode(["".join(row) for row in rows], 200)
    for shares, effective in ((UNIFORM, 0.75), (SHARES, 1 - given @ SHARES)):
        changed = (letters(redraw(before, 0.3, shares=shares), 200) != rows).sum()
        assert stats.binomtest(changed, 100_000, 0.3 * effective).pvalue > 1e-3


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


def test_same_bases_compiled_and_on_jax(on_jax):
    before = sequence.encode(["ACGTN-RY" * 5] * 500, 40)
    compiled = tf.function(redraw_bases, jit_compile=True)
    theirs = on_jax(ON_JAX, packed=before, keys=KEYS)
    for name, shares in (("uniform", UNIFORM), ("uneven", SHARES)):
        expected = redraw(before, 0.5, shares=shares)
        np.testing.assert_array_equal(theirs[name], expected)
        np.testing.assert_array_equal(compiled(before, KEYS, 0.5, shares), expected)
