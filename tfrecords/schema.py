"""Which fields a record has: names, types and shapes, the same for every record of a dataset."""

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfrecords.errors import InputError, suggest
from tfrecords.layout import Layout
from tfrecords.sequence import packed_width

NAME = re.compile(r"[a-z][a-z0-9_]*")
KEY = "key"  # The reader adds a field of this name to every batch.
DTYPES = (
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)


@dataclass(frozen=True)
class Feature:
    """One field of a record: an array of a fixed type and shape, stored little-endian.

    `bases` marks a DNA field: packed sequences of that many bases, uint8 `(ceil(bases/2),)`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bases: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "shape", tuple(self.shape))
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InputError(f"field name {self.name!r}, expected {NAME.pattern}")
        if self.name == KEY:
            raise InputError(f"field name {KEY!r} is taken: the reader gives every example its key")
        if self.dtype not in DTYPES:
            guess = suggest(str(self.dtype), DTYPES)
            raise InputError(f"{self.name}: type {self.dtype!r} is not stored.{guess}")
        if not all(isinstance(size, int) and size > 0 for size in self.shape):
            raise InputError(f"{self.name}: shape {self.shape}, expected positive whole numbers")
        if self.bases is not None and (self.dtype, self.shape) != (
            "uint8",
            (packed_width(self.bases),),
        ):
            raise InputError(
                f"{self.name}: {self.bases} bases are packed as uint8({packed_width(self.bases)},),"
                f" got {self}"
            )

    def __str__(self) -> str:
        return describe(self.dtype, self.shape)

    @property
    def stored(self) -> np.dtype:
        """The little-endian type on disk."""
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def num_bytes(self) -> int:
        """Bytes of the field in one record."""
        return self.stored.itemsize * math.prod(self.shape)

    @property
    def is_track(self) -> bool:
        """Whether these are targets at positions: `[bins, T]`."""
        return self.name == "targets" and len(self.shape) > 1

    def to_json(self) -> dict:
        """Returns a dictionary that JSON can hold; `bases` only where there is one."""
        fields = {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}
        return fields if self.bases is None else fields | {"bases": self.bases}


@dataclass(frozen=True)
class Schema:
    """The fields of a record, sorted by name as deterministic protobuf serialisation sorts them."""

    features: tuple[Feature, ...]

    def __post_init__(self):
        features = tuple(sorted(self.features, key=lambda feature: feature.name))
        object.__setattr__(self, "features", features)
        if not features:
            raise InputError("a schema needs at least one field")
        if len(set(self.names)) < len(features):
            raise InputError(f"a field is there twice: {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, sorted."""
        return tuple(feature.name for feature in self.features)

    def __getitem__(self, name: str) -> Feature:
        for feature in self.features:
            if feature.name == name:
                return feature
        raise InputError(
            f"no field {name!r}, there are {', '.join(self.names)}.{suggest(name, self.names)}"
        )

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def without(self, *names: str) -> "Schema":
        """Returns the schema of all fields but these."""
        return Schema(tuple(feature for feature in self.features if feature.name not in names))

    @functools.cached_property
    def layout(self) -> Layout:
        """Where the bytes of a record are, and its checksums."""
        return Layout({feature.name: feature.num_bytes for feature in self.features})

    @property
    def stride(self) -> int:
        """Bytes of a record, frame and checksums included."""
        return self.layout.stride

    @property
    def template(self) -> np.ndarray:
        """The record, uint8 `[stride]`, whose fields are all zero; read-only."""
        return self.layout.template

    @property
    def columns(self) -> Mapping[str, slice]:
        """The bytes of every field within a record."""
        return self.layout.columns

    def to_json(self) -> list[dict]:
        """Returns the fields as JSON can hold them."""
        return [feature.to_json() for feature in self.features]

    @classmethod
    def from_json(cls, fields: list[dict]) -> "Schema":
        """The inverse of `to_json`."""
        return cls(tuple(Feature(**field) for field in fields))


def describe(dtype: object, shape: tuple[int, ...]) -> str:
    """Returns a type and a shape as error messages show them: `uint8(5,)`."""
    return f"{dtype}{shape}"
