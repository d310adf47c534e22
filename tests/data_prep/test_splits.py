"""Splits keep the copies of a sequence together and the labels in proportion."""

import numpy as np
import pytest

from data_prep.build_config import BuildConfig
from data_prep.sequence_keys import mix
from data_prep.splits import make_splits, make_strata

FRACTIONS = (0.8, 0.1, 0.1)


def keys_of(numbers):
    return mix(np.asarray(numbers, np.uint64))


def targets_of(*columns):
    return np.array(columns, np.float32).T


def sizes(split):
    return np.bincount(split, minlength=3).tolist()


def by_fractions(keys, targets, fractions=FRACTIONS, task_type="binary", seed=0):
    config = BuildConfig(split_fractions=fractions, seed=seed)
    return make_splits(keys, targets, task_type, config)


def test_every_label_gets_its_share_in_every_split():
    targets = targets_of(np.arange(10_000) % 10 == 0)
    split = by_fractions(keys_of(range(10_000)), targets)
    assert sizes(split[targets[:, 0] == 1]) == [800, 100, 100]
    assert sizes(split[targets[:, 0] == 0]) == [7200, 900, 900]


def test_every_combination_of_labels_gets_its_share():
    rng = np.random.default_rng(0)
    targets = rng.choice(np.array([0, 1, np.nan], "f4"), (6000, 2), p=[0.6, 0.3, 0.1])
    split = by_fractions(keys_of(range(6000)), targets)
    patterns = np.nan_to_num(targets, nan=2) @ [3, 1]
    for pattern in range(9):
        counts = np.array(sizes(split[patterns == pattern]))
        assert np.abs(counts - counts.sum() * np.array(FRACTIONS)).max() <= 1


def test_rare_combinations_are_split_together():
    """A hundred patterns of one row each: none could be split, all together can."""
    digits = (np.arange(100)[:, None] >> np.arange(7)) & 1
    split = by_fractions(keys_of(range(100)), digits.astype(np.float32))
    assert sizes(split) == [80, 10, 10]


def test_every_range_of_a_regression_target_gets_its_share():
    targets = targets_of(np.random.default_rng(0).normal(size=10_000) ** 3)
    split = by_fractions(keys_of(range(10_000)), targets, task_type="regression")
    tenths = np.argsort(np.argsort(targets[:, 0])) // 1000
    for tenth in range(10):
        assert np.abs(np.array(sizes(split[tenths == tenth])) - [800, 100, 100]).max() <= 2


@pytest.mark.parametrize("seed", range(3))
def test_copies_never_part_whatever_their_labels(seed):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 300, 1000)
    targets = targets_of(rng.integers(0, 2, 1000))
    for config in (
        BuildConfig(split_fractions=FRACTIONS, seed=seed),
        BuildConfig(num_folds=5, fold=1, seed=seed),
    ):
        split = make_splits(keys_of(numbers), targets, "binary", config)
        for number in range(300):
            assert len(set(split[numbers == number].tolist())) <= 1


def test_copies_have_one_stratum():
    keys = keys_of([1, 2, 1, 3, 2, 4])
    strata = make_strata(keys, targets_of([1, 0, 0, 1, 0, 0]), "binary", 1.0)
    assert strata[0] == strata[2]
    assert strata[1] == strata[4] == strata[5] != strata[3]


def test_split_depends_on_the_sequence_and_the_seed_and_not_on_the_order():
    keys, targets = keys_of(range(1000)), targets_of(np.arange(1000) % 2)
    split = by_fractions(keys, targets)
    order = np.random.default_rng(0).permutation(1000)
    np.testing.assert_array_equal(by_fractions(keys[order], targets[order]), split[order])
    assert (by_fractions(keys, targets, seed=1) != split).any()


@pytest.mark.parametrize(
    ("fractions", "expected"),
    [((1.0, 0.0, 0.0), [100, 0, 0]), ((0.9, 0.1, 0.0), [90, 10, 0]), ((0.5, 0, 0.5), [50, 0, 50])],
)
def test_a_fraction_of_zero_gives_no_rows(fractions, expected):
    assert (
        sizes(by_fractions(keys_of(range(100)), targets_of(np.zeros(100)), fractions)) == expected
    )


def test_every_row_is_in_the_test_split_of_one_fold_and_in_valid_of_the_one_before():
    keys, targets = keys_of(range(1000)), targets_of(np.arange(1000) % 4 == 0)
    splits = np.array(
        [
            make_splits(keys, targets, "binary", BuildConfig(num_folds=5, fold=fold))
            for fold in range(5)
        ]
    )
    np.testing.assert_array_equal((splits == 2).sum(axis=0), 1)
    np.testing.assert_array_equal(splits == 2, np.roll(splits == 1, 1, axis=0))
    assert [sizes(split) for split in splits] == [[600, 200, 200]] * 5
