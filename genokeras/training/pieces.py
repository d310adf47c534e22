"""Which models may see a batch piece by piece: those in which no example depends on another."""

import keras

from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError


def check_pieces(model: keras.Model, training: TrainConfig) -> None:
    """Raises if the pieces of a batch would not add up to the whole: a norm over the batch."""
    if training.gradient_accumulation == 1:
        return
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise InputError(
                f"gradient_accumulation={training.gradient_accumulation}: {layer.name} normalises "
                "over the batch, so pieces of it would give another result than the whole; use "
                "--set=norm=layer, or gradient_accumulation=1"
            )
