"""A key is the same for both strands of a sequence, and for nothing else."""

import numpy as np
import pytest

from data_prep.sequence_keys import find_copies, mix, sequence_keys
from tfrecords import sequence


def keys_of(texts):
    return sequence_keys(sequence.encode(texts, len(texts[0])), len(texts[0]))


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 101, 200])
def test_both_strands_have_one_key(length, random_sequences, reverse_complement):
    texts = random_sequences(300, length, letters="ACGTN")
    keys, is_reverse = keys_of(texts)
    opposite, is_opposite_reverse = keys_of([reverse_complement(text) for text in texts])
    np.testing.assert_array_equal(keys, opposite)
    is_palindrome = np.array([text == reverse_complement(text) for text in texts])
    np.testing.assert_array_equal(is_reverse != is_opposite_reverse, ~is_palindrome)
    assert not is_reverse[is_palindrome].any()


def test_different_sequences_have_different_keys(random_sequences, reverse_complement):
    texts = random_sequences(50_000, 30)
    distinct = {min(text, reverse_complement(text)) for text in texts}
    assert len(np.unique(keys_of(texts)[0])) == len(distinct)


def test_one_base_changes_the_key():
    texts = ["A" * place + base + "A" * (20 - place) for place in range(21) for base in "CGT"]
    assert len(np.unique(keys_of(texts)[0])) == 63


def test_case_and_rna_do_not_matter():
    keys, _ = keys_of(["ACGTTTT", "acgtuUt"])
    assert keys[0] == keys[1]


def test_mix_is_splitmix64():
    """The generator's first outputs for state 0, from its published reference code."""
    states = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert [f"{number:016x}" for number in mix(states).tolist()] == [
        "e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f",
    ]  # fmt: skip


@pytest.mark.parametrize("rows_at_once", [10, 100, 10_000])
def test_copies_are_the_rows_of_repeated_keys(rows_at_once):
    keys = mix(np.random.default_rng(0).integers(0, 900, 1000).astype(np.uint64))
    found = {}
    for copies in find_copies(keys, rows_at_once):
        for start, size in zip(copies.starts, copies.sizes, strict=True):
            rows = copies.rows[start : start + size].tolist()
            found[int(keys[rows[0]])] = rows
    expected = {int(key): np.flatnonzero(keys == key).tolist() for key in np.unique(keys)}
    assert found == {key: rows for key, rows in expected.items() if len(rows) > 1}


def test_no_copies():
    assert list(find_copies(mix(np.arange(100, dtype=np.uint64)))) == []
    assert list(find_copies(np.array([], np.uint64))) == []
