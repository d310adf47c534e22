"""What can be said of coverage without a network: by composition, k-mers, motifs, annotation.

Each is fitted on bins of some chromosomes and then predicts every bin of the genome.

Shapes: `N` windows of `B` bins; `G` bins of the genome, chromosome behind chromosome; `F` features
that are counted in each: motifs, or k-mers, of which one and its reverse complement are the same.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from data_prep.genome import Genome
from data_prep.intervals import Intervals
from tfrecords import sequence

BIN_BP = 32
# Bins on either side of a bin over which k-mers are counted: 96 to 2016 bp in all.
REACHES = (1, 3, 7, 15, 31)
# Added to the variance of every feature, as a share of the mean of these variances.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# What is called a match of a motif: so much of the way from its worst to its best log-odds.
MATCHES = (0.8, 0.85, 0.9)
_PSEUDOCOUNT = 1.0
# Neighbouring bins have nearly the same features around them, so every fourth is enough to fit.
THINNING = 4
MAX_DISTANCE = 64
_ROWS = 4096


@dataclasses.dataclass(frozen=True)
class Bins:
    """Bins of windows: their places in a `Grid` and their coverage (NaN: missing), `[N, B]`."""

    places: np.ndarray
    coverage: np.ndarray

    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns places and coverage `[n]` of the bins that are not missing."""
        is_known = ~np.isnan(self.coverage)
        return self.places[is_known], self.coverage[is_known]


@dataclasses.dataclass(frozen=True)
class Track:
    """Predictions of all bins of the genome `[G]`, and how what they depend on was chosen."""

    values: np.ndarray
    chosen: dict[str, Any]


