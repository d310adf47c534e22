"""How unreduced terms of a loss become one number: the weighted mean over the global batch.

A term `[B]` is weighted per example, a term `[B, ...]` per target. Sums and total weights are kept
apart, since over several replicas, or micro-batches, both are added up before one is divided by the
other: the mean of the parts' means would be wrong wherever their weights differ. Written with
`keras.ops`, so the same on every engine.
"""

from collections.abc import Mapping
from typing import Any

from keras import ops

LABELS = ("targets", "weight")  # What the scores of a batch need beside its outputs.


def total_weights(weight: Any) -> dict[str, Any]:
    """Returns the total weight of a batch's examples and of its targets; `weight` is `[B, ...]`."""
    return {"example": ops.sum(example_weight(weight)), "target": ops.sum(weight)}


def total_of(term: Any, totals: Mapping[str, Any]) -> Any:
    """Returns by what the weighted sum of `term` is to be divided."""
    return ops.cast(totals["example" if len(term.shape) == 1 else "target"], term.dtype)


def weighted_sum(term: Any, weight: Any) -> Any:
    """Returns the sum of a term over its batch, each entry times its weight."""
    weight = example_weight(weight) if len(term.shape) == 1 else weight
    return ops.sum(term * ops.cast(weight, term.dtype))


def mean_of(total: Any, weight: Any) -> Any:
    """Returns a sum divided by its weight; nothing, 0, of a batch without any weight."""
    is_empty = ops.equal(weight, 0)
    return ops.where(is_empty, 0, total) / ops.where(is_empty, 1, weight)


def example_weight(weight: Any) -> Any:
    """Returns `[B]`: an example counts as much as its best-weighted target; padding, nothing."""
    return ops.max(ops.reshape(weight, (ops.shape(weight)[0], -1)), axis=1)
