"""The GC content of positives and negatives, against SciPy, and a match that is poor."""

import numpy as np
import pytest
import scipy.stats

from data_prep import gc_match as module
from data_prep.gc_match import gc_match, warnings
from data_prep.scratch import Scratch
from tfrecords import sequence

TRAIN, VALID, TEST = range(3)


@pytest.fixture
def match(tmp_path):
    def find(texts, targets, split, **options):
        length = len(texts[0])
        packed = sequence.encode(texts, length)
        targets = np.array(targets, np.float32).reshape(len(texts), -1)
        kinds = {"sequence": ("uint8", packed.shape[1:]), "targets": ("float32", targets.shape[1:])}
        scratch = Scratch(tmp_path, kinds)
        scratch.write([{"sequence": packed, "targets": targets}])
        columns = scratch.read("sequence"), scratch.read("targets")
        return gc_match(*columns, np.array(split, np.int8), length=length, **options)

    return find


def drawn(count, gc, seed, length=100):
    """Texts with that share of C and G."""
    shares = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    letters = np.random.default_rng(seed).choice(list("ACGT"), (count, length), p=shares)
    return ["".join(row) for row in letters]


def test_by_hand(match):
    """Unknown bases do not count; a positive of any task is one; a row of no split is none."""
    texts = ["ACGT", "CCGN", "AATT", "AACT", "CCCC", "AAAA"]
    targets = [[1, 0], [np.nan, 1], [0, 0], [0, np.nan], [0, 0], [1, 1]]
    found = match(texts, targets, [TRAIN] * 4 + [-2, TEST])
    assert found == {
        "train": {
            "negatives": 2, "positives": 2, "gc_of_negatives": 0.125, "gc_of_positives": 0.75,
            "largest_gc_difference": 1.0, "is_poor": False,
        }
    }  # fmt: skip


@pytest.mark.parametrize("block", [1000, 1 << 22])
def test_the_difference_is_that_of_kolmogorov_and_smirnov(match, monkeypatch, block):
    monkeypatch.setattr(module, "_BLOCK_BASES", block)
    texts = drawn(300, 0.4, 0) + drawn(200, 0.5, 1)
    found = match(texts, [0] * 300 + [1] * 200, [VALID] * 500)["valid"]
    gc = np.array([(text.count("C") + text.count("G")) / 100 for text in texts])
    expected = scipy.stats.ks_2samp(gc[:300], gc[300:])
    assert found["largest_gc_difference"] == pytest.approx(expected.statistic)
    assert found["gc_of_negatives"] == pytest.approx(gc[:300].mean())
    assert found["gc_of_positives"] == pytest.approx(gc[300:].mean())
    assert found["is_poor"]


def test_equal_classes_match_and_unequal_ones_do_not(match):
    """Train is drawn alike, valid is not; test is neither, but too small to tell."""
    texts = drawn(400, 0.4, 0) + drawn(200, 0.4, 1) + drawn(200, 0.6, 2) + drawn(10, 0.5, 3)
    targets = [0, 1] * 200 + [0] * 200 + [1] * 200 + [0] * 5 + [1] * 5
    found = match(texts, targets, [TRAIN] * 400 + [VALID] * 400 + [TEST] * 10)
    assert {name: values["is_poor"] for name, values in found.items()} == {
        "train": False, "valid": True, "test": False,
    }  # fmt: skip
    (line,) = warnings(found)
    assert line.startswith(
        "Warning: the negatives of valid do not match the GC content of its positives: 0.39"
    )
    assert line.endswith("at most; a model can tell them apart by it.")


def test_what_is_stored_beside_the_window_does_not_count(match):
    found = match(["CCATCC", "CCGCGG"], [0, 1], [TRAIN] * 2, shift_bp=2)["train"]
    assert (found["gc_of_negatives"], found["gc_of_positives"]) == (0, 1)
