"""What a dataset holds, split by split: labels, base composition.

Shapes: `N` rows, `T` tasks.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tfrecords.manifest import SPLITS

_BLOCK = 1 << 14
_MAX_VALUES = 1 << 22
_BASES = "ACGT"
# How often each of A, C, G and T stands in a byte of two packed bases: int64 `[256, 4]`.
_BASES_IN_BYTE = np.array(
    [
        [(byte >> 4 == 8 >> base) + (byte & 15 == 8 >> base) for base in range(4)]
        for byte in range(256)
    ]
)
_KNOWN_IN_BYTE = np.array([(byte > 15) + (byte & 15 > 0) for byte in range(256)])


class SplitStatistics:
    """Sums over the rows of one split, added up block by block."""

    def __init__(self, num_tasks: int):
        self._num_rows = 0
        self._num_values = 0
        self._bytes = np.zeros(256, np.int64)
        self._sums = np.zeros((3, num_tasks))
        self._lowest = np.full(num_tasks, np.inf)
        self._highest = np.full(num_tasks, -np.inf)

    def add(self, packed: np.ndarray, targets: np.ndarray | None) -> None:
        """Adds rows: packed sequences; targets `[N, T]` or `[N, bins, T]`, NaN where missing."""
        self._num_rows += len(packed)
        self._bytes += _count_bytes(packed)
        if targets is None:
            return
        targets = targets.reshape(-1, targets.shape[-1])
        self._num_values += len(targets)
        known = ~np.isnan(targets)
        values = np.where(known, targets, 0).astype(np.float64)
        self._sums += [known.sum(axis=0), values.sum(axis=0), (values**2).sum(axis=0)]
        self._lowest = np.fmin(self._lowest, np.fmin.reduce(targets, axis=0))
        self._highest = np.fmax(self._highest, np.fmax.reduce(targets, axis=0))

    @property
    def base_composition(self) -> dict[str, float]:
        """Shares of A, C, G and T among the bases that are one of them."""
        counts = self._bytes @ _BASES_IN_BYTE
        return dict(zip(_BASES, (counts / max(1, counts.sum())).tolist(), strict=True))

    def to_json(
        self, tasks: Sequence[str], task_type: str, target_scale: Sequence[float] = ()
    ) -> dict:
        """Returns the statistics as the manifest holds them; `target_scale` times what was added.

        What is missing is counted in labels, or, of tracks, in bins.
        """
        composition = self.base_composition
        num_bases = int(self._bytes @ _KNOWN_IN_BYTE)
        num_single = int((self._bytes @ _BASES_IN_BYTE).sum())
        scales = target_scale or [1.0] * len(tasks)
        return {
            "rows": self._num_rows,
            "gc_content": composition["G"] + composition["C"],
            "ambiguous_bases": num_bases - num_single,
            "tasks": {
                task: self._labels(column)
                if task_type == "binary"
                else self._distribution(column, scales[column])
                for column, task in enumerate(tasks)
            },
        }

    def _labels(self, column: int) -> dict:
        known, positives = self._sums[:2, column].astype(int).tolist()
        return {
            "positives": positives,
            "negatives": known - positives,
            "missing": self._num_values - known,
        }

    def _distribution(self, column: int, scale: float) -> dict:
        known, total, squares = self._sums[:, column].tolist()
        missing = self._num_values - int(known)
        if not known:
            return {"mean": None, "std": None, "min": None, "max": None, "missing": missing}
        mean = total / known
        return {
            "mean": mean * scale,
            "std": max(0.0, squares / known - mean**2) ** 0.5 * scale,
            "min": float(self._lowest[column]) * scale,
            "max": float(self._highest[column]) * scale,
            "missing": missing,
        }


def count_letters(packed: np.ndarray) -> np.ndarray:
    """Returns how many letters of each sequence are no padding, int64 `[N]`."""
    return _KNOWN_IN_BYTE[packed].sum(axis=1)


def _count_bytes(packed: np.ndarray) -> np.ndarray:
    """Returns how often every byte occurs, int64 `[256]`."""
    flat = packed.ravel()
    # Counting pairs of bytes takes half the time. A byte left over is counted with a zero byte,
    # which is padding and of no base.
    pairs = np.append(flat, np.zeros(len(flat) % 2, np.uint8)).view(np.uint16)
    counts = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
    return counts.sum(axis=0) + counts.sum(axis=1)


def gather(
    sequence: np.ndarray,
    targets: np.ndarray | None,
    split: np.ndarray,
    crop: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, SplitStatistics]:
    """Returns the statistics of every split that has rows, reading the columns once.

    `crop` gives, of packed sequences, the part whose bases count; default: all of them.
    """
    first = None if targets is None else targets[:1]
    num_tasks = 0 if first is None else first.shape[-1]
    largest = max(sequence[:1].size, 0 if first is None else first.size)
    block = max(1, min(_BLOCK, _MAX_VALUES // max(1, largest)))
    found = {code: SplitStatistics(num_tasks) for code in np.unique(split[split >= 0]).tolist()}
    for start in range(0, len(split), block):
        rows = slice(start, start + block)
        packed = sequence[rows]
        labels = None if targets is None else targets[rows]
        for code, statistics in found.items():
            is_here = split[rows] == code
            if is_here.any():
                counted = packed[is_here]
                known = None if labels is None else labels[is_here]
                statistics.add(crop(counted) if crop else counted, known)
    return {SPLITS[code]: statistics for code, statistics in found.items()}


def _has_labels(labels: dict) -> bool:
    counts = labels.get("positives", 0), labels.get("negatives", 0)
    return labels.get("mean") is not None or any(counts)


def _has_positives_only(statistics: dict) -> bool:
    labels = statistics["tasks"].values()
    return any(task["positives"] for task in labels) and not any(t["negatives"] for t in labels)


def label_warnings(
    described: dict[str, dict], task_type: str, *, suggest_negatives: bool = True
) -> list[str]:
    """Returns a line for every split and task without labels, or with those of one class only.

    Where training has positives only, a line says how to make negatives, if that is of any use.
    """
    lines = []
    for split, statistics in described.items():
        for task, labels in statistics["tasks"].items():
            if not _has_labels(labels):
                lines.append(f"Warning: {split} has no label of {task}.")
            elif task_type == "binary" and not (labels["positives"] and labels["negatives"]):
                only = int(labels["positives"] > 0)
                lines.append(f"Warning: all labels of {task} in {split} are {only}.")
        is_asked = suggest_negatives and split == "train" and task_type == "binary"
        if is_asked and _has_positives_only(statistics):
            lines.append("--negatives=dinucleotide_shuffle makes negatives of the positives.")
    return lines
