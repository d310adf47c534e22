import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers import keyed_random
from tfrecords import sampling

KEYS = np.random.default_rng(0).integers(0, 2**32, 200, dtype=np.uint32)
DRAW = """
from genokeras.layers import keyed_random

def draw_all(keys):
    return {
        "bits": keyed_random.bits(keys, (3, 5), 7),
        "uniform": keyed_random.uniform(keys, (3, 5), 7),
        "randint": keyed_random.randint(keys, (15,), 7, 1000),
        "bernoulli": keyed_random.bernoulli(keys, (15,), 7, 0.3),
        "normal": keyed_random.normal(keys, (15,), 7),
    }
"""


def draw(name, *arguments):
    function = getattr(keyed_random, name)
    return np.asarray(function(tf.constant(KEYS), *arguments))


def reference_bits(keys, count, salt):
    """The definition, with the NumPy functions that the reader uses."""
    folded = sampling.fold_in(sampling.fold_in(keys, salt)[:, None], np.arange(count)[None])
    return np.asarray(folded, np.uint32)


def python_mix(x):
    """The published hash in integers of unlimited size."""
    for multiplier, shift in ((0x21F0AAAD, 16), (0xD35A2D97, 15)):
        x = (x ^ x >> shift) * multiplier % 2**32
    return x ^ x >> 15


def test_mix_is_the_published_hash():
    numbers = [0, 1, 2, 0xFFFFFFFF, 0x9E3779B9, 123456789]
    mixed = np.asarray(keyed_random.mix(tf.constant(numbers, tf.uint32)))
    assert mixed.tolist() == [python_mix(x) for x in numbers]
    assert mixed[0] == 0  # The only fixed point that can be told without computing.


def test_bits_are_those_of_the_readers_hash():
    expected = reference_bits(KEYS, 15, 7).reshape(-1, 3, 5)
    np.testing.assert_array_equal(draw("bits", (3, 5), 7), expected)


def test_uniform_randint_and_bernoulli_follow_from_the_bits():
    expected = reference_bits(KEYS, 15, 7)
    np.testing.assert_array_equal(draw("uniform", (15,), 7), (expected >> 8) / np.float32(2**24))
    integers = (expected.astype(np.uint64) * 1000) >> np.uint64(32)
    np.testing.assert_array_equal(draw("randint", (15,), 7, 1000), integers)
    np.testing.assert_array_equal(draw("bernoulli", (15,), 7, 0.3), expected < int(0.3 * 2**32))


def test_same_numbers_eager_compiled_and_on_jax(on_jax):
    names = {}
    exec(DRAW, names)  # The same source runs here and, below, in a process of its own.
    draw_all = names["draw_all"]
    expected = on_jax(DRAW + "import jax\nresult = jax.jit(draw_all)(given['keys'])", keys=KEYS)
    for run in (draw_all, tf.function(draw_all), tf.function(draw_all, jit_compile=True)):
        for name, numbers in run(tf.constant(KEYS)).items():
            if name == "normal":
                np.testing.assert_allclose(numbers, expected[name], rtol=1e-4, atol=1e-5)
            else:
                np.testing.assert_array_equal(numbers, expected[name])


@pytest.mark.parametrize("parts", [[100], [1, 64, 137]])
def test_numbers_do_not_depend_on_how_a_batch_is_split(parts):
    whole = draw("uniform", (7,), 3)
    pieces = [keyed_random.uniform(tf.constant(k), (7,), 3) for k in np.split(KEYS, parts)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_longer_draw_begins_with_the_shorter_one():
    np.testing.assert_array_equal(draw("bits", (40,), 1)[:, :9], draw("bits", (9,), 1))


def test_uniform_numbers_are_uniform():
    numbers = draw("uniform", (1000,), 11).ravel()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.histogram(numbers, bins=256, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-3
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3


def test_randint_draws_all_integers_alike():
    counts = np.bincount(draw("randint", (1000,), 5, 6).ravel(), minlength=6)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-3


def test_bernoulli_has_its_probability():
    share = draw("bernoulli", (1000,), 5, 0.05).mean()
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 200_000)
    assert not draw("bernoulli", (1000,), 5, 0.0).any()


def test_normal_numbers_are_normal():
    numbers = draw("normal", (1000,), 2).ravel()
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    assert stats.skew(numbers) == pytest.approx(0, abs=0.03)
    assert stats.kurtosis(numbers) == pytest.approx(0, abs=0.06)


def test_neighbouring_keys_salts_and_positions_are_uncorrelated():
    neighbours = np.arange(4000, dtype=np.uint32)
    first = np.asarray(keyed_random.uniform(tf.constant(neighbours), (2,), 0))
    other_salt = np.asarray(keyed_random.uniform(tf.constant(neighbours), (2,), 1))
    standard_error = 1 / np.sqrt(4000)
    pairs = [
        (first[:-1, 0], first[1:, 0]),
        (first[:, 0], first[:, 1]),
        (first[:, 0], other_salt[:, 0]),
    ]
    for left, right in pairs:
        assert abs(np.corrcoef(left, right)[0, 1]) < 4 * standard_error


def test_scopes_nest_and_end():
    assert keyed_random.current_keys() is None
    with keyed_random.scope("outer"):
        with keyed_random.scope("inner"):
            assert keyed_random.current_keys() == "inner"
        assert keyed_random.current_keys() == "outer"
    assert keyed_random.current_keys() is None


def test_impossible_draws_are_refused():
    with pytest.raises(ValueError, match="randint draws from 1 to 65536 integers, got size=65537"):
        draw("randint", (1,), 0, 65537)
    with pytest.raises(ValueError, match=r"expected a probability in \[0, 1\), got 1.5"):
        draw("bernoulli", (1,), 0, 1.5)
