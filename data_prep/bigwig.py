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

from data_prep.text_file import check_is_file
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

_MAGIC = b"\x26\xfc\x8f\x88"
_OTHER_MAGIC = {
    b"\xeb\xf2\x89\x87": "a bigBed file",
    b"\x88\x8f\xfc\x26": "a bigWig file of a big-endian computer",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
}
# Where the chromosomes, the values, their index and the summary of all values begin.
_OFFSETS = struct.Struct("<8x3Q12xQ")
_SUMMARY = struct.Struct("<Q3d")  # Number of covered bases; smallest, largest and sum of values.
_HEADER_BYTES = 64
_SHOWN = 4


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
                    raise InputError(
                        f"{self.path}: {name}:{start}-{end} cannot be read; the file is damaged, "
                        "copy or download it again"
                    ) from None
                yield values


def open_bigwig(path: str | os.PathLike) -> BigWig:
    """Reads the header of a bigWig file.

    Raises:
        InputError: There is no such file, it is none of this format, empty or cut short.
    """
    path = pathlib.Path(path)
    check_is_file(path)
    smallest, largest, total = _read_summary(path)
    with _open(path) as file:
        chroms = tuple(Chrom(name, length) for name, length in file.chroms().items())
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise InputError(f"{path} holds infinite values, from {smallest} to {largest}")
    return BigWig(str(path), chroms, smallest, largest, total)


def names_in(bigwig: BigWig, chroms: Sequence[Chrom], ids: Mapping[str, int]) -> list[str | None]:
    """Returns what each chromosome of the genome is called in a bigWig, None if it is not in it.

    Args:
        bigwig: The file.
        chroms: Those of the genome.
        ids: For names in the file the place in `chroms`.

    Raises:
        InputError: A chromosome has another length in the file, or none of them is in it.
    """
    names: list[str | None] = [None] * len(chroms)
    for theirs in bigwig.chroms:
        if theirs.name not in ids:
            continue
        ours = chroms[ids[theirs.name]]
        if ours.length != theirs.length:
            raise InputError(
                f"{bigwig.path}: {theirs.name} has {theirs.length} bp, but {ours.name} of the "
                f"genome {ours.length}; was it made for another assembly?"
            )
        names[ids[theirs.name]] = theirs.name
    if not any(names):
        raise InputError(
            f"{bigwig.path}: none of its chromosomes ({_shown(bigwig.chroms)}) is in the genome "
            f"({_shown(chroms)}); --chrom_alias tells names of the same chromosomes"
        )
    return names


def _read_summary(path: pathlib.Path) -> tuple[float, float, float]:
    """Returns smallest value, largest value and sum.

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
            raise InputError(f"{path} holds no values, or no summary of them")
        if max(offsets) + _SUMMARY.size > path.stat().st_size:
            raise InputError(f"{path} is cut short; copy or download it again")
        file.seek(offsets[-1])
        return _SUMMARY.unpack(file.read(_SUMMARY.size))[1:]


def _open(path: str | os.PathLike):
    try:
        import pyBigWig
    except ImportError:
        raise InputError(
            f"{path}: reading bigWig needs the package pyBigWig; pip install 'genokeras[prep]'"
        ) from None
    try:
        return pyBigWig.open(os.fspath(path))
    except RuntimeError:
        raise InputError(f"{path} cannot be opened; copy or download it again") from None


def _shown(chroms: Sequence[Chrom]) -> str:
    more = f" and {len(chroms) - _SHOWN} more" if len(chroms) > _SHOWN else ""
    return ", ".join(chrom.name for chrom in chroms[:_SHOWN]) + more
