"""Splits keep the copies of a sequence together and the labels in proportion."""

import numpy as np
import pytest

from data_prep.build_config import BuildConfig
from data_prep.sequence_keys import mix
from data_prep.splits import make_splits, make_strata, split_rows
from tfrecords.errors import InputError

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


@pytest.mark.parametrize("count", [10, 60, 150])
def test_few_regression_targets_get_their_share_as_well(count):
    """A tenth of 60 rows is six, of which a tenth is none: larger ranges are split."""
    targets = targets_of(np.random.default_rng(0).normal(size=count))
    split = by_fractions(keys_of(range(count)), targets, task_type="regression")
    assert np.abs(np.array(sizes(split)) / count - FRACTIONS).max() <= 0.05


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_folds_of_nothing_but_test_rows(task_type):
    config, is_given = BuildConfig(num_folds=4, fold=1), np.array([False, False, True])
    keys, targets = keys_of(range(9)), targets_of(range(9))
    with pytest.raises(InputError, match="split train would be empty: there are too few rows"):
        split_rows(np.full(9, 2), is_given, keys, targets, task_type, config)


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


UNSPLIT, TRAIN, VALID, TEST = -1, 0, 1, 2


def rows_split(split, config, keys=None):
    """Splits rows that come with the splits given, unlike each other unless `keys` says so."""
    split = np.array(split, np.int8)
    is_given = np.isin([TRAIN, VALID, TEST], split)
    keys = keys_of(range(len(split))) if keys is None else keys
    targets = targets_of(np.arange(len(split)) % 2)
    return split_rows(split, is_given, keys, targets, "binary", config)


def folds(count, fold, seed=0):
    return BuildConfig(num_folds=count, fold=fold, seed=seed)


def test_folds_of_rows_with_splits_deal_train_and_valid_anew_and_leave_test():
    given = [TRAIN] * 700 + [VALID] * 100 + [TEST] * 200
    found = [rows_split(given, folds(4, fold)) for fold in range(4)]
    for split, is_there in found:
        assert sizes(split) == [600, 200, 200]
        assert (split[800:] == TEST).all()
        assert is_there.tolist() == [True, True, True]
    in_valid = np.sum([split == VALID for split, _ in found], axis=0)
    assert in_valid.tolist() == [1] * 800 + [0] * 200
    # Rows of both splits are in both: a fold is neither of them.
    assert 0 < (found[0][0][:700] == VALID).sum() < 200


def test_folds_without_a_test_split_have_none_if_splits_are_given():
    split, is_there = rows_split([TRAIN] * 80 + [VALID] * 20, folds(2, 1))
    assert sizes(split) == [50, 50, 0]
    assert is_there.tolist() == [True, True, False]


def test_folds_of_rows_beside_a_test_file_are_valid_in_turn():
    split, _ = rows_split([UNSPLIT] * 90 + [TEST] * 10, folds(3, 0))
    assert sizes(split) == [60, 30, 10]
    assert (split[90:] == TEST).all()


def test_folds_depend_on_sequences_and_seed_and_not_on_what_the_input_says():
    first, _ = rows_split([TRAIN] * 50 + [VALID] * 50 + [TEST] * 20, folds(5, 2))
    other, _ = rows_split([VALID] * 50 + [TRAIN] * 50 + [TEST] * 20, folds(5, 2))
    np.testing.assert_array_equal(first, other)
    assert (rows_split([TRAIN] * 100 + [TEST] * 20, folds(5, 2, seed=1))[0] != first).any()


def test_copies_in_train_and_valid_come_into_one_fold():
    numbers = list(range(50)) * 2
    split, _ = rows_split([TRAIN] * 50 + [VALID] * 50, folds(5, 0), keys_of(numbers))
    np.testing.assert_array_equal(split[:50], split[50:])


def test_two_folds_leave_nothing_to_train_on_without_a_test_split():
    with pytest.raises(InputError, match="--num_folds=2 leaves nothing to train on, since one"):
        rows_split([UNSPLIT] * 10, folds(2, 0))


def test_a_split_given_twice_and_one_that_is_empty():
    config = BuildConfig(split_fractions=(0.8, 0.1, 0.1))
    with pytest.raises(InputError, match="test is given by the input and by --split_fractions"):
        rows_split([UNSPLIT] * 100 + [TEST], config)
    with pytest.raises(InputError, match="split test would be empty: there are too few rows with"):
        rows_split([UNSPLIT] * 4, config)
