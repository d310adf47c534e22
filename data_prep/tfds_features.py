"""Features of a TFDS dataset -> sequences and labels.

TensorFlow is not loaded here: features say of themselves what they hold, and batches are NumPy's,
or `Ragged` where rows differ in length.

Shapes: `N` rows, `L` bases, `T` tasks.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_prep import lengths, text_rows
from data_prep.table_columns import TableColumns
from data_prep.text_rows import TextRows
from tfrecords import sequence as dna
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import describe

_ALPHABET = "ACGTN"
_NUMBERS_OF_BASES = "01234"  # As TFDS names classes that have no names.
_LETTERS = np.frombuffer(_ALPHABET.encode(), np.uint8)
# Kinds of NumPy types.
_TEXT = "O"
_INTEGERS = frozenset("iu")
_NUMBERS = _INTEGERS | set("bf")
_WEIGHT = "weight"
_MAX_LABEL = np.finfo(np.float32).max


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths: row `n` is `values[bounds[n]:bounds[n + 1]]`."""

    values: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.bounds) - 1


Column = np.ndarray | Ragged
Place = Callable[[int], str]  # Names a row of a batch: `train[17]`.


@dataclass(frozen=True)
class Values:
    """What a feature holds in one example.

    Attributes:
        kind: Of its NumPy type: `O` for text; empty if it is made of further features.
        shape: None where sizes differ.
        classes: Names of the classes that its numbers stand for, if there are such.
        shown: The type and the shape for error messages: `float32(None, 4)`.
    """

    kind: str
    shape: tuple[int | None, ...]
    classes: tuple[str, ...]
    shown: str

    @classmethod
    def of(cls, feature: Any) -> "Values":
        """Returns what a `tfds.features.FeatureConnector` says of itself."""
        info = feature.get_tensor_info()
        if isinstance(info, Mapping):
            return cls("", (), (), type(feature).__name__)
        dtype, shape = np.dtype(info.np_dtype), tuple(info.shape)
        shown = describe("text" if dtype.kind == _TEXT else dtype, shape)
        return cls(dtype.kind, shape, tuple(getattr(feature, "names", None) or ()), shown)

    @property
    def is_text(self) -> bool:
        """Whether it is one text."""
        return self.kind == _TEXT and self.shape == ()

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return self.kind in _NUMBERS and self.shape == ()

    @property
    def is_bases(self) -> bool:
        """Whether it may be a sequence as whole numbers, one for each base."""
        return self.kind in _INTEGERS and len(self.shape) == 1

    @property
    def is_labels(self) -> bool:
        """Whether it is a number, or a fixed number of them."""
        return self.kind in _NUMBERS and len(self.shape) <= 1 and None not in self.shape


