"""Typed, frozen configuration: texts `name=value` and JSON become the fields of a dataclass.

Fields may be int, float, bool, str, a `Literal` of words, a tuple of one of them, or one of these
or None. What does not fit its field's type is an `InputError` that says what would.
"""

import ast
import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tfrecords.errors import InputError, check_known

ConfigT = TypeVar("ConfigT")

_WORDS = {"true": True, "false": False, "none": None}


def override(config: ConfigT, assignments: Iterable[str]) -> ConfigT:
    """Returns a copy of the dataclass `config` with `name=value` texts applied, each checked.

    Values are written as in Python without quotes around words: `filters=64`, `dropout=0.1`,
    `norm=layer`, `dense_units=128,64`, `insert_motifs=GGATCC,CCWGG`, `positions=none`, `ema=None`.
    """
    hints = typing.get_type_hints(type(config))
    changes = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise InputError(f"expected name=value, got {assignment!r}")
        _check_name(type(config), name)
        changes[name] = _parse(type(config), name, hints[name], text)
    return dataclasses.replace(config, **changes)


def from_dict(config_class: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """Returns `config_class(**values)` for values read from JSON, names and types checked."""
    hints = typing.get_type_hints(config_class)
    fields = {}
    for name, value in values.items():
        _check_name(config_class, name)
        value = tuple(value) if isinstance(value, list) else value
        fields[name] = _check_type(config_class, name, hints[name], value, repr(value))
    for field in dataclasses.fields(config_class):
        needed = field.default is field.default_factory is dataclasses.MISSING
        if needed and field.name not in fields:
            raise InputError(f"{config_class.__name__}.{field.name} is missing")
    return config_class(**fields)


def require_at_least(config: Any, least: int, *names: str) -> None:
    """Raises `InputError` if a field of `config` is below `least`."""
    for name in names:
        if getattr(config, name) < least:
            raise InputError(f"{name} must be at least {least}, got {getattr(config, name)}")


def require_rates(config: Any, *names: str) -> None:
    """Raises `InputError` if a field of `config` is not from 0 up to, not including, 1."""
    for name in names:
        if not 0 <= getattr(config, name) < 1:
            raise InputError(f"{name} must be in [0, 1), got {getattr(config, name)}")


def _check_name(config_class: type, name: str) -> None:
    names = [field.name for field in dataclasses.fields(config_class)]
    check_known(f"{config_class.__name__} has no field", name, names, "Fields")


def _parse(config_class: type, name: str, hint: Any, text: str) -> Any:
    if text in _choices(hint):
        return text
    if tuple[str, ...] in _alternatives(hint):
        return tuple(word.strip() for word in text.split(",") if word.strip())
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = _WORDS.get(text.lower(), text)
    if str in _alternatives(hint) and value is not None:
        value = text
    if _is_tuple(hint) and value is not None:
        value = () if value == "" else value
        value = tuple(value) if isinstance(value, tuple | list) else (value,)
    return _check_type(config_class, name, hint, value, repr(text))


def _check_type(config_class: type, name: str, hint: Any, value: Any, given: str) -> Any:
    for kind in _alternatives(hint):
        if _matches(kind, value):
            return _as_declared(kind, value)
    raise InputError(f"{config_class.__name__}.{name} must be {_describe(hint)}, got {given}")


def _matches(kind: Any, value: Any) -> bool:
    if typing.get_origin(kind) is typing.Literal:
        return value in typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(_matches(item, entry) for entry in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _as_declared(kind: Any, value: Any) -> Any:
    """Whole numbers given for floats become floats, so that equal configurations print alike."""
    if typing.get_origin(kind) is tuple:
        return tuple(_as_declared(typing.get_args(kind)[0], entry) for entry in value)
    return float(value) if kind is float else value


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """Returns the members of a union, or the one type itself."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _choices(hint: Any) -> tuple[str, ...]:
    literals = [kind for kind in _alternatives(hint) if typing.get_origin(kind) is typing.Literal]
    return tuple(choice for kind in literals for choice in typing.get_args(kind))


def _is_tuple(hint: Any) -> bool:
    return any(typing.get_origin(kind) is tuple for kind in _alternatives(hint))


def _describe(hint: Any) -> str:
    return " or ".join(_describe_one(kind) for kind in _alternatives(hint))


def _describe_one(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        plural = {int: "whole numbers", float: "numbers", str: "words"}[typing.get_args(kind)[0]]
        return f"{plural} with commas between them"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(
        kind, "none"
    )
