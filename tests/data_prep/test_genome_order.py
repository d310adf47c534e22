"""Windows in the order of the genome, and their clusters, against comparing them one by one."""

import numpy as np
import pytest

from data_prep import genome_order
from data_prep.genome_order import clusters, in_order
from data_prep.scratch import Scratch


@pytest.fixture
def columns(tmp_path):
    """Writes chromosomes and starts as columns on disk."""

    def write(chrom_id, start):
        scratch = Scratch(tmp_path / "rows", {"chrom_id": ("int32", ()), "start": ("int64", ())})
        scratch.write([{"chrom_id": np.array(chrom_id), "start": np.array(start)}])
        return scratch.read("chrom_id"), scratch.read("start")

    return write


@pytest.mark.parametrize("block", [8, 50, 1 << 18])
def test_parts_are_all_windows_in_order(columns, tmp_path, monkeypatch, block):
    monkeypatch.setattr(genome_order, "_BLOCK", block)
    rng = np.random.default_rng(0)
    chrom_id, start = rng.integers(-1, 3, 300), rng.integers(0, 2000, 300)
    split = rng.integers(-1, 3, 300)
    found = list(in_order(*columns(chrom_id, start), tmp_path / "parts", length=20, split=split))
    rows = np.concatenate([part.rows for part in found])
    expected = [row for row in np.lexsort((start, chrom_id)) if min(chrom_id[row], split[row]) >= 0]
    places = np.stack([chrom_id, start])
    np.testing.assert_array_equal(places[:, rows], places[:, expected])
    assert sorted(rows) == sorted(expected)
    for part in found:
        assert part.last - part.first >= 20
        assert (np.diff(part.places) >= 0).all()
        assert ((part.places >= part.first) & (part.places < part.last)).all()
    assert [part.first for part in found[1:]] == [part.last for part in found[:-1]]
    assert (len(found) > 1) == (block < 300)
    assert not (tmp_path / "parts").exists()


def test_what_a_killed_build_left_does_no_harm(columns, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "0.bin").write_bytes(bytes(160))
    (part,) = in_order(*columns([0], [5]), tmp_path / "parts", length=10)
    assert part.rows.tolist() == [0]


def test_clusters_by_hand(columns, tmp_path):
    """A chain of overlaps is one cluster, though its ends share no base; touching is none."""
    found, count = clusters(
        *columns([1, 0, 0, 0, 0, 1], [0, 6, 14, 0, 24, 9]), tmp_path / "parts", length=10
    )
    assert (found.tolist(), count) == ([2, 0, 0, 0, 1, 2], 3)


@pytest.mark.parametrize("block", [8, 1 << 18])
def test_random_clusters_one_by_one(columns, tmp_path, monkeypatch, block):
    monkeypatch.setattr(genome_order, "_BLOCK", block)
    rng = np.random.default_rng(1)
    chrom_id, start = rng.integers(0, 3, 120), rng.integers(0, 900, 120)
    found, count = clusters(*columns(chrom_id, start), tmp_path / "parts", length=10)
    expected, number = np.empty(120, int), -1
    for before, row in zip([None, *(order := np.lexsort((start, chrom_id)))], order, strict=False):
        number += (
            before is None or chrom_id[before] != chrom_id[row] or start[row] - start[before] >= 10
        )
        expected[row] = number
    np.testing.assert_array_equal(found, expected)
    assert count == number + 1 > 20
