"""Max pooling that refuses what it cannot do symmetrically."""

import keras

from genokeras.layers.max_pool import MaxPool1D


@keras.saving.register_keras_serializable("genokeras")
class RcMaxPool1D(MaxPool1D):
    """Maximum over runs of `pool_size` positions, of which there must be whole ones.

    Shapes: regular `[B, L, 2 C] -> [B, L / pool_size, 2 C]`.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[1] is None or input_shape[1] % self.pool_size:
            raise ValueError(
                f"pooling {input_shape[1]} positions by {self.pool_size} leaves some over at one "
                f"end, which breaks equivariance: use a multiple of {self.pool_size}"
            )
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, length, *rest = input_shape
        return (batch, length // self.pool_size, *rest)
