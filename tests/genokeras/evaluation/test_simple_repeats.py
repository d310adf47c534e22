import itertools

import numpy as np
import pytest

from genokeras.evaluation.simple_repeats import longest_repeat_bp
from tfrecords import sequence


def packed(*texts):
    return sequence.encode(texts, len(texts[0])), len(texts[0])


@pytest.mark.parametrize(
    ("text", "repeat"),
    [
        ("ACACACGGGG", 6),  # ACACAC; GGGG has 4.
        ("AAAAAAAAAA", 10),
        ("ACGTACGTAC", 0),  # A unit of four is no simple repeat.
        ("ACGACGACTT", 8),  # ACG twice and AC.
        ("TTACACATGG", 5),  # ACACA: two copies and a half.
        ("ACGTACGTAA", 2),
        ("GCAATTCCGA", 2),
        ("ACNACNACNA", 0),  # An ambiguous base repeats nothing.
        ("--GGGG----", 4),  # Nor does padding.
        ("ATRYATATAT", 6),
    ],
)
def test_worked_by_hand(text, repeat):
    assert longest_repeat_bp(*packed(text))[0] == repeat


def test_a_sequence_without_a_base_repeats_nothing():
    assert longest_repeat_bp(*packed("NNNN", "----")).tolist() == [0, 0]


def longest_by_definition(text):
    """The longest part that is a unit of 1 to 3 bases, repeated at least twice."""
    best = 0
    for start, end in itertools.combinations(range(len(text) + 1), 2):
        part = text[start:end]
        for unit in (1, 2, 3):
            is_repeat = all(part[i] == part[i - unit] for i in range(unit, len(part)))
            if len(part) >= 2 * unit and is_repeat:
                best = max(best, len(part))
    return best


def test_repeats_of_random_sequences_are_those_of_the_definition():
    rows = np.random.default_rng(0).choice(list("ACGT"), (60, 21), p=[0.5, 0.3, 0.1, 0.1])
    texts = ["".join(row) for row in rows]
    expected = [longest_by_definition(text) for text in texts]
    assert longest_repeat_bp(*packed(*texts)).tolist() == expected
    # Both strands are equally repetitive.
    opposite = sequence.reverse_complement(packed(*texts)[0], 21)
    assert longest_repeat_bp(opposite, 21).tolist() == expected


@pytest.mark.parametrize(("text", "repeat"), [("A", 0), ("AA", 2), ("AC", 0), ("ACA", 0)])
def test_short_sequences(text, repeat):
    assert longest_repeat_bp(*packed(text)).tolist() == [repeat]
