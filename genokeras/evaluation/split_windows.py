"""The sequences of a split as a model sees them, read in parts: memory does not grow with them.

Shapes: `N` examples of `L` bp, packed uint8 `[N, ceil(L/2)]`.
"""

import copy
from collections.abc import Iterator

import numpy as np

from tfrecords import sequence
from tfrecords.reader import Batch, Dataset

# Bases read at a time.
_PART_BASES = 2_000_000


class SplitWindows:
    """Windows of `length` bp from some of a split's records (default: all), in that order.

    Of sequences that are stored with bases beside the window, for shifting it, they are the middle.
    """

    def __init__(self, dataset: Dataset, split: str, places: np.ndarray | None = None):
        self.name, self._manifest = split, dataset.manifest
        self._split = dataset.split(split)
        self._places = np.arange(self._split.num_examples) if places is None else places
        self._stored_bp = dataset.manifest.schema["sequence"].bases
        self.length = dataset.manifest.window_bp

    @property
    def manifest_sha256(self) -> str:
        """Hash of the dataset."""
        return self._manifest.sha256

    def __len__(self) -> int:
        return len(self._places)

    def read(self, rows: np.ndarray) -> Batch:
        """Returns the fields of these examples; `sequence` is the window, `weight` always there."""
        fields = self._split.read(self._places[rows])
        shift_bp = self._manifest.shift_bp
        if shift_bp:
            place = self._stored_bp, shift_bp, self.length
            fields["sequence"] = sequence.crop(fields["sequence"], *place)
        if "weight" not in fields:
            tasks = fields["targets"].shape[-1:] if "targets" in fields else ()
            fields["weight"] = np.ones((len(fields["sequence"]), *tasks), np.float32)
        return fields

    def parts(self, size: int | None = None, limit: int | None = None) -> Iterator[Batch]:
        """Yields the fields of the first `limit` examples (default: all), `size` at a time."""
        count = len(self) if limit is None else min(limit, len(self))
        step = size or max(1, _PART_BASES // self.length)
        for start in range(0, count, step):
            yield self.read(np.arange(start, min(start + step, count)))

    @classmethod
    def each_once(cls, dataset: Dataset, split: str) -> "SplitWindows":
        """Returns all examples; of both strands of one, if they are stored, that which is first."""
        windows = cls(dataset, split)
        if dataset.manifest.reverse_complement != "store" or "row" not in dataset.manifest.schema:
            return windows
        rows = np.concatenate([part["row"] for part in windows.parts()] or [np.arange(0)])
        return cls(dataset, split, np.sort(np.unique(rows, return_index=True)[1]))

    def select(self, rows: np.ndarray) -> "SplitWindows":
        """Returns these examples, in this order. Stored in random order, the first are a sample."""
        part = copy.copy(self)
        part._places = self._places[rows]
        return part

    def keys(self, packed: np.ndarray) -> np.ndarray:
        """Returns a key `[N]` per window, the same for both strands unless data are stranded."""
        is_stranded = self._manifest.reverse_complement == "none"
        form = packed if is_stranded else sequence.canonical(packed, self.length)
        return np.ascontiguousarray(form).view(f"V{form.shape[1]}")[:, 0]
