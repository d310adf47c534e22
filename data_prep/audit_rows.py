"""The whole audit of rows in columns on disk: all that two splits may share.

Copies on either strand (`audit`); and of what is left then, near duplicates (`near_duplicates`),
windows that overlap, and groups that are in several splits (`overlaps`). Only copies are dropped:
the rest is told of, and beyond the threshold it is an error. Near duplicates are so only with
`on_leak="error"`, since every genome has them: repeats and homologous genes are on all chromosomes.

Shapes: `N` rows, `T` tasks.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.audit import AuditResult, audit
from data_prep.near_duplicates import find_near_duplicates
from data_prep.overlaps import PAIRS, Shared, find_overlaps, find_shared_groups
from data_prep.scratch import Column, Scratch
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS


@dataclass(frozen=True)
class _Kind:
    """Something that rows of different splits may have in common.

    Attributes:
        name: Of the counts of rows in the report.
        total: Of what the splits share, beside these counts; "" if it is nothing else.
        rows: What a row is called.
        does: What the rows do.
        way_out: How to have none of it.
    """

    name: str
    total: str
    rows: str
    does: str
    way_out: str


_OVERLAPS = _Kind(
    "overlapping_windows",
    "overlap_bp",
    "windows",
    "overlap windows of another split",
    "split by chromosome, or by --split_fractions, which keeps them together",
)
_GROUPS = _Kind(
    "rows_of_shared_groups",
    "shared_groups",
    "rows",
    "are of a group that is in another split too",
    "split the data anew (--split_fractions and --num_folds keep groups together)",
)
_NEAR = _Kind(
    "near_duplicates",
    "",
    "sequences",
    "are much like one of another split",
    "name the families of like sequences in a --group_column and split by fractions",
)


def audit_rows(
    scratch: Scratch,
    split: np.ndarray,
    targets: Column | None,
    folder: pathlib.Path,
    *,
    length: int,
    shift_bp: int = 0,
    has_groups: bool = False,
    on_leak: str = "drop",
    leak_threshold: float = 0.05,
    num_given: int | None = None,
    progress: Callable | None = None,
) -> AuditResult:
    """Returns what the splits share, and the split of every row without the copies that leak.

    Args:
        scratch: Columns `sequence`, `key`, `is_reverse` and `row`; `chrom_id` and `start` of rows
            from a genome; `group`.
        split: int8 `[N]`, positions in `SPLITS`.
        targets: float32 `[N, T]`, to find copies with different ones; None: there are no labels.
        folder: For what is worked out on disk; made here, and taken away again.
        length: Bases of a stored sequence, those beside the window included.
        shift_bp: Bases on either side of the window. Copies are those of windows.
        has_groups: Whether `group` says what belongs together.
        on_leak: `drop`, `error` or `warn`, see `audit`.
        leak_threshold: The share of valid or test that may be found in another split.
        num_given: So many rows are the input's, see `audit`.
        progress: Makes a progress bar from a description and a total.

    Raises:
        InputError: The splits share more than they may.
    """
    keys = scratch.read("key")
    num_given = len(split) if num_given is None else num_given
    result = audit(
        *(keys, scratch.read("is_reverse"), split, targets, scratch.read("row")),
        on_leak=on_leak,
        leak_threshold=leak_threshold,
        num_given=num_given,
    )
    split, found = result.split, {}
    if "chrom_id" in scratch.columns:
        places = scratch.read("chrom_id"), scratch.read("start")
        found[_OVERLAPS] = find_overlaps(*places, split, folder, length=length)
    if has_groups:
        found[_GROUPS] = find_shared_groups(scratch.read("group"), split)
    near = find_near_duplicates(
        *(scratch.read("sequence"), keys, split, folder),
        length=length,
        shift_bp=shift_bp,
        progress=progress,
    )
    found[_NEAR] = Shared(near, {})
    lines = list(result.lines)
    for kind, shared in found.items():
        shares = _shares(shared.found[:num_given], split[:num_given])
        if kind is not _NEAR or on_leak == "error":
            _check(kind, shares, leak_threshold, is_any=kind is not _NEAR and on_leak == "error")
        lines += _lines(kind, shares)
    return dataclasses.replace(
        result, report=_with(result.report, found, split), lines=tuple(lines)
    )


def _with(report: dict, found: dict[_Kind, Shared], split: np.ndarray) -> dict:
    """Returns the report with what was found of every pair of splits."""
    pairs = {}
    for first, second in PAIRS:
        name = f"{SPLITS[first]}/{SPLITS[second]}"
        if name not in report["shared"]:
            continue
        pairs[name] = dict(report["shared"][name])
        for kind, shared in found.items():
            if kind.total:
                pairs[name][kind.total] = shared.counts[first, second]
            pairs[name][kind.name] = [
                int(np.count_nonzero((split == code) & (shared.found >> other & 1 > 0)))
                for code, other in ((first, second), (second, first))
            ]
    return report | {"shared": pairs}


def _shares(found: np.ndarray, split: np.ndarray) -> dict[str, tuple[int, int]]:
    """Returns of valid and test how many rows share something, and how many rows there are."""
    shares = {}
    for code in range(1, len(SPLITS)):
        is_here = split == code
        if total := np.count_nonzero(is_here):
            shares[SPLITS[code]] = (np.count_nonzero(is_here & (found > 0)), total)
    return shares


def _check(
    kind: _Kind, shares: dict[str, tuple[int, int]], threshold: float, *, is_any: bool
) -> None:
    """Raises if more rows share something than may, or with `is_any` if one does."""
    limit = "" if is_any else f", more than --leak_threshold={threshold:g}"
    other = "keep them with --on_leak=warn" if is_any else "raise the threshold"
    for name, (count, total) in shares.items():
        if count > (0 if is_any else threshold * total):
            raise InputError(
                f"{count} of {total} {kind.rows} of {name} ({count / total:.1%}) {kind.does}"
                f"{limit}; {kind.way_out}, or {other}"
            )


def _lines(kind: _Kind, shares: dict[str, tuple[int, int]]) -> Iterator[str]:
    listed = " and ".join(
        f"{count} of {total} {kind.rows} of {name} ({count / total:.1%})"
        for name, (count, total) in shares.items()
        if count
    )
    if listed and kind is _NEAR:
        yield f"Near duplicates: {listed} {kind.does}, as repeats and homologous genes are."
    elif listed:
        yield f"Warning: {listed} {kind.does}; all were kept."
