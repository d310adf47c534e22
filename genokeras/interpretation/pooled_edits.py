"""How edits change what is pooled over all positions: the window is, all around it has been before.

Maxima and sums over what is before a window, and over what is behind it, are those of the sequence
without edits, and are worked out once. No sum is taken back from a larger one, so nothing is lost
where most of it is in the window.

Shapes: as in `edits`; results `[G, Q, E, D]`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from genokeras.interpretation.edits import Edited
from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.pooling import AttentionPool1D
from tfrecords.sequence import canonical_kmers

_LEAST = -3e4  # What masked positions count as in the layers.


def max_pooled(x: Edited, mask: Any | None) -> Any:
    """Returns the maximum over positions, bool `[G, L]` of which are told, `[G, Q, E, C]`."""
    reference, values = x.reference, x.values()
    if mask is not None:
        reference = ops.where(mask[..., None], reference, _LEAST)
    values = ops.where(_told(x, mask), values, _LEAST)
    around = _around(x, reference, _LEAST, ops.maximum)
    return ops.maximum(ops.max(values, axis=3), around)


def mean_pooled(x: Edited, mask: Any | None) -> Any:
    """Returns the mean over positions, `[G, Q, E, C]`."""
    there = _there(x, mask)
    count = ops.maximum(ops.sum(there, axis=1), 1.0)[:, None, None]
    reference = ops.sum(x.reference * there, axis=1)[:, None, None]
    change = ops.sum(x.change() * x.windows(there, x.starts, x.width), axis=3)
    return (reference + change) / count


def attention_pooled(layer: AttentionPool1D, x: Edited, mask: Any | None) -> Any:
    """Returns the softmax-weighted means of a layer, `[G, Q, E, num_heads * C]`."""
    told = _told(x, mask)
    values = x.values()
    scores = ops.where(told, ops.matmul(values, layer.kernel), _LEAST)
    before = ops.matmul(x.reference, layer.kernel)
    if mask is not None:
        before = ops.where(mask[..., None], before, _LEAST)
    # No score is larger than this, so that exponentials are finite.
    top = ops.max(before, axis=1)[:, None, None]
    largest = ops.maximum(ops.max(scores, axis=3), top)
    shares = ops.exp(before - top[:, 0])
    heads, channels = shares.shape[-1], x.reference.shape[-1]
    products = ops.expand_dims(shares, -1) * x.reference[:, :, None]
    products = ops.reshape(products, (*products.shape[:2], heads * channels))
    sums = _around(x, ops.concatenate([shares, products], axis=-1), 0.0, ops.add)
    sums = sums * ops.concatenate(
        [ops.exp(top - largest), ops.repeat(ops.exp(top - largest), channels, axis=-1)], axis=-1
    )
    own = ops.where(told, ops.exp(scores - largest[:, :, :, None]), 0.0)
    total = sums[..., :heads] + ops.sum(own, axis=3)
    inside = ops.einsum("gqewh,gqewc->gqehc", own, values)
    around = ops.reshape(sums[..., heads:], inside.shape)
    found = (around + inside) / total[..., None]
    return ops.reshape(found, (*found.shape[:3], heads * channels))


def kmer_sums(layer: KmerLinear, x: Edited, plain: Any) -> Any:
    """Returns what a linear model of k-mers makes of edited DNA, given its `plain` output."""
    starts = [start - layer.k + 1 for start in x.starts]
    width = x.width + 2 * (layer.k - 1)
    before = x.windows(x.reference, starts, width)
    after = before + x.moved(starts, width)
    table = _of_every_kmer(layer)
    change = _looked_up(table, after, layer.k) - _looked_up(table, before, layer.k)
    return plain[:, None, None] + change


def _of_every_kmer(layer: KmerLinear) -> Any:
    """Returns the weights `[4**k, units]`."""
    if layer.stranded:
        return ops.convert_to_tensor(layer.kernel)
    rows = np.zeros(4**layer.k, np.int32)
    for kmers in canonical_kmers(layer.k):
        rows[kmers] = np.arange(len(kmers))
    return ops.take(layer.kernel, rows, axis=0)


def _looked_up(table: Any, dna: Any, k: int) -> Any:
    """Returns the sums of the weights of all k-mers of `[G, Q, E, W, 4]`."""
    bases, known = ops.argmax(dna, axis=-1), ops.max(dna, axis=-1) == 1
    places = dna.shape[3] - k + 1
    ids = sum(4 ** (k - 1 - at) * bases[..., at : at + places] for at in range(k))
    whole = known[..., :places]
    for at in range(1, k):
        whole = ops.logical_and(whole, known[..., at : at + places])
    return ops.sum(ops.where(whole[..., None], ops.take(table, ids, axis=0), 0), axis=3)


def _around(x: Edited, values: Any, nothing: float, add: Callable[[Any, Any], Any]) -> Any:
    """Returns what `[G, L, D]` adds up to before and behind each window, `[G, Q, 1, D]`."""
    # So far beyond either end that no window begins or ends outside.
    ends = [start + step * (x.shape[1] - 1) for start, step in zip(x.starts, x.steps, strict=True)]
    margin = max(0, -min(*x.starts, *ends)) + 1
    behind = max(0, max(*x.starts, *ends) + x.width - x.length) + 1
    padded = ops.pad(values, [(0, 0), (margin, behind), (0, 0)], constant_values=nothing)
    before = _running(padded, nothing, add)
    after = ops.flip(_running(ops.flip(padded, axis=1), nothing, add), axis=1)
    last = [start + margin - 1 for start in x.starts]
    first = [start + margin + x.width for start in x.starts]
    both = x.windows(before, last, 1)[:, :, :, 0], x.windows(after, first, 1)[:, :, :, 0]
    return add(*both)


def _running(values: Any, nothing: float, add: Callable[[Any, Any], Any]) -> Any:
    """Returns what `[G, L, D]` adds up to from the first position to each."""
    step = 1
    while step < values.shape[1]:
        sides = [(0, 0), (step, 0), (0, 0)]
        values = add(values, ops.pad(values[:, :-step], sides, constant_values=nothing))
        step *= 2
    return values


def _told(x: Edited, mask: Any | None) -> Any:
    """Returns which places of windows count, bool `[G, Q, 1, W, 1]`."""
    return x.windows(_there(x, mask), x.starts, x.width) > 0


def _there(x: Edited, mask: Any | None) -> Any:
    """Returns 1 where positions count, else 0, `[G, L, 1]`."""
    shape = (*x.reference.shape[:2], 1)
    if mask is None:
        return ops.ones(shape, dtype=x.reference.dtype)
    return ops.cast(mask[..., None], x.reference.dtype)
