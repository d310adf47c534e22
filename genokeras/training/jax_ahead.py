"""The program of a training step for devices that are not there: what a TPU would be given.

`libtpu` compiles for TPUs on any machine with a CPU, so that what a TPU cannot do, or has no memory
for, is known before one is rented.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from genokeras.training.jax_engine import AXIS, make_step
from genokeras.training.learner import Learner
from tfrecords.errors import InputError


def tpu_devices(topology: str) -> Sequence[jax.Device]:
    """Returns the devices of a TPU that need not be there: `v5e:2x2` has four.

    Raises:
        InputError: `libtpu` is not installed, or knows no such TPU.
    """
    try:
        return topologies.get_topology_desc(platform="tpu", topology_name=topology).devices
    except Exception as error:  # Whatever the plugin of the TPU raises.
        problem = str(error).splitlines()[0]
        raise InputError(
            f"{topology}: no such TPU to compile for ({problem}); libtpu comes with the extra "
            "jax-tpu"
        ) from None


def lower_for(
    devices: Sequence[jax.Device], learner: Learner, batch: Mapping[str, np.ndarray]
) -> jax.stages.Lowered:
    """Returns the training step of an engine on `devices`, ready for `compile()`.

    `batch` is one of its global batches; of it only shapes and types matter.
    """
    mesh = Mesh(np.array(devices), (AXIS,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    divided = NamedSharding(mesh, PartitionSpec(None, AXIS))
    step = make_step(learner, mesh)
    model = learner.model
    groups = {
        "trainable": model.trainable_variables,
        "other": model.non_trainable_variables,
        "optimizer": learner.optimizer.variables,
        "average": model.trainable_variables if learner.training.ema else [],
    }
    state = {
        name: [_shape(v.shape, v.dtype, everywhere) for v in group]
        for name, group in groups.items()
    }
    batches = {
        name: _shape((1, *values.shape), values.dtype, divided) for name, values in batch.items()
    }
    train = jax.jit(step.train, donate_argnums=0, out_shardings=everywhere)
    return train.trace(state, batches).lower(lowering_platforms=(devices[0].platform,))


def _shape(shape: Any, dtype: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(tuple(shape), dtype, sharding=sharding)
