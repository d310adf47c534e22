"""Adapters of a network that was built, not trained: both strands, recomputed blocks, merging."""

import dataclasses

import keras
import numpy as np
import pytest

from genokeras.models import transformer
from genokeras.models.spec import Spec
from genokeras.training import tuning, variables
from genokeras.training.train_config import TrainConfig
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH, CHANNELS, UNITS, RANK = 32, 16, 24, 2
SPEC = Spec(LENGTH, ("plus", "minus"), strand_pairs=(1, 0))
NEW = ("head/kernel", "head/bias")
LORA = TrainConfig(init_from="run", tune="lora", lora_rank=RANK, lora_alpha=5.0)
# Rows and columns of the kernels of a block; of an equivariant one half of the columns are stored.
DENSE = [(CHANNELS, CHANNELS)] * 4 + [(CHANNELS, UNITS)] * 2 + [(UNITS, CHANNELS)]


def built(**changes):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(transformer.PRESETS["tiny"], **changes)
    return transformer.build(config, SPEC)


@pytest.fixture
def packed():
    rng = np.random.default_rng(0)
    nibbles = 1 << rng.integers(0, 4, (6, LENGTH))
    return (nibbles[:, ::2] * 16 + nibbles[:, 1::2]).astype(np.uint8)


@pytest.mark.parametrize("rc", ["average", "equivariant"])
@pytest.mark.parametrize("recompute", [False, True])
def test_adapters_leave_the_symmetry_alone_and_merge(rc, recompute, packed, tmp_path):
    model, plain = built(rc=rc, recompute=recompute), built(rc=rc, recompute=recompute)
    tuning.apply(model, NEW, LORA)
    np.testing.assert_array_equal(model(packed), plain(packed))
    learning = variables.named(model.trainable_variables)
    share = 2 if rc == "equivariant" else 1
    expected = sum(RANK * (rows + columns // share) for rows, columns in DENSE)
    adapters = {name: v for name, v in learning.items() if "lora" in name}
    assert sum(int(np.prod(v.shape)) for v in adapters.values()) == expected
    assert learning.keys() - adapters.keys() == {*NEW}
    rng = np.random.default_rng(1)
    for weight in adapters.values():
        weight.assign(rng.normal(size=weight.shape) / 4)
    changed = np.asarray(model(packed))
    assert np.abs(changed - plain(packed)).max() > 1e-2
    opposite = np.asarray(model(sequence.reverse_complement(packed, LENGTH)))
    np.testing.assert_allclose(opposite[:, [1, 0]], changed, atol=1e-5)
    merged = tuning.merged(variables.read(model.variables), LORA)
    variables.assign(plain.variables, merged, "merged")
    np.testing.assert_allclose(plain(packed), changed, atol=1e-5)
    model.save(tmp_path / "model.keras")
    exported = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(exported(packed), changed, atol=1e-5)


def test_a_network_that_was_copied_whole_has_nothing_to_learn_but_its_head():
    model = built()
    tuning.apply(model, (), TrainConfig(init_from="run", tune="frozen"))
    assert set(variables.named(model.trainable_variables)) == {*NEW}
    headless = keras.Model(model.input, model.get_layer("mean").output, name="headless")
    with pytest.raises(InputError, match="^tune=frozen leaves nothing to learn, since all of head"):
        tuning.apply(headless, (), TrainConfig(init_from="run", tune="frozen"))
