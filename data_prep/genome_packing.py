"""A FASTA file -> the files of a packed genome, which `genome.Genome` maps into memory.

`tfrecords.packed_genome` describes `bases.bin`, `softmask.bin` and `genome.json`. Beside them:
`gc.bin` and `ambiguous.bin`, how many of a chromosome's bases before each block of 32 are C or G,
and are an IUPAC code of several bases; `gaps.bin`, the runs of N.

Memory: a few bytes for every base of the longest chromosome, which pysam reads as one text.
"""

import contextlib
import json
import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import BinaryIO, NoReturn

import numpy as np

from data_prep.htslib import quiet_pysam
from data_prep.text_file import TextFile
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.packed_genome import AMBIGUOUS, BASES, BLOCK_BP, FILES, GAPS, GC, INDEX, SOFTMASK

FORMAT = 1  # Of the files; it is part of the folder's name.
BLOCK_BYTES = BLOCK_BP // 2
_CHUNK_BP = 1 << 22  # A multiple of `BLOCK_BP`.
_HEADER = re.compile(r">(\S*)")


def _count_in_byte(is_counted: Sequence[bool]) -> np.ndarray:
    """Returns how many of the two bases of each of the 256 bytes are counted, uint8 `[256]`."""
    counts = np.array(is_counted, np.uint8)
    return np.add.outer(counts, counts).reshape(-1)


COUNT_IN_BYTE = {
    GC: _count_in_byte([nibble in (0b0100, 0b0010) for nibble in range(16)]),
    AMBIGUOUS: _count_in_byte([nibble.bit_count() > 1 for nibble in range(16)]),
}


def pack(fasta: pathlib.Path, sha256: str, folder: pathlib.Path) -> None:
    """Writes the genome in a FASTA file, plain, gzip or bgzip, into a folder that is there.

    Args:
        fasta: The file.
        sha256: Its hash, to be written down.
        folder: Where the packed genome goes.

    Raises:
        InputError: The file is no FASTA file, is compressed in another way or damaged, or holds a
            name twice, a name without a sequence, or letters that are no IUPAC code.
    """
    chroms: list[Chrom] = []
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.bin").open("wb")) for name in FILES}
        for name, text in _read(fasta):
            try:
                gaps = _write_chromosome(files, text)
            except InputError:
                _raise_mistake(fasta)
            rows = np.insert(gaps, 0, len(chroms), axis=1)
            files[GAPS].write(rows.astype("<i8").tobytes())
            chroms.append(Chrom(name, len(text)))
        # The last block, and the last bits, are read with some bytes more.
        files[BASES].write(bytes(BLOCK_BYTES))
        files[SOFTMASK].write(bytes(1))
        sizes = {name: file.tell() for name, file in files.items()}
    index = {"sha256": sha256, "chroms": [asdict(chrom) for chrom in chroms], "num_bytes": sizes}
    (folder / INDEX).write_text(json.dumps(index))


