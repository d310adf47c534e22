"""What the replicas of a step do together, on one device and on several.

A step is a function that every replica runs on its part of the batch. It may `sum` and `gather`
over the replicas, but under Mirrored and MultiWorker not from within another `tf.function`, and so
not from within what XLA compiles there: of such a step only `piece`s are compiled, which exchange
nothing. On one device, and on a TPU, it is compiled as a whole.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from genokeras.training.stopping import HostLost

Batch = dict[str, np.ndarray]


@contextlib.contextmanager
def watching_hosts() -> Iterator[None]:
    """Within this context the end of another host is told as what it is."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError):
        raise HostLost from None


class OneReplica:
    """The only replica: it has nothing to exchange."""

    count = count_in_graph = 1
    notes: tuple[str, ...] = ()

    def __init__(self, jit: bool):
        self.jit = jit

    def place(self, batch: Batch, axis: int = 0) -> dict[str, Any]:
        """Returns the host's part of a batch on the devices, divided along `axis`."""
        return {name: tf.constant(values) for name, values in batch.items()}

    def step(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `function` as one that runs on all replicas, and gives the first one's results.

        Without AutoGraph, which would take seconds to rewrite all that a step calls, in search of
        branches on tensors; models use keras.ops, and JAX has no such branches either.
        """
        return tf.function(function, jit_compile=self.jit, autograph=False)

    def rowwise(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `function` of a placed batch as one that gives the rows of all on this host."""
        return self.step(function)

    def piece(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `function`, which is a part of a step and exchanges nothing."""
        return function

    def number(self) -> Any:
        """Returns which replica this is, from 0."""
        return 0

    def sum(self, values: Any) -> Any:
        """Returns the sum of each tensor of a structure over the replicas."""
        return values

    def gather(self, values: Any) -> Any:
        """Returns tensors of all replicas behind one another; gradients flow back to each."""
        return values


class Replicas:
    """The replicas of a strategy; the methods are those of `OneReplica`.

    Their order is that of the rows of a batch: the first host's come first. With `in_pieces`, XLA
    compiles at most pieces of a step; else it is the strategy's own affair. `notes` say what is
    special about it.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        host: int,
        num_hosts: int,
        jit: bool,
        in_pieces: bool,
        notes: tuple[str, ...],
    ):
        self._strategy, self._host, self._num_hosts = strategy, host, num_hosts
        self.jit, self._in_pieces, self.notes = jit, in_pieces, notes
        self.count = strategy.num_replicas_in_sync
        # A strategy puts each replica of this host into the graph of a step; of a TPU there is one.
        self.count_in_graph = self.count // num_hosts if in_pieces else 1

    def place(self, batch: Batch, axis: int = 0) -> dict[str, Any]:
        on_host = self.count // self._num_hosts
        # What goes to a TPU starts on the host.
        devices = self._strategy.extended.worker_devices if self._in_pieces else ["CPU:0"] * on_host

        def part(context: Any) -> dict[str, Any]:
            return parts[context.replica_id_in_sync_group - self._host * on_host]

        split = {name: np.split(values, on_host, axis) for name, values in batch.items()}
        parts = []
        for number, device in enumerate(devices):
            with tf.device(device):
                parts.append({name: tf.constant(values[number]) for name, values in split.items()})
        return self._strategy.experimental_distribute_values_from_function(part)

    def step(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            results = self._strategy.run(function, arguments)
            local = self._strategy.experimental_local_results
            return tf.nest.map_structure(lambda result: local(result)[0], results)

        return tf.function(run, autograph=False)

    def rowwise(self, function: Callable[..., Any]) -> Callable[..., Any]:
        function, local = self.piece(function), self._strategy.experimental_local_results

        def run(batch: dict[str, Any]) -> Any:
            # As a function of Python: TensorFlow would compile one of its own over all devices.
            results = self._strategy.run(lambda part: function(part), (batch,))
            return tf.nest.map_structure(lambda result: tf.concat(local(result), 0), results)

        return tf.function(run, autograph=False)

    def piece(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if not (self.jit and self._in_pieces):
            return function
        return tf.function(function, jit_compile=True, autograph=False)

    def number(self) -> Any:
        return tf.distribute.get_replica_context().replica_id_in_sync_group

    def sum(self, values: Any) -> Any:
        # In one piece, since on CPUs and over networks every exchange has its price.
        flat = tf.nest.flatten(values)
        summed = list(flat)
        for dtype in dict.fromkeys(tensor.dtype for tensor in flat):
            places = [place for place, tensor in enumerate(flat) if tensor.dtype == dtype]
            joined = tf.concat([tf.reshape(flat[place], [-1]) for place in places], 0)
            total = tf.distribute.get_replica_context().all_reduce("SUM", joined)
            parts = tf.split(total, [flat[place].shape.num_elements() for place in places])
            for place, part in zip(places, parts, strict=True):
                summed[place] = tf.reshape(part, flat[place].shape)
        return tf.nest.pack_sequence_as(values, summed)

    def gather(self, values: Any) -> Any:
        # TensorFlow looks for the device of the values, and an argument of a step has none.
        values = tf.nest.map_structure(tf.identity, values)
        context = tf.distribute.get_replica_context()
        # One by one: together, types and shapes that differ have no gradient.
        gathered = tf.nest.map_structure(lambda value: context.all_gather(value, axis=0), values)
        # XLA wants to know the shape, which TensorFlow forgets here.
        return tf.nest.map_structure(
            lambda whole, part: tf.ensure_shape(
                whole, (self.count * part.shape[0], *part.shape[1:])
            ),
            gathered,
            values,
        )
