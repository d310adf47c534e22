"""Grain gives the batches of the reader, byte by byte, from any step on."""

import itertools
import sys

import numpy as np
import pytest

from genokeras.training import loaders
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

OPTIONS = {"batch_size": 32, "seed": 3}  # 9 batches an epoch.


def first(number, split, start_step, loader, **options):
    batches = loaders.batches(split, start_step, loader, **OPTIONS | options)
    return list(itertools.islice(batches, number))


@pytest.mark.parametrize(
    ("start_step", "options"),
    [(0, {}), (7, {}), (1000, {"host": 1, "num_hosts": 2, "shuffle_block": 4})],
)
def test_batches_are_the_same_by_either_loader(data_dir, start_step, options):
    split = Dataset(data_dir).split("train")
    native, grain = (first(5, split, start_step, name, **options) for name in ("native", "grain"))
    for expected, found in zip(native, grain, strict=True):
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            assert values.dtype == found[name].dtype
            np.testing.assert_array_equal(found[name], values)
    assert not np.array_equal(native[0]["key"], native[1]["key"])


def test_strands_are_turned_unless_the_model_says_no(data_dir):
    split = Dataset(data_dir).split("train")
    for loader in ("native", "grain"):
        (turned,), (given,) = (
            first(1, split, 0, loader, reverse_complement=asked) for asked in (None, False)
        )
        stored = split.read(given["row"])["sequence"]
        np.testing.assert_array_equal(given["sequence"], stored)
        assert 0.2 < np.mean((turned["sequence"] == stored).all(axis=1)) < 0.8


def test_going_on_is_arithmetic(data_dir):
    split = Dataset(data_dir).split("train")
    whole, rest = first(12, split, 0, "grain"), first(3, split, 9, "grain")
    for expected, found in zip(whole[9:], rest, strict=True):
        np.testing.assert_array_equal(found["key"], expected["key"])


def test_without_grain_the_way_out_is_told(data_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(InputError, match="loader=grain: Grain is not installed; pip install grain"):
        first(1, Dataset(data_dir).split("train"), 0, "grain")