class LabelledFeatures:
    """The features of a dataset that are read, and how their values become fields of records.

    Args:
        columns: Names of the features with the sequence and the labels.
        values: What each feature of the dataset holds.
        own: The manifest of a dataset that `build_dataset` has written, which knows what TFDS does
            not: how many bases are packed, names of tasks, and that labels of weight 0 are missing.
        folder: Of the dataset, for error messages.

    Raises:
        InputError: One of the features holds something else.
    """

    def __init__(
        self,
        columns: TableColumns,
        values: Mapping[str, Values],
        own: Manifest | None,
        folder: str,
    ):
        self._columns, self._values, self._folder = columns, values, folder
        self._bases = own.schema[columns.sequence].bases if own else None
        if self._bases is None:
            _check_sequence(columns.sequence, values[columns.sequence], folder)
        for name in columns.targets:
            _check_labels(name, values[name], folder)
        is_own = own is not None and columns.targets == ("targets",)
        self._weight = (_WEIGHT,) if is_own and _WEIGHT in own.schema else ()
        self._labelled = own.tasks if is_own else tuple(_task_names(columns.targets, values))

    @property
    def names(self) -> tuple[str, ...]:
        """The features to read."""
        return (self._columns.sequence, *self._columns.targets, *self._weight)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the `T` targets; of a dataset without labels one, in which all are positives."""
        return self._labelled or (text_rows.TASK,)

    def first_length(self, batch: Mapping[str, Column], place: Place) -> int:
        """Returns the bases of the first sequence of a batch; see `sequences` for the arguments."""
        if self._bases is not None:
            return self._bases
        # An empty one is refused, with its place, when it is read.
        return max(1, len(self._spell(batch, place)[0].strip()))

    def sequences(
        self, batch: Mapping[str, Column], place: Place, length: int, is_resizing: bool
    ) -> np.ndarray:
        """Returns the sequences packed, uint8 `[N, ceil(length/2)]`.

        Args:
            batch: The values of features by name.
            place: Names the place of a row in the dataset.
            length: Bases of every sequence.
            is_resizing: Crop and pad those of another length instead of refusing them.

        Raises:
            InputError: A sequence is empty, of another length, or has something that is no base.
        """
        if self._bases is None:
            rows = self._rows(place, self._spell(batch, place))
            return text_rows.encode_sequences(rows, length, is_resizing)
        packed = batch[self._columns.sequence]
        if self._bases == length:
            return packed
        return dna.encode(lengths.resize(dna.decode(packed, self._bases), length), length)

    def targets(
        self, batch: Mapping[str, Column], place: Place, task_type: str | None
    ) -> np.ndarray:
        """Returns the labels, float32 `[N, T]`, NaN where missing.

        Raises:
            InputError: A label is infinite, or neither 0 nor 1 although the task is binary.
        """
        if not self._labelled:
            return np.ones((len(batch[self._columns.sequence]), 1), np.float32)
        targets = np.concatenate([self._labels(batch, x) for x in self._columns.targets], axis=1)
        if self._weight:
            targets[batch[_WEIGHT] == 0] = np.nan
        where = self._rows(place).where
        if (wrong := np.argwhere(np.abs(targets) > _MAX_LABEL)).size:
            row, column = wrong[0]
            raise InputError(
                f"{where(row)}: {self.tasks[column]} is {targets[row, column]:g}, expected a "
                "number that float32 holds, or NaN where it is missing"
            )
        if task_type == "binary":
            text_rows.check_binary(where, self.tasks, targets)
        return targets.astype(np.float32)

    def _rows(self, place: Place, sequences: Sequence[str] = ()) -> TextRows:
        return TextRows(sequences, (), place, self._folder)

    def _spell(self, batch: Mapping[str, Column], place: Place) -> list[str]:
        return _spell(batch[self._columns.sequence], self._rows(place).where)

    def _labels(self, batch: Mapping[str, Column], name: str) -> np.ndarray:
        """Returns the labels of one feature, float64 `[N, n]`."""
        labels = batch[name].reshape(len(batch[name]), -1).astype(np.float64)
        if self._values[name].classes:
            labels[labels == -1] = np.nan  # So TFDS writes a class that is not known.
        return labels


def cells(batch: Mapping[str, Column], values: Mapping[str, Values]) -> Iterator[tuple[str, ...]]:
    """Yields the rows of a batch as a table would have them, to tell which columns hold labels."""
    columns = [
        [text.decode(errors="replace") for text in batch[name]]
        if feature.is_text
        else [f"{number:g}" for number in batch[name].astype(np.float64)]
        if feature.is_number
        else itertools.repeat(feature.shown)
        for name, feature in values.items()
    ]
    return zip(*columns, strict=False)


def _check_sequence(name: str, values: Values, folder: str) -> None:
    if not values.is_text and not values.is_bases:
        raise InputError(
            f"{folder}: feature {name!r} is {values.shown}, expected a text of bases, or a whole "
            "number for each base (0 to 3 for A, C, G and T, and 4 for N)"
        )
    classes = "".join(values.classes).upper()
    if values.is_bases and not any(x.startswith(classes) for x in (_ALPHABET, _NUMBERS_OF_BASES)):
        raise InputError(
            f"{folder}: the classes of feature {name!r} are {', '.join(values.classes)}, expected "
            f"{', '.join(_ALPHABET)}"
        )


def _check_labels(name: str, values: Values, folder: str) -> None:
    if not values.is_labels:
        raise InputError(
            f"{folder}: feature {name!r} is {values.shown}, expected one number as label, or a "
            "fixed number of them"
        )


def _task_names(targets: tuple[str, ...], values: Mapping[str, Values]) -> Iterator[str]:
    for name in targets:
        if values[name].shape:
            yield from (f"{name}_{number}" for number in range(values[name].shape[0]))
        else:
            yield name


def _spell(sequences: Column, where: Place) -> list[str]:
    """Returns sequences, texts as they are or numbers of bases, as `N` texts."""
    if isinstance(sequences, np.ndarray):
        if sequences.dtype.kind == _TEXT:
            return [text.decode(errors="replace") for text in sequences]
        bounds = np.arange(len(sequences) + 1) * sequences.shape[1]
        sequences = Ragged(sequences.reshape(-1), bounds)
    numbers, bounds = sequences.values, sequences.bounds
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(_LETTERS)))
    if wrong.size:
        row = int(np.searchsorted(bounds, wrong[0], "right")) - 1
        raise InputError(
            f"{where(row)}, position {wrong[0] - bounds[row]}: {numbers[wrong[0]]} is no "
            "base; expected 0 to 3 for A, C, G and T, and 4 for N"
        )
    letters = _LETTERS[numbers].tobytes().decode()
    return [letters[start:end] for start, end in itertools.pairwise(bounds.tolist())]
