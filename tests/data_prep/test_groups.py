"""Numbers of groups, and groups joined by copies, against Python's sets."""

import numpy as np
import pytest

from data_prep import groups
from data_prep.groups import join_copies, number_groups
from data_prep.sequence_keys import mix


@pytest.mark.parametrize("block", [16, 1 << 18])
@pytest.mark.parametrize("count", [1, 3, 400])
def test_numbers_stand_for_groups(monkeypatch, block, count):
    """However few groups there are: small numbers differ in their last bits only."""
    monkeypatch.setattr(groups, "_BLOCK", block)
    given = np.random.default_rng(0).integers(0, count, 500).astype(np.uint64)
    numbers, names = number_groups(given)
    np.testing.assert_array_equal(names[numbers], given)
    assert sorted(names.tolist()) == sorted(set(given.tolist()))


def test_no_rows():
    numbers, names = number_groups(np.zeros(0, np.uint64))
    assert (len(numbers), len(names)) == (0, 0)


def naive_join(numbers, keys, count):
    """The smallest group that can be reached over keys, by looking again until nothing changes."""
    first = list(range(count))
    while True:
        before = list(first)
        for key in set(keys.tolist()):
            held = {first[number] for number in numbers[keys == key]}
            first = [min(held) if name in held else name for name in first]
        if first == before:
            return first


@pytest.mark.parametrize("num_keys", [20, 60, 150, 1000])
def test_copies_join_groups(num_keys):
    rng = np.random.default_rng(num_keys)
    numbers = rng.integers(0, 40, 100).astype(np.int32)
    keys = mix(rng.integers(0, num_keys, 100).astype(np.uint64))
    found = join_copies(numbers, 40, keys)
    assert found.tolist() == naive_join(numbers, keys, 40)
    assert 1 <= len(set(found.tolist())) <= 40


def test_a_long_chain_is_one_group():
    """Group n shares a sequence with group n + 1 only, and the rows are in random order."""
    order = np.random.default_rng(0).permutation(1000)
    numbers = np.repeat(np.arange(500), 2)[order].astype(np.int32)
    keys = mix(((np.arange(1000) + 1) // 2).astype(np.uint64))[order]
    assert not join_copies(numbers, 500, keys).any()
