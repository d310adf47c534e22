"""What an embedding should not know: GC content, chromosome, strand, or a batch of the data.

Each is a class per window, numbers being cut into quarters. Shapes: `N` windows of all splits.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from genokeras.probing.labelled_data import LabelledData, Part
from tfrecords.errors import InputError, check_known
from tfrecords.manifest import Manifest
from tfrecords.sequence import gc_content

GC, CHROMOSOME, STRAND = "gc", "chromosome", "strand"
MISSING = -1
# More values than these are cut into quarters.
_MOST_CLASSES = 30
_PLACES = ("row", "start", "chrom_id", "strand")
# Windows whose starts are fewer window lengths apart than this go to one half together.
_BLOCK = 100


@dataclasses.dataclass(frozen=True)
class Nuisance:
    """Classes int `[N]` by number, `MISSING` where there is none, and the classes' names."""

    name: str
    classes: np.ndarray
    names: tuple[str, ...]


def known(manifest: Manifest) -> list[str]:
    """Returns the nuisances of a dataset: its tasks and its other numbers per window among them."""
    schema = manifest.schema
    numbers = [feature.name for feature in schema.features if not feature.shape]
    places = [CHROMOSOME] if "chrom_id" in schema else []
    more = [name for name in numbers if name not in _PLACES]
    return [GC, STRAND, *places, *manifest.tasks, *more]


def check(names: Sequence[str], manifest: Manifest) -> None:
    """Raises `InputError` if a nuisance is not known, or given twice."""
    for place, name in enumerate(names):
        check_known("no nuisance", name, known(manifest), "Nuisances of this dataset")
        if name in names[:place]:
            raise InputError(f"nuisance {name}: given twice")


def read(name: str, data: LabelledData, seed: int = 0) -> Nuisance:
    """Returns a nuisance of all windows, in the order of splits; `strand` is drawn from `seed`.

    A window's `strand` is whether it is given to the encoder as it is stored, or turned.
    """
    if name == STRAND:
        total = sum(len(part.windows) for part in data.parts.values())
        turned = np.random.default_rng(seed).integers(0, 2, total)
        return Nuisance(name, turned, ("as stored", "turned"))
    values = np.concatenate([_values(name, data.manifest, part) for part in data.parts.values()])
    classes, names = as_classes(values)
    if name == CHROMOSOME:
        classes, names = values, tuple(chrom.name for chrom in data.manifest.chroms)
    found = np.unique(classes[classes != MISSING])
    if len(found) < 2:
        only = f"of all windows it is {names[found[0]]}" if len(found) else "no window has one"
        raise InputError(f"nuisance {name}: {only}, so there is nothing to tell apart")
    return Nuisance(name, classes, names)


def as_classes(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns classes `[N]` and their names, quarters where there are many values; NaN: missing."""
    is_known = np.isfinite(values)
    distinct = np.unique(values[is_known])
    if len(distinct) > _MOST_CLASSES or (distinct.size and np.any(distinct != np.round(distinct))):
        edges = np.unique(np.quantile(values[is_known], [0.25, 0.5, 0.75]))
        classes = np.searchsorted(edges, values, side="left")
        names = tuple(f"quarter {number}" for number in range(1, len(edges) + 2))
    else:
        classes = np.searchsorted(distinct, values)
        names = tuple(f"{value:g}" for value in distinct)
    return np.where(is_known, classes, MISSING), names


def blocks(data: LabelledData) -> np.ndarray:
    """Returns a number `[N]` per window that neighbours share, as far as places are known.

    So that windows that overlap are not on both sides of a division.
    """
    if "chrom_id" not in data.manifest.schema:
        return np.arange(sum(len(part.windows) for part in data.parts.values()))
    step = _BLOCK * data.manifest.window_bp
    found = []
    for split in data.parts.values():
        for part in split.windows.parts():
            found.append(np.stack([part["chrom_id"], part["start"] // step], axis=1))
    return np.unique(np.concatenate(found), axis=0, return_inverse=True)[1].ravel()


def _values(name: str, manifest: Manifest, part: Part) -> np.ndarray:
    found = []
    for fields in part.windows.parts():
        if name == GC:
            found.append(gc_content(fields["sequence"], part.windows.length))
        elif name == CHROMOSOME:
            found.append(fields["chrom_id"])
        elif name in manifest.tasks:
            task = manifest.tasks.index(name)
            is_known = fields["weight"][:, task] > 0
            found.append(np.where(is_known, fields["targets"][:, task], np.nan))
        else:
            found.append(fields[name])
    return np.concatenate(found)
