"""Fields of settings that are flags as well: what they hold, what is accepted, their help.

A default of `None` means "worked out from the rest", and `None` is accepted then.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from tfrecords.errors import InputError


def expecting(default: Any, expected: str, accepts: Callable[[Any], bool], text: str) -> Any:
    """Returns a field that `accepts` a value, or else an error says what it is `expected` to be."""
    metadata = {"expected": expected, "accepts": accepts, "help": text}
    return dataclasses.field(default=default, metadata=metadata)


def positive(default: float | None, text: str) -> Any:
    """Returns a field that holds a number above 0."""
    return expecting(default, "a number above 0", lambda value: 0 < value < math.inf, text)


def at_least(minimum: int, default: int | None, text: str) -> Any:
    """Returns a field that holds a number of `minimum` or more."""
    return expecting(
        default, f"a number of {minimum} or more", lambda value: value >= minimum, text
    )


def fraction(default: float | None, text: str) -> Any:
    """Returns a field that holds a number from 0 up to, not including, 1."""
    return expecting(default, "a number from 0 up to, not including, 1", lambda v: 0 <= v < 1, text)


def choice(default: str, options: tuple[str, ...], text: str) -> Any:
    """Returns a field that holds one of several texts; its help lists them."""
    expected = f"one of {', '.join(options)}"
    return expecting(default, expected, lambda value: value in options, f"{text}: {expected}.")


def value_type(field: dataclasses.Field) -> type:
    """Returns the type of a field's value: int, float, str or bool (`int | None` gives int)."""
    if isinstance(field.type, types.UnionType):
        return typing.get_args(field.type)[0]
    return field.type


def check_field(field: dataclasses.Field, value: Any) -> None:
    """Raises if a field of one of these kinds cannot have this value."""
    if value is None and field.default is None:
        return
    kind = value_type(field)
    kinds = (int, float) if kind is float else (kind,)
    is_kind = isinstance(value, kinds) and (kind is bool or not isinstance(value, bool))
    if not is_kind or not field.metadata["accepts"](value):
        raise InputError(f"{field.name}={value!r}: expected {field.metadata['expected']}")
