import keras
import numpy as np

from genokeras.layers.track_scale import TrackScale


def test_starts_at_one_and_scales_each_track():
    x = np.random.default_rng(0).random((2, 5, 3)).astype(np.float32)
    layer = TrackScale()
    np.testing.assert_array_equal(layer(x), x)
    layer.log_scale.assign(np.log([1.0, 300.0, 0.01]) / 30)
    np.testing.assert_allclose(layer(x), x * [1, 300, 0.01], rtol=1e-5)
    assert layer.undecayed


def test_reaches_hundreds_of_reads_in_hundreds_of_steps():
    """The bound of a step of Adam is its rate, whatever the gradient."""
    layer = TrackScale()
    layer.build((None, 1, 1))
    optimizer = keras.optimizers.Adam(1.5e-3)
    for _ in range(150):
        optimizer.apply([-1e6 * np.ones(1, np.float32)], layer.trainable_variables)
    assert 300 < float(layer(np.ones((1, 1, 1), np.float32))[0, 0, 0]) < 1200
