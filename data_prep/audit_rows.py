"""The whole audit of rows in columns on disk: all that two splits may share.

Copies on either strand (`audit`); and of what is left then, near duplicates (`near_duplicates`),
windows that overlap, and groups that are in several splits (`overlaps`). Only copies are dropped:
the rest is told of. Each of them is an error beyond a threshold, which is higher for near
duplicates, since every genome has them: repeats and homologous genes are on all chromosomes.

Shapes: `N` rows, `T` tasks.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data_prep import gc_match, leaks
from data_prep.audit import AuditResult, audit
from data_prep.near_duplicates import find_near_duplicates, is_near_duplicate
from data_prep.overlaps import PAIRS, Shared, find_overlaps, find_shared_groups
from data_prep.scratch import Column, Scratch
from tfrecords.manifest import SPLITS


@dataclass(frozen=True)
class _Finding:
    """What was found of one kind, and how the report has it.

    Attributes:
        kind: What it is.
        shared: What the splits share of it.
        name: Of the counts of rows in the report.
        total: Of what the splits share, beside these counts; "" if it is nothing else.
        is_alike: Tells which rows have it in common; see `leaks.check`.
    """

    kind: leaks.Kind
    shared: Shared
    name: str
    total: str
    is_alike: Callable[[int, slice], np.ndarray]


_OVERLAPS = leaks.Kind(
    rows="windows",
    does="overlap windows of another split",
    such_as="overlaps",
    way_out="split by chromosome, or by --split_fractions, which keeps them together",
)
_GROUPS = leaks.Kind(
    rows="rows",
    does="are of a group that is in another split too",
    such_as="is of the group of",
    way_out="split the data anew (--split_fractions and --num_folds keep groups together)",
)
_NEAR = leaks.Kind(
    rows="sequences",
    does="are much like one of another split",
    such_as="is much like",
    way_out="choose other chromosomes, or name the families of like sequences of a table in a "
    "--group_column and split by fractions",
    flag="near_duplicate_threshold",
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
    near_duplicate_threshold: float = 0.5,
    num_given: int | None = None,
    matches_gc: bool = False,
    name_row: Callable[[int], str] = "row {}".format,
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
        near_duplicate_threshold: The share of them that may have a near duplicate in another one.
        num_given: So many rows are the input's, see `audit`.
        matches_gc: Whether negatives should have the GC content of the positives.
        name_row: Names a row for the user, by its place from 0.
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
        name_row=name_row,
    )
    sizes = {"length": length, "shift_bp": shift_bp}
    lines, findings = list(result.lines), []
    for finding in _findings(scratch, result.split, folder, has_groups, sizes, progress):
        threshold = None if on_leak == "error" else leak_threshold
        leaks.check(
            finding.kind,
            finding.shared.found[:num_given],
            result.split,
            threshold=near_duplicate_threshold if finding.kind is _NEAR else threshold,
            is_alike=finding.is_alike,
            name_row=name_row,
        )
        lines += _lines(finding, result.split, num_given)
        findings.append(finding)
    report = _with(result.report, findings, result.split)
    if matches_gc:
        found = gc_match.gc_match(scratch.read("sequence"), targets, result.split, **sizes)
        report["gc_match"] = found
        lines += gc_match.warnings(found)
    return dataclasses.replace(result, report=report, lines=tuple(lines))


def _findings(
    scratch: Scratch,
    split: np.ndarray,
    folder: pathlib.Path,
    has_groups: bool,
    sizes: dict[str, int],
    progress: Callable | None,
) -> Iterator[_Finding]:
    """Yields what the splits share beside copies."""
    if "chrom_id" in scratch.columns:
        chrom_id, start = scratch.read("chrom_id"), scratch.read("start")
        shared = find_overlaps(chrom_id, start, split, folder, length=sizes["length"])

        def overlaps(row: int, rows: slice) -> np.ndarray:
            own = slice(row, row + 1)
            is_near = np.abs(start[rows] - start[own]) < sizes["length"]
            return is_near & (chrom_id[rows] == chrom_id[own])

        yield _Finding(_OVERLAPS, shared, "overlapping_windows", "overlap_bp", overlaps)
    if has_groups:
        groups = scratch.read("group")
        shared = find_shared_groups(groups, split)

        def is_of_group(row: int, rows: slice) -> np.ndarray:
            return groups[rows] == groups[row : row + 1]

        yield _Finding(_GROUPS, shared, "rows_of_shared_groups", "shared_groups", is_of_group)
    columns = scratch.read("sequence"), scratch.read("key")
    near = find_near_duplicates(*columns, split, folder, **sizes, progress=progress)
    is_near = is_near_duplicate(*columns, **sizes)
    yield _Finding(_NEAR, Shared(near, {}), "near_duplicates", "", is_near)


def _with(report: dict, findings: list[_Finding], split: np.ndarray) -> dict:
    """Returns the report with what was found of every pair of splits."""
    pairs = {}
    for first, second in PAIRS:
        pair = f"{SPLITS[first]}/{SPLITS[second]}"
        if pair not in report["shared"]:
            continue
        pairs[pair] = dict(report["shared"][pair])
        for finding in findings:
            if finding.total:
                pairs[pair][finding.total] = finding.shared.counts[first, second]
            pairs[pair][finding.name] = [
                int(np.count_nonzero((split == code) & (finding.shared.found >> other & 1 > 0)))
                for code, other in ((first, second), (second, first))
            ]
    return report | {"shared": pairs}


def _lines(finding: _Finding, split: np.ndarray, num_given: int) -> Iterator[str]:
    kind, found = finding.kind, finding.shared.found[:num_given]
    listed = " and ".join(
        f"{count} of {total} {kind.rows} of {name} ({count / total:.1%})"
        for name, (count, total) in leaks.shares(found, split[:num_given]).items()
        if count
    )
    if listed and kind is _NEAR:
        yield f"Near duplicates: {listed} {kind.does}, as repeats and homologous genes are."
    elif listed:
        yield f"Warning: {listed} {kind.does}; all were kept."
