"""bigWig files: what their headers say, checked, and their values base by base.

The format: doi:10.1093/bioinformatics/btq351, supplementary tables 5 to 8.
"""

import math
import os
import pathlib
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.chrom_names import match_names
from data_prep.text_file import check_is_file
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.input_copies import local_copy

_MAGIC = b"\x26\xfc\x8f\x88"
_OTHER_MAGIC = {
    b"\xeb\xf2\x89\x87": "a bigBed file",
    b"\x88\x8f\xfc\x26": "a bigWig file of a big-endian computer",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
}
# Where the chromosomes, the values, their index and the summary of all values begin.
_OFFSETS = struct.Struct("<8x3Q12xQ")
_SUMMARY = struct.Struct("<24xd8x")  # Among other things the sum.
_HEADER_BYTES = 64
_IS_DAMAGED = "cannot be read; it is damaged, copy or download it again"
_SHOWN = 8


@dataclass(frozen=True)
class BigWig:
    """A bigWig file as its header describes it.

    Attributes:
        path: Where it is.
        chroms: Its chromosomes.
        smallest: Smallest value.
        largest: Largest value.
        total: Sum of the values of all bases.
    """

    path: str
    chroms: tuple[Chrom, ...]
    smallest: float
    largest: float
    total: float

    def read(self, stretches: Iterable[tuple[str | None, int, int]]) -> Iterator[np.ndarray]:
        """Yields the values of stretches of chromosomes, float32 `[end - start]`.

        Bases that the file does not cover are NaN.

        Args:
            stretches: Name, start and end of each, within the chromosome; without a name nothing
                is covered.

        Raises:
            InputError: The file is damaged or gone.
        """
        # Opened anew for each batch of stretches: that takes microseconds, works in any process,
        # and thousands of tracks do not use up the files that a process may have open.
        with _open(self.path) as file:
            for name, start, end in stretches:
                if name is None:
                    yield np.full(end - start, np.nan, np.float32)
                    continue
                try:
                    values = file.values(name, start, end, numpy=True)
                except RuntimeError:
                    where = f"{self.path}: {name}:{start}-{end}"
                    raise InputError(f"{where} {_IS_DAMAGED}") from None
                yield values


def check_bigwig(path: str | os.PathLike) -> None:
    """Raises an InputError if a file cannot be a bigWig; it takes no time."""
    path = local_copy(path)
    check_is_file(path)
    _read_sum(path)


def open_bigwig(path: str | os.PathLike) -> BigWig:
    """Reads the header of a bigWig file, of one at a URL in its copy.

    Raises:
        InputError: There is no such file, it is none of this format, empty or cut short.
    """
    path = local_copy(path)
    check_is_file(path)
    total = _read_sum(path)
    with _open(path) as file:
        chroms = tuple(Chrom(name, length) for name, length in file.chroms().items())
        smallest, largest = (_extreme(path, file, chroms, kind) for kind in ("min", "max"))
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise InputError(f"{path} holds infinite values, from {smallest:g} to {largest:g}")
    return BigWig(str(path), chroms, smallest, largest, total)


