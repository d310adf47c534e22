"""Columns on disk behave as arrays."""

import numpy as np
import pytest

from data_prep import scratch
from data_prep.scratch import Scratch


@pytest.fixture(params=[1 << 10, 16 << 20], ids=["many pieces", "one piece"])
def columns(request, tmp_path, monkeypatch):
    """Columns of 1000 rows, written in unequal batches, and the arrays they should be."""
    monkeypatch.setattr(scratch, "_PIECE_BYTES", request.param)
    rng = np.random.default_rng(0)
    arrays = {
        "key": rng.integers(0, 2**63, 1000).astype("uint64"),
        "targets": rng.normal(size=(1000, 3)).astype("float32"),
    }
    folder = Scratch(tmp_path / "rows", {"key": ("uint64", ()), "targets": ("float32", (3,))})
    cuts = [0, 10, 10, 500, 1000]
    batches = zip(cuts[:-1], cuts[1:], strict=True)
    written = folder.write({name: a[i:j] for name, a in arrays.items()} for i, j in batches)
    assert written == 1000
    return folder, arrays


@pytest.mark.parametrize("name", ["key", "targets"])
def test_slices_and_rows_are_those_of_the_array(columns, name):
    folder, arrays = columns
    column = folder.read(name)
    assert len(column) == 1000
    np.testing.assert_array_equal(column[:], arrays[name])
    np.testing.assert_array_equal(column[990:2000], arrays[name][990:])
    assert column[5:5].shape == arrays[name][5:5].shape
    rows = np.random.default_rng(1).integers(0, 1000, 3000)
    np.testing.assert_array_equal(column[rows], arrays[name][rows])
    assert column[rows[:0]].shape == arrays[name][:0].shape


def test_rows_are_appended_while_those_before_are_read(columns):
    folder, arrays = columns
    keys, targets = folder.read("key"), folder.read("targets")
    halves = ({"key": keys[i : i + 500] + np.uint64(1), "targets": targets[i : i + 500]}
              for i in (0, 500))  # fmt: skip
    assert folder.append(halves) == 1000
    assert len(keys) == 1000
    expected = np.concatenate([arrays["key"], arrays["key"] + np.uint64(1)])
    np.testing.assert_array_equal(folder.read("key")[:], expected)
    np.testing.assert_array_equal(
        folder.read("targets")[np.array([999, 1999])][0], targets[999:][0]
    )


def test_hash_changes_with_any_row(columns, tmp_path):
    folder, arrays = columns
    other = Scratch(tmp_path / "other", folder.columns)
    other.write([arrays])
    assert other.sha256("key", "targets") == folder.sha256("key", "targets")
    arrays["targets"][-1, -1] += 1
    other.write([arrays])
    assert other.sha256("key") == folder.sha256("key")
    assert other.sha256("key", "targets") != folder.sha256("key", "targets")