def _read(fasta: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yields name and sequence of every chromosome."""
    with quiet_pysam(fasta, "reading a genome") as pysam:
        _check_first_line(fasta)
        names = set()
        try:
            with pysam.FastxFile(str(fasta), persist=False) as records:
                for record in records:
                    name, text = record.name, record.sequence
                    if not name or name in names or not text or record.quality is not None:
                        _raise_mistake(fasta)
                    names.add(name)
                    yield name, text
        except InputError:
            raise
        except ValueError:  # A damaged file, or one that is not UTF-8.
            _raise_mistake(fasta)


def _write_chromosome(files: dict[str, BinaryIO], text: str) -> np.ndarray:
    """Writes all but the gaps of a chromosome, and returns those: int64 `[G, 2]`, start and end."""
    even = files[BASES].tell()
    odd = even + sequence.packed_width(len(text))
    before = np.zeros(1, np.uint8)
    counts = {name: [np.zeros(1, np.uint8)] for name in COUNT_IN_BYTE}
    edges, was_n = [], False
    for start in range(0, len(text), _CHUNK_BP):
        chunk = text[start : start + _CHUNK_BP].encode("ascii", errors="replace")
        packed = _packed(chunk)
        _write_at(files[BASES], even + start // 2, packed)
        joined = np.concatenate([before, packed])
        _write_at(files[BASES], odd + start // 2, joined[:-1] << 4 | joined[1:] >> 4)
        before = packed[-1:]
        for name, in_byte in COUNT_IN_BYTE.items():
            counts[name].append(_block_counts(in_byte.take(packed)))
        letters = np.frombuffer(chunk, np.uint8)
        files[SOFTMASK].write(np.packbits(letters >= ord("a")))
        is_n = (letters & ~np.uint8(0x20)) == ord("N")
        edges.append(start + np.flatnonzero(np.diff(is_n, prepend=was_n)))
        was_n = is_n[-1]
    if len(text) % 2 == 0:
        files[BASES].write(before << 4)
    for name, found in counts.items():
        files[name].write(np.cumsum(np.concatenate(found), dtype="<u4"))
    return np.concatenate([*edges, [len(text)][: int(was_n)]]).astype(np.int64).reshape(-1, 2)


def _packed(chunk: bytes) -> np.ndarray:
    if b"-" in chunk:
        raise InputError("a genome has no padding")
    return sequence.encode([chunk], len(chunk))[0]


def _write_at(file: BinaryIO, position: int, content: np.ndarray) -> None:
    file.seek(position)
    file.write(content)


def _block_counts(in_bytes: np.ndarray) -> np.ndarray:
    padded = np.pad(in_bytes, (0, -len(in_bytes) % BLOCK_BYTES))
    return padded.reshape(-1, BLOCK_BYTES).sum(axis=1, dtype=np.uint8)


def _check_first_line(fasta: pathlib.Path) -> None:
    if fasta.suffix.lower() in (".bz2", ".zst"):
        raise InputError(
            f"{fasta}: a genome is read plain or compressed with gzip or bgzip, not as "
            f"{fasta.suffix}; compress it anew, as bgzip does"
        )
    filled = ((n, line) for n, line in enumerate(TextFile(fasta).lines(), 1) if line.strip())
    number, line = next(filled, (1, ""))
    if not line.startswith(">"):
        raise InputError(
            f"{fasta}:{number}: {line[:20]!r}, expected a FASTA file, which begins with >NAME"
        )


def _raise_mistake(fasta: pathlib.Path) -> NoReturn:
    """Reads a file that was found wrong once more, line by line, to say where."""
    header_of: dict[str, int] = {}
    number = last_header = 0
    for number, line in enumerate(TextFile(fasta).lines(), start=1):
        if header := _HEADER.match(line):
            _check_filled(fasta, last_header, number)
            _check_name(f"{fasta}:{number}", header[1], header_of)
            header_of[header[1]] = last_header = number
        elif line:
            _check_letters(f"{fasta}:{number}", line)
    _check_filled(fasta, last_header, number + 1)
    raise InputError(
        f"{fasta} cannot be read as FASTA, expected lines that begin with >NAME, and under each "
        "its sequence, in lines that end in \\n or \\r\\n"
    )


def _check_filled(fasta: pathlib.Path, last_header: int, number: int) -> None:
    if last_header and number == last_header + 1:
        raise InputError(f"{fasta}:{last_header}: there is no sequence under this header")


def _check_name(where: str, name: str, header_of: dict[str, int]) -> None:
    if not name:
        raise InputError(f"{where}: there is no name right after the >")
    if name in header_of:
        raise InputError(
            f"{where}: the name {name!r} was there before, in line {header_of[name]}; "
            "every chromosome needs a name of its own"
        )


def _check_letters(where: str, line: str) -> None:
    if "-" in line:
        raise InputError(
            f"{where}, position {line.index('-')}: '-' is a gap of an alignment; expected the "
            "genome itself"
        )
    try:
        sequence.encode([line], len(line))
    except InputError as error:
        raise InputError(f"{where}, {str(error).removeprefix('row 0, ')}") from None
