"""Windows around the summits of peaks, and which peaks have their summit in a window.

Shapes: `N` windows.
"""

import numpy as np

from data_prep.intervals import Intervals, overlaps


def summits(peaks: Intervals) -> Intervals:
    """Returns the summit of every peak as an interval of one base; unknown, it is the middle."""
    middle = (peaks.start + peaks.end) // 2
    summit = np.where(peaks.summit < 0, middle, peaks.summit)
    return Intervals(peaks.chrom_id, summit, summit + 1, peaks.strand)


def windows_around(peaks: Intervals, window_bp: int) -> Intervals:
    """Returns every distinct window around a summit once, by chromosome, start and strand.

    The summit is base `window_bp // 2`, counted from 0, of the window as it is read: of one on the
    opposite strand that of its reverse complement. Windows may reach past an end of their
    chromosome.
    """
    found = summits(peaks)
    before = window_bp // 2
    start = found.start - np.where(found.strand == -1, window_bp - 1 - before, before)
    places = np.unique(np.stack([found.chrom_id, start, found.strand]), axis=1)
    chrom_id, start, strand = places
    return Intervals(chrom_id, start, start + window_bp, strand)


def holds_summit(windows: Intervals, peaks: Intervals) -> np.ndarray:
    """Returns which windows hold a summit, bool `[N]`; not one of the opposite strand."""
    found, holds = summits(peaks), np.zeros(len(windows), bool)
    for strand in (-1, 0, 1):
        rows = windows.strand == strand
        if rows.any():
            is_other = found.strand * strand == -1
            holds[rows] = overlaps(windows[rows], found[~is_other])
    return holds
