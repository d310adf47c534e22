"""Engines with the mistakes that are usual over several devices: negative controls.

- `local_gather`: a replica takes its own examples for those of the whole batch.
- `gather_without_gradient`: it sees all examples, but what its loss makes of those of others is
  lost. (Only on TensorFlow: JAX differentiates one program over all devices.)
- `replica_mean`: it divides by the weight of its own part, and the means are averaged.

What exchanges values is replaced in the engine itself. On JAX, where the compiler puts it into one
program, each device is given a program of its own, with an average at its end.
"""

import contextlib
from typing import Any
from unittest import mock

import keras


def engine_with(mistake: str) -> contextlib.AbstractContextManager[Any]:
    """Within this context engines that are made, and trained, make the mistake."""
    on_tensorflow = keras.backend.backend() == "tensorflow"
    return _on_tensorflow(mistake) if on_tensorflow else _on_jax(mistake)


def _on_tensorflow(mistake: str) -> contextlib.AbstractContextManager[Any]:
    import tensorflow as tf

    from genokeras.training.tensorflow_replicas import Replicas

    gather, add_up = Replicas.gather, Replicas.sum

    def gather_values_alone(replicas: Replicas, values: Any) -> Any:
        return tf.nest.map_structure(tf.stop_gradient, gather(replicas, values))

    def add_up_all_but_weights(replicas: Replicas, values: Any) -> Any:
        if isinstance(values, dict) and values.keys() == {"example", "target"}:
            return {name: replicas.count * total for name, total in values.items()}
        return add_up(replicas, values)

    changes = {
        "local_gather": {"gather": lambda _, values: values, "number": lambda _: 0},
        "gather_without_gradient": {"gather": gather_values_alone},
        "replica_mean": {"sum": add_up_all_but_weights},
    }
    return mock.patch.multiple(Replicas, **changes[mistake])


@contextlib.contextmanager
def _on_jax(mistake: str) -> Any:
    import jax
    from jax.sharding import PartitionSpec

    from genokeras.training import jax_engine, jax_step

    make, total_weights = jax_engine.make_step, jax_step.total_weights

    def mean(values: Any) -> Any:
        return jax.lax.pmean(values, jax_engine.AXIS)

    def make_step(*what: Any) -> jax_step.JaxStep:
        step = make(*what)
        whole = step._loss_and_gradients
        step._loss_and_gradients = jax.shard_map(
            lambda state, batch: mean(whole(state, batch)),
            mesh=what[-1],
            in_specs=(PartitionSpec(), PartitionSpec(jax_engine.AXIS)),
            out_specs=PartitionSpec(),
            check_vma=False,
        )
        return step

    totals = {"local_gather": lambda weight: mean(total_weights(weight))}
    totals["replica_mean"] = total_weights
    with (
        mock.patch.object(jax_engine, "make_step", make_step),
        mock.patch.object(jax_step, "total_weights", totals[mistake]),
    ):
        yield
