"""FLOPs of a TensorFlow graph: what its matrix products and convolutions multiply and add.

Both count, so a product of `[m, k]` and `[k, n]` has `2 m k n`. All else is left out, as is usual
where the speed of a network is compared with that of its device, and so is what no result depends
on: TensorFlow leaves it out too. What is computed again to save memory counts again.
"""

import math
from collections.abc import Callable

import tensorflow as tf

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("While", "StatelessWhile")
_BRANCHES = {
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
}


def graph_flops(graph: tf.Graph) -> float:
    """Returns the FLOPs of the graph of a concrete function, and of what it calls.

    Not a number where that is not known in advance: of a loop around matrix products that was not
    given `maximum_iterations`, and of tensors whose shape is not static.
    """
    return sum(_of(operation, graph) for operation in _needed(graph))


def _needed(graph: tf.Graph) -> list[tf.Operation]:
    """Returns the operations that the results of a function depend on, or that change something."""
    found: dict[str, tf.Operation] = {}
    todo = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while todo:
        operation = todo.pop()
        if operation.name not in found:
            found[operation.name] = operation
            todo += [tensor.op for tensor in operation.inputs]
            todo += operation.control_inputs
    return list(found.values())


def _of(operation: tf.Operation, graph: tf.Graph) -> float:
    kind = operation.type
    if kind in _COUNTED:
        return _COUNTED[kind](operation)
    if kind in _CALLS:
        return _called(operation, "f", graph)
    if kind in _LOOPS:
        once = _called(operation, "body", graph)
        return once * _turns(operation) if once else 0.0
    if kind in _BRANCHES:
        return max(_called(operation, branch, graph) for branch in _BRANCHES[kind])
    return 0.0


def _called(operation: tf.Operation, attribute: str, graph: tf.Graph) -> float:
    # TensorFlow has no public way from the name of a function to its graph.
    function = graph._get_function(operation.get_attr(attribute).name)
    return graph_flops(function.graph)


def _turns(loop: tf.Operation) -> float:
    """Returns how often a loop is gone through: its second input, -1 if that was not given."""
    most = tf.get_static_value(loop.inputs[1])
    return math.nan if most is None or most < 0 else float(most)


def _size(tensor: tf.Tensor) -> float:
    size = tensor.shape.num_elements()
    return math.nan if size is None else float(size)


def _product(operation: tf.Operation) -> float:
    first = operation.inputs[0].shape
    return 2 * _size(operation.outputs[0]) * first[0 if operation.get_attr("transpose_a") else 1]


def _batched_product(operation: tf.Operation) -> float:
    first = operation.inputs[0].shape
    return 2 * _size(operation.outputs[0]) * first[-2 if operation.get_attr("adj_x") else -1]


def _einsum(operation: tf.Operation) -> float:
    """Returns twice the product of the sizes of all axes, if two tensors are multiplied."""
    given = operation.get_attr("equation").decode().partition("->")[0].split(",")
    if len(given) == 1:
        return 0.0
    sizes: dict[str, int] = {}
    for axes, tensor in zip(given, operation.inputs, strict=True):
        before, dots, after = axes.partition("...")
        shape = tensor.shape.as_list()
        end = len(shape) - len(after)
        sizes |= zip(before, shape, strict=False)
        sizes |= zip(after, shape[end:], strict=True)
        for place, size in enumerate(reversed(shape[len(before) : end] if dots else [])):
            sizes[f"...{place}"] = max(size, sizes.get(f"...{place}", 1))
    return 2.0 * math.prod(sizes.values())


def _convolution(
    places: Callable[[tf.Operation], tuple[tf.Tensor, tf.Tensor]], channel_axes: int
) -> Callable[[tf.Operation], float]:
    """Returns the count of a convolution or of one of its gradients, which all cost the same.

    `places` returns, of its tensors, the one shaped like the output and the one shaped like the
    kernel, whose last `channel_axes` axes make the channels of the output.
    """

    def count(operation: tf.Operation) -> float:
        output, kernel = places(operation)
        channels = kernel.shape[-channel_axes:].num_elements()
        return 2 * _size(output) * _size(kernel) / channels

    return count


_COUNTED: dict[str, Callable[[tf.Operation], float]] = {
    "MatMul": _product,
    "BatchMatMulV2": _batched_product,
    "BatchMatMulV3": _batched_product,
    "Einsum": _einsum,
}
for _kind, _axes in (("Conv2D", 1), ("DepthwiseConv2dNative", 2)):
    _COUNTED |= {
        _kind: _convolution(lambda op: (op.outputs[0], op.inputs[1]), _axes),
        f"{_kind}BackpropInput": _convolution(lambda op: (op.inputs[2], op.inputs[1]), _axes),
        f"{_kind}BackpropFilter": _convolution(lambda op: (op.inputs[2], op.outputs[0]), _axes),
    }
