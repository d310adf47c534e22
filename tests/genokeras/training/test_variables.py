import keras
import numpy as np
import pytest

from genokeras.training import variables
from tfrecords.errors import InputError


def model(units=2):
    inputs = keras.Input((3,))
    x = keras.layers.Dropout(0.5, name="drop_1")(inputs)
    x = keras.layers.Dropout(0.5, name="drop_2")(x)
    return keras.Model(inputs, keras.layers.Dense(units, name="head")(x))


def test_names_do_not_depend_on_what_was_built_before():
    """Keras itself numbers the generators of the second model on."""
    first, second = model(), model()
    assert [v.path for v in first.variables] != [v.path for v in second.variables]
    assert list(variables.named(first.variables)) == list(variables.named(second.variables))
    assert list(variables.named(first.variables)) == [
        "seed_generator/seed_generator_state",
        "seed_generator/seed_generator_state~1",
        "head/kernel",
        "head/bias",
    ]


def test_values_pass_from_one_model_to_another():
    first, second = model(), model()
    variables.assign(second.variables, variables.read(first.variables), "here")
    inputs = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(first(inputs), second(inputs))


def test_values_of_another_model_are_refused():
    values = variables.read(model().variables)
    with pytest.raises(InputError) as error:
        variables.assign(model(units=5).variables, values, "step-3")
    assert str(error.value) == (
        "step-3: head/kernel has shape [3, 2], the model of this run has [3, 5]"
    )
    del values["head/bias"]
    with pytest.raises(InputError) as error:
        variables.assign(model().variables, values, "step-3")
    assert str(error.value) == (
        "step-3: holds another model than the one of this run; 1 of its names differ, "
        "for example 'head/bias'"
    )
