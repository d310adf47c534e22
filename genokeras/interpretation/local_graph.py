"""Follows the edits of a sequence through a network: windows as far as they go, then all of it.

The operations of a functional model are taken one by one. Layers are opened down to operations of
which `local_rules` knows how a change goes through them. Where one is met that is not local (dense
layers over all positions, attention, pooling over all of them), whole tensors are made of the
windows, one for each edit, and it and all behind it run on these as one batch: nothing is
approximated, and a layer that is not known costs time, not exactness.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops, tree

from genokeras.interpretation.edits import Edited
from genokeras.interpretation.local_operations import local, pooled


@dataclasses.dataclass(frozen=True)
class Whole:
    """A tensor of every edit, `[G * num_edits, ...]`, the copies one below the other."""

    values: Any


class NotLocal(Exception):
    """An operation inside of a layer is not local, so that the layer as a whole is not."""


class Walk:
    """One pass of `num_edits` through a network.

    Attributes:
        stops: Names of the layers from which on whole tensors were needed.
    """

    def __init__(self, num_edits: int):
        self._num_edits = num_edits
        self.stops: list[str] = []

    def through(self, network: keras.Function, inputs: Sequence[Any]) -> list[Any]:
        """Returns the outputs of a network.

        Args:
            network: Functional.
            inputs: `Edited` or `Whole`, or a tensor `[G, ...]` that no edit changes, for each of
                its inputs. Outputs are such, too.
        """
        return self._through(network, inputs, self._apply)

    def _through(
        self, network: keras.Function, inputs: Sequence[Any], apply: Callable[..., list[Any]]
    ) -> list[Any]:
        known = {id(x): value for x, value in zip(network.inputs, inputs, strict=True)}
        for depth in sorted(network._nodes_by_depth, reverse=True):
            for node in network._nodes_by_depth[depth]:
                if node.is_input or any(id(x) not in known for x in node.input_tensors):
                    continue
                found = apply(node.operation, *node.arguments.fill_in(known))
                known |= dict(zip(map(id, node.outputs), found, strict=True))
        return [known[id(x)] for x in network.outputs]

    def _apply(self, operation: Any, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
        """Returns the outputs of one operation, local or not."""
        if not any(isinstance(x, Whole) for x in tree.flatten((args, kwargs))):
            found = pooled(operation, args, kwargs)
            if found is not None:
                return [Whole(self._edits_of(found))]
            try:
                return self._apply_locally(operation, args, kwargs)
            except NotLocal:
                self.stops.append(operation.name)
        args, kwargs = tree.map_structure(self.whole, (args, kwargs))
        return [Whole(x) for x in tree.flatten(operation(*args, **kwargs))]

    def _apply_locally(self, operation: Any, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
        """Returns the outputs of a local operation, or of a layer that consists of such."""
        if not any(isinstance(x, Edited) for x in tree.flatten((args, kwargs))):
            return tree.flatten(operation(*args, **kwargs))
        found = local(operation, args, kwargs)
        if found is not None:
            return [found]
        if not isinstance(operation, keras.layers.Layer):
            raise NotLocal
        return self._through(*_opened(operation, args, kwargs), self._apply_locally)

    def whole(self, x: Any) -> Any:
        """Returns a value for every edit, if it is a tensor that has one for every copy."""
        if isinstance(x, Whole):
            return x.values
        if isinstance(x, Edited):
            return self._edits_of(x.everywhere())
        if not ops.is_tensor(x) or x.ndim < 2:
            return x
        found = ops.repeat(ops.expand_dims(x, 1), self._num_edits, axis=1)
        return ops.reshape(found, (-1, *x.shape[1:]))

    def _edits_of(self, x: Any) -> Any:
        """Returns `[G, Q, E, ...]` as `[G * num_edits, ...]`, without those of no base."""
        found = ops.reshape(x, (x.shape[0], -1, *x.shape[3:]))[:, : self._num_edits]
        return ops.reshape(found, (-1, *x.shape[3:]))


def _opened(
    layer: keras.layers.Layer, args: tuple, kwargs: dict[str, Any]
) -> tuple[keras.Function, list[Any]]:
    """Returns what a layer does as a network of operations, and its inputs."""
    given: list[Any] = []
    symbols: list[Any] = []

    def symbol(x: Any) -> Any:
        if not (isinstance(x, Edited) or ops.is_tensor(x)):
            return x
        tensor = x.reference if isinstance(x, Edited) else x
        given.append(x)
        symbols.append(keras.KerasTensor((None, *tensor.shape[1:]), dtype=tensor.dtype))
        return symbols[-1]

    args, kwargs = tree.map_structure(symbol, (args, kwargs))
    return keras.Function(symbols, layer.call(*args, **kwargs)), given
