"""Arithmetic in 64 bits on JAX, where both JAX and Keras compute in 32 unless told otherwise."""

import contextlib
from collections.abc import Iterator

import jax
import keras
from keras.src.backend.common import dtypes

from tfrecords.errors import InputError

_FLOAT64 = {"float64": "float64"}


@contextlib.contextmanager
def allowing_float64() -> Iterator[None]:
    """Within this context floats may have 64 bits, in all threads: batches are placed in others.

    Keras has a table by which the operations of its JAX backend give 32 bits whatever they are
    given, and no setting for it.

    Raises:
        InputError: Keras has no longer such a table.
    """
    table = getattr(dtypes, "BIT64_TO_BIT32_DTYPE", {})
    wide, narrow = jax.config.jax_enable_x64, dict(table)
    jax.config.update("jax_enable_x64", True)
    table.update(_FLOAT64)
    try:
        if keras.backend.result_type("float64", "float32") != "float64":
            raise InputError(
                f"precision=float64: Keras {keras.__version__} computes in float32 on JAX; use "
                "KERAS_BACKEND=tensorflow"
            )
        yield
    finally:
        table.update(narrow)
        jax.config.update("jax_enable_x64", wide)
