import numpy as np
import pytest

from genokeras.layers.positions import AddPositions, sinusoids


def test_sinusoids_are_a_ruler():
    """The dot product of two positions depends on their distance only, and is largest at 0."""
    table = sinusoids(50, 64)
    products = table @ table.T
    np.testing.assert_allclose(products[5:, 5:], products[:-5, :-5], atol=1e-9)
    assert (products.argmax(axis=1) == np.arange(50)).all()
    np.testing.assert_allclose(table[0], [0] * 32 + [1] * 32)
    assert sinusoids(3, 5).shape == (3, 5)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal"])
def test_adds_the_same_to_every_example(kind):
    layer = AddPositions(kind)
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32)
    added = np.asarray(layer(x)) - x
    np.testing.assert_allclose(added, np.broadcast_to(added[:1], x.shape), atol=1e-6)


def test_learned_positions_start_at_nothing():
    layer = AddPositions("learned")
    x = np.ones((2, 6, 4), np.float32)
    np.testing.assert_array_equal(layer(x), x)
    assert layer.count_params() == 24


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be learned or sinusoidal, got 'rotary'"):
        AddPositions("rotary")


def test_config_is_complete(assert_config_complete):
    assert_config_complete(AddPositions("sinusoidal"))
