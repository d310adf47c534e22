"""Rotary positions (RoPE): queries and keys turned by angles proportional to their position.

The dot product of a turned query at `i` and a turned key at `j` depends on `j - i` only. A pair of
channels turning by `w` per position is a ruler of period `2 pi / w`. Reference: arXiv 2104.09864.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from keras import ops

Pairing = Literal["half", "interleaved"]


def frequencies(num_pairs: int, periods: Sequence[float] = ()) -> np.ndarray:
    """Returns angles per position of `num_pairs` channel pairs.

    `periods` (in positions) take the last pairs, the slowest ones; the others are the geometric
    series `10_000 ** (-i / num_pairs)`, which by itself holds no period between 6.3 and 11 for
    common sizes: DNA's helical 10.5 bp has to be asked for.
    """
    if len(periods) > num_pairs or any(period <= 0 for period in periods):
        raise ValueError(f"expected at most {num_pairs} positive periods, got {periods}")
    series = 10_000.0 ** (-np.arange(num_pairs) / num_pairs)
    series[num_pairs - len(periods) :] = [2 * math.pi / period for period in periods]
    return series


def rotate(x: Any, positions: Any, angles: np.ndarray, pairing: Pairing = "half") -> Any:
    """Returns `x` `[B, L, H, D]` with channel pair `c` turned by `positions * angles[c]`.

    Pairs are `(c, c + D/2)` for `half` (GPT-NeoX, keras_hub) and `(2c, 2c + 1)` for `interleaved`
    (RoFormer): the same up to a permutation of channels. Angles are float32 at least, since
    bfloat16 cannot tell position 1000 from 1003.
    """
    length, heads, size = x.shape[1:]
    precision = "float64" if x.dtype == "float64" else "float32"
    turns = ops.cast(positions, precision)[:, None] * ops.cast(angles, precision)
    axis = 3 if pairing == "half" else 4
    cos = ops.stack([ops.cos(turns)] * 2, axis=axis - 2)
    sin = ops.stack([-ops.sin(turns), ops.sin(turns)], axis=axis - 2)
    # Full tables: broadcasting over the batch only is several times faster on a CPU.
    cos, sin = (ops.cast(_for_heads(table, heads), x.dtype) for table in (cos, sin))
    pairs = ops.reshape(x, (-1, *cos.shape))
    return ops.reshape(pairs * cos + ops.flip(pairs, axis=axis) * sin, (-1, length, heads, size))


def _for_heads(table: Any, heads: int) -> Any:
    return ops.repeat(ops.expand_dims(table, 1), heads, axis=1)