class Grid:
    """The bins of a genome; the first and the last of each chromosome may be shorter.

    Args:
        genome: The genome.
        begin_bp: A position at which a bin begins, of every chromosome the same.
    """

    def __init__(self, genome: Genome, begin_bp: int = 0):
        self._genome, self._before_bp = genome, -begin_bp % BIN_BP
        self._lengths = np.array([chrom.length for chrom in genome.chroms])
        sizes = -(-(self._lengths + self._before_bp) // BIN_BP)
        self._first = np.cumsum(sizes) - sizes
        self.num_bins = int(sizes.sum())
        self.chrom_id = np.repeat(np.arange(len(sizes)), sizes)
        self._begin, self._end = self._first[self.chrom_id], (self._first + sizes)[self.chrom_id]

    def place(self, chrom_id: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Returns the bins in which positions lie."""
        return self._first[chrom_id] + (position + self._before_bp) // BIN_BP

    def middles(self) -> np.ndarray:
        """Returns the position of the middle of each whole bin in its chromosome, `[G]`."""
        first = BIN_BP // 2 - self._before_bp
        return (np.arange(self.num_bins) - self._begin) * BIN_BP + first

    def around(self, bins: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the first and the end of the bins around some, within their chromosomes."""
        return (
            np.maximum(bins - reach, self._begin[bins]),
            np.minimum(bins + reach + 1, self._end[bins]),
        )

    def kmer_counts(self, k: int) -> sparse.csr_matrix:
        """Returns how often k-mers begin in each bin, `[G, F]`."""
        pairs = sequence.pair_of_kmer(k)
        rows, columns = [], []
        for chrom_id, length in enumerate(self._lengths):
            packed = self._genome.windows([chrom_id], [0], int(length))
            (ids,) = sequence.kmer_ids(packed, int(length), k)
            places = np.flatnonzero(ids >= 0)
            rows.append(self.place(chrom_id, places))
            columns.append(pairs[ids[places]])
        return self._counted(rows, columns, int(pairs.max()) + 1)

    def motif_matches(self, motifs: Sequence[np.ndarray], share: float) -> sparse.csr_matrix:
        """Returns how often motifs match, on either strand, by the bins of their middles, `[G, F]`.

        Args:
            motifs: How often A, C, G and T were seen at each place of a motif, `[W, 4]` each.
            share: How near to the best log-odds, between the worst (0) and the best (1).
        """
        weak, strong = np.asarray(self.kmer_counts(1).sum(axis=0))[0]
        background = np.array([weak, strong, strong, weak]) / (2 * (weak + strong))
        rows, columns = [], []
        for chrom_id, length in enumerate(self._lengths):
            packed = self._genome.windows([chrom_id], [0], int(length))
            (one_hot,) = sequence.unpack(packed, int(length))
            for column, counts in enumerate(motifs):
                odds = np.log((counts + _PSEUDOCOUNT * background) / background)
                odds -= np.log(counts.sum(axis=1, keepdims=True) + _PSEUDOCOUNT)
                worst, best = odds.min(axis=1).sum(), odds.max(axis=1).sum()
                for strand in (odds, odds[::-1, ::-1]):
                    # An unknown base says nothing for or against a motif: log-odds of 0.
                    scores = sum(np.roll(one_hot @ w, -place) for place, w in enumerate(strand))
                    scores = scores[: max(0, len(scores) - len(odds) + 1)]
                    found = np.flatnonzero(scores >= worst + share * (best - worst))
                    rows.append(self.place(chrom_id, found + len(odds) // 2))
                    columns.append(np.full(len(found), column))
        return self._counted(rows, columns, len(motifs))

    def _counted(
        self, rows: Sequence[np.ndarray], columns: Sequence[np.ndarray], num_features: int
    ) -> sparse.csr_matrix:
        """Returns how often each pair of bin and feature is there, `[G, F]`."""
        at = np.concatenate(rows), np.concatenate(columns)
        shape = self.num_bins, num_features
        return sparse.csr_matrix((np.ones(len(at[0]), np.float32), at), shape=shape)


def read_jaspar(path: str | os.PathLike, names: Sequence[str]) -> list[np.ndarray]:
    """Returns some matrices of a file in JASPAR format, counts `[W, 4]` each, by their names."""
    found = {}
    for entry in pathlib.Path(path).read_text().split(">")[1:]:
        head, *lines = entry.strip().split("\n")
        counts = [re.findall(r"[\d.]+", line.partition("[")[2]) for line in lines]
        found[head.split()[1]] = np.array(counts, float).T
    return [found[name] for name in names]


def best_kmers(grid: Grid, train: Bins, valid: Bins) -> Track:
    """Returns the best of 4-mers and 5-mers at all reaches, and of 6-mers at the best reach."""
    short = fit_kmers(grid, train, valid, ks=(4, 5))
    reach = (short.chosen["around_bp"] // BIN_BP - 1) // 2
    long = fit_kmers(grid, train, valid, ks=(6,), reaches=(reach,))
    return max((short, long), key=_valid_r)


def fit_kmers(
    grid: Grid,
    train: Bins,
    valid: Bins,
    ks: Sequence[int],
    reaches: Sequence[int] = REACHES,
) -> Track:
    """Returns the best fit to k-mers around bins; one-mers are the share of G and C."""
    counts = (({"k": k}, grid.kmer_counts(k)) for k in ks)
    return max((_fit(grid, train, valid, *found, reaches) for found in counts), key=_valid_r)


def fit_motifs(grid: Grid, train: Bins, valid: Bins, motifs: Sequence[np.ndarray]) -> Track:
    """Returns the best fit to matches of motifs, `[W, 4]` each, around bins."""
    counts = (
        ({"motifs": len(motifs), "match": share}, grid.motif_matches(motifs, share))
        for share in MATCHES
    )
    return max((_fit(grid, train, valid, *found, REACHES) for found in counts), key=_valid_r)


def fit_starts(grid: Grid, train: Bins, transcripts: Intervals) -> Track:
    """Returns the mean coverage of training bins at each distance from the nearest start.

    Distances are in the direction of the transcript, from -2 to +2 kb; further ones are one.
    """
    codes = _distance_codes(grid, transcripts)
    places, coverage = train.known()
    size = 2 * MAX_DISTANCE + 1
    sums = np.bincount(codes[places], coverage, size)
    means = sums / np.maximum(np.bincount(codes[places], minlength=size), 1)
    return Track(means[codes], {"distance_bp": MAX_DISTANCE * BIN_BP})


def correlation(values: np.ndarray, bins: Bins) -> float:
    """Returns the linear correlation of predictions `[G]` with the coverage of some bins."""
    places, coverage = bins.known()
    return float(np.corrcoef(values[places], coverage)[0, 1])


def _valid_r(track: Track) -> float:
    return track.chosen["valid_r"]


def _fit(
    grid: Grid,
    train: Bins,
    valid: Bins,
    what: dict[str, Any],
    counts: sparse.csr_matrix,
    reaches: Sequence[int],
) -> Track:
    """Fits ridge regressions on features around bins; that best correlated with `valid` is kept.

    It is of coverage, or of `log(1 + coverage)`, which its largest values weigh less in.
    """
    places, coverage = train.known()
    places, coverage = places[::THINNING], coverage[::THINNING]
    targets = np.stack([coverage, np.log1p(coverage)], axis=1)
    found = []
    for reach in reaches:
        moments = _moments(grid, counts, reach, places, targets)
        for penalty, weights in _ridge(*moments):
            tracks = _smoothed(grid, counts @ weights, reach)
            for unit, values in zip(("coverage", "log"), tracks.T, strict=True):
                chosen = what | {"around_bp": (2 * reach + 1) * BIN_BP, "penalty": penalty}
                chosen |= {"fitted": unit, "valid_r": correlation(values, valid)}
                found.append(Track(values, chosen))
    return max(found, key=_valid_r)


def _distance_codes(grid: Grid, transcripts: Intervals) -> np.ndarray:
    """Returns the distance of each bin from the nearest start, in bins from 0 on, `[G]`."""
    minus = transcripts.strand < 0
    starts = np.where(minus, transcripts.end - 1, transcripts.start)
    # All chromosomes on one line, further from each other than they are long.
    line = transcripts.chrom_id.astype(np.int64) << 40 | starts
    order = np.argsort(line, kind="stable")
    line, sense = line[order], np.where(minus, -1, 1)[order]
    middles = grid.chrom_id.astype(np.int64) << 40 | grid.middles()
    right = np.searchsorted(line, middles)
    left, right = np.maximum(right - 1, 0), np.minimum(right, len(line) - 1)
    is_left = np.abs(middles - line[left]) <= np.abs(line[right] - middles)
    nearest = np.where(is_left, left, right)
    distance = (middles - line[nearest]) * sense[nearest] // BIN_BP
    is_far = np.abs(distance) >= MAX_DISTANCE
    return np.where(is_far, 0, distance + MAX_DISTANCE)


def _moments(
    grid: Grid, counts: sparse.csr_matrix, reach: int, places: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns covariances of features with features `[F, F]` and with targets `[F, 2]`."""
    num_features = counts.shape[1]
    gram, cross = np.zeros((num_features, num_features)), np.zeros((num_features, 2))
    total = np.zeros(num_features)
    centred = targets - targets.mean(axis=0)
    for start in range(0, len(places), _ROWS):
        rows = slice(start, start + _ROWS)
        features = (_boxes(grid, places[rows], reach) @ counts).toarray()
        gram += features.T @ features
        cross += features.T @ centred[rows]
        total += features.sum(axis=0, dtype=np.float64)
    mean = total / len(places)
    return gram / len(places) - np.outer(mean, mean), cross / len(places)


def _boxes(grid: Grid, bins: np.ndarray, reach: int) -> sparse.csr_matrix:
    """Returns the matrix `[n, G]` that takes the mean over the bins around each of some."""
    first, end = grid.around(bins, reach)
    sizes = end - first
    ends = np.cumsum(sizes)
    columns = np.arange(ends[-1]) - np.repeat(ends - sizes - first, sizes)
    values = np.repeat(1 / sizes, sizes).astype(np.float32)
    return sparse.csr_matrix(
        (values, columns, np.concatenate([[0], ends])), shape=(len(bins), grid.num_bins)
    )


def _smoothed(grid: Grid, values: np.ndarray, reach: int) -> np.ndarray:
    """Returns the means over the bins around each bin, `[G, 2]` of `[G, 2]`."""
    first, end = grid.around(np.arange(grid.num_bins), reach)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return (sums[end] - sums[first]) / (end - first)[:, None]


def _ridge(gram: np.ndarray, cross: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Yields penalties, and the weights `[F, 2]` with each."""
    unit = np.trace(gram) / len(gram)
    for penalty in PENALTIES:
        yield penalty, np.linalg.solve(gram + penalty * unit * np.eye(len(gram)), cross)
