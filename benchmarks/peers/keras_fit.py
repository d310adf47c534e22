"""The network of preset `conv_v2` in Keras's own layers: `model.fit` of arrays in memory."""

import keras
import numpy as np
from keras import layers
from rounds import (
    BETAS,
    CHECKED_STEPS,
    DENSE_UNITS,
    DROPOUT,
    EPSILON,
    FILTERS,
    KERNEL_SIZE,
    LEARNING_RATE,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Rounds,
    Task,
)


def build(task: Task, length: int, dropout: float) -> keras.Model:
    """Returns the network with the weights of the task, compiled as by default."""
    norm = {"momentum": NORM_MOMENTUM, "epsilon": NORM_EPSILON}
    model = keras.Sequential(
        [
            keras.Input((length, 4)),
            layers.Conv1D(FILTERS, KERNEL_SIZE, padding="same", name="block_1_conv"),
            layers.BatchNormalization(**norm, name="block_1_norm"),
            layers.Activation(_gelu),
            layers.MaxPooling1D(2),
            layers.Conv1D(FILTERS, KERNEL_SIZE, padding="same", name="block_2_conv"),
            layers.Activation(_gelu),
            layers.BatchNormalization(**norm, name="block_2_norm"),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(DENSE_UNITS[0], _gelu, name="dense_1"),
            layers.Dropout(dropout),
            layers.Dense(DENSE_UNITS[1], _gelu, name="dense_2"),
            layers.Dropout(dropout),
            layers.Dense(1, name="head"),
        ]
    )
    for name, values in task.weights().items():
        layer, kind = name.split("/")
        getattr(model.get_layer(layer), kind).assign(values)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE, *BETAS, EPSILON),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model


def _gelu(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.gelu(x, approximate=True)


class Gate(keras.callbacks.Callback):
    """Waits between rounds."""

    def __init__(self, rounds: Rounds):
        super().__init__()
        self._rounds = rounds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._rounds.step()
        self.model.stop_training = self._rounds.are_over


def main() -> None:
    """Takes part in rounds."""
    task = Task.from_command_line()
    one_hot, targets = task.data()
    length = one_hot.shape[1]
    checked = build(task, length, dropout=0.0)
    losses = [checked.train_on_batch(*task.checked_batch()) for _ in range(CHECKED_STEPS)]
    model, rounds = build(task, length, DROPOUT), Rounds(task)
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    rounds.ready(parameters, losses, ["keras"], compiled_with_xla=bool(model.jit_compile))
    model.fit(
        one_hot,
        targets,
        batch_size=task.batch_size,
        epochs=1_000_000,
        callbacks=[Gate(rounds)],
        verbose=0,
    )


if __name__ == "__main__":
    main()
