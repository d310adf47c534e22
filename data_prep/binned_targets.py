"""Binned values of many bigWig files in many windows of a genome.

What becomes of the values of bases: `data_prep/track.py`.

Axes: `N` windows, `T` tracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep import half_precision
from data_prep.bigwig import BigWig, names_in, open_bigwig
from data_prep.blacklist import TREATMENTS, Blacklist, limit_of
from data_prep.intervals import Intervals
from data_prep.track import Track
from tfrecords import bins
from tfrecords.chrom import PLACE_BITS, Chrom, place
from tfrecords.errors import InputError, check_known

UNCOVERED = ("zero", "keep")
# Windows of one chromosome within so many bases are read at once, and gaps up to so many bases
# between them are read with them: a call and the block that it unpacks twice cost about as much.
_STRETCH_BP = 1 << 20
_GAP_BP = 1 << 15


class BinnedTargets:
    """Targets of windows of `window_bp`, from `crop_bp` to its end less `crop_bp`, in bins.

    It holds no open files: it may be pickled, and read from by several processes.

    Args:
        tracks: What to read.
        chroms: The genome; `chrom_id` is a place in it.
        window_bp: Bases of a window.
        bin_bp: Bases of a bin.
        crop_bp: Bases at either end of a window that have no bins.
        uncovered: What bases that a file does not cover are: `zero`, or `keep` them out. A bin is
            then of its covered bases alone, and missing if it has none.
        blacklist: Intervals whose bases are not to be trusted.
        blacklisted: What becomes of the bases in them: `missing` with the whole bin, `zero`, or
            `clip` to the mean of the track over its chromosomes.
        chrom_alias: How names that are not in `chroms` are matched; see `bigwig.names_in`.

    Attributes:
        tasks: Names of the tracks.
        num_bins: Of a window.
        target_scale: What `store` divides by, for each track; () if it is 1 for all.
        paths: Of the files, in order.
        notes: Lines to tell the user.

    Raises:
        InputError: A file is missing, damaged or of another genome, or the sizes do not fit.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        chroms: Sequence[Chrom],
        *,
        window_bp: int,
        bin_bp: int,
        crop_bp: int = 0,
        uncovered: str = "zero",
        blacklist: Intervals | None = None,
        blacklisted: str = "missing",
        chrom_alias: str = "none",
    ):
        bins.check(window_bp, bin_bp, crop_bp)
        check_known("no --uncovered", uncovered, UNCOVERED, "There are")
        check_known("no --blacklisted", blacklisted, TREATMENTS, "There are")
        self._chroms = tuple(chroms)
        self._window_bp, self._bin_bp, self._crop_bp = window_bp, bin_bp, crop_bp
        self._keeps_uncovered = uncovered == "keep"
        self._blacklist = None if blacklist is None else Blacklist(blacklist)
        self.num_bins = bins.count(window_bp, bin_bp, crop_bp)
        bigwigs = [open_bigwig(track.path) for track in tracks]
        names, notes = names_in(bigwigs, chroms, chrom_alias)
        self.notes = notes + _notes_on_signs(tracks, bigwigs)
        self._files = [
            _File(track, bigwig, own_names, *_fitted(track, bigwig, bin_bp, blacklisted))
            for track, bigwig, own_names in zip(tracks, bigwigs, names, strict=True)
        ]
        self.tasks = tuple(track.name for track in tracks)
        self.paths = tuple(track.path for track in tracks)
        self._scale = tuple(file.half_scale for file in self._files)
        self.target_scale = self._scale if any(scale != 1 for scale in self._scale) else ()

    def read(self, chrom_id: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Returns the values of windows, float32 `[N, num_bins, T]`, NaN where missing.

        Windows may overlap, repeat and stand in any order. Reading is fastest where they lie close
        together; it takes memory for what it returns and for one stretch of bases.

        Args:
            chrom_id: Chromosome of each window, int `[N]`.
            start: Its first base, int `[N]`.

        Raises:
            InputError: A window is not within its chromosome, or a file is damaged.
        """
        chrom_id, start = np.asarray(chrom_id, np.int64), np.asarray(start, np.int64)
        self._check_windows(chrom_id, start)
        places, rows = np.unique(place(chrom_id, start), return_inverse=True)
        stretches = self._stretches(places)
        values = np.empty((len(places), self.num_bins, len(self._files)), np.float32)
        for task, file in enumerate(self._files):
            wanted = [(file.names[s.chrom_id], s.start, s.end) for s in stretches]
            for stretch, bases in zip(stretches, file.bigwig.read(wanted), strict=True):
                values[stretch.rows, :, task] = self._binned(bases, stretch, file)
        return values[rows]

    def store(self, values: np.ndarray) -> np.ndarray:
        """Returns values `[..., T]` as records hold them: float16, divided by `target_scale`.

        Raises:
            InputError: A value exceeds what the zoom levels of its file say.
        """
        stored = half_precision.to_half(values, self._scale)
        if np.isinf(stored).any():
            task = np.argwhere(np.isinf(stored))[0][-1]
            raise InputError(
                f"{self.paths[task]} has values beyond those of its own zoom levels, up to "
                f"{np.nanmax(np.abs(values[..., task])):.6g} in a bin; write the file anew"
            )
        return stored

    def loss(self, values: np.ndarray, stored: np.ndarray) -> half_precision.Loss:
        """Returns what `store` lost of values `[..., T]`."""
        return half_precision.loss(values, stored, self._scale)

    def _check_windows(self, chrom_id: np.ndarray, start: np.ndarray) -> None:
        lengths = np.array([chrom.length for chrom in self._chroms])
        is_known = (chrom_id >= 0) & (chrom_id < len(lengths))
        room = np.where(is_known, lengths[np.where(is_known, chrom_id, 0)], -1)
        wrong = np.flatnonzero((start < 0) | (start + self._window_bp > room))
        if not wrong.size:
            return
        row = wrong[0]
        if not is_known[row]:
            raise InputError(f"window {row} has no place in the genome, so it has no coverage")
        chrom = self._chroms[chrom_id[row]]
        raise InputError(
            f"window {chrom.name}:{start[row]}-{start[row] + self._window_bp} is not within "
            f"{chrom.name} ({chrom.length} bp)"
        )

    def _stretches(self, places: np.ndarray) -> list["_Stretch"]:
        """Divides windows, in the order of the genome, into stretches that are read at once."""
        chrom_id = places >> PLACE_BITS
        first = (places & ((1 << PLACE_BITS) - 1)) + self._crop_bp
        span = self.num_bins * self._bin_bp
        is_far = np.diff(first) > span + _GAP_BP
        is_new = is_far | (np.diff(chrom_id) != 0) | (np.diff(first // _STRETCH_BP) != 0)
        bounds = [0, *(np.flatnonzero(is_new) + 1).tolist(), len(places)]
        return [
            _Stretch(
                int(chrom_id[low]), int(first[low]), int(first[high - 1]) + span,
                slice(low, high), first[low:high] - first[low],
            )
            for low, high in zip(bounds[:-1], bounds[1:], strict=True)
            if high > low
        ]  # fmt: skip

    def _binned(self, bases: np.ndarray, stretch: "_Stretch", file: "_File") -> np.ndarray:
        """Returns the bins of the windows of a stretch, float `[windows, num_bins]`."""
        track = file.track
        uncovered = np.isnan(bases)
        has_uncovered = uncovered.any()
        if track.scale != 1:
            bases *= np.float32(track.scale)
        if has_uncovered:
            is_ignored = self._keeps_uncovered and track.reduction == "max"
            np.copyto(bases, -np.inf if is_ignored else 0, where=uncovered)
        inside = self._inside(stretch)
        if inside is not None:
            # What is not covered has nothing to limit, but its bin goes missing all the same.
            inside &= ~uncovered | np.isnan(file.limit)
            bases[inside] = np.clip(bases[inside], -file.limit, file.limit)
        edges = stretch.offsets[:, None] + np.arange(self.num_bins + 1) * self._bin_bp
        if track.reduction == "max":
            found = _reduce(np.maximum, bases, edges, np.float32)
        else:
            found = _reduce(np.add, bases, edges, np.float64)
        count = self._bin_bp
        if has_uncovered and self._keeps_uncovered:
            count = _reduce(np.add, ~uncovered, edges, np.int64)
            found[count == 0] = np.nan
            count = np.maximum(count, 1)
        if track.reduction == "mean":
            found /= count
        return track.squash(found)

    def _inside(self, stretch: "_Stretch") -> np.ndarray | None:
        if self._blacklist is None:
            return None
        return self._blacklist.inside(stretch.chrom_id, stretch.start, stretch.end)


@dataclass(frozen=True)
class _File:
    """A track, its file, the name in it of each chromosome, and the limit of blacklisted bases."""

    track: Track
    bigwig: BigWig
    names: tuple[str | None, ...]
    half_scale: float
    limit: float


@dataclass(frozen=True)
class _Stretch:
    """Bases of a chromosome, from the first bin of its first window to the last of its last.

    `rows` are its windows among all, `offsets` where the bins of each begin, int `[windows]`.
    """

    chrom_id: int
    start: int
    end: int
    rows: slice
    offsets: np.ndarray


def _reduce(ufunc: np.ufunc, bases: np.ndarray, edges: np.ndarray, dtype: type) -> np.ndarray:
    """Returns `ufunc` over the bases between neighbouring edges, `[windows, bins]`.

    Args:
        ufunc: Add or maximum.
        bases: Of a stretch; the last edge is its end.
        edges: `[windows, bins + 1]`, each row beginning behind the row before.
        dtype: Of the result.
    """
    # From edge to edge: what lies between the last of a window and the first of the next is no
    # bin, nor is the one base that stands where a window begins before the one before it ends.
    found = np.empty(edges.size, dtype)
    ufunc.reduceat(bases, edges.ravel()[:-1], dtype=dtype, out=found[:-1])
    return found.reshape(edges.shape)[:, :-1]


def _fitted(track: Track, bigwig: BigWig, bin_bp: int, blacklisted: str) -> tuple[float, float]:
    """Returns the scale that a track is stored with, and the limit of its blacklisted bases."""
    scale = half_precision.scale_for(track.largest_bin(bigwig, bin_bp))
    return scale, limit_of(bigwig, track.scale, blacklisted)


def _notes_on_signs(tracks: Sequence[Track], bigwigs: Sequence[BigWig]) -> tuple[str, ...]:
    lowest = [track.extremes(bigwig)[0] for track, bigwig in zip(tracks, bigwigs, strict=True)]
    return tuple(
        f"{track.name} goes down to {low:.6g}: coverage is expected from 0 on, and most losses of "
        "it need that; if these are counts of the minus strand, give scale -1 in --targets=FILE."
        for track, low in zip(tracks, lowest, strict=True)
        if low < 0
    )
