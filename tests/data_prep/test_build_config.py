"""Choices that make no sense are refused with what would."""

import pytest

from data_prep.build_config import BuildConfig
from tfrecords.errors import InputError


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"on_leak": "dorp"}, "--on_leak=dorp, expected one of drop, error, warn.*mean 'drop'"),
        ({"reverse_complement": "yes"}, "--reverse_complement=yes, expected one of online, store"),
        ({"compression": "zip"}, "--compression=zip, expected one of none, gzip.*mean 'gzip'"),
        ({"leak_threshold": 5.0}, "--leak_threshold=5.0, expected 0 to 1"),
        ({"leak_threshold": float("nan")}, "--leak_threshold=nan, expected 0 to 1"),
        ({"near_duplicate_threshold": -1}, "--near_duplicate_threshold=-1, expected 0 to 1"),
        (
            {"store": "intervals", "negatives": "dinucleotide_shuffle"},
            "--store=intervals: dinucleotide_shuffle makes sequences that are in no genome; use",
        ),
        ({"seed": -1}, "--seed=-1, expected 0 to 4294967295"),
        ({"num_shards": 0}, "--num_shards=0, expected 1 to 99999"),
        ({"shift_bp": -1}, "--shift_bp=-1, expected 0 to 1048576"),
        ({"split_fractions": (0.8, 0.2)}, "--split_fractions=0.8,0.2, expected three numbers"),
        ({"split_fractions": (0.8, 0.1, 0.2)}, "sums to 1.1, expected shares of 1"),
        ({"split_fractions": (1.2, -0.1, -0.1)}, "sums to 1, expected shares of 1, none negative"),
        ({"split_fractions": (float("nan"), 0.1, 0.1)}, "sums to nan, expected shares of 1"),
        ({"split_fractions": (0, 0.5, 0.5)}, "leaves nothing to train on"),
        ({"valid_chroms": ("I", "I")}, "I is in --valid_chroms twice"),
        ({"train_chroms": ("I",), "test_chroms": ("I",)}, "I is in --train_chroms and in --test_"),
        ({"num_folds": 5}, "--num_folds and --fold go together, as in --num_folds=5 --fold=0"),
        ({"fold": 0}, "--num_folds and --fold go together"),
        ({"num_folds": 1, "fold": 0}, "--num_folds=1, expected 2 to 100"),
        ({"num_folds": 5, "fold": 5}, "--fold=5, expected 0 to 4"),
        ({"negatives_per_positive": 2}, "--negatives_per_positive needs --negatives=KIND"),
        (
            {"negatives": "dinucleotide_shuffle", "negatives_per_positive": 0},
            "--negatives_per_positive=0, expected 1 to 1000",
        ),
        (
            {"num_folds": 5, "fold": 0, "split_fractions": (0.8, 0.1, 0.1)},
            "--split_fractions and --num_folds were both given; choose one",
        ),
    ],
)
def test_refused(choices, message):
    with pytest.raises(InputError, match=message):
        BuildConfig(**choices)


def test_flags_of_older_datasets_stay():
    """A dataset built before there were shifts is found to be built already."""
    assert BuildConfig().flags == {
        "split_fractions": None, "num_folds": None, "fold": None, "seed": 0, "on_leak": "drop",
        "leak_threshold": 0.05, "reverse_complement": "online", "compression": "none",
        "num_shards": None,
    }  # fmt: skip
    chosen = BuildConfig(split_fractions=(0.8, 0.1, 0.1), shift_bp=8).flags
    assert chosen["split_fractions"] == [0.8, 0.1, 0.1]
    assert chosen["shift_bp"] == 8
    chosen = BuildConfig(near_duplicate_threshold=1).flags
    assert chosen["near_duplicate_threshold"] == 1


def test_folds_and_fractions_split():
    assert BuildConfig(num_folds=5, fold=2).is_splitting
    assert BuildConfig(split_fractions=(0.7, 0.2, 0.1)).is_splitting
    assert not BuildConfig().is_splitting
