"""The arithmetic of a network, set while it is built and trained, and put back afterwards."""

import contextlib
from collections.abc import Iterator

import keras

_COMPUTE_DTYPE = {"float32": "float32", "mixed_bfloat16": "bfloat16", "float64": "float64"}


@contextlib.contextmanager
def scope(precision: str) -> Iterator[None]:
    """Within this context new Keras layers compute in `precision`; then the old policy is back."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_dtype_policy(precision)
    keras.config.set_floatx("float64" if precision == "float64" else "float32")
    try:
        with _wide_arrays() if precision == "float64" else contextlib.nullcontext():
            yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def check(model: keras.Model, precision: str) -> None:
    """Raises if no layer with weights computes in `precision`: the scope missed the model."""
    wanted = _COMPUTE_DTYPE[precision]
    found = {layer.compute_dtype for layer in model._flatten_layers() if layer.weights}
    if wanted not in found:
        raise ValueError(f"{model.name}: built for {precision}, but layers compute in {found}")


def _wide_arrays() -> contextlib.AbstractContextManager[None]:
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    # Imported here: without JAX it cannot be.
    from genokeras.training.jax_precision import allowing_float64

    return allowing_float64()
