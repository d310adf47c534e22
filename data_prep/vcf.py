"""Variants of a VCF or BCF file, as a stream of alternative alleles.

A record with several alternatives is as many alleles. What an allele and the reference share at
their ends is taken off, first at the right: CA to C is the loss of an A. Alleles without a sequence
of their own cannot be shown to a model; they are left out, and counted by reason.

Shapes: `N` alleles. Positions are 0-based, of the forward strand.
"""

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from data_prep.alleles import Alleles, reason_to_skip, shortened_alleles
from data_prep.chrom_names import listed, match_names
from data_prep.genome import Genome
from data_prep.htslib import quiet_pysam
from data_prep.text_file import check_is_file
from tfrecords import sequence
from tfrecords.errors import InputError, suggest
from tfrecords.input_copies import local_copy

SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")


class Variants(NamedTuple):
    """Records of a file in its order, and their alleles that can be shown to a model.

    Attributes:
        records: pysam's records, all of them.
        record: Which of them an allele is of, int64 `[N]`, ascending.
        number: Which alternative of its record it is, from 0, int64 `[N]`.
        alleles: The alleles.
        labels: 0, 1, or NaN where there is none, float32 `[N]`; None: no field was asked for.
    """

    records: list[Any]
    record: np.ndarray
    number: np.ndarray
    alleles: Alleles
    labels: np.ndarray | None

    def columns(self) -> dict[str, list]:
        """Returns what names the alleles, as it stands in the file; `pos` is 1-based."""
        records = [self.records[place] for place in self.record]
        return {
            "chrom": [record.chrom for record in records],
            "pos": [record.pos for record in records],
            "id": [record.id or "." for record in records],
            "ref": [record.ref for record in records],
            "alt": [r.alts[number] for r, number in zip(records, self.number, strict=True)],
        }


def is_vcf(path: str | os.PathLike) -> bool:
    """Whether the name is that of a VCF or BCF file."""
    return os.fspath(path).lower().endswith(SUFFIXES)


def declare(header: Any, info: Mapping[str, str]) -> None:
    """Adds INFO fields to pysam's header: a number for every alternative, and what it is."""
    for name, description in info.items():
        header.info.add(name, "A", "Float", description.replace('"', "'"))


