"""Whether the classes differ in GC content: then a model can score well that knows nothing else.

Negatives that are drawn without regard to GC content (from the whole genome, for peaks that lie in
GC-rich promoters) make the task easier than it is meant to be, for every model alike.

Shapes: `N` examples.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from genokeras.evaluation.split_windows import SplitWindows
from genokeras.metrics import classification
from tfrecords.reader import Dataset
from tfrecords.sequence import gc_content

# GC content tells classes apart if its AUROC is this far from one half, on either side: at 0.6
# a positive has more GC than a negative in three pairs of five. It must also be so many standard
# errors of equal classes away, lest a few examples give the alarm.
MIN_DISTANCE = 0.1
_MIN_STANDARD_ERRORS = 3
_MAX_TASKS = 20
_MAX_EXAMPLES = 100_000
_MAX_BASES = 1 << 27


def gc_by_class(targets: np.ndarray, gc: np.ndarray) -> dict[str, Any]:
    """Compares the GC content of the two classes of a task.

    Args:
      targets: 0 or 1, `[N]`.
      gc: GC content, `[N]`; an example where it is NaN does not count.

    Returns:
      The mean GC content of `negatives` and `positives` (None of a class without examples), the
      `auroc` of GC content as the only score (None of one class), and `separates`: whether that is
      `MIN_DISTANCE` from one half, and not by chance.
    """
    known = np.isfinite(gc)
    targets, gc = targets[known], gc[known]
    classes = gc[targets <= 0.5], gc[targets > 0.5]
    means = [float(values.mean()) if len(values) else None for values in classes]
    result = {"negatives": means[0], "positives": means[1], "auroc": None, "separates": False}
    if None in means:
        return result
    auroc = float(classification.auroc(targets, gc))
    # Of the Mann-Whitney statistic, doi:10.1214/aoms/1177730491.
    error = np.sqrt((len(gc) + 1) / (12 * len(classes[0]) * len(classes[1])))
    needed = max(MIN_DISTANCE, _MIN_STANDARD_ERRORS * error)
    return result | {"auroc": auroc, "separates": bool(abs(auroc - 0.5) >= needed)}


def describe_gc(data_dir: str | os.PathLike) -> list[str]:
    """Returns lines on the GC content of the classes of a dataset; none of a regression.

    Of a large split only the first records are read; they are stored in random order.

    Raises:
      InputError: There is no dataset, or a shard of it is missing or damaged.
    """
    dataset = Dataset(data_dir)
    manifest = dataset.manifest
    tasks = manifest.tasks[:_MAX_TASKS]
    if manifest.task_type != "binary":
        return []
    limit = min(_MAX_EXAMPLES, max(1000, _MAX_BASES // manifest.window_bp))
    width = max([4, *map(len, tasks)])
    lines = [
        "Mean GC content of the classes, and the AUROC of GC content alone:",
        f"  {'task':<{width}} {'split':<7} {'negatives':>9}  {'positives':>9}  {'AUROC':>9}",
    ]
    warnings = []
    for task, split, found in _by_task(dataset, len(tasks), limit):
        numbers = (found["negatives"], found["positives"], found["auroc"])
        cells = "  ".join(f"{_number(value):>9}" for value in numbers)
        lines.append(f"  {tasks[task]:<{width}} {split:<7} {cells}")
        if found["separates"]:
            warnings.append(
                f"Warning: GC content alone tells the classes of {tasks[task]} in {split} apart: "
                "the negatives are not matched for it, and every model will profit."
            )
    if any(manifest.num_examples(split) > limit for split in manifest.splits):
        lines[0] = f"{lines[0][:-1]} ({limit:,} examples of a split at most):"
    return lines + warnings


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _by_task(
    dataset: Dataset, num_tasks: int, limit: int
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yields number of the task, split, and what `gc_by_class` says, split by split."""
    for split in dataset.manifest.splits:
        windows = SplitWindows(dataset, split)
        parts = list(_columns(windows, num_tasks, limit))
        if not parts:
            continue
        gc, targets, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        for task in range(num_tasks):
            rows = weight[:, task] > 0
            yield task, split, gc_by_class(targets[rows, task], gc[rows])


def _columns(windows: SplitWindows, num_tasks: int, limit: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields GC content, targets and weight of the first tasks."""
    for part in windows.parts(limit=limit):
        labels = (part[name][:, :num_tasks] for name in ("targets", "weight"))
        yield gc_content(part["sequence"], windows.length), *labels
