"""Bins of windows: by hand, against pyBigWig's own numbers, and whichever way they are read."""

import dataclasses
import pickle
import tracemalloc

import numpy as np
import pyBigWig
import pytest

from data_prep import binned_targets
from data_prep.bigwig import open_bigwig
from data_prep.binned_targets import BinnedTargets
from data_prep.intervals import Intervals
from data_prep.track import Track
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

GENOME = (Chrom("I", 400), Chrom("II", 120))
SIZES = {chrom.name: chrom.length for chrom in GENOME}


@pytest.fixture
def small(bigwig):
    """A file with 4 covered bases of 1, 2, 3 and 6 and a hole of 2 between them, from base 40."""
    places = [("I", 40, 41, 1), ("I", 41, 42, 2), ("I", 44, 45, 3), ("I", 45, 46, 6)]
    return bigwig("small.bw", SIZES, places)


@pytest.fixture
def gappy(bigwig):
    """A file of fractions, a third of whose bases are covered by nothing, and its path."""
    rng = np.random.default_rng(0)
    intervals = []
    for chrom in GENOME:
        edges = np.sort(rng.choice(chrom.length, 90, replace=False))
        values = rng.normal(3, 5, 89)
        rows = zip(edges[:-1].tolist(), edges[1:].tolist(), values.tolist(), strict=True)
        intervals += [(chrom.name, *row) for row in rows if rng.random() < 0.67]
    return bigwig("gappy.bw", SIZES, intervals)


def read(path, start=(40,), chrom_id=0, sizes=(8, 4, 0), blacklist=None, track=None, **options):
    """Bins `[N, bins]` of one track."""
    window_bp, bin_bp, crop_bp = sizes
    fields = track or {}
    targets = BinnedTargets(
        [Track("a", str(path), **fields)], GENOME, window_bp=window_bp, bin_bp=bin_bp,
        crop_bp=crop_bp, blacklist=blacklist, **options,
    )  # fmt: skip
    return targets.read(np.broadcast_to(chrom_id, len(start)), np.array(start))[..., 0]


def by_pybigwig(path, start, size, statistic):
    """What pyBigWig makes of the covered bases of each bin, one call per bin; NaN without any."""
    with pyBigWig.open(str(path)) as file:
        found = [
            [file.stats("I", x, x + size, type=statistic, exact=True)[0] for x in starts]
            for starts in start
        ]
    return np.array(found, np.float64)


@pytest.mark.parametrize(
    ("statistic", "zero", "keep"),
    [
        ("mean", [0.75, 2.25, 0], [1.5, 4.5, np.nan]),
        ("sum", [3, 9, 0], [3, 9, np.nan]),
        ("max", [2, 6, 0], [2, 6, np.nan]),
        ("sum_sqrt", [1, np.sqrt(10) - 1, 0], [1, np.sqrt(10) - 1, np.nan]),
    ],
)
def test_bins_by_hand(small, statistic, zero, keep):
    for uncovered, expected in (("zero", zero), ("keep", keep)):
        track = {"statistic": statistic}
        found = read(small, sizes=(12, 4, 0), track=track, uncovered=uncovered)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_steps_in_their_order_by_hand(small):
    """Bins of 3 and 9, twice that, from 4 on 3 + sqrt(x - 3), and no more than 6."""
    track = {"statistic": "sum", "scale": 2, "clip_soft": 4}
    np.testing.assert_allclose(read(small, track=track), [[3 + np.sqrt(3), 3 + np.sqrt(15)]])
    np.testing.assert_allclose(read(small, track=track | {"clip": 6}), [[3 + np.sqrt(3), 6]])


def test_crop_leaves_the_middle_of_a_window(small):
    np.testing.assert_array_equal(read(small, (36,), sizes=(16, 4, 4)), [[0.75, 2.25]])


def test_negative_counts_of_the_minus_strand(bigwig):
    path = bigwig("minus.bw", SIZES, [("I", 40, 41, -1), ("I", 42, 43, -4)])
    for statistic, value in (("max", 4), ("sum", 5)):
        track = {"statistic": statistic, "scale": -1}
        np.testing.assert_array_equal(read(path, track=track, uncovered="keep"), [[value, np.nan]])


def test_negative_coverage_is_told_of(bigwig):
    path = str(bigwig("minus.bw", SIZES, [("I", 40, 41, -1), ("I", 42, 43, -4)]))
    tracks = [Track("a", path), Track("b", path, scale=-1.0)]
    (note,) = BinnedTargets(tracks, GENOME, window_bp=8, bin_bp=4).notes
    assert note.startswith("a goes down to -4: coverage is expected from 0 on")


