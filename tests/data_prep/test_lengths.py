"""Cropping and padding keep the middle, and mean the same on both strands."""

import pytest

from data_prep.lengths import resize


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("ACGT", 4, "ACGT"),
        ("ACGT", 2, "CG"),
        ("ACGT", 6, "-ACGT-"),
        ("CGT", 6, "-CGT--"),  # CGT is the canonical strand: the odd base goes to its right end.
        ("ACG", 6, "--ACG-"),
        ("CGGTT", 4, "CGGT"),
        ("AACCG", 4, "ACCG"),
        ("a", 3, "-a-"),
    ],
)
def test_known_results(text, length, expected):
    assert resize([text], length) == [expected]


@pytest.mark.parametrize("length", [1, 7, 8, 21, 22])
@pytest.mark.parametrize("bases", [6, 7, 8, 15, 22])
def test_resizing_and_reverse_complementing_commute(
    length, bases, random_sequences, reverse_complement
):
    texts = random_sequences(50, bases, letters="ACGTRYN")
    opposite = [reverse_complement(text) for text in texts]
    assert resize(opposite, length) == [reverse_complement(text) for text in resize(texts, length)]


def test_sequences_of_many_lengths_keep_their_places():
    assert resize(["ACGTA", "C", "ACG"], 3) == ["CGT", "-C-", "ACG"]
