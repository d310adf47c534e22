"""Which split a row belongs to, when the input does not say: by fractions, folds or chromosome.

By fractions and folds a row's place is decided by a seeded hash of its group (`split_groups`): its
strand-canonical sequence, so that copies of it, the reverse complement among them, never part; of
windows of a genome those that overlap; or what the input names. Stratified: every split gets its
share of every combination of labels, or of every tenth of the range of a regression target.

Shapes: `N` rows, `T` tasks.
"""

import collections
from collections.abc import Sequence

import numpy as np

from data_prep.build_config import BuildConfig
from data_prep.groups import number_groups
from data_prep.sequence_keys import mix
from data_prep.source import UNSPLIT
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS

_BLOCK = 1 << 16
_MAX_STRATA = 1000
_MAX_QUANTILES = 10
TRAIN, VALID, TEST = range(len(SPLITS))
TWO_FOLDS = (
    "--num_folds=2 leaves nothing to train on, since one fold is test and the next one valid; "
    "expected 3 or more, or a test split of its own (--test)"
)


def split_rows(
    split: np.ndarray,
    is_given: np.ndarray,
    groups: np.ndarray,
    targets: np.ndarray | None,
    task_type: str,
    config: BuildConfig,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the split of every row, int8 `[N]`, and which splits there are to be, bool `[3]`.

    Args:
        split: int8 `[N]`, what the input says: a position in `SPLITS`, or `UNSPLIT`.
        is_given: bool `[3]`, the splits that the input names.
        groups: Integers `[N]`, the same for rows that must not part.
        targets: `[N, T]` or `[N, bins, T]`, NaN where missing; None: none.
        task_type: One of `TASK_TYPES`.
        config: Fractions are for rows that come without a split. So are folds, unless the input
            names splits: then all rows but those of test are dealt out anew.

    Raises:
        InputError: A split would be empty, or is given twice.
    """
    is_there, is_open = is_given.copy(), split == UNSPLIT
    if config.is_splitting:
        has_test = config.num_folds is not None and is_given.any()
        if has_test:
            is_open = split != TEST
            is_there |= [True, True, False]
        elif config.num_folds is not None:
            is_there[:] = True
        else:
            _check_given_once(is_given, config.split_fractions)
            is_there |= np.array(config.split_fractions) > 0
        if not is_open.all():
            rows = np.flatnonzero(is_open)
            groups = groups[rows]
            targets = None if targets is None else targets[rows]
        split = split.copy()
        if is_open.any():
            split[is_open] = make_splits(groups, targets, task_type, config, has_test=has_test)
    reason = (
        "there are too few rows with a label, or too few groups that stay together (windows of a "
        "genome do if they overlap or are copies, unless --whole_chroms deals out chromosomes); "
        "try another --seed, or say what is in which split"
    )
    check_not_empty(split, is_there, reason)
    return split, is_there


def make_splits(
    groups: np.ndarray,
    targets: np.ndarray | None,
    task_type: str,
    config: BuildConfig,
    *,
    has_test: bool = False,
) -> np.ndarray:
    """Returns the split of every row, int8 `[N]`, by the fractions or the folds of `config`.

    The folds themselves do not depend on which one is chosen, so the test splits (or, with
    `has_test`, the valid splits) of all folds together are the whole.

    Args:
        groups: Integers `[N]`, the same for rows that must not part.
        targets: `[N, T]` or `[N, bins, T]`, NaN where missing; None: none.
        task_type: One of `TASK_TYPES`.
        config: Has either fractions or folds.
        has_test: There is a test split beside these rows, so that the chosen fold is valid.

    Raises:
        InputError: Two folds, of which none is left to train on.
    """
    count = config.num_folds
    fractions = config.split_fractions if count is None else [1 / count] * count
    smallest = min(fraction for fraction in fractions if fraction)
    strata = make_strata(groups, targets, task_type, smallest)
    parts = _assign(groups, strata, fractions, config.seed)
    if count is None:
        return parts
    split_of_fold = np.full(count, TRAIN, np.int8)
    if has_test:
        split_of_fold[config.fold] = VALID
        return split_of_fold[parts]
    if count == 2:
        raise InputError(TWO_FOLDS)
    split_of_fold[(config.fold + 1) % count] = VALID
    split_of_fold[config.fold] = TEST
    return split_of_fold[parts]


def check_not_empty(split: np.ndarray, is_there: np.ndarray, reason: str) -> None:
    """Raises an InputError that gives the reason if a split that is to be there has no row."""
    sizes = np.bincount(split[split >= 0], minlength=len(SPLITS))
    for code in np.flatnonzero(is_there & (sizes == 0)):
        raise InputError(f"split {SPLITS[code]} would be empty: {reason}")


def _check_given_once(is_given: np.ndarray, fractions: tuple[float, ...]) -> None:
    for name, given, fraction in zip(SPLITS, is_given, fractions, strict=True):
        if given and fraction:
            raise InputError(
                f"{name} is given by the input and by --split_fractions; "
                "give it a fraction of 0 to use the input's only"
            )


def make_strata(
    groups: np.ndarray, targets: np.ndarray | None, task_type: str, smallest_fraction: float
) -> np.ndarray:
    """Returns a number for every row, uint16 `[N]`: rows of one number have similar labels.

    Rows of a group get one number, whatever their labels. Combinations of labels too rare to
    be found in every split share the number 0, and of few targets there are fewer ranges than ten.
    """
    if targets is None:
        return np.zeros(len(groups), np.uint16)
    min_rows = 2 / smallest_fraction
    if task_type == "binary":
        strata = _label_patterns(targets, min_rows)
    else:
        strata = _quantiles(targets, min_rows)
    numbers, names = number_groups(groups)
    lowest = np.full(len(names), np.iinfo(np.uint16).max, np.uint16)
    np.minimum.at(lowest, numbers, strata)
    return lowest[numbers]


def _assign(
    groups: np.ndarray, strata: np.ndarray, fractions: Sequence[float], seed: int
) -> np.ndarray:
    """Returns the part, int8 `[N]`, of every row; part `i` gets `fractions[i]` of each stratum."""
    salt = mix(np.array([seed], np.uint64))

    def place(block: np.ndarray) -> np.ndarray:
        return mix(block.astype(np.uint64) ^ salt) >> np.uint64(32)

    places = _in_blocks(groups, place, np.uint32)
    ends = np.cumsum(fractions)[:-1] / np.sum(fractions)
    # Rows of a stratum are in part i or a later one if their place is at least its i-th cut.
    cuts = np.zeros((strata.max(initial=0) + 1, len(ends)), np.uint64)
    for stratum in np.flatnonzero(np.bincount(strata)):
        ordered = places[strata == stratum]
        ordered.sort()
        first = np.rint(ends * len(ordered)).astype(int)
        is_inside = first < len(ordered)
        cuts[stratum] = 1 << 32
        cuts[stratum, is_inside] = ordered[first[is_inside]]
    parts = np.empty(len(groups), np.int8)
    for start in range(0, len(groups), _BLOCK):
        block = slice(start, start + _BLOCK)
        parts[block] = (places[block, None] >= cuts[strata[block]]).sum(axis=1)
    return parts


def _in_blocks(values: np.ndarray, function, dtype: type) -> np.ndarray:
    """Returns `function` of all rows, worked out a block at a time."""
    found = np.empty(len(values), dtype)
    for start in range(0, len(values), _BLOCK):
        found[start : start + _BLOCK] = function(values[start : start + _BLOCK])
    return found


def _label_patterns(targets: np.ndarray, min_rows: float) -> np.ndarray:
    """Returns the number of every row's combination of 0, 1 and missing labels."""
    counts = collections.Counter()
    for start in range(0, len(targets), _BLOCK):
        patterns, sizes = np.unique(_pattern(targets[start : start + _BLOCK]), return_counts=True)
        counts.update(dict(zip(patterns.tolist(), sizes.tolist(), strict=True)))
        if len(counts) > 10 * _MAX_STRATA:
            counts = collections.Counter(dict(counts.most_common(_MAX_STRATA)))
    common = [pattern for pattern, count in counts.most_common(_MAX_STRATA) if count >= min_rows]
    known = np.sort(np.array(common, np.uint64))

    def number(block: np.ndarray) -> np.ndarray:
        patterns = _pattern(block)
        place = np.searchsorted(known, patterns)
        is_known = np.append(known, np.uint64(0))[place] == patterns
        return np.where(is_known & (place < len(known)), place + 1, 0)

    return _in_blocks(targets, number, np.uint16)


def _pattern(targets: np.ndarray) -> np.ndarray:
    """Returns a hash, uint64 `[N]`, of which labels are 0, 1 and missing."""
    digits = np.where(np.isnan(targets), 2, targets).astype(np.uint64)
    return digits @ mix(np.arange(1, targets.shape[1] + 1, dtype=np.uint64))


def _quantiles(targets: np.ndarray, min_rows: float) -> np.ndarray:
    """Returns the tenth of the rows, 1 to 10, that every row is in by its mean target.

    If a tenth has fewer than `min_rows` rows, there are fewer and larger parts.
    """
    count = max(1, min(_MAX_QUANTILES, int(len(targets) / min_rows)))
    means = _in_blocks(targets, lambda block: np.nanmean(block, axis=1), np.float32)
    edges = np.quantile(means, np.arange(1, count) / count)
    return _in_blocks(means, lambda block: 1 + np.searchsorted(edges, block, "right"), np.uint16)