@pytest.mark.parametrize("statistic", ["mean", "sum", "max"])
def test_covered_bases_against_statistics_of_pybigwig(gappy, statistic):
    starts = np.arange(0, 368, 23)
    found = read(gappy, starts, sizes=(32, 8, 0), track={"statistic": statistic}, uncovered="keep")
    expected = by_pybigwig(gappy, starts[:, None] + np.arange(0, 32, 8), 8, statistic)
    assert 0 < np.isnan(expected).sum() < expected.size / 2
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-6)


@pytest.mark.parametrize("stride", [4096, 1024, 999])
def test_real_data_against_values_of_pybigwig(yeast, stride):
    path = yeast / "atac_coverage.bw"
    chroms = open_bigwig(path).chroms
    tracks = [Track("mean", str(path)), Track("max", str(path), "max", 0.5)]
    targets = BinnedTargets(tracks, chroms, window_bp=4096, bin_bp=32, crop_bp=64)
    for chrom_id, chrom in enumerate(chroms):
        start = np.append(np.arange(0, chrom.length - 4096, stride), chrom.length - 4096)
        with pyBigWig.open(str(path)) as file:
            values = file.values(chrom.name, 0, chrom.length, numpy=True)
        windows = np.lib.stride_tricks.sliding_window_view(values, 4096)[start, 64:-64]
        bins = windows.reshape(len(start), 124, 32).astype(np.float64)
        found = targets.read(np.full(len(start), chrom_id), start)
        np.testing.assert_array_equal(found[..., 0], bins.mean(-1).astype(np.float32))
        np.testing.assert_array_equal(found[..., 1], bins.max(-1) / 2)


def test_the_whole_of_a_larger_file(more_data):
    path = more_data("yeast") / "atac_coverage.bw"
    chroms = open_bigwig(path).chroms
    targets = BinnedTargets([Track("sum", str(path), "sum")], chroms, window_bp=1024, bin_bp=128)
    for chrom_id, chrom in enumerate(chroms):
        start = np.arange(chrom.length // 1024) * 1024
        with pyBigWig.open(str(path)) as file:
            values = file.values(chrom.name, 0, len(start) * 1024, numpy=True)
        expected = values.reshape(-1, 8, 128).sum(-1, dtype=np.float64)
        found = targets.read(np.full(len(start), chrom_id), start)
        np.testing.assert_array_equal(found[..., 0], expected)


def test_a_window_has_one_value_however_it_is_read(gappy, monkeypatch):
    """Alone, among others in any order, or cut into other stretches."""
    rng = np.random.default_rng(1)
    chrom_id = rng.integers(0, 2, 60)
    start = rng.integers(0, np.where(chrom_id, 88, 368))
    blacklist = Intervals([0, 0, 1], [100, 110, 30], [115, 150, 31])
    for uncovered in ("zero", "keep"):
        tracks = [Track(name, str(gappy), name) for name in ("mean", "sum", "max")]
        targets = BinnedTargets(
            tracks, GENOME, window_bp=32, bin_bp=4, uncovered=uncovered, blacklist=blacklist
        )
        together = targets.read(chrom_id, start)
        alone = [targets.read(chrom_id[row : row + 1], start[row : row + 1]) for row in range(60)]
        np.testing.assert_array_equal(together, np.concatenate(alone))
        for name, value in (("_STRETCH_BP", 50), ("_GAP_BP", 2)):
            with monkeypatch.context() as patch:
                patch.setattr(binned_targets, name, value)
                np.testing.assert_array_equal(targets.read(chrom_id, start), together)
        np.testing.assert_array_equal(
            pickle.loads(pickle.dumps(targets)).read(chrom_id, start), together
        )


def test_windows_up_to_both_ends_of_a_chromosome(bigwig):
    path = bigwig("ends.bw", SIZES, [("I", 0, 1, 8), ("I", 399, 400, 4), ("II", 119, 120, 12)])
    np.testing.assert_array_equal(read(path, (0, 392)), [[2, 0], [0, 1]])
    np.testing.assert_array_equal(read(path, (112,), 1), [[0, 3]])


def test_no_windows(small):
    assert read(small, ()).shape == (0, 2)


def test_chromosomes_that_a_file_does_not_have(bigwig):
    path = bigwig("short.bw", {"II": 120}, [("II", 0, 120, 1)])
    np.testing.assert_array_equal(read(path, (0, 8)), np.zeros((2, 2)))
    assert np.isnan(read(path, (0, 8), uncovered="keep")).all()
    np.testing.assert_array_equal(read(path, (0,), 1), [[1, 1]])


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [("missing", [np.nan, 9]), ("zero", [2, 9]), ("clip", [2 + 12 / 520, 9])],
)
def test_blacklisted_bases(small, treatment, expected):
    """Base 40 with its 1 is blacklisted; the file's mean over its 520 bases is 12 / 520."""
    options = {"blacklist": Intervals([0, 1], [30, 41], [41, 50]), "blacklisted": treatment}
    for uncovered in ("zero", "keep"):
        found = read(small, track={"statistic": "sum"}, uncovered=uncovered, **options)
        np.testing.assert_allclose(found, [expected], rtol=1e-6)


