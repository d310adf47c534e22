"""Storage of targets as float16: a scale for each task, and what is lost by it.

A float16 reaches from 6e-8 to 65504 and keeps 11 significant bits from 6.1e-5 on. Scales are
powers of two, so dividing by them loses nothing; only rounding does.

Axes: `N` examples, `T` tasks; between them as many as there are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

LARGEST = float(np.finfo(np.float16).max)


def scale_for(largest: float) -> float:
    """Returns by what to divide values whose absolute values do not exceed `largest`.

    It is 1 where `largest` lies between 1 and 65504. Elsewhere `largest` becomes a number just
    below 65504, so that as many small values as can be keep their significant bits.
    """
    if largest == 0 or 1 <= largest <= LARGEST:
        return 1.0
    return 2.0 ** math.ceil(math.log2(largest / LARGEST))


def to_half(values: np.ndarray, scale: Sequence[float]) -> np.ndarray:
    """Returns values `[..., T]` divided by the scales of the `T` tasks, as float16."""
    with np.errstate(over="ignore"):
        return np.divide(values, np.asarray(scale, np.float32), dtype=np.float32).astype(np.float16)


@dataclass(frozen=True)
class Loss:
    """What became of values that were stored as float16, for each of `T` tasks; add them up.

    Attributes:
        num_values: Values that are not missing, int64 `[T]`.
        num_overflowed: Those that became infinite.
        num_underflowed: Those that became 0 and were not.
        max_relative_error: Largest change of all others, as a fraction of the value, float `[T]`.
    """

    num_values: np.ndarray
    num_overflowed: np.ndarray
    num_underflowed: np.ndarray
    max_relative_error: np.ndarray

    def __add__(self, other: "Loss") -> "Loss":
        counts = (getattr(self, item.name) + getattr(other, item.name) for item in fields(self)[:3])
        return Loss(*counts, np.maximum(self.max_relative_error, other.max_relative_error))

    def to_json(self, tasks: Sequence[str]) -> dict[str, dict]:
        """Returns for each task the largest relative error and the shares of lost values."""
        count = np.maximum(self.num_values, 1)
        overflowed, underflowed = self.num_overflowed / count, self.num_underflowed / count
        return {
            task: {
                "max_relative_error": float(f"{self.max_relative_error[place]:.3g}"),
                "overflowed": float(overflowed[place]),
                "underflowed": float(underflowed[place]),
            }
            for place, task in enumerate(tasks)
        }


def describe(lost: Mapping[str, Mapping[str, float]]) -> str:
    """Returns a line on what `Loss.to_json` gives."""
    by_error = max(lost, key=lambda task: lost[task]["max_relative_error"])
    by_zeros = max(lost, key=lambda task: lost[task]["underflowed"])
    error, zeros = lost[by_error]["max_relative_error"], lost[by_zeros]["underflowed"]
    to_zero = f"up to {zeros:.2g} of all ({by_zeros}) became 0" if zeros else "none became 0"
    change = f"by {error:.2g} of themselves at most ({by_error})" if error else "not at all"
    return f"Stored as float16, values change {change}; {to_zero}."


def loss(values: np.ndarray, stored: np.ndarray, scale: Sequence[float]) -> Loss:
    """Compares float32 values `[..., T]` with what `to_half` made of them."""
    axes = tuple(range(values.ndim - 1))
    is_infinite = np.isinf(stored)
    is_zero = (stored == 0) & (values != 0)
    restored = stored.astype(np.float32) * np.asarray(scale, np.float32)
    # Whatever is missing, infinite, or was 0 all along divides by 1 and is left out.
    is_kept = np.isfinite(restored) & (stored != 0)
    error = np.abs(restored - values, where=is_kept, out=np.zeros_like(values))
    error /= np.abs(values, where=is_kept, out=np.ones_like(values))
    return Loss(
        np.count_nonzero(~np.isnan(values), axis=axes),
        np.count_nonzero(is_infinite, axis=axes),
        np.count_nonzero(is_zero, axis=axes),
        error.max(axis=axes, initial=0.0),
    )
