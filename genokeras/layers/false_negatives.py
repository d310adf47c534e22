"""Which examples of a batch must not be taken for something else than a given one.

Shapes: those of the local part `[B]`, of `everyone` `[G]`; pairs bool `[B, G]`.
"""

from collections.abc import Mapping
from typing import Any

from keras import ops


def false_negatives(own: Mapping[str, Any], everyone: Mapping[str, Any]) -> Any:
    """Returns true for pairs of the same DNA, on either strand, and for padding.

    That is: of the same `identity` (`layers.canonical_hash`), or, where there are `chrom_id`,
    `start` and `end`, of intervals that overlap. A `chrom_id` below 0 is no chromosome. Padding has
    an `is_example` of 0.
    """

    def pairs(name: str, other: str | None = None) -> tuple[Any, Any]:
        return ops.expand_dims(own[name], 1), ops.expand_dims(everyone[other or name], 0)

    found = ops.equal(*pairs("identity"))
    found = ops.logical_or(found, ops.expand_dims(ops.equal(everyone["is_example"], 0), 0))
    if "chrom_id" not in own:
        return found
    overlap = ops.logical_and(ops.less(*pairs("start", "end")), ops.greater(*pairs("end", "start")))
    chrom, other_chrom = pairs("chrom_id")
    same = ops.logical_and(ops.equal(chrom, other_chrom), chrom >= 0)
    return ops.logical_or(found, ops.logical_and(same, overlap))
