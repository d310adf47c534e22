"""A number that tells sequences apart, but not the two strands of one."""

from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import unpack_nibbles
from genokeras.layers.turn_strand import reverse_complement


def canonical_hash(packed: Any, length: int) -> Any:
    """Returns int32 `[B]`, the same for a sequence and its reverse complement.

    Two different sequences have the same with a probability of 2**-32. Shapes: packed uint8
    `[B, ceil(length/2)]`.
    """
    both = _hash(packed, length) + _hash(reverse_complement(packed, length), length)
    return ops.cast(keyed_random.mix(ops.cast(both, "uint32")), "int32")


def _hash(packed: Any, length: int) -> Any:
    nibbles = unpack_nibbles(packed)[:, :length]
    numbers = nibbles + 16 * ops.expand_dims(ops.arange(length, dtype="int32"), 0)
    mixed = keyed_random.mix(keyed_random.mix(ops.cast(numbers, "uint32")))
    return ops.sum(ops.cast(mixed, "int32"), axis=1)
