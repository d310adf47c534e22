"""Groups hold every window once, however many windows there are; sums of pairs give r and R²."""

import numpy as np
import pytest

from genokeras.metrics.window_groups import WindowGroups, correlation_and_r2, pair_sums


@pytest.mark.parametrize("parts", [1, 4, 37])
def test_windows_that_are_too_many_are_joined(parts):
    values = np.arange(37.0)[:, None, None]
    groups = WindowGroups(num_tracks=1, num_sums=1, limit=10)
    for part in np.array_split(values, parts):
        groups.add(part)
    assert groups.blocks_per_group == 4
    expected = [values[start : start + 4].sum() for start in range(0, 37, 4)]
    np.testing.assert_array_equal(groups.sums[:, 0, 0], expected)


def test_few_windows_are_groups_of_their_own():
    groups = WindowGroups(num_tracks=2, num_sums=3)
    groups.add(np.ones((5, 2, 3)))
    assert (groups.sums.shape, groups.blocks_per_group) == ((5, 2, 3), 1)


@pytest.mark.parametrize("parts", [1, 3, 12])
def test_windows_of_one_block_are_one_group_wherever_they_come(parts):
    values = np.arange(12.0)[:, None, None]
    blocks = np.array([7, 7, -2, 9, 7, -2, 5, 5, 9, 7, 1, 2])
    groups, joined = WindowGroups(1, 1), WindowGroups(1, 1, limit=3)
    for rows in np.array_split(np.arange(12), parts):
        groups.add(values[rows], blocks[rows])
        joined.add(values[rows], blocks[rows])
    expected = [sum(values[blocks == block, 0, 0]) for block in (7, -2, 9, 5, 1, 2)]
    np.testing.assert_array_equal(groups.sums[:, 0, 0], expected)
    pairs = np.reshape(expected, (3, 2)).sum(axis=1)
    np.testing.assert_array_equal(joined.sums[:, 0, 0], pairs)


def test_memory_is_the_same_for_many_tracks():
    assert WindowGroups(1, 16)._limit == 4096
    assert WindowGroups(1000, 16)._limit * 1000 * 16 * 8 < 33 << 20


def test_correlation_of_sums_is_that_of_the_numbers():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, 50, 2))
    known = rng.random((3, 50, 2)) < 0.8
    correlation, r2 = correlation_and_r2(pair_sums(x, y, known).sum(axis=0)[None])
    for track in range(2):
        a, b = x[..., track][known[..., track]], y[..., track][known[..., track]]
        assert correlation[0, track] == pytest.approx(np.corrcoef(a, b)[0, 1])
        assert r2[0, track] == pytest.approx(1 - ((a - b) ** 2).sum() / ((a - a.mean()) ** 2).sum())
