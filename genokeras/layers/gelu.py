"""GELU in its tanh form, which can be fused and is what Flax means by `gelu`."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
def gelu(x: Any) -> Any:
    """Returns `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`."""
    return ops.gelu(x, approximate=True)
