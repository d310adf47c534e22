"""Random numbers as a pure function of `(key, salt, position)`: the same bits on every backend.

Every example of a batch carries a key (uint32 `[B]`, a hash of seed, epoch and example), so what an
example draws does not depend on the batch it is in nor on the device that holds it. The mixing is
the one of `tfrecords.sampling`. Shapes: keys `[B]`, numbers `[B, *shape]`. Integers and uniforms
agree bit by bit; normals go through `log` and `cos`, which backends round differently in the last
place.
"""

import contextlib
import contextvars
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

_scope: contextvars.ContextVar[Any] = contextvars.ContextVar("keys", default=None)

_GOLDEN = 0x9E3779B9
_MAX_INTEGERS = 1 << 16


@contextlib.contextmanager
def scope(keys: Any) -> Iterator[None]:
    """Within this context layers such as `KeyedDropout` draw from `keys`, uint32 `[B]`."""
    token = _scope.set(keys)
    try:
        yield
    finally:
        _scope.reset(token)


def current_keys() -> Any | None:
    """Returns the keys of the innermost `scope`, or None outside of one."""
    return _scope.get()


def mix(x: Any) -> Any:
    """Returns a bijective hash of uint32 numbers in which every bit depends on every bit."""
    x = ops.bitwise_xor(x, _shift(x, 16))
    x = ops.multiply(x, _uint32(0x21F0AAAD))
    x = ops.bitwise_xor(x, _shift(x, 15))
    x = ops.multiply(x, _uint32(0xD35A2D97))
    return ops.bitwise_xor(x, _shift(x, 15))


def fold_in(keys: Any, salt: Any) -> Any:
    """Returns new keys, independent of the old ones and of those for other salts."""
    salt = _uint32(salt) if isinstance(salt, int) else salt
    return mix(ops.bitwise_xor(keys, mix(ops.add(salt, _uint32(_GOLDEN)))))


def bits(keys: Any, shape: Sequence[int], salt: int) -> Any:
    """Returns uniform uint32 `[B, *shape]`: element `i` is `fold_in(fold_in(key, salt), i)`."""
    positions = ops.cast(ops.arange(math.prod(shape), dtype="int32"), "uint32")
    numbers = fold_in(ops.expand_dims(fold_in(keys, salt), 1), ops.expand_dims(positions, 0))
    return ops.reshape(numbers, (-1, *shape))


def uniform(keys: Any, shape: Sequence[int], salt: int) -> Any:
    """Returns float32 `[B, *shape]` in [0, 1), multiples of 2**-24."""
    fraction = ops.cast(_shift(bits(keys, shape, salt), 8), "int32")
    return ops.cast(fraction, "float32") * 2.0**-24


def bernoulli(keys: Any, shape: Sequence[int], salt: int, probability: float) -> Any:
    """Returns bool `[B, *shape]`, true with the given probability (to 32 bits)."""
    if not 0 <= probability < 1:
        raise ValueError(f"expected a probability in [0, 1), got {probability}")
    return bits(keys, shape, salt) < _uint32(int(probability * 2**32))


def randint(keys: Any, shape: Sequence[int], salt: int, size: int) -> Any:
    """Returns int32 `[B, *shape]`, uniform over 0 .. size - 1 (size <= 65536)."""
    if not 1 <= size <= _MAX_INTEGERS:
        raise ValueError(f"randint draws from 1 to {_MAX_INTEGERS} integers, got size={size}")
    numbers = bits(keys, shape, salt)
    low = ops.multiply(ops.bitwise_and(numbers, _uint32(0xFFFF)), _uint32(size))
    high = ops.multiply(_shift(numbers, 16), _uint32(size))
    return ops.cast(_shift(ops.add(high, _shift(low, 16)), 16), "int32")


def normal(keys: Any, shape: Sequence[int], salt: int) -> Any:
    """Returns standard normal numbers `[B, *shape]` (Box-Muller; at most 5.8 in size).

    In Keras's `floatx`: in float64 backends differ by rounding in float64 only.
    """
    pairs = ops.cast(uniform(keys, (2, *shape), salt), keras.config.floatx())
    radius = ops.sqrt(-2.0 * ops.log(1.0 - pairs[:, 0]))
    return radius * ops.cos(2.0 * math.pi * pairs[:, 1])


def _uint32(value: int) -> Any:
    return ops.convert_to_tensor(value, dtype="uint32")


def _shift(x: Any, count: int) -> Any:
    return ops.right_shift(x, _uint32(count))
