"""Negatives for splits that hold positives only: made of them, and put beside them.

A negative belongs to a positive: it goes to its split, and its `row` is the positive's number plus
once, twice, ... the number of rows of the input, so `row % rows` is the row it was made of.

Shapes: `N` rows, `T` tasks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep import dinucleotide_shuffle
from data_prep.build_config import BuildConfig
from data_prep.ingest import Ingested
from data_prep.sequence_keys import window_keys
from data_prep.source import Source
from tfrecords import sampling
from tfrecords.errors import InputError, suggest
from tfrecords.manifest import SPLITS

KINDS = ("dinucleotide_shuffle",)
_BLOCK_BASES = 1 << 19
# A negative that comes out as its positive is drawn again so often before it is left out.
_MAX_DRAWS = 16


@dataclass(frozen=True)
class AddedNegatives:
    """What was added to the rows of a build.

    Attributes:
        split: int8 `[N]`, the split of every row, those of the new ones behind.
        report: For the manifest: of every split that got negatives how many were `made`, and how
            many were `left_out` because they came out as their positives.
        lines: For the user.
    """

    split: np.ndarray
    report: dict
    lines: tuple[str, ...]


def check_kind(kind: str, source: Source) -> None:
    """Refuses a kind of negatives that there is not, and tasks that have no negatives."""
    if kind not in KINDS:
        raise InputError(
            f"--negatives={kind}, expected one of {', '.join(KINDS)}.{suggest(kind, KINDS)}"
        )
    if source.task_type == "regression":
        raise InputError(f"--negatives={kind} needs labels of 0 and 1, this is a regression")


def add_negatives(
    ingested: Ingested, source: Source, split: np.ndarray, config: BuildConfig
) -> AddedNegatives:
    """Writes negatives behind the rows, for every split in which each row has a label 1.

    A negative has label 0 in the tasks in which its positive has a label. It is never its positive,
    on either strand: such a one is drawn again, and in the end left out.

    Args:
        ingested: The rows.
        source: Where they came from.
        split: int8 `[N]`, the split of every row.
        config: Says which negatives and how many, and the seed.

    Raises:
        InputError: The labels are not all 0 or 1.
    """
    if not ingested.is_binary:
        task, value = _other_label(source, ingested.scratch.read("targets")[:])
        raise InputError(
            f"--negatives={config.negatives} needs labels of 0 and 1, but {task} holds {value:g}; "
            "write 1 for positives and 0 for negatives"
        )
    is_wanted = _has_positives_only(ingested.scratch.read("targets"), split)
    new_split = [split]

    def batches() -> Iterator[dict[str, np.ndarray]]:
        for negatives in _make(ingested, source, split, is_wanted, config):
            ingested.num_missing += int(np.isnan(negatives["targets"]).sum())
            new_split.append(negatives["split"])
            yield negatives

    ingested.scratch.append(batches())
    sizes = np.bincount(split, minlength=len(SPLITS))
    made = np.bincount(np.concatenate(new_split), minlength=len(SPLITS)) - sizes
    left_out = config.negatives_per_positive * sizes - made
    report = {
        SPLITS[code]: {"made": int(made[code]), "left_out": int(left_out[code])}
        for code in np.flatnonzero(is_wanted)
    }
    lines = _lines(config.negatives, report, sizes)
    return AddedNegatives(np.concatenate(new_split), report, tuple(lines))


def _other_label(source: Source, targets: np.ndarray) -> tuple[str, float]:
    """Returns the first label that is neither 0 nor 1, behind the name of its task."""
    row, task = np.argwhere((targets != 0) & (targets != 1) & ~np.isnan(targets))[0]
    return source.tasks[task], float(targets[row, task])


def _has_positives_only(targets: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Returns, bool `[3]`, which splits have rows, and a label 1 in each."""
    has_rows = np.bincount(split, minlength=len(SPLITS)) > 0
    has_negatives = np.zeros(len(SPLITS), bool)
    step = 1 << 16
    for start in range(0, len(split), step):
        is_negative = ~(targets[start : start + step] == 1).any(axis=1)
        has_negatives[np.unique(split[start : start + step][is_negative])] = True
    return has_rows & ~has_negatives


def _make(
    ingested: Ingested,
    source: Source,
    split: np.ndarray,
    is_wanted: np.ndarray,
    config: BuildConfig,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the negatives of all rows in the splits that want some."""
    scratch = ingested.scratch
    columns = {name: scratch.read(name) for name in scratch.columns}
    step = max(1, _BLOCK_BASES // source.length)
    for start in range(0, len(split), step):
        block = slice(start, start + step)
        is_positive = is_wanted[split[block]]
        if not is_positive.any():
            continue
        positives = {name: column[block][is_positive] for name, column in columns.items()}
        positives["split"] = split[block][is_positive]
        for copy in range(1, config.negatives_per_positive + 1):
            unlabelled = np.where(np.isnan(positives["targets"]), np.nan, 0)
            row = positives["row"] + copy * ingested.num_rows
            nowhere = {
                name: np.full_like(positives[name], -1)
                for name in ("chrom_id", "start")
                if name in positives
            }
            copies = positives | nowhere | {"row": row, "targets": unlabelled}
            keys = sampling.example_keys(positives["row"], seed=config.seed, epoch=copy)
            yield _draw(copies, keys, source, config)


def _draw(
    positives: dict[str, np.ndarray], keys: np.ndarray, source: Source, config: BuildConfig
) -> dict[str, np.ndarray]:
    """Returns a negative for each positive, but for those that can only be the same."""
    made = {name: values.copy() for name, values in positives.items()}
    same = np.arange(len(keys))
    for draw in range(_MAX_DRAWS):
        of_draw = sampling.fold_in(keys[same], draw)
        packed = dinucleotide_shuffle.shuffle(positives["sequence"][same], source.length, of_draw)
        key, is_reverse = window_keys(packed, source.length, config.shift_bp)
        for name, values in {"sequence": packed, "key": key, "is_reverse": is_reverse}.items():
            made[name][same] = values
        same = same[key == positives["key"][same]]
        if not same.size:
            break
    return {name: np.delete(values, same, axis=0) for name, values in made.items()}


def _lines(kind: str, report: dict, sizes: np.ndarray) -> Iterator[str]:
    """Yields what to tell the user: what was added to each split, or why nothing was."""
    for code in np.flatnonzero(sizes):
        added = report.get(SPLITS[code])
        if added is None:
            yield f"Negatives: {SPLITS[code]} holds some already and gets none."
            continue
        count = sizes[code]
        positives = "1 positive" if count == 1 else f"{count} positives"
        line = f"Negatives: {SPLITS[code]} gets {added['made']} ({kind}) for {positives}"
        if added["left_out"]:
            line += f"; {added['left_out']} came out as their positives and were left out"
        yield f"{line}."
