import keras
import numpy as np
import pytest

from genokeras.layers.unit_vectors import UnitVectors


def test_vectors_have_length_one_and_zeros_stay():
    found = UnitVectors()(np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [-1, 0]], atol=1e-6)


def test_a_temperature_is_learned_if_there_is_a_first_one():
    layer = UnitVectors(0.2)
    layer.build((None, 3))
    assert float(layer.temperature()) == pytest.approx(0.2)
    assert [weight.name for weight in layer.trainable_weights] == ["log_temperature"]
    layer.trainable_weights[0].assign(-20.0)
    assert float(layer.temperature()) == pytest.approx(0.01)
    plain = UnitVectors()
    plain.build((None, 3))
    assert plain.weights == []
    assert UnitVectors.from_config(layer.get_config()).first_temperature == 0.2
    assert keras.saving.get_registered_name(UnitVectors) == "genokeras>UnitVectors"
