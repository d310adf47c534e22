"""What is so of predictions on two devices, on the backend of Keras.

`test_jax_engine.py` and `test_tensorflow_replicas.py` run this where there are two.
"""

import random

import numpy as np
import pytest

from genokeras.evaluation.predictor import Predictor
from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.training.devices import here

SPEC = Spec(32, ("plus", "minus"), strand_pairs=(1, 0))
PACKED = np.random.default_rng(0).integers(0, 256, (21, SPEC.packed_width)).astype(np.uint8)


def make_predictor(strategy, batch_size, jit):
    """Returns a predictor whose weights are always the same."""
    devices = here(strategy)
    with devices.scope():
        random.seed(0)  # Where Keras takes the seeds of weights from.
        model = cnn_attention.build(cnn_attention.PRESETS["tiny"], SPEC)
    return Predictor(model, SPEC, batch_size=batch_size, jit=jit, devices=devices)


@pytest.mark.parametrize("jit", [False, True])
def test_predictions_do_not_depend_on_the_number_of_devices(jit):
    """Batches that two devices do not divide, and a last one that is not full."""
    one, two = (make_predictor(strategy, 7, jit) for strategy in ("single", "mirrored"))
    assert (one.batch_size, two.batch_size) == (7, 8)
    expected = one.logits(PACKED)
    assert expected.shape == (21, 2)
    assert np.ptp(expected, axis=0).min() > 1e-3
    np.testing.assert_allclose(two.logits(PACKED), expected, atol=1e-6)
    for found, wanted in zip(*(x.logits_by_strand(PACKED) for x in (two, one)), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
