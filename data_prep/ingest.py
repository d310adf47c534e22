"""The first pass of a build: all rows of a source, checked, into columns on disk.

Columns: `row` (counted over the inputs), `sequence`, `targets` (NaN where missing), `key` (the same
for both strands of a window), `is_reverse` and `split`.
"""

import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from data_prep.scratch import Scratch
from data_prep.sequence_keys import window_keys
from data_prep.source import Source
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS

_MAX_ROWS = 1 << 15
_MAX_BASES = 1 << 23


@dataclass
class Ingested:
    """What the first pass left.

    Attributes:
        scratch: The columns.
        num_unlabelled: Rows left out because all their labels are missing.
        num_missing: Missing labels among the rows that were kept.
        is_binary: Whether all labels are 0 or 1.
        is_given: bool `[3]`, the splits that rows of the source name.
    """

    scratch: Scratch
    num_unlabelled: int = 0
    num_missing: int = 0
    is_binary: bool = True
    is_given: np.ndarray = field(default_factory=lambda: np.zeros(len(SPLITS), bool))


def ingest(
    source: Source, folder: pathlib.Path, progress: Callable | None, shift_bp: int = 0
) -> Ingested:
    """Reads the whole source into `folder`.

    Args:
        source: What to read.
        folder: For the columns.
        progress: Makes a progress bar from a description and a total.
        shift_bp: Bases on either side of the window that a model reads. The keys are those of the
            windows, so that sequences which differ beside it only count as copies.

    Raises:
        InputError: A row cannot be read, or none has a label.
    """
    columns = {
        "row": ("int64", ()),
        "sequence": ("uint8", (sequence.packed_width(source.length),)),
        "targets": ("float32", (len(source.tasks),)),
        "key": ("uint64", ()),
        "is_reverse": ("uint8", ()),
        "split": ("int8", ()),
    }
    ingested = Ingested(Scratch(folder, columns))
    num_bytes = sum(pathlib.Path(path).stat().st_size for path in source.paths)
    bar = progress("Reading (bytes)", num_bytes) if progress else None
    try:
        num_rows = ingested.scratch.write(_rows(source, ingested, bar, shift_bp))
    finally:
        if bar:
            bar.close()
    if not num_rows:
        count = ingested.num_unlabelled
        which = (
            "the only row has no label" if count == 1 else f"none of the {count} rows has a label"
        )
        raise InputError(f"{which}; nothing to learn")
    return ingested


def _rows(
    source: Source, ingested: Ingested, bar, shift_bp: int
) -> Iterator[dict[str, np.ndarray]]:
    first_row = 0
    size = max(1, min(_MAX_ROWS, _MAX_BASES // source.length))
    for batch in source.batches(size):
        targets = batch.columns["targets"]
        is_missing = np.isnan(targets)
        is_kept = ~is_missing.all(axis=1)
        keys, is_reverse = window_keys(batch.columns["sequence"], source.length, shift_bp)
        columns = {
            **batch.columns,
            "row": np.arange(first_row, first_row + len(targets)),
            "key": keys,
            "is_reverse": is_reverse,
            "split": batch.split,
        }
        first_row += len(targets)
        ingested.num_unlabelled += int((~is_kept).sum())
        ingested.num_missing += int(is_missing[is_kept].sum())
        ingested.is_binary &= bool(((targets == 0) | (targets == 1) | is_missing).all())
        ingested.is_given[np.unique(batch.split[batch.split >= 0])] = True
        yield columns if is_kept.all() else {name: rows[is_kept] for name, rows in columns.items()}
        if bar:
            bar.update(batch.num_bytes)
