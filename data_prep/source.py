"""What a source of examples is: something that yields batches of rows, and nothing else.

A source does not split, shuffle or write: it reads its files in order and hands out arrays, a row
per example. Everything else is the build's.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfrecords.errors import InputError, suggest
from tfrecords.manifest import SPLITS

UNSPLIT = -1
_SYNONYMS = {"training": "train", "val": "valid", "dev": "valid", "validation": "valid"}

Paths = str | os.PathLike | Sequence[str | os.PathLike]


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a source.

    Attributes:
        columns: `sequence`, packed, uint8 `[N, ceil(length/2)]`; `targets`, float32 `[N, T]`, NaN
            where the label is missing.
        split: int8 `[N]`, a position in `manifest.SPLITS` or `UNSPLIT`.
        num_bytes: Bytes of the input files read since the batch before, for a progress bar.
    """

    columns: dict[str, np.ndarray]
    split: np.ndarray
    num_bytes: int


class Source(Protocol):
    """Where examples come from.

    Attributes:
        length: Bases of every sequence.
        tasks: Names of the `T` targets.
        task_type: `binary`, `regression`, or None: binary if every label is 0 or 1.
        unsplit: Empty if every row says which split it belongs to; otherwise a phrase for an error
            message that says where rows come without one.
        flags: What was asked for, for the manifest; no paths.
        notes: Lines to tell the user before reading.
        paths: The input files, in the order they are read.
        inputs: Name, sha256 and number of rows of each file; complete after `batches`.
    """

    length: int
    tasks: tuple[str, ...]
    task_type: str | None
    unsplit: str
    flags: dict
    notes: tuple[str, ...]
    paths: tuple[str, ...]
    inputs: tuple[dict, ...]

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all rows in order, at most `size` at a time; may be called more than once."""


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


def file_names(files: Sequence[InputFile]) -> dict[str, list[str]]:
    """Returns the base names of the files of every split, for a manifest."""
    names = {}
    for file in files:
        split = "input" if file.split == UNSPLIT else SPLITS[file.split]
        names.setdefault(split, []).append(os.path.basename(file.path))
    return names


def split_code(name: str) -> int:
    """Returns the position in `SPLITS` that a name stands for: val and dev are valid, in any case.

    Raises:
        InputError: The name is none of those known.
    """
    known = name.strip().lower()
    known = _SYNONYMS.get(known, known)
    if known not in SPLITS:
        raise InputError(
            f"{name.strip()!r} is no split; known are train, valid (also val, dev) and test."
            + suggest(known, (*SPLITS, *_SYNONYMS))
        )
    return SPLITS.index(known)
