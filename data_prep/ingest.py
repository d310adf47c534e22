"""The first pass of a build: all rows of a source, checked, into columns on disk.

Columns: the fields of the source, such as `sequence` and `targets` (NaN where missing); `row`
(counted over the inputs); `key` (the same for both strands of a window) and `is_reverse`; `group`
(rows that a split does not part; the key, if the source names no groups); and `split`.
"""

import os
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from data_prep.interval_store import IntervalScratch
from data_prep.scratch import Column, Scratch
from data_prep.sequence_keys import window_keys
from data_prep.source import Source
from tfrecords.errors import InputError
from tfrecords.input_copies import local_copy
from tfrecords.manifest import CUT, LABEL_TYPES, SPLITS
from tfrecords.schema import Schema

_MAX_ROWS = 1 << 15
_MAX_BASES = 1 << 23


@dataclass
class Ingested:
    """What the first pass left.

    Attributes:
        scratch: The columns.
        num_rows: Rows of the source, those left out included.
        num_unlabelled: Rows left out because all their targets are missing.
        num_without_split: Rows left out because their chromosome is in no split.
        num_missing: Missing targets among the rows that were kept.
        is_binary: Whether all labels are 0 or 1.
        has_groups: Whether the source says which rows belong together.
        is_given: bool `[3]`, the splits that rows of the source name.
    """

    scratch: Scratch
    num_rows: int = 0
    num_unlabelled: int = 0
    num_without_split: int = 0
    num_missing: int = 0
    is_binary: bool = True
    has_groups: bool = False
    is_given: np.ndarray = field(default_factory=lambda: np.zeros(len(SPLITS), bool))

    def labels(self, task_type: str) -> Column | None:
        """Returns labels to split and to compare by, `[N, T]`; None: there are none, or tracks."""
        return self.scratch.read("targets") if task_type in LABEL_TYPES else None


def ingest(
    source: Source,
    folder: pathlib.Path,
    progress: Callable | None,
    shift_bp: int = 0,
    split_of_chrom: np.ndarray | None = None,
    store: str = "sequences",
) -> Ingested:
    """Reads the whole source into `folder`.

    Args:
        source: What to read.
        folder: For the columns.
        progress: Makes a progress bar from a description and a total.
        shift_bp: Bases on either side of the window that a model reads. The keys are those of the
            windows, so that sequences which differ beside it only count as copies.
        split_of_chrom: int8, the split of every chromosome; negative: its rows are left out.
            Default: the source says what it knows.
        store: `intervals` leaves out what can be cut out of the source's genome.

    Raises:
        InputError: A row cannot be read, or none has a label.
    """
    columns = {feature.name: (feature.dtype, feature.shape) for feature in source.features}
    columns |= {
        "row": ("int64", ()),
        "key": ("uint64", ()),
        "is_reverse": ("uint8", ()),
        "group": ("uint64", ()),
        "split": ("int8", ()),
    }
    if store == "intervals":
        kept = {name: kind for name, kind in columns.items() if name not in CUT}
        schema = Schema(source.features)
        ingested = Ingested(IntervalScratch(folder, kept, source.genome, schema, shift_bp))
    else:
        ingested = Ingested(Scratch(folder, columns))
    bar = _start(progress, source) if progress else None
    try:
        rows = _rows(source, ingested, bar, shift_bp, split_of_chrom)
        num_kept = ingested.scratch.write(rows)
    finally:
        if bar:
            bar.close()
    if not num_kept:
        count = ingested.num_unlabelled
        if not count or ingested.num_without_split:
            raise InputError("the input holds no example of any split; nothing to learn")
        which = (
            "the only row has no label" if count == 1 else f"none of the {count} rows has a label"
        )
        raise InputError(f"{which}; nothing to learn")
    return ingested


def find_task_type(source: Source, ingested: Ingested, log: Callable[[str], None]) -> str:
    """Returns what the targets are: what the source says, or what the labels look like."""
    if ingested.num_unlabelled:
        count = ingested.num_unlabelled
        log(f"Left out {count} {'row that has' if count == 1 else 'rows that have'} no label.")
    if source.task_type is not None:
        return source.task_type
    if not ingested.is_binary:
        log(
            "There are labels other than 0 and 1, so this is a regression "
            "(classes want a column of 0 and 1 each)."
        )
    return "binary" if ingested.is_binary else "regression"


def _start(progress: Callable, source: Source):
    if source.num_rows is not None:
        return progress("Reading rows", source.num_rows)
    return progress(
        "Reading (bytes)", sum(os.path.getsize(local_copy(path)) for path in source.paths)
    )


def _rows(
    source: Source, ingested: Ingested, bar, shift_bp: int, split_of_chrom: np.ndarray | None
) -> Iterator[dict[str, np.ndarray]]:
    size = max(1, min(_MAX_ROWS, _MAX_BASES // source.length))
    for batch in source.batches(size):
        num_rows = len(batch.split)
        keys, is_reverse = window_keys(batch.columns["sequence"], source.length, shift_bp)
        columns = {
            **batch.columns,
            "row": ingested.num_rows + np.arange(num_rows),
            "key": keys,
            "is_reverse": is_reverse,
            "group": keys if batch.group is None else batch.group,
            "split": batch.split,
        }
        ingested.num_rows += num_rows
        ingested.has_groups |= batch.group is not None
        is_kept = _note_targets(ingested, batch.columns.get("targets"), num_rows)
        if split_of_chrom is not None:
            columns["split"] = split_of_chrom[batch.columns["chrom_id"]]
            is_kept &= columns["split"] >= 0
            ingested.num_without_split += int((columns["split"] < 0).sum())
        given = columns["split"][columns["split"] >= 0]
        ingested.is_given[np.unique(given)] = True
        yield columns if is_kept.all() else {name: rows[is_kept] for name, rows in columns.items()}
        if bar:
            bar.update(batch.num_bytes if source.num_rows is None else num_rows)


def _note_targets(ingested: Ingested, targets: np.ndarray | None, num_rows: int) -> np.ndarray:
    """Counts what is missing; returns which rows are kept: all but those without any target."""
    if targets is None:
        return np.ones(num_rows, bool)
    is_missing = np.isnan(targets)
    is_kept = ~is_missing.all(axis=tuple(range(1, targets.ndim)))
    ingested.num_unlabelled += int((~is_kept).sum())
    ingested.num_missing += int(is_missing[is_kept].sum())
    ingested.is_binary &= bool(((targets == 0) | (targets == 1) | is_missing).all())
    return is_kept
