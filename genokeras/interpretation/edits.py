"""What the edits of bases change of a tensor: a window of it for each, all else stays as it is.

Edits of neighbouring bases belong together. Where `S` bases have become one position, `S` of them
make a block, and the window of a block holds whatever any of its edits can change. So windows of
consecutive blocks begin one position after the other (of an opposite strand: before), and all that
is done with them is a matter of fixed slices, whatever the sequence.

Shapes: `G` copies of a sequence (strands, shifts), `Q` blocks of `E` edits (3 of every base), `W`
positions of a window, `L` positions and `C` channels of the tensor.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras import ops

EDITS = 3  # Of each base: those that are not there.


@dataclasses.dataclass(frozen=True)
class Edited:
    """A tensor without edits, and what each of these makes of a window of it.

    That is held as by how much it changes (`changed`: 0 outside of the tensor), or as what it then
    is (`becomes`: anything there), whichever comes out of an operation: one is worked out from the
    other where that is what the next one needs.

    Attributes:
        reference: `[G, L, C]`.
        starts: Where the window of the first block begins, of each copy; may lie outside.
        steps: From one block to the next, of each copy: 1, or -1 of an opposite strand; more while
            blocks have become larger than a position (`in_larger_blocks`).
        changed: `[G, Q, E, W, C]`, or None.
        becomes: The same; one of the two is given.
    """

    reference: Any
    starts: tuple[int, ...]
    steps: tuple[int, ...]
    changed: Any = None
    becomes: Any = None

    @property
    def length(self) -> int:
        """Positions of the tensor."""
        return self.reference.shape[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """`G, Q, E, W, C`."""
        return tuple((self.becomes if self.changed is None else self.changed).shape)

    @property
    def width(self) -> int:
        """Positions of a window."""
        return self.shape[3]

    def change(self) -> Any:
        """Returns by how much edits change windows, `[G, Q, E, W, C]`, 0 outside of the tensor."""
        if self.changed is not None:
            return self.changed
        windows = self.windows(self.reference, self.starts, self.width)
        return self.inside(self.becomes - windows, self.starts)

    def values(self) -> Any:
        """Returns what windows become, `[G, Q, E, W, C]`."""
        if self.becomes is not None:
            return self.becomes
        return self.windows(self.reference, self.starts, self.width) + self.changed

    def windows(self, x: Any, starts: Sequence[int], width: int, outside: float = 0.0) -> Any:
        """Returns windows `[G, Q, 1, width, C]` of `[G, L, C]`; what is not there is `outside`."""
        blocks, found = self.shape[1], []
        for copy, (start, step) in enumerate(zip(starts, self.steps, strict=True)):
            hop = abs(step)
            first = start if step > 0 else start - hop * (blocks - 1)
            rows = _cut(x[copy], first, hop * (blocks - 1) + width, outside)
            last = hop * (blocks - 1) + 1
            window = ops.stack([rows[at : at + last : hop] for at in range(width)], axis=1)
            found.append(window if step > 0 else ops.flip(window, axis=0))
        return ops.expand_dims(ops.stack(found), 2)

    def inside(self, change: Any, starts: Sequence[int]) -> Any:
        """Returns changes of windows, 0 in places outside of the tensor."""
        blocks, width = change.shape[1], change.shape[3]
        ends = [(s, s + step * (blocks - 1)) for s, step in zip(starts, self.steps, strict=True)]
        if all(min(pair) >= 0 and max(pair) + width <= self.length for pair in ends):
            return change
        there = ops.ones((len(starts), self.length, 1), dtype=change.dtype)
        return change * self.windows(there, starts, width)

    def moved(self, starts: Sequence[int], width: int) -> Any:
        """Returns by how much edits change other windows, the first of which begin at `starts`."""
        change, ahead = self.change(), [a - b for a, b in zip(self.starts, starts, strict=True)]
        if len(set(ahead)) == 1:
            return _shifted(change, ahead[0], width)
        copies = [_shifted(change[g : g + 1], places, width) for g, places in enumerate(ahead)]
        return ops.concatenate(copies)

    def in_larger_blocks(self, factor: int) -> "Edited":
        """Returns the same with `factor` blocks as one; windows grow by one less than that."""
        if factor == 1:
            return self
        copies, blocks, edits, width, channels = self.shape
        missing = -blocks % factor
        change = ops.pad(self.change(), [(0, 0), (0, missing), (0, 0), (0, 0), (0, 0)])
        shape = (copies, (blocks + missing) // factor, factor, edits, width, channels)
        change = ops.reshape(change, shape)
        found = []
        for copy, step in enumerate(self.steps):
            parts = []
            for part in range(factor):
                before = part if step > 0 else factor - 1 - part
                sides = [(0, 0)] * 2 + [(before, factor - 1 - before), (0, 0)]
                parts.append(ops.pad(change[copy, :, part], sides))
            found.append(ops.concatenate(parts, axis=1))
        starts = tuple(
            start if step > 0 else start - factor + 1
            for start, step in zip(self.starts, self.steps, strict=True)
        )
        steps = tuple(factor * step for step in self.steps)
        return Edited(self.reference, starts, steps, changed=ops.stack(found))

    def everywhere(self) -> Any:
        """Returns the whole tensor of each edit, `[G, Q, E, L, C]`."""
        _, blocks, edits, width, channels = self.shape
        change, found = self.change(), []
        total = max(self.length, blocks) + width + blocks
        for copy, (start, step) in enumerate(zip(self.starts, self.steps, strict=True)):
            # Rows that are one place too long, read as rows of the right length, move by one place
            # from each to the next.
            rows = ops.transpose(change[copy], (1, 0, 2, 3))
            rows = rows if step > 0 else ops.flip(rows, axis=1)
            rows = ops.pad(rows, [(0, 0), (0, 0), (0, total + 1 - width), (0, 0)])
            rows = ops.reshape(rows, (edits, blocks * (total + 1), channels))[:, : blocks * total]
            rows = ops.reshape(rows, (edits, blocks, total, channels))
            first = start if step > 0 else start - blocks + 1
            rows = ops.transpose(rows, (2, 1, 0, 3))
            rows = ops.transpose(_cut(rows, -first, self.length, 0.0), (1, 2, 0, 3))
            found.append(rows if step > 0 else ops.flip(rows, axis=0))
        return self.reference[:, None, None] + ops.stack(found)


def _cut(x: Any, first: int, length: int, outside: float) -> Any:
    """Returns `length` places of the first axis, `outside` where there is none."""
    begin, end = max(0, first), min(x.shape[0], first + length)
    kept = x[begin : max(begin, end)]
    before = min(length, max(0, -first))
    sides = [(before, length - before - kept.shape[0])] + [(0, 0)] * (len(x.shape) - 1)
    return ops.pad(kept, sides, constant_values=outside) if any(sides[0]) else kept


def _shifted(change: Any, ahead: int, width: int) -> Any:
    """Returns changes with `ahead` zeros before them (negative: without as many), cut to width."""
    kept = change[:, :, :, max(0, -ahead) : max(0, width - ahead)]
    before = min(width, max(0, ahead))
    sides = [(0, 0)] * 3 + [(before, width - before - kept.shape[3]), (0, 0)]
    return ops.pad(kept, sides) if any(sides[3]) else kept
