"""Orders are permutations, random ones; keys and coins are fair and repeat."""

import itertools

import numpy as np
import pytest

from tfrecords import sampling
from tfrecords.errors import InputError

SIZES = [1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 64, 97, 100, 127, 128, 1000, 1009, 4096, 65_536, 65_537]


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


def order(size, seed=0, epoch=0):
    return sampling.permute(np.arange(size), size, seed=seed, epoch=epoch)


@pytest.mark.parametrize("size", SIZES)
def test_every_row_comes_once(size):
    for epoch in range(3):
        assert sorted(order(size, epoch=epoch)) == list(range(size))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 97, 1000])
@pytest.mark.parametrize("block", [1, 2, 16, 64, 256])
def test_every_row_comes_once_in_blocks(size, block):
    for epoch in range(3):
        rows = sampling.permute_blocks(np.arange(size), size, block, seed=5, epoch=epoch)
        assert sorted(rows) == list(range(size))


def test_blocks_keep_runs_together():
    rows = sampling.permute_blocks(np.arange(1000), 1000, 50, seed=0, epoch=0)
    steps = np.diff(rows) % 1000
    assert (steps == 1).sum() >= 1000 - 20
    assert len(set(rows[::50])) == 20


def test_the_rows_that_come_last_differ_by_epoch():
    last = [
        sampling.permute_blocks(np.arange(999, 1000), 1000, 64, seed=0, epoch=epoch)[0]
        for epoch in range(20)
    ]
    assert len(set(last)) > 10


def test_a_position_does_not_depend_on_which_others_are_asked_for():
    rows = order(1009)
    chosen = np.array([1008, 3, 500])
    np.testing.assert_array_equal(sampling.permute(chosen, 1009, seed=0, epoch=0), rows[chosen])


def test_order_depends_on_seed_and_epoch():
    orders = [tuple(order(50, seed, epoch)) for seed in range(5) for epoch in range(5)]
    assert len(set(orders)) == 25


def test_two_epochs_agree_in_as_many_places_as_chance():
    # The number of fixed points of a random permutation is Poisson(1): five pairs, 16 at most
    # with probability .9999.
    agreements = sum((order(4096, 0, e) == order(4096, 0, e + 1)).sum() for e in range(5))
    assert agreements <= 16


@pytest.mark.parametrize(("size", "limit"), [(3, 20.52), (4, 49.73), (5, 172.4)])
def test_all_orders_of_a_few_rows_are_equally_frequent(size, limit):
    # Limits: the .999 quantiles of chi-square with 5, 23 and 119 degrees of freedom.
    index = {p: i for i, p in enumerate(itertools.permutations(range(size)))}
    counts = np.zeros(len(index))
    for seed in range(20 * len(index)):
        counts[index[tuple(order(size, seed))]] += 1
    assert chi_square(counts) < limit


@pytest.mark.parametrize("size", [50, 64])
def test_every_row_is_equally_likely_at_every_position(size):
    counts = np.zeros((size, size))
    for seed in range(2000):
        counts[np.arange(size), order(size, seed)] += 1
    # Rows and columns sum to 2000: (size - 1)^2 degrees of freedom, normal to good accuracy.
    freedom = (size - 1) ** 2
    assert abs(chi_square(counts) - freedom) < 4 * np.sqrt(2 * freedom)


def test_neighbours_are_unrelated():
    rows = order(100_003).astype(float)
    correlation = np.corrcoef(rows[:-1], rows[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(rows))


def test_hash_is_the_published_one():
    # Worked by hand for x = 1 with Python's whole numbers.
    x = 1
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97), (15, 1)):
        x = (x ^ (x >> shift)) * factor % (1 << 32)
    assert sampling.hash32(1) == x
    assert sampling.hash32(np.array([0, 1], np.uint32)).tolist() == [0, x]


def test_fold_in_is_the_formula_of_the_device():
    key, salt = 123, 4_000_000_000
    inner = sampling.hash32((salt + 0x9E3779B9) % (1 << 32))
    assert sampling.fold_in(key, salt) == sampling.hash32(key ^ int(inner))


def test_hash_is_a_bijection_on_a_sample():
    numbers = np.arange(1 << 16, dtype=np.uint32) * np.uint32(65_537)
    assert len(np.unique(sampling.hash32(numbers))) == len(numbers)
    assert numbers[5] == 5 * 65_537


def test_keys_depend_on_row_seed_and_epoch_alone():
    rows = np.array([5, 2, 5])
    keys = sampling.example_keys(rows, seed=1, epoch=2)
    assert keys.dtype == np.uint32
    assert keys[0] == keys[2] != keys[1]
    assert keys[1] == sampling.example_keys(np.array([2]), seed=1, epoch=2)[0]
    others = [sampling.example_keys(rows[:1], seed=s, epoch=e)[0] for s, e in [(2, 2), (1, 1)]]
    assert len({keys[0], *others}) == 3


def test_coins_are_fair_and_unrelated():
    keys = sampling.example_keys(np.arange(100_000), seed=0, epoch=0)
    first, second = sampling.coin(keys, 1), sampling.coin(keys, 2)
    for share in (first.mean(), second.mean(), (first == second).mean()):
        assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(100_000)


@pytest.mark.parametrize(("seed", "epoch", "name"), [(-1, 0, "seed"), (0, 1 << 32, "epoch")])
def test_seed_and_epoch_out_of_range(seed, epoch, name):
    with pytest.raises(InputError, match=f"{name}=-?[0-9]+, expected a whole number from 0 to"):
        order(10, seed, epoch)
