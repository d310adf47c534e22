import keras
import numpy as np
from tensorboard.util import tensor_util

from genokeras.training import variables
from genokeras.training.histograms import Histograms


def model():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(1, name="dense", kernel_initializer="ones")
    built = keras.Model(inputs, dense(inputs))
    return built, dense


def ends(values):
    """Tag -> smallest and largest number, and how many there are."""
    found = {}
    for value in values:
        buckets = tensor_util.make_ndarray(value.tensor)
        filled = buckets[buckets[:, 2] > 0]
        found[value.tag] = filled[0, 0], filled[-1, 1], buckets[:, 2].sum()
    return found


def test_an_update_is_what_the_last_step_has_changed():
    built, dense = model()
    histograms = Histograms(lambda: variables.read(built.trainable_variables))
    histograms.before_step()
    kernel = np.array([[1.0], [2.0], [5.0]], np.float32)
    dense.set_weights([kernel, np.zeros(1, np.float32)])
    found = ends(histograms.values())
    assert found["weights/dense/kernel"] == (1, 5, 3)
    assert found["updates/dense/kernel"] == (0, 4, 3)
    assert set(found) == {
        f"{kind}/dense/{name}" for kind in ("weights", "updates") for name in ("kernel", "bias")
    }


def test_what_is_taken_down_does_not_change_with_the_weights():
    """A view of the weights instead of a copy would show updates of zero."""
    built, dense = model()
    histograms = Histograms(lambda: variables.read(built.trainable_variables))
    histograms.before_step()
    dense.kernel.assign_add(np.array([[0.0], [1.0], [2.0]], np.float32))
    low, high, _ = ends(histograms.values())["updates/dense/kernel"]
    assert (low, high) == (0, 2)
