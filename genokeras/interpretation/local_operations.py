"""Which operations of Keras are local, and by what rule a change goes through each.

By class: a layer or an operation of `keras.ops`. What is not here is opened, if it is a layer, or
computed for all positions.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from genokeras.interpretation import local_rules as rules
from genokeras.interpretation.edits import Edited
from genokeras.interpretation.local_rules import Kernel
from genokeras.interpretation.pooled_edits import (
    attention_pooled,
    kmer_sums,
    max_pooled,
    mean_pooled,
)
from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.pooling import AttentionPool1D, MaxMeanPool1D, MeanPool1D
from genokeras.layers.rc_max_pool import RcMaxPool1D
from genokeras.layers.shifts import ShiftedCopies
from genokeras.layers.strands import BothStrands

# They make each position of what is there.
_POINTWISE = (
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "LayerNormalization", "RMSNormalization"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "Sigmoid", "HardSigmoid"),
    *("Softplus", "Softsign", "Tanh", "Exp", "Log", "Square", "Sqrt", "Rsqrt", "Erf", "Negative"),
    *("Absolute", "LayerNorm", "RMSNorm"),
)
_ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Power")
# In a prediction.
_NOTHING = ("Identity", "Dropout", "SpatialDropout1D", "KeyedDropout", "GaussianNoise")

Rule = Callable[[Any], Edited]  # From what an operation makes of the sequence without edits.


def local(operation: Any, args: tuple, kwargs: dict[str, Any]) -> Edited | None:
    """Returns what a local operation makes of its arguments; None if it is not known as one.

    Args:
        operation: A layer, or an operation of `keras.ops`.
        args: Its arguments, among them `Edited` ones; other tensors are the same for every edit.
        kwargs: Likewise, without `Edited` ones.
    """
    flat = [x for x in keras.tree.flatten(args) if x is not None]
    edited = [x for x in flat if isinstance(x, Edited)]
    in_kwargs = any(isinstance(x, Edited) for x in keras.tree.flatten(kwargs))
    if not edited or in_kwargs or any(x.reference.ndim != 3 for x in edited):
        return None
    rule = _rule(operation, flat, edited)
    if rule is None:
        return None
    plain = keras.tree.map_structure(lambda x: x.reference if isinstance(x, Edited) else x, args)
    return rule(operation(*plain, **kwargs))


def pooled(operation: Any, args: tuple, kwargs: dict[str, Any]) -> Any | None:
    """Returns what an operation that pools over all positions makes of edits, `[G, Q, E, D]`.

    None if it is not known as one. Arguments are those of `local`.
    """
    x = args[0] if args else None
    mask = args[1] if len(args) > 1 else kwargs.get("padding_mask")
    if not isinstance(x, Edited) or isinstance(mask, Edited) or x.reference.ndim != 3:
        return None
    if isinstance(operation, MaxMeanPool1D):
        return ops.concatenate([max_pooled(x, mask), mean_pooled(x, mask)], axis=-1)
    if isinstance(operation, keras.layers.GlobalMaxPooling1D):
        return max_pooled(x, None)
    if isinstance(operation, MeanPool1D | keras.layers.GlobalAveragePooling1D):
        return mean_pooled(x, mask)
    if isinstance(operation, AttentionPool1D):
        return attention_pooled(operation, x, mask)
    if isinstance(operation, KmerLinear):
        return kmer_sums(operation, x, operation(x.reference))
    return None


def _rule(operation: Any, flat: Sequence[Any], edited: Sequence[Edited]) -> Rule | None:
    name, x = type(operation).__name__, edited[0]
    if name in _NOTHING:
        return lambda reference: x
    if name in _ARITHMETIC and len(flat) == 2:
        return _arithmetic(operation, name, flat)
    if name == "Conv":
        return _convolution(operation, flat)
    if name == "Matmul" and flat[0] is x and len(flat[1].shape) == 2:
        return lambda reference: rules.affine(lambda y: operation(y, flat[1]), x, reference)
    if name == "Concatenate" and operation.axis in (-1, 2) and len(edited) == len(flat):
        return lambda reference: rules.joined(edited, reference)
    if len(flat) > 1:
        return None
    if name in _POINTWISE:
        return lambda reference: rules.pointwise(operation, edited, reference)
    if isinstance(operation, keras.layers.BatchNormalization):
        return lambda reference: rules.affine(operation, x, reference)
    if isinstance(operation, keras.layers.Dense):
        if operation.activation is keras.activations.linear:
            return lambda reference: rules.affine(operation, x, reference)
        return lambda reference: rules.pointwise(operation, edited, reference)
    if isinstance(operation, BothStrands):
        return lambda reference: rules.turned(x, reference)
    if isinstance(operation, ShiftedCopies):
        return lambda reference: rules.shifted(x, operation.reach, reference)
    return _pooling(operation, x)


def _arithmetic(operation: Any, name: str, flat: Sequence[Any]) -> Rule | None:
    """Returns the rule of an operation on two tensors, or a tensor and a number."""
    a, b = flat

    def both(x: Any, y: Any) -> Any:
        # Layers that merge take a list.
        return operation([x, y]) if isinstance(operation, keras.layers.Layer) else operation(x, y)

    if isinstance(a, Edited) and isinstance(b, Edited):
        sums = {"Add": 1, "Subtract": -1}
        if name in sums and a.changed is not None and b.changed is not None:
            return lambda reference: rules.added(a, b, sums[name], reference)
        return lambda reference: rules.pointwise(both, [a, b], reference)
    x, other = (a, b) if isinstance(a, Edited) else (b, a)
    shape = tuple(getattr(other, "shape", ()))
    if len(shape) > 1 and set(shape[:-1]) != {1}:
        # It has positions of its own, which no edit changes.
        if len(shape) != 3 or shape[:2] != tuple(x.reference.shape[:2]):
            return None
        still = dataclasses.replace(x, reference=other, becomes=None, changed=0 * x.change())
        pair = [x, still] if isinstance(a, Edited) else [still, x]
        return lambda reference: rules.pointwise(both, pair, reference)

    def call(y: Any) -> Any:
        return both(y, other) if isinstance(a, Edited) else both(other, y)

    is_affine = name in ("Add", "Subtract", "Multiply") or (
        name in ("Divide", "TrueDivide") and isinstance(a, Edited)
    )
    if is_affine:
        return lambda reference: rules.affine(call, x, reference)
    return lambda reference: rules.pointwise(call, [x], reference)


def _convolution(operation: Any, flat: Sequence[Any]) -> Rule | None:
    """Returns the rule of `keras.ops.conv` over positions, without groups."""
    x, weights = flat
    plain = operation.data_format in (None, "channels_last") and len(weights.shape) == 3
    if not (isinstance(x, Edited) and plain and weights.shape[1] == x.reference.shape[2]):
        return None
    stride, dilation = (_one(x) for x in (operation.strides, operation.dilation_rate))
    size = weights.shape[0]
    kernel = Kernel.padded(operation.padding, x.length, size, stride, dilation)
    return lambda reference: rules.convolved(x, weights, kernel, reference)


def _pooling(operation: Any, x: Edited) -> Rule | None:
    """Returns the rule of a layer that pools runs of positions."""
    if isinstance(operation, MaxPool1D | RcMaxPool1D):
        kernel = Kernel(operation.pool_size, operation.pool_size)
        return lambda reference: rules.pooled(operation, x, kernel, reference)
    pools = {
        keras.layers.MaxPooling1D: ops.max_pool,
        keras.layers.AveragePooling1D: ops.average_pool,
    }
    pool = pools.get(type(operation))
    if pool is None or operation.data_format != "channels_last":
        return None
    # Means at the ends leave padding out.
    if pool is ops.average_pool and operation.padding != "valid":
        return None
    size, stride = _one(operation.pool_size), _one(operation.strides)
    kernel = Kernel.padded(operation.padding, x.length, size, stride)

    def call(y: Any) -> Any:
        return pool(y, size, stride, "valid")

    return lambda reference: rules.pooled(call, x, kernel, reference)


def _one(value: Any) -> int:
    """Returns the number of an option that may be a tuple of one."""
    return value[0] if isinstance(value, tuple | list) else value
