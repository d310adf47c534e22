"""From regular features to predictions: of no strand, of a position, or of a strand each."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from genokeras.layers.rc_embedding import check_opposites
from genokeras.layers.rc_strands import half_of


@keras.saving.register_keras_serializable("genokeras")
class RcHead(keras.layers.Layer):
    """Linear head whose output `opposites[t]` is, on the opposite strand, its output `t`.

    Without `opposites` every output is its own opposite: of pooled features they are invariant, of
    maps they turn around with the sequence. With those of tokens it is the head of a language
    model, with `spec.strand_pairs` that of stranded assays. Shapes: regular `[..., 2 C] -> [...,
    units]`; kernel `[C, units]`, bias one per pair.
    """

    def __init__(
        self,
        units: int,
        opposites: Sequence[int] | None = None,
        kernel_initializer: Any = "lecun_normal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if opposites is not None:
            check_opposites(opposites)
            if len(opposites) != units:
                raise ValueError(f"expected an opposite of each of {units}, got {opposites}")
        self.units = units
        self.opposites = None if opposites is None else tuple(int(t) for t in opposites)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        half = half_of(input_shape[-1], "channels")
        pairs = self.opposites or range(self.units)
        firsts = sorted({min(pair) for pair in enumerate(pairs)})
        self._bias_of = [firsts.index(min(pair)) for pair in enumerate(pairs)]
        shape = (half, self.units)
        self.kernel = self.add_weight(shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((len(firsts),), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        opposite = kernel if self.opposites is None else ops.take(kernel, self.opposites, axis=1)
        both = ops.concatenate([kernel, ops.flip(opposite, axis=0)])
        return ops.matmul(x, both) + ops.take(self.bias, self._bias_of)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "opposites": self.opposites,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("genokeras")
class TiedTasks(keras.layers.Layer):
    """Gives both tasks of a pair their mean: for what cannot tell the strands apart.

    Shapes: `[..., T] -> [..., T]`. With no pair it does nothing.
    """

    def __init__(self, opposites: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        check_opposites(opposites)
        self.opposites = tuple(opposites)

    def call(self, x: Any) -> Any:
        return (x + ops.take(x, self.opposites, axis=-1)) / 2

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "opposites": self.opposites}
