"""Mutated copies in other splits: those with 5% are found, those with 30% are not."""

import numpy as np
import pytest

from data_prep import near_duplicates
from data_prep.near_duplicates import find_near_duplicates, is_near_duplicate
from data_prep.scratch import Scratch
from data_prep.sequence_keys import window_keys
from tfrecords import sequence

TRAIN, VALID, TEST = range(3)
IN_TRAIN, IN_VALID, IN_TEST = 1, 2, 4


@pytest.fixture
def find(tmp_path):
    """Returns in which splits each of these texts has a near duplicate."""

    def find_in(texts, split, shift_bp=0):
        length = len(texts[0])
        packed = sequence.encode(texts, length)
        columns = {"sequence": ("uint8", packed.shape[1:]), "key": ("uint64", ())}
        scratch = Scratch(tmp_path / "rows", columns)
        key = window_keys(packed, length, shift_bp)[0]
        scratch.write([{"sequence": packed, "key": key}])
        return find_near_duplicates(
            *(scratch.read("sequence"), scratch.read("key"), np.array(split, np.int8)),
            tmp_path / "alike",
            length=length,
            shift_bp=shift_bp,
        )

    return find_in


def mutated(texts, rate, seed=0):
    """Every text with that share of its bases, drawn at random, changed to another base."""
    rng = np.random.default_rng(seed)
    bases = np.array([["ACGT".index(letter) for letter in text] for text in texts])
    count = round(rate * bases.shape[1])
    where = rng.permuted(np.tile(np.arange(bases.shape[1]), (len(texts), 1)), axis=1)[:, :count]
    rows = np.arange(len(texts))[:, None]
    bases[rows, where] = (bases[rows, where] + rng.integers(1, 4, where.shape)) % 4
    return ["".join("ACGT"[base] for base in row) for row in bases]


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize(("rate", "low", "high"), [(0.01, 1, 1), (0.05, 0.98, 1), (0.3, 0, 0)])
def test_mutated_copies(find, random_sequences, reverse_complement, is_turned, rate, low, high):
    originals = random_sequences(1000, 200)
    copies = mutated(originals, rate)
    if is_turned:
        copies = [reverse_complement(text) for text in copies]
    found = find(originals + copies, [TRAIN] * 1000 + [TEST] * 1000)
    assert set(found.tolist()) <= {0, IN_TRAIN, IN_TEST}
    # Both directions: an original is the near duplicate of its copy as well.
    np.testing.assert_array_equal(found[:1000] == IN_TEST, found[1000:] == IN_TRAIN)
    assert low <= (found[1000:] == IN_TRAIN).mean() <= high


def test_unrelated_sequences_are_not_alike(find, random_sequences):
    found = find(random_sequences(5000, 200), [TRAIN, VALID, TEST, TRAIN, TRAIN] * 1000)
    assert not found.any()


def test_all_three_splits(find, random_sequences):
    original = random_sequences(1, 200)
    copies = [mutated(original, 0.02, seed)[0] for seed in range(2)]
    found = find(original + copies, [VALID, TEST, TRAIN])
    assert found.tolist() == [IN_TRAIN | IN_TEST, IN_TRAIN | IN_VALID, IN_VALID | IN_TEST]


def test_within_a_split_nothing_is_looked_for(find, random_sequences):
    original = random_sequences(1, 200)
    copy = mutated(original, 0.02)
    assert not find(original + copy, [TRAIN, TRAIN]).any()
    other = random_sequences(1, 200, seed=5)
    assert not find(original + copy + other, [TRAIN, TRAIN, TEST]).any()


def test_copies_do_not_count(find, random_sequences, reverse_complement):
    original = random_sequences(1, 200)
    assert not find(original * 2 + [reverse_complement(original[0])], [TRAIN, TEST, VALID]).any()


def test_rows_of_no_split_do_not_count(find, random_sequences):
    original = random_sequences(1, 200)
    texts = [*original, *mutated(original, 0.02), *random_sequences(1, 200, 9)]
    assert not find(texts, [TRAIN, -2, TEST]).any()


def test_sequences_without_kmers_are_not_alike(find):
    texts = ["N" * 200, "ACGTN" * 40, "CCGTN" * 40, "A" * 5 + "N" * 195]
    assert not find(texts, [TRAIN, VALID, TEST, TEST]).any()


def test_a_family_of_many_repeats_is_found_in_little_time(find, random_sequences):
    """Of 2000 copies in training and 50 in test each finds some it is like, though not all."""
    family = mutated(random_sequences(1, 200) * 2050, 0.03)
    found = find(family, [TRAIN] * 2000 + [TEST] * 50)
    assert (found[:2000] == IN_TEST).all()
    assert (found[2000:] == IN_TRAIN).all()


def test_the_order_of_the_rows_does_not_matter(find, random_sequences):
    """A family so large and unlike that not all pairs are compared and not all are found."""
    family = mutated(random_sequences(1, 200) * 600, 0.06)
    split = np.arange(600) % 3
    found = find(family, split)
    order = np.random.default_rng(0).permutation(600)
    np.testing.assert_array_equal(find([family[row] for row in order], split[order]), found[order])
    assert len(np.unique(found)) > 3


def test_bases_beside_the_window_do_not_count(find, random_sequences):
    """Windows that differ wholly within flanks that are the same, and the other way round."""
    flanks, first, second = random_sequences(3, 100)
    texts = [flanks + first + flanks, flanks + second + flanks]
    assert find(texts, [TRAIN, TEST]).all()
    assert not find(texts, [TRAIN, TEST], shift_bp=100).any()
    inner = mutated([first], 0.02)[0]
    texts = [flanks + first + flanks, second + inner + second]
    assert find(texts, [TRAIN, TEST], shift_bp=100).tolist() == [IN_TEST, IN_TRAIN]


def test_blocks_and_ranges_do_not_show(find, random_sequences, monkeypatch):
    originals = random_sequences(300, 100)
    texts, split = originals + mutated(originals, 0.08), [TRAIN] * 300 + [TEST] * 300
    whole = find(texts, split)
    monkeypatch.setattr(near_duplicates, "_BLOCK_BASES", 700)
    monkeypatch.setattr(near_duplicates, "_BLOCK", 70)
    monkeypatch.setattr(near_duplicates, "_RANGE_BITS", 6)
    np.testing.assert_array_equal(find(texts, split), whole)
    assert 0 < np.count_nonzero(whole) < 600


@pytest.mark.parametrize("block", [300, 1 << 22])
def test_a_pair_can_be_told_without_looking_for_all(tmp_path, random_sequences, monkeypatch, block):
    monkeypatch.setattr(near_duplicates, "_BLOCK_BASES", block)
    first, second = random_sequences(2, 200)
    texts = [first, first, second, mutated([first], 0.05)[0], mutated([first], 0.3)[0]]
    packed = sequence.encode(texts, 200)
    scratch = Scratch(tmp_path, {"sequence": ("uint8", packed.shape[1:]), "key": ("uint64", ())})
    scratch.write([{"sequence": packed, "key": window_keys(packed, 200)[0]}])
    is_alike = is_near_duplicate(scratch.read("sequence"), scratch.read("key"), length=200)
    assert is_alike(0, slice(1, 5)).tolist() == [False, False, True, False]
