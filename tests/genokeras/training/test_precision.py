import keras
import pytest

from genokeras.training import precision


def settings():
    return keras.config.dtype_policy().name, keras.config.floatx()


def dense_model():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))


@pytest.mark.parametrize(
    ("name", "compute", "stored"),
    [
        ("float32", "float32", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("float64", "float64", "float64"),
    ],
)
def test_layers_compute_as_asked_and_the_policy_returns(name, compute, stored):
    before = settings()
    with precision.scope(name):
        model = dense_model()
    assert settings() == before
    layer = model.get_layer("dense")
    assert (layer.compute_dtype, layer.kernel.dtype) == (compute, stored)
    precision.check(model, name)


def test_policy_returns_after_an_error_too():
    before = settings()
    with pytest.raises(KeyError), precision.scope("float64"):
        raise KeyError
    assert settings() == before


def test_model_that_was_built_outside_is_found_out():
    with pytest.raises(ValueError, match="built for float64, but layers compute in {'float32'}"):
        precision.check(dense_model(), "float64")
