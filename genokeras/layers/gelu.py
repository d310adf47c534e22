"""GELU in its tanh form, which is what Flax means by `gelu`."""

import math
from typing import Any

import keras
from keras import ops

_SCALE = math.sqrt(2 / math.pi)


@keras.saving.register_keras_serializable("genokeras")
def gelu(x: Any) -> Any:
    """Returns `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`.

    Keras's own is another function in float64 on TensorFlow, which rounds 0.044715 to 32 bits.
    """
    return 0.5 * x * (1 + ops.tanh(_SCALE * (x + 0.044715 * (x * x * x))))
