"""Looks for copies of a sequence, on either strand, between the splits and within each.

A sequence in training and test makes a test score too good; so copies are taken out of the training
side, and a dataset that is full of them is refused.

Shapes: `N` rows, `R` rows of sequences that occur more than once, `G` such sequences.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_prep import leaks
from data_prep.sequence_keys import Copies, find_copies
from tfrecords.manifest import SPLITS

ON_LEAK = ("drop", "error", "warn")
DROPPED = -2
_MAX_EXAMPLES = 10
_COPIES = leaks.Kind(
    rows="sequences",
    does="are in another split too",
    such_as="is a copy of",
    way_out="split the data anew (--split_fractions and --num_folds keep copies together, but for "
    "--whole_chroms)",
    strict_way_out="take them out of the training side with --on_leak=drop",
)
# The splits in a mask of two bits for each, as a mask of one bit for each: uint8 `[64]`.
_SPLITS_IN_MASK = np.array(
    [sum((mask >> 2 * code & 3 > 0) << code for code in range(3)) for mask in range(64)], np.uint8
)


@dataclass(frozen=True)
class AuditResult:
    """What was found and done.

    Attributes:
        report: For the manifest.
        split: int8 `[N]`: the split of every row, `DROPPED` for those taken out.
        lines: For the user.
    """

    report: dict
    split: np.ndarray
    lines: tuple[str, ...]


def audit(
    keys: np.ndarray,
    is_reverse: np.ndarray,
    split: np.ndarray,
    targets: np.ndarray | None,
    numbers: np.ndarray,
    *,
    on_leak: str = "drop",
    leak_threshold: float = 0.05,
    num_given: int | None = None,
    name_row: Callable[[int], str] = "row {}".format,
) -> AuditResult:
    """Finds the copies, and takes those out that leak.

    Args:
        keys: uint64 `[N]`, the same on both strands (`sequence_keys`).
        is_reverse: `[N]`, 1 for the strand that sorts last.
        split: int8 `[N]`, positions in `SPLITS`.
        targets: float32 `[N, T]`, NaN where missing; None: there are no labels to contradict.
        numbers: int64 `[N]`, the row numbers to report.
        on_leak: What to do with a sequence that is in several splits: `drop` it from training if
            it is in valid or test, and from valid if it is in test; `error`; or `warn` and keep it.
        leak_threshold: The share of valid or test that may be found in another split.
        num_given: So many rows are the input's; those behind them were made of these, and do not
            count towards the threshold. Default: all.
        name_row: Names a row for the user, by its place from 0.

    Raises:
        InputError: More than `leak_threshold` is shared, or anything at all with `error`.
    """
    tally = _Tally(split)
    for copies in find_copies(keys):
        tally.add(copies, is_reverse, targets, numbers)
    is_strict = on_leak == "error"
    leaks.check(
        _COPIES,
        tally.found if is_strict else tally.found[:num_given],
        split,
        threshold=None if is_strict else leak_threshold,
        is_alike=lambda row, block: keys[block] == keys[row : row + 1],
        name_row=name_row,
    )
    lines = tally.lines()
    dropped = np.zeros(len(SPLITS), int)
    if tally.leaking:
        consequence = "all were kept (--on_leak=warn)"
        if on_leak == "drop":
            rows = np.concatenate(tally.leaking)
            dropped = np.bincount(split[rows], minlength=len(SPLITS))
            split = split.copy()
            split[rows] = DROPPED
            consequence = f"dropped {_listed(dropped)}"
        lines.append(f"Warning: {tally.leaks()}; {consequence}.")
    report = tally.report() | {
        "on_leak": on_leak,
        "leak_threshold": leak_threshold,
        "dropped": _by_split(dropped, tally.num_rows > 0),
    }
    return AuditResult(report, split, tuple(lines))


class _Tally:
    """Counts, added up over ranges of keys.

    A group is the copies of one sequence. Its mask has two bits for every split: bit `2 * split` if
    the split has it on one strand, the next bit if on the other.
    """

    def __init__(self, split: np.ndarray):
        self._split = split
        # Of every row the other splits that have its sequence, bit `i` for split `i`.
        self.found = np.zeros(len(split), np.uint8)
        self.num_rows = np.bincount(split, minlength=len(SPLITS))
        self._repeats = np.zeros(len(SPLITS), int)
        self._exact_repeats = np.zeros(len(SPLITS), int)
        self._shared = {pair: [0, 0] for pair in itertools.combinations(range(len(SPLITS)), 2)}
        self._num_conflicts = 0
        self._conflicts: list[list[int]] = []
        self.leaking: list[np.ndarray] = []

    def add(
        self,
        copies: Copies,
        is_reverse: np.ndarray,
        targets: np.ndarray | None,
        numbers: np.ndarray,
    ) -> None:
        rows, split = copies.rows, self._split[copies.rows]
        bits = 1 << (2 * split.astype(np.int64) + is_reverse[rows])
        masks = np.bitwise_or.reduceat(bits, copies.starts)
        self._count_repeats(split, masks)
        self._count_shared(split, masks, copies)
        later = np.repeat(masks, copies.sizes) >> (2 * (split.astype(np.int64) + 1))
        if (later > 0).any():
            self.leaking.append(rows[later > 0])
        if targets is not None:
            self._count_conflicts(copies, targets[rows], numbers)

    def _count_repeats(self, split: np.ndarray, masks: np.ndarray) -> None:
        for code in range(len(SPLITS)):
            strands = masks >> (2 * code) & 3
            num_rows = np.count_nonzero(split == code)
            self._repeats[code] += num_rows - np.count_nonzero(strands)
            self._exact_repeats[code] += num_rows - ((strands & 1) + (strands >> 1)).sum()

    def _count_shared(self, split: np.ndarray, masks: np.ndarray, copies: Copies) -> None:
        for (first, second), counts in self._shared.items():
            strands = masks >> (2 * first) & 3, masks >> (2 * second) & 3
            is_shared = (strands[0] > 0) & (strands[1] > 0)
            counts[0] += int(is_shared.sum())
            counts[1] += int((is_shared & (strands[0] & strands[1] == 0)).sum())
        others = np.repeat(masks, copies.sizes) & ~(3 << (2 * split.astype(np.int64)))
        self.found[copies.rows] = _SPLITS_IN_MASK[others]

    def _count_conflicts(self, copies: Copies, targets: np.ndarray, numbers: np.ndarray) -> None:
        low = np.fmin.reduceat(targets, copies.starts)
        high = np.fmax.reduceat(targets, copies.starts)
        groups = np.flatnonzero((high > low).any(axis=1))
        self._num_conflicts += len(groups)
        for group in groups[: _MAX_EXAMPLES - len(self._conflicts)]:
            start = copies.starts[group]
            rows = copies.rows[start : start + copies.sizes[group]]
            self._conflicts.append(numbers[rows].tolist())

    def report(self) -> dict:
        """Returns the counts as the manifest holds them."""
        is_there = self.num_rows > 0
        return {
            "rows": _by_split(self.num_rows, is_there),
            "distinct": _by_split(self.num_rows - self._repeats, is_there),
            "repeats": _by_split(self._exact_repeats, is_there),
            "reverse_complement_repeats": _by_split(self._repeats - self._exact_repeats, is_there),
            "shared": {
                f"{SPLITS[first]}/{SPLITS[second]}": {
                    "sequences": counts[0],
                    "only_reverse_complement": counts[1],
                }
                for (first, second), counts in self._shared.items()
                if is_there[first] and is_there[second]
            },
            "conflicts": {"sequences": self._num_conflicts, "examples": self._conflicts},
        }

    def lines(self) -> list[str]:
        """Returns what the user should know: one line for each kind of copy there is."""
        lines = []
        if self._repeats.any():
            lines.append(
                f"Repeated within a split, on either strand: {_listed(self._repeats)}; all kept."
            )
        if self._num_conflicts:
            count = self._num_conflicts
            occur = "sequence occurs" if count == 1 else "sequences occur"
            first = "in rows" if count == 1 else "the first in rows"
            shown = " and ".join(map(str, self._conflicts[0][:2]))
            lines.append(f"Warning: {count} {occur} with different labels, {first} {shown}.")
        return lines

    def leaks(self) -> str:
        """Returns how many sequences the splits share, as messages say it."""
        shared = [
            f"{SPLITS[first]} and {SPLITS[second]} share {sequences} "
            f"{'sequence' if sequences == 1 else 'sequences'}"
            for (first, second), (sequences, _) in self._shared.items()
            if sequences
        ]
        return f"{', '.join(shared)}, on either strand"


def _by_split(counts: np.ndarray, is_there: np.ndarray) -> dict[str, int]:
    return {SPLITS[code]: int(counts[code]) for code in np.flatnonzero(is_there)}


def _listed(counts: np.ndarray) -> str:
    return ", ".join(f"{counts[code]} of {SPLITS[code]}" for code in np.flatnonzero(counts))