def names_in(
    bigwigs: Sequence[BigWig], chroms: Sequence[Chrom], alias: str = "none"
) -> tuple[list[tuple[str | None, ...]], tuple[str, ...]]:
    """Returns what the chromosomes of the genome are called in each file.

    That a file has further chromosomes, or lacks some, does no harm. Where it does both, these may
    be the same by other names: then the alias must match all its names, or one that is a file must
    have those that are to be read.

    Args:
        bigwigs: The files.
        chroms: Those of the genome.
        alias: As `chrom_names.match_names` takes it.

    Returns:
        For each file a name for each of `chroms`, None where it does not have it; and lines that
        tell the user what was matched, what is not read, and what is not covered.

    Raises:
        InputError: Names do not match, or a chromosome has another length in a file.
    """
    by_name = {chrom.name: place for place, chrom in enumerate(chroms)}
    ids, others = {}, {}
    for bigwig in bigwigs:
        lengths = {chrom.name: chrom.length for chrom in bigwig.chroms}
        if lengths.keys() <= by_name.keys() or by_name.keys() <= lengths.keys():
            ids[bigwig.path] = {name: by_name[name] for name in lengths if name in by_name}
        else:
            others[bigwig.path] = lengths
    matched, notes = match_names(chroms, others, alias, skips_unlisted=True)
    ids |= matched
    unread: dict[str, None] = {}
    lacking: dict[tuple[str, ...], list[str]] = {}
    for bigwig in bigwigs:
        found = ids[bigwig.path]
        unread |= dict.fromkeys(chrom.name for chrom in bigwig.chroms if chrom.name not in found)
        lacks = tuple(by_name.keys() - {chroms[place].name for place in found.values()})
        if lacks:
            lacking.setdefault(tuple(sorted(lacks, key=by_name.get)), []).append(bigwig.path)
    if unread:
        notes += (
            f"Not read, as they are not in the genome: {_shown(unread)} of the bigWig files.",
        )
    notes += tuple(
        f"Of the genome, {_shown(lacks)} are not in {_shown(map(os.path.basename, paths))}; "
        "they count as uncovered."
        for lacks, paths in lacking.items()
    )
    return [_names_by_place(bigwig, chroms, ids[bigwig.path]) for bigwig in bigwigs], notes


def _shown(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _names_by_place(
    bigwig: BigWig, chroms: Sequence[Chrom], ids: Mapping[str, int]
) -> tuple[str | None, ...]:
    names: list[str | None] = [None] * len(chroms)
    lengths = {chrom.name: chrom.length for chrom in bigwig.chroms}
    for name, place in ids.items():
        if lengths[name] != chroms[place].length:
            raise InputError(
                f"{bigwig.path}: {name} has {lengths[name]} bp, but {chroms[place].name} of the "
                f"genome {chroms[place].length}; was it made for another assembly?"
            )
        names[place] = name
    return tuple(names)


def _extreme(path: pathlib.Path, file, chroms: Sequence[Chrom], kind: str) -> float:
    """Returns the smallest (`min`) or largest (`max`) value, as the coarsest zoom level has it.

    That of the header is not to be trusted: libBigWig, which deepTools writes with, forgets a
    largest value that comes first.
    """
    try:
        found = [file.stats(chrom.name, 0, chrom.length, type=kind)[0] for chrom in chroms]
    except RuntimeError:
        raise InputError(f"{path} {_IS_DAMAGED}") from None
    values = [value for value in found if value is not None and not math.isnan(value)]
    if not values:
        raise InputError(f"{path} holds no values")
    return {"min": min, "max": max}[kind](values)


def _read_sum(path: pathlib.Path) -> float:
    """Returns the sum of all values.

    The library gives whole numbers only, and does not survive every file that is cut short.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if not header:
            raise InputError(f"{path} is empty")
        if not header.startswith(_MAGIC):
            kinds = (kind for magic, kind in _OTHER_MAGIC.items() if header.startswith(magic))
            raise InputError(
                f"{path} is {next(kinds, 'no bigWig file')}; expected a bigWig, as "
                "bedGraphToBigWig makes of a bedGraph"
            )
        offsets = _OFFSETS.unpack_from(header.ljust(_HEADER_BYTES, b"\xff"))
        if not all(offsets):
            raise InputError(f"{path} holds no values, or no sum of them")
        if max(offsets) + _SUMMARY.size > path.stat().st_size:
            raise InputError(f"{path} is cut short; copy or download it again")
        file.seek(offsets[-1])
        return _SUMMARY.unpack(file.read(_SUMMARY.size))[0]


def _open(path: str | os.PathLike):
    try:
        import pyBigWig
    except ImportError:
        raise InputError(
            f"{path}: reading bigWig needs the package pyBigWig; pip install 'genokeras[prep]'"
        ) from None
    check_is_file(pathlib.Path(path))  # It may have gone since it was first read.
    try:
        return pyBigWig.open(os.fspath(path))
    except RuntimeError:
        raise InputError(f"{path} {_IS_DAMAGED}") from None