class VcfFile:
    """The variants of a VCF or BCF file, plain or compressed, also at a URL.

    It is read once for the names in it, and again for every stream of its variants.

    Attributes:
        header: pysam's header, with what records use and the file does not declare.
        num_records: Records of the file.
        notes: Lines for the user: which names of chromosomes were taken for one.
        skipped: How many alleles were left out so far, by reason.

    Args:
        path: The file.
        genome: That its positions are of.
        max_allele_bp: Longer alleles are left out.
        chrom_alias: See `chrom_names.match_names`.
        label_field: Name of an INFO field, 0 or 1 or a flag, that labels alleles.

    Raises:
        InputError: The file cannot be read, has no variants or no such field, or names other
            chromosomes than the genome.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        genome: Genome,
        *,
        max_allele_bp: int,
        chrom_alias: str = "auto",
        label_field: str | None = None,
    ):
        self._shown, self._path = os.fspath(path), local_copy(path)
        check_is_file(self._path)
        self._genome, self._max_allele_bp = genome, max_allele_bp
        self.num_records, ends = 0, {}
        with self._open() as file:
            for record in self._records(file):
                ends[record.chrom] = max(ends.get(record.chrom, 0), record.start + len(record.ref))
                self.num_records += 1
            self.header = file.header
        if not self.num_records:
            raise InputError(f"{path}: there is no variant in this file")
        names, self.notes = match_names(genome.chroms, {self._shown: ends}, chrom_alias)
        self._chrom_ids = names[self._shown]
        self._label_field, self._is_flag = label_field, False
        if label_field is not None:
            self._is_flag = self._label_type(label_field) == "Flag"
        self.skipped: Counter[str] = Counter()

    def batches(self, size: int, info: Mapping[str, str] | None = None) -> Iterator[Variants]:
        """Yields all variants in order, `size` records at a time.

        Args:
            size: Records of a batch; it has more alleles where records have several.
            info: INFO fields, a number for every alternative, that records are to be given.

        Raises:
            InputError: A record cannot be read, or does not fit the genome.
        """
        self.skipped.clear()
        with self._open() as file:
            declare(file.header, info or {})
            records, first = self._records(file), 1
            while part := list(itertools.islice(records, size)):
                yield self._batch(part, first)
                first += len(part)

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        # Of an open file it takes plain gzip as well, since it does not ask where it is.
        opened = self._path.open("rb")
        with opened, quiet_pysam(self._shown, "reading variants") as pysam:
            try:
                file = pysam.VariantFile(opened)
            except (OSError, ValueError):
                what = "is no VCF or BCF file, or is cut off in its header"
                raise InputError(f"{self._shown} {what}") from None
            try:
                yield file
            finally:
                with contextlib.suppress(OSError, TypeError):  # Of a damaged file, once more.
                    file.close()

    def _records(self, file: Any) -> Iterator[Any]:
        for number in itertools.count(1):
            try:
                record = next(file)
            except StopIteration:
                return
            except (OSError, ValueError) as error:
                raise InputError(
                    f"{self._shown}: record {number} is not as VCF has it, or is cut off "
                    f"({error}); `bcftools view` may say more"
                ) from None
            yield record

    def _label_type(self, field: str) -> str:
        known = list(self.header.info)
        if field not in known:
            raise InputError(
                f"{self._shown} has no INFO field {field!r} to take labels from."
                f"{suggest(field, known)} It has {listed(known) or 'none'}"
            )
        return self.header.info[field].type

    def _batch(self, records: list[Any], first: int) -> Variants:
        """Returns the alleles of records of which the first is number `first` of the file."""
        kept = [
            (place, number, record.ref.upper(), alternative.upper())
            for place, record in enumerate(records)
            for number, alternative in enumerate(record.alts or (".",))
        ]
        shortened = [shortened_alleles(*alleles) for _, _, *alleles in kept]
        reasons = [
            reason_to_skip(*alleles, self._max_allele_bp, short)
            for (_, _, *alleles), short in zip(kept, shortened, strict=True)
        ]
        self.skipped.update(reason for reason in reasons if reason)
        rows = [row for row, reason in enumerate(reasons) if not reason]
        kept, shortened = [kept[row] for row in rows], [shortened[row] for row in rows]
        place = np.array([row[0] for row in kept], np.int64)
        number = np.array([row[1] for row in kept], np.int64)
        chrom_id = np.array([self._chrom_ids[record.chrom] for record in records], np.int64)[place]
        start = np.array([record.start for record in records], np.int64)[place]
        self._check_reference(records, first, place, chrom_id, start, [row[2] for row in kept])
        labels = None
        if self._label_field is not None:
            found = [self._label(records[at], first + at, which) for at, which, *_ in kept]
            labels = np.array(found, np.float32)
        skipped = np.array([short[0] for short in shortened], np.int64)
        texts = [short[1] for short in shortened], [short[2] for short in shortened]
        return Variants(records, place, number, Alleles(chrom_id, start + skipped, *texts), labels)

    def _check_reference(
        self,
        records: list[Any],
        first: int,
        place: np.ndarray,
        chrom_id: np.ndarray,
        start: np.ndarray,
        texts: list[str],
    ) -> None:
        """Raises `InputError` unless the genome has at `start` what records say it has."""
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        row = np.arange(len(texts)).repeat(sizes)
        position = start[row] + np.arange(len(row)) - (np.cumsum(sizes) - sizes)[row]
        # A base of the genome may be any of several; padding, past its ends, is none.
        found = self._genome.windows(chrom_id[row], position, 1)[:, 0]
        given = sequence.encode(list("".join(texts)), 1)[:, 0]
        wrong = np.flatnonzero(found & given != given)
        if not wrong.size:
            return
        at = row[wrong[0]]
        chrom = self._genome.chroms[chrom_id[at]]
        there = self._genome.windows(chrom_id[at : at + 1], start[at : at + 1], int(sizes[at]))
        (bases,) = sequence.decode(there, int(sizes[at]))
        inside = bases.strip("-")
        has = f"has {inside} there" if inside == bases else f"ends at {chrom.length}"
        raise InputError(
            f"{self._described(records[place[at]], first + place[at])}: {chrom.name} of the genome "
            f"{has}; most likely the variants are of another version of the genome: give --fasta "
            "the file that they were called on"
        )

    def _label(self, record: Any, number_in_file: int, alternative: int) -> float:
        value = record.info.get(self._label_field)
        if self._is_flag:
            return float(value is not None and value is not False)
        if isinstance(value, tuple):
            if len(value) not in (1, len(record.alts)):
                raise InputError(
                    f"{self._described(record, number_in_file)}: {self._label_field} has "
                    f"{len(value)} values for {len(record.alts)} alternatives, expected one for "
                    "each, or one for all"
                )
            value = value[alternative] if len(value) > 1 else value[0]
        if value in (None, "."):
            return float("nan")
        if str(value) not in ("0", "1", "0.0", "1.0"):
            raise InputError(
                f"{self._described(record, number_in_file)}: {self._label_field}={value}, expected "
                "a label, 0 or 1"
            )
        return float(value)

    def _described(self, record: Any, number_in_file: int) -> str:
        what = f"{record.chrom}:{record.pos} {_cut(record.ref)}>{_cut(','.join(record.alts))}"
        return f"{self._shown}: record {number_in_file}, {what}"


def _cut(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:17]}..."
