"""What embeddings tell of nuisances, over all windows and within the classes of every task."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genokeras.probing import nuisances
from genokeras.probing.features import Features
from genokeras.probing.labelled_data import LabelledData
from genokeras.probing.nuisance_probe import probe_nuisance

# Windows of all splits together, half of which a probe is fitted on: the network takes its time.
MAX_WINDOWS = 10_000


class Sample:
    """Windows of all splits, and their nuisances: the same for every encoder."""

    def __init__(
        self,
        data: LabelledData,
        names: Sequence[str],
        *,
        seed: int = 0,
        max_windows: int = MAX_WINDOWS,
    ):
        self._rows = _draw(data, max_windows, seed)
        parts = {split: part.select(self._rows[split]) for split, part in data.parts.items()}
        self._data, self._seed = LabelledData(data.manifest, parts), seed
        self._nuisances = [nuisances.read(name, self._data, seed) for name in names]
        self._blocks = nuisances.blocks(self._data)

    def measure(self, features: Features) -> list[dict[str, Any]]:
        """Returns a row per nuisance, probe, and what it is within: nothing, or a task's classes.

        Rows are those of `probe_nuisance`, with `encoder`, `kind`, `nuisance` and `within`.
        """
        as_stored = np.concatenate(
            [features.parts[name][rows] for name, rows in self._rows.items()]
        )
        about = {"encoder": features.encoder.name, "kind": features.encoder.kind}
        rows = []
        for nuisance in self._nuisances:
            embeddings = as_stored
            if nuisance.name == nuisances.STRAND:
                embeddings = self._turned(features, nuisance.classes)
            for task, within in self._conditions():
                kept = (nuisance.classes != nuisances.MISSING) & (within != nuisances.MISSING)
                arrays = embeddings, nuisance.classes, within, self._blocks
                found = probe_nuisance(*(array[kept] for array in arrays), seed=self._seed)
                place = about | {"nuisance": nuisance.name, "within": task}
                rows += [place | row for row in found]
        return rows

    def _turned(self, features: Features, turned: np.ndarray) -> np.ndarray:
        """Returns the embeddings of windows of which some are read from the other strand."""
        found, start = [], 0
        for part in self._data.parts.values():
            end = start + len(part.windows)
            found.append(features.of_strands(part, turned[start:end] == 1))
            start = end
        return np.concatenate(found)

    def _conditions(self) -> list[tuple[str | None, np.ndarray]]:
        labels = [part.labels for part in self._data.parts.values()]
        targets = np.concatenate([each.targets for each in labels])
        weight = np.concatenate([each.weight for each in labels])
        targets = np.where(weight > 0, targets, np.nan)
        whole: list[tuple[str | None, np.ndarray]] = [(None, np.zeros(len(targets), np.int64))]
        columns = zip(self._data.tasks, targets.T, strict=True)
        return whole + [(task, nuisances.as_classes(column)[0]) for task, column in columns]


def _draw(data: LabelledData, most: int, seed: int) -> dict[str, np.ndarray]:
    """Returns the rows of a random sample of all windows, by split."""
    sizes = [len(part.windows) for part in data.parts.values()]
    total = sum(sizes)
    drawn = np.random.default_rng(seed).permutation(total)[:most]
    starts = np.cumsum([0, *sizes])
    pairs = zip(data.parts, starts[:-1], starts[1:], strict=True)
    return {
        split: np.sort(drawn[(drawn >= start) & (drawn < end)]) - start
        for split, start, end in pairs
    }
