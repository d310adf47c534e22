"""The most confident mistakes of a classifier, and whether the training data are to blame.

A wrong label, or the same sequence in training with the other label, is a common reason for a
confident mistake; the baseline's opinion tells what a glance at k-mers makes of the sequence.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genokeras.evaluation.scores import Labels, probability
from genokeras.evaluation.simple_repeats import longest_repeat_bp
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords import sequence
from tfrecords.origin import PLACE

NUM_MISTAKES = 10
# What the training split says of a sequence, by which labels it has there.
IN_TRAIN = {
    (): None,
    (0,): "label 0",
    (1,): "label 1",
    (0, 1): "both labels",
}


def confident_mistakes(labels: Labels, logits: np.ndarray, column: int) -> np.ndarray:
    """Returns the examples of one task that are most wrong, int `[M]`, the worst first.

    They are the `NUM_MISTAKES` false positives with the highest, then the `NUM_MISTAKES` false
    negatives with the lowest probability; called positive are those of 0.5 and above.
    """
    scores, is_positive = logits[:, column], labels.targets[:, column] > 0.5
    labelled = labels.weight[:, column] > 0
    false_positives = np.flatnonzero(labelled & ~is_positive & (scores >= 0))
    false_negatives = np.flatnonzero(labelled & is_positive & (scores < 0))
    return np.concatenate(
        [
            false_positives[np.argsort(-scores[false_positives], kind="stable")][:NUM_MISTAKES],
            false_negatives[np.argsort(scores[false_negatives], kind="stable")][:NUM_MISTAKES],
        ]
    )


def describe_mistakes(
    labels: Labels,
    rows: np.ndarray,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    windows: SplitWindows,
    train: Sequence[SplitWindows],
) -> list[dict[str, Any]]:
    """Returns the most confident mistakes of every task, task by task.

    Args:
      labels: Of the split's examples.
      rows: Number of each example in the input tables, `[N]`.
      logits: Of the model, `[N, T]`.
      baseline_logits: Of the baseline, or None.
      windows: Their sequences, in the same order.
      train: The training sequences of every dataset (folds have several), to look for the same.

    Returns:
      `row`, `task`, `target`, `probability`, `baseline_probability` (None without baseline),
      `gc_content`, `longest_repeat_bp`, `sequence`, and `in_train`: `label 0`, `label 1` or `both
      labels` if `train` holds the sequence (on either strand, unless data are stranded) with such
      labels, None if it does not; of windows of a genome also `chrom_id`, `start` and `strand`.
    """
    by_task = [confident_mistakes(labels, logits, column) for column in range(len(labels.tasks))]
    chosen = np.concatenate(by_task)
    if not len(chosen):
        return []
    columns = np.repeat(np.arange(len(by_task)), [len(part) for part in by_task])
    fields, length = windows.read(chosen), windows.length
    packed = fields["sequence"]
    in_train = _labels_in_train(packed, columns, train)
    gc, repeat = sequence.gc_content(packed, length), longest_repeat_bp(packed, length)
    texts = sequence.decode(packed, length)
    result = []
    for place, (example, column) in enumerate(zip(chosen, columns, strict=True)):
        baseline = None if baseline_logits is None else baseline_logits[example, column]
        result.append(
            {
                "row": int(rows[example]),
                "task": labels.tasks[column],
                "target": float(labels.targets[example, column]),
                "probability": float(probability(logits[example, column])),
                "baseline_probability": None if baseline is None else float(probability(baseline)),
                "gc_content": float(gc[place]) if np.isfinite(gc[place]) else None,
                "longest_repeat_bp": int(repeat[place]),
                "sequence": texts[place],
                "in_train": in_train[place],
                **{name: int(fields[name][place]) for name in PLACE if name in fields},
            }
        )
    return result


def _labels_in_train(
    packed: np.ndarray, columns: np.ndarray, train: Sequence[SplitWindows]
) -> list[str | None]:
    """Looks for sequences (for the labels of one task each) among those trained on."""
    found: list[set[int]] = [set() for _ in columns]
    for windows in train:
        keys = windows.keys(packed)
        for part in windows.parts():
            of_part = windows.keys(part["sequence"])
            for row in np.flatnonzero(np.isin(of_part, keys)):
                for place in np.flatnonzero(keys == of_part[row]):
                    if part["weight"][row, columns[place]] > 0:
                        found[place].add(int(part["targets"][row, columns[place]] > 0.5))
    return [IN_TRAIN[tuple(sorted(labels))] for labels in found]