@pytest.mark.parametrize(("treatment", "value"), [("missing", np.nan), ("zero", 2), ("clip", 2)])
def test_blacklisted_bases_that_nothing_covers(small, treatment, value):
    """Bases 42 and 43: nothing to limit, but the bin is not to be trusted."""
    options = {"blacklist": Intervals([0], [42], [44]), "blacklisted": treatment}
    for uncovered in ("zero", "keep"):
        found = read(small, track={"statistic": "max"}, uncovered=uncovered, **options)
        np.testing.assert_array_equal(found, [[value, 6]])


def test_a_limit_is_in_the_units_after_the_scale(small):
    options = {"blacklist": Intervals([0], [40], [48]), "blacklisted": "clip"}
    found = read(small, track={"statistic": "max", "scale": 10}, **options)
    np.testing.assert_allclose(found, [[10 * 12 / 520] * 2], rtol=1e-6)


def test_the_scale_for_storage_comes_from_the_largest_value(bigwig):
    path = str(bigwig("large.bw", SIZES, [("I", 0, 4, 60000), ("I", 4, 5, 0.25)]))
    tracks = [Track(name, path, name) for name in ("mean", "sum")]
    targets = BinnedTargets(tracks, GENOME, window_bp=8, bin_bp=4)
    assert targets.target_scale == (1, 4)
    values = targets.read(np.zeros(1, int), np.zeros(1, int))
    stored = targets.store(values)
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored * np.float32([1, 4]), values)
    assert targets.loss(values, stored).num_overflowed.tolist() == [0, 0]
    assert BinnedTargets(tracks[:1], GENOME, window_bp=8, bin_bp=4).target_scale == ()


def test_values_beyond_the_zoom_levels_are_refused(small):
    targets = BinnedTargets([Track("a", str(small))], GENOME, window_bp=8, bin_bp=4)
    message = r"small.bw has values beyond those of its own zoom levels, up to 70000 in a bin; "
    with pytest.raises(InputError, match=message):
        targets.store(np.float32([[[1.0], [70000.0]]]))


@pytest.mark.parametrize(
    ("chrom_id", "start", "message"),
    [
        (0, 393, r"window I:393-401 is not within I \(400 bp\)"),
        (1, -1, r"window II:-1-7 is not within II \(120 bp\)"),
        (-1, -1, "window 1 has no place in the genome, so it has no coverage"),
        (2, 0, "window 1 has no place in the genome, so it has no coverage"),
    ],
)
def test_windows_that_are_nowhere(small, chrom_id, start, message):
    with pytest.raises(InputError, match=message):
        read(small, (0, start), (0, chrom_id))


def test_what_cannot_be_asked_for(small):
    with pytest.raises(InputError, match=r"windows of 9 bp, expected whole bins of 4 bp"):
        read(small, sizes=(9, 4, 0))
    with pytest.raises(InputError, match=r"no --uncovered 'none'. There are: zero, keep"):
        read(small, uncovered="none")
    with pytest.raises(InputError, match=r"no --blacklisted 'nan'. There are: missing, zero, clip"):
        read(small, blacklisted="nan")
    other = [dataclasses.replace(chrom, length=chrom.length + 1) for chrom in GENOME]
    with pytest.raises(InputError, match=r"small.bw: I has 400 bp, but I of the genome 401; was"):
        BinnedTargets([Track("a", str(small))], other, window_bp=8, bin_bp=4)


def test_names_of_another_style_and_what_the_user_is_told(small):
    genome = [dataclasses.replace(chrom, name=f"chr{chrom.name}") for chrom in GENOME]
    tracks = [Track("a", str(small))]
    targets = BinnedTargets(tracks, genome, window_bp=8, bin_bp=4, chrom_alias="auto")
    assert "I = chrI, II = chrII (small.bw)" in targets.notes[0]
    np.testing.assert_array_equal(targets.read([0], [40])[0, :, 0], [0.75, 2.25])


def test_memory_does_not_grow_with_the_windows(yeast):
    """Ten times as many windows, over ten times as many bases, read in batches of one size."""
    path = yeast / "atac_coverage.bw"
    chroms = open_bigwig(path).chroms
    targets = BinnedTargets([Track("a", str(path))], chroms, window_bp=4096, bin_bp=32)

    def peak(count):
        tracemalloc.start()
        for first in range(0, count, 10):
            start = np.arange(first, first + 10) * 4096
            targets.read(np.full(10, 1), start)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(190) < 1.1 * peak(20)
