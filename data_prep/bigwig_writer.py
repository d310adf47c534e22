"""Predictions of binned coverage along a genome, as bigWig files, one a task.

Shapes: `N` windows of `B` bins, `T` tasks.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from data_prep.genome import Genome
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.files import replacing

SUFFIXES = (".bw", ".bigwig")


class Tiles(NamedTuple):
    """Windows side by side.

    Attributes:
        chrom_id: Position of the chromosome, int64 `[N]`.
        start: First base that has a bin, int64 `[N]`; windows begin `crop_bp` before.
        sequence: Packed windows, uint8 `[N, ceil(window_bp / 2)]`.
    """

    chrom_id: np.ndarray
    start: np.ndarray
    sequence: np.ndarray


def num_tiles(genome: Genome, window_bp: int, crop_bp: int) -> int:
    """Returns how many windows `tiles` yields."""
    return sum(-(-chrom.length // (window_bp - 2 * crop_bp)) for chrom in genome.chroms)


def tiles(genome: Genome, window_bp: int, crop_bp: int, size: int) -> Iterator[Tiles]:
    """Yields windows whose bins cover all of a genome once, at most `size` at a time.

    At the ends of chromosomes windows reach beyond them, into padding.
    """
    covered_bp = window_bp - 2 * crop_bp
    for chrom_id, chrom in enumerate(genome.chroms):
        starts = np.arange(0, chrom.length, covered_bp)
        for first in range(0, len(starts), size):
            start = starts[first : first + size]
            ids = np.full(len(start), chrom_id)
            yield Tiles(ids, start, genome.windows(ids, start - crop_bp, window_bp))


def paths_of(output: str | os.PathLike, tasks: Sequence[str]) -> list[pathlib.Path]:
    """Returns the file of every task: `x.bw`, or of several `x.TASK.bw`.

    Raises:
        InputError: The name is not that of a bigWig, or tasks cannot be in names of files.
    """
    path = pathlib.Path(output)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{output}: a bigWig ends in {' or '.join(SUFFIXES)}")
    if len(tasks) == 1:
        return [path]
    for task in tasks:
        if "/" in task:
            raise InputError(f"task {task!r} cannot be part of the name of a file, as {output} is")
    return [path.with_name(f"{path.stem}.{task}{path.suffix}") for task in tasks]


def write_bigwigs(
    paths: Sequence[str | os.PathLike],
    chroms: Sequence[Chrom],
    bin_bp: int,
    parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> None:
    """Writes a file for every task; all appear when they are complete.

    Args:
        paths: `T` files.
        chroms: Those of the genome, in the order of `parts`.
        bin_bp: Bases of a bin.
        parts: Positions of chromosomes `[N]`, first bases `[N]` and coverage `[N, B, T]` of windows
            in the order of the genome. Bins past the end of a chromosome are left out, the last
            one ends with it.

    Raises:
        InputError: pyBigWig is not installed.
    """
    try:
        import pyBigWig
    except ImportError:
        raise InputError(
            f"{paths[0]}: writing bigWig needs the package pyBigWig; pip install 'genokeras[prep]'"
        ) from None
    header = [(chrom.name, chrom.length) for chrom in chroms]
    with contextlib.ExitStack() as stack:
        partial = [stack.enter_context(replacing(path)) for path in paths]
        files = [stack.enter_context(pyBigWig.open(os.fspath(path), "w")) for path in partial]
        for file in files:
            file.addHeader(header)
        for chrom_ids, starts, coverage in parts:
            for chrom_id, start, values in zip(chrom_ids, starts, coverage, strict=True):
                _add(files, chroms[chrom_id], int(start), bin_bp, values)


def _add(files: Sequence, chrom: Chrom, start: int, bin_bp: int, values: np.ndarray) -> None:
    """Adds a window `[B, T]` to the files."""
    whole = min(len(values), (chrom.length - start) // bin_bp)
    last = start + whole * bin_bp
    for file, column in zip(files, values.astype(np.float64).T, strict=True):
        if whole:
            shape = {"span": bin_bp, "step": bin_bp}
            file.addEntries(chrom.name, start, values=column[:whole].tolist(), **shape)
        if whole < len(values) and last < chrom.length:
            end = [chrom.length]
            file.addEntries([chrom.name], [last], ends=end, values=[float(column[whole])])
