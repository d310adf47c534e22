"""How what an edit changes goes through operations that look at a stretch of positions.

Through a convolution a change goes by itself: what is around it is not looked at, and not computed
again. Where what is around matters, the window is computed as it becomes. Either way windows grow
by as much as a kernel reaches, and nothing outside of them is computed.

Every rule returns what an operation makes of `Edited`, given `reference`, what it makes of the
sequence without edits.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from genokeras.interpretation.edits import Edited

_LEAST = -1e30


@dataclasses.dataclass(frozen=True)
class Kernel:
    """How an operation slides over positions.

    Attributes:
        size: Positions that it sees at a time.
        stride: From one place of it to the next.
        dilation: Between the positions that it sees.
        before: Positions of padding before the first one.
    """

    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0

    @classmethod
    def padded(
        cls, padding: str, length: int, size: int, stride: int = 1, dilation: int = 1
    ) -> "Kernel":
        """Returns that of `valid` or `same` (as TensorFlow pads) on `length` positions."""
        reach, before = (size - 1) * dilation, 0
        if padding == "same":
            covered = (-(-length // stride) - 1) * stride + reach + 1
            before = max(0, covered - length) // 2
        return cls(size, stride, dilation, before)

    @property
    def reach(self) -> int:
        """Positions from the first one that it sees to the last."""
        return (self.size - 1) * self.dilation

    def outputs(self, x: Edited) -> tuple[tuple[int, ...], int]:
        """Returns where outputs that see the first block's window begin, and how many do."""
        starts = tuple(-((self.reach - at - self.before) // self.stride) for at in x.starts)
        last = ((at + x.width - 1 + self.before) // self.stride for at in x.starts)
        return starts, max(b - a for a, b in zip(starts, last, strict=True)) + 1

    def inputs(self, starts: Sequence[int], width: int) -> tuple[list[int], int]:
        """Returns where what outputs from `starts` on see begins, and how much that is."""
        begin = [start * self.stride - self.before for start in starts]
        return begin, (width - 1) * self.stride + self.reach + 1


def pointwise(call: Callable[..., Any], inputs: Sequence[Edited], reference: Any) -> Edited:
    """Returns `call(*inputs)`, which makes each position of what is there by itself."""
    starts, width = _union(inputs)
    values = [
        x.values()
        if (x.starts, x.width) == (starts, width)
        else x.windows(x.reference, starts, width) + x.moved(starts, width)
        for x in inputs
    ]
    new = call(*(ops.reshape(x, (-1, width, x.shape[-1])) for x in values))
    return _like(inputs[0], reference, starts, becomes=_unflat(new, values[0]))


def affine(call: Callable[[Any], Any], x: Edited, reference: Any) -> Edited:
    """Returns `call(x)`, which makes each position of what is there, and differences of such."""
    if x.changed is None:
        return pointwise(call, [x], reference)
    flat = ops.reshape(x.changed, (-1, x.width, x.changed.shape[-1]))
    new = call(flat) - call(ops.zeros_like(flat[:1, :1]))
    return _like(x, reference, x.starts, changed=_unflat(new, x.changed))


def added(a: Edited, b: Edited, sign: int, reference: Any) -> Edited:
    """Returns `a + sign * b`."""
    starts, width = _union([a, b])
    change = a.moved(starts, width) + sign * b.moved(starts, width)
    return _like(a, reference, starts, changed=change)


def joined(inputs: Sequence[Edited], reference: Any) -> Edited:
    """Returns tensors side by side, channels after channels."""
    starts, width = _union(inputs)
    change = ops.concatenate([x.moved(starts, width) for x in inputs], axis=-1)
    return _like(inputs[0], reference, starts, changed=change)


def convolved(x: Edited, weights: Any, kernel: Kernel, reference: Any) -> Edited:
    """Returns the convolution with weights `[size, C, filters]`."""
    x = x.in_larger_blocks(kernel.stride)
    starts, width = kernel.outputs(x)
    size, channels, filters = weights.shape
    if kernel.stride == 1:
        # One product of all that has changed with all of the kernel, whose columns are then laid
        # over one another: less to multiply than by a kernel that slides over mostly zeros.
        given = x.change()
        columns = ops.reshape(ops.transpose(weights, (1, 0, 2)), (channels, size * filters))
        products = ops.matmul(ops.reshape(given, (-1, channels)), columns)
        products = ops.reshape(products, (*given.shape[:4], size, filters))
        change = 0.0
        for place in range(size):
            before = (size - 1 - place) * kernel.dilation
            sides = [(0, 0)] * 3 + [(before, kernel.reach - before), (0, 0)]
            change = change + ops.pad(products[..., place, :], sides)
    else:
        seen = x.moved(*kernel.inputs(starts, width))
        flat = ops.reshape(seen, (-1, *seen.shape[3:]))
        change = ops.conv(flat, weights, kernel.stride, "valid", dilation_rate=kernel.dilation)
        change = _unflat(change, seen)
    found = _like(x, reference, starts, changed=change)
    return dataclasses.replace(found, changed=found.inside(change, starts))


def pooled(
    call: Callable[[Any], Any], x: Edited, kernel: Kernel, reference: Any, outside: float = _LEAST
) -> Edited:
    """Returns `call(x)`, which makes one position of each stretch that a kernel sees."""
    x = x.in_larger_blocks(kernel.stride)
    starts, width = kernel.outputs(x)
    begin, count = kernel.inputs(starts, width)
    seen = x.windows(x.reference, begin, count, outside) + x.moved(begin, count)
    new = call(ops.reshape(seen, (-1, *seen.shape[3:])))
    return _like(x, reference, starts, becomes=_unflat(new, seen))


def turned(x: Edited, reference: Any) -> Edited:
    """Returns a tensor with its opposite strand below: positions and channels read backwards."""
    change = x.change()
    change = ops.concatenate([change, ops.flip(ops.flip(change, axis=3), axis=4)])
    opposite = tuple(x.length - start - x.width for start in x.starts)
    steps = (*x.steps, *(-step for step in x.steps))
    return Edited(reference, (*x.starts, *opposite), steps, changed=change)


def shifted(x: Edited, reach: int, reference: Any) -> Edited:
    """Returns copies as `genokeras.layers.shifts.ShiftedCopies` makes them."""
    copies = range(2 * reach + 1)
    starts = tuple(start + reach - copy for copy in copies for start in x.starts)
    change = ops.concatenate([x.change()] * len(copies))
    found = Edited(reference, starts, x.steps * len(copies), changed=change)
    return dataclasses.replace(found, changed=found.inside(change, starts))


def _union(inputs: Sequence[Edited]) -> tuple[tuple[int, ...], int]:
    """Returns where windows that hold those of all begin, and their width."""
    starts = tuple(map(min, zip(*(x.starts for x in inputs), strict=True)))
    ends = map(max, zip(*(tuple(s + x.width for s in x.starts) for x in inputs), strict=True))
    return starts, max(end - start for start, end in zip(starts, ends, strict=True))


def _unflat(new: Any, like: Any) -> Any:
    """Returns `[G * Q * E, W, C]` as `[G, Q, E, W, C]`."""
    return ops.reshape(new, (*like.shape[:3], *new.shape[1:]))


def _like(x: Edited, reference: Any, starts: tuple[int, ...], **held: Any) -> Edited:
    """Returns a tensor of the same blocks, one position apart."""
    return Edited(reference, starts, tuple(1 if step > 0 else -1 for step in x.steps), **held)
