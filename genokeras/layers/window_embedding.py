"""The embedding of a window, cut out of a built model: what its head reads, one vector a window."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from genokeras.layers.rc_strands import SplitStrands
from genokeras.layers.shifts import MeanOfShifts
from genokeras.layers.strands import MeanOfStrands


def window_embedding(
    model: keras.Model, features: Sequence[Any], *, equivariant: bool = False, reach: int = 0
) -> keras.Model:
    """Returns the model that ends in `features`, side by side, and shares its weights with `model`.

    It gives `[B, D]`, the mean over whatever copies of a window `model` makes (both strands, where
    it has the layer `both_strands`, and shifts), never in 16 bits. Of an equivariant network it is
    the mean of what either strand's half of the channels holds, so the same for both strands.

    Args:
        model: Functional.
        features: Tensors of it, `[N, C]`, `N` being the copies of the batch one below the other.
        equivariant: Whether features hold both strands (`rc_strands`).
        reach: That of its `ShiftedCopies`.
    """
    exact = {"dtype": model.variable_dtype}
    if equivariant:
        names = (f"embedding_strands_{number}" for number in range(1, len(features) + 1))
        pairs = zip(features, names, strict=True)
        features = [SplitStrands(name=name, **exact)(x) for x, name in pairs]
    x = features[0]
    if len(features) > 1:
        x = layers.Concatenate(name="embedding_parts", **exact)(features)
    if equivariant or any(layer.name == "both_strands" for layer in model.layers):
        x = MeanOfStrands(name="embedding_mean_of_strands", **exact)(x)
    if reach:
        x = MeanOfShifts(reach, name="embedding_mean_of_shifts", **exact)(x)
    x = layers.Identity(name="window_embedding", **exact)(x)
    return keras.Model(model.input, x, name="embedding")
