"""What a source of examples is: something that yields batches of rows, and nothing else.

A source does not split, shuffle or write: it reads its files in order and hands out arrays, a row
per example. Everything else is the build's.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tfrecords.errors import InputError, suggest
from tfrecords.manifest import SPLITS, split_name
from tfrecords.packed_genome import PackedGenome
from tfrecords.schema import Feature, Schema
from tfrecords.sequence import packed_width

UNSPLIT = -1

Paths = str | os.PathLike | Sequence[str | os.PathLike]


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a source.

    Attributes:
        columns: The `features` of the source, `[N, *shape]` each: `sequence`, packed; `targets`,
            NaN where missing; of windows of a genome `chrom_id`, `start` and `strand`.
        split: int8 `[N]`, a position in `manifest.SPLITS` or `UNSPLIT`.
        num_bytes: Bytes of the input files read since the batch before, for a progress bar; 0 if
            the source knows its number of rows.
        group: uint64 `[N]`: rows of one number are not parted by a split. None: each for itself.
    """

    columns: dict[str, np.ndarray]
    split: np.ndarray
    num_bytes: int = 0
    group: np.ndarray | None = None


class Source(Protocol):
    """Where examples come from.

    Attributes:
        features: The fields of a record that the batches hold.
        length: Bases of every `sequence`.
        tasks: Names of the `T` targets.
        task_type: One of `manifest.TASK_TYPES`, or None: binary if every label is 0 or 1.
        unsplit: Empty if every row says which split it belongs to; otherwise a phrase for an error
            message that says where rows come without one.
        flags: What was asked for, for the manifest; no paths.
        notes: Lines to tell the user before reading.
        paths: The input files, in the order they are read.
        paths_by_split: The same by the flag that names them: `train`, ..., `input`, `fasta`, ...
        num_rows: Rows of all batches, if that is known before they are read; else None.
        inputs: Name, sha256 and number of rows of each file; complete after `batches`.
        details: More of what the manifest holds, by the names of its fields: `chroms`, ...
        findings: More of what its statistics hold, such as `left_out`; complete after `batches`.
    """

    features: tuple[Feature, ...]
    length: int
    tasks: tuple[str, ...]
    task_type: str | None
    unsplit: str
    flags: dict
    notes: tuple[str, ...]
    paths: tuple[str, ...]
    paths_by_split: dict[str, list[str]]
    num_rows: int | None
    inputs: tuple[dict, ...]
    details: Mapping[str, Any]
    findings: Mapping[str, Any]

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all rows in order, at most `size` at a time; may be called more than once."""


class GenomeSource(Source, Protocol):
    """A source of windows of a genome: rows have `chrom_id`, `start` and `strand`.

    Attributes:
        genome: The genome, so that a dataset may hold it in place of the sequences.
    """

    genome: PackedGenome


def dna(name: str, length: int) -> Feature:
    """Returns a field of DNA, packed."""
    return Feature(name, "uint8", (packed_width(length),), bases=length)


def labelled_sequences(length: int, num_tasks: int) -> tuple[Feature, ...]:
    """Returns the fields of sequences with labels."""
    return dna("sequence", length), Feature("targets", "float32", (num_tasks,))


def record_schema(features: Sequence[Feature], has_missing: bool) -> Schema:
    """Returns the fields of a record; labels that are missing have a weight, tracks are NaN."""
    row = Feature("row", "int64", ())
    weights = [
        Feature("weight", "float32", feature.shape)
        for feature in features
        if has_missing and feature.name == "targets" and not feature.is_track
    ]
    return Schema((row, *features, *weights))


@dataclass(frozen=True)
class InputFile:
    """A file, and the split all its rows belong to: a position in `SPLITS`, or `UNSPLIT`."""

    path: str
    split: int


def input_files(inputs: Paths | Mapping[str, Paths]) -> tuple[InputFile, ...]:
    """Returns the files of a source in the order they are read.

    Args:
        inputs: One or several paths, whose rows are still to be split; or a mapping from a split's
            name to its paths, where `input` stands for rows still to be split.
    """
    if not isinstance(inputs, Mapping):
        inputs = {"input": inputs}
    files = [
        InputFile(os.fspath(path), UNSPLIT if name == "input" else split_code(name))
        for name, paths in inputs.items()
        for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)
    ]
    if not files:
        raise InputError("no input file was given")
    seen = set()
    for file in files:
        if file.path in seen:
            raise InputError(f"{file.path} was given twice")
        seen.add(file.path)
    return tuple(files)


def paths_by_split(files: Sequence[InputFile]) -> dict[str, list[str]]:
    """Returns the paths of the files of every split; `input` stands for rows still to be split."""
    paths = {}
    for file in files:
        split = "input" if file.split == UNSPLIT else SPLITS[file.split]
        paths.setdefault(split, []).append(file.path)
    return paths


def file_names(paths: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Returns the base names of the files of every split, for a manifest."""
    return {split: [os.path.basename(path) for path in files] for split, files in paths.items()}


def split_code(name: str) -> int:
    """Returns the position in `SPLITS` that a name stands for, as `split_name` reads it.

    Raises:
        InputError: The name is none of those known.
    """
    split = split_name(name)
    if split not in SPLITS:
        raise InputError(
            f"{name.strip()!r} is no split; known are train, valid (also val, dev) and test."
            + suggest(split, SPLITS)
        )
    return SPLITS.index(split)
