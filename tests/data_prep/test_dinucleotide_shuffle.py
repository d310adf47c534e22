"""A shuffle keeps the dinucleotides, and every sequence that has the same ones is as likely."""

import collections
import itertools

import numpy as np
import pytest

from data_prep.dinucleotide_shuffle import shuffle
from tfrecords import sequence


def shuffled(texts, seed=0):
    packed = sequence.encode(texts, len(texts[0]))
    keys = np.random.default_rng(seed).integers(0, 1 << 32, len(texts), np.uint32)
    return sequence.decode(shuffle(packed, len(texts[0]), keys), len(texts[0]))


def steps(text):
    return collections.Counter(itertools.pairwise(text))


def all_orders(text):
    """All texts with the first letter and the dinucleotides of this one, found one by one."""
    left, found = steps(text), []

    def extend(start):
        if len(start) == len(text):
            found.append(start)
        for letter in "ACGT":
            if left[start[-1], letter]:
                left[start[-1], letter] -= 1
                extend(start + letter)
                left[start[-1], letter] += 1

    extend(text[0])
    return found


def chi_square(drawn, expected):
    """The statistic, and the value it exceeds once in about a million (Wilson and Hilferty)."""
    counts = collections.Counter(drawn)
    assert set(counts) <= set(expected)
    mean, freedom = len(drawn) / len(expected), len(expected) - 1
    limit = freedom * (1 - 2 / (9 * freedom) + 4.75 * (2 / (9 * freedom)) ** 0.5) ** 3
    return sum((counts[text] - mean) ** 2 / mean for text in expected), limit


@pytest.mark.parametrize("length", [4, 5, 101, 200])
def test_dinucleotides_and_ends_stay_and_the_order_does_not(random_sequences, length):
    texts = random_sequences(300, length)
    for text, other in zip(texts, found := shuffled(texts), strict=True):
        assert steps(other) == steps(text)
        assert (other[0], other[-1]) == (text[0], text[-1])
    if length > 100:
        assert all(text != other for text, other in zip(texts, found, strict=True))


def test_a_shuffle_of_single_letters_does_not_keep_them(random_sequences):
    """The control: it has the same composition, and the check above tells it apart."""
    rng = np.random.default_rng(0)
    texts = random_sequences(100, 101)
    others = ["".join(rng.permutation(list(text))) for text in texts]
    assert all(sorted(a) == sorted(b) for a, b in zip(texts, others, strict=True))
    assert not any(steps(a) == steps(b) for a, b in zip(texts, others, strict=True))


@pytest.mark.parametrize(
    ("text", "num_orders"),
    [
        ("AACAGA", 6),  # Ends on the letter it begins with; no T.
        ("ACGTACGGTA", 2),  # A loop, GG.
        ("TGCATGCTAGCA", 14),
        ("GATTACAGATC", 24),  # Ends on a letter that is never left.
        ("AAACAAGAATA", 210),
        ("CATGTCATTGACGGAT", 1008),
    ],
)
def test_all_orders_are_as_likely(text, num_orders):
    orders = all_orders(text)
    assert len(orders) == len(set(orders)) == num_orders
    statistic, limit = chi_square(shuffled([text] * max(2000, 20 * num_orders)), orders)
    assert statistic < limit


def test_a_walk_that_draws_all_its_steps_is_told_apart():
    """The control: walks that stop before the end are thrown away, the others are not uniform."""
    rng, text = np.random.default_rng(0), "TGCATGCTAGCA"
    drawn = []
    for _ in range(4000):
        left, walk = steps(text), text[0]
        while choices := [b for b in "ACGT" for _ in range(bool(left[walk[-1], b]))]:
            letter = rng.choice(choices)
            left[walk[-1], letter] -= 1
            walk += letter
        if len(walk) == len(text):
            drawn.append(walk)
    statistic, limit = chi_square(drawn, all_orders(text))
    assert statistic > limit


@pytest.mark.parametrize("text", ["A", "AC", "ACG", "AAAAAAAA", "ACGT", "ACACACAC", "AAACCCGGGT"])
def test_a_sequence_without_another_order_stays(text):
    assert set(shuffled([text] * 20)) == {text}


def test_only_runs_of_known_bases_are_shuffled():
    """Other codes and padding stay, and so do all dinucleotides, theirs among them."""
    text = "--GATTACAGATCNNAACAGARACGTACGGTAN-"
    found = shuffled([text] * 500)
    for other in found:
        assert steps(other) == steps(text)
        for start, stop in ((0, 2), (13, 15), (21, 22), (32, 34)):
            assert other[start:stop] == text[start:stop]
    parts = {(2, 13): 24, (15, 21): 6, (22, 32): 2}
    for (start, stop), num_orders in parts.items():
        assert len({other[start:stop] for other in found}) == num_orders


def test_parts_of_a_sequence_are_shuffled_each_for_itself():
    found = shuffled(["AACAGANAACAGA"] * 400)
    assert len({text for text in found if text[:6] != text[7:]}) == 30


def test_sequence_and_key_decide_alone(random_sequences):
    texts = random_sequences(50, 60)
    packed = sequence.encode(texts, 60)
    keys = np.arange(50, dtype=np.uint32)
    together = shuffle(packed, 60, keys)
    for row in range(0, 50, 7):
        alone = shuffle(packed[row : row + 1], 60, keys[row : row + 1])
        np.testing.assert_array_equal(alone[0], together[row])
    assert (shuffle(packed, 60, keys + np.uint32(50)) != together).any(axis=1).all()


def test_nothing_to_shuffle():
    assert shuffle(np.zeros((0, 3), np.uint8), 5, np.zeros(0, np.uint32)).shape == (0, 3)
    assert shuffled(["-----", "NNNNN"]) == ["-----", "NNNNN"]
