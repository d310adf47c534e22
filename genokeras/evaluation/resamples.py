"""`SPLIT.resamples.npz`: what every resample behind the intervals of an evaluation scored.

Resample `r` is the same examples for all models that were evaluated on one split with one seed, so
differences of these numbers are paired. Shapes: `R` resamples.
"""

import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np

from genokeras.metrics.supervised import ALL, Samples
from tfrecords.errors import InputError
from tfrecords.files import replacing


def file_of(folder: pathlib.Path, split: str) -> pathlib.Path:
    """Returns where the resamples of a split are, or would be."""
    return folder / f"{split}.resamples.npz"


def of_all_tasks(samples: Samples) -> dict[str, np.ndarray]:
    """Returns the scores `[R]` over all tasks together, by metric."""
    return {name: scores for (task, name), scores in samples.items() if task == ALL}


def write(folder: pathlib.Path, split: str, samples: Mapping[str, np.ndarray]) -> None:
    """Writes the scores `[R]` of metrics over all tasks, float64; of none, there is no file."""
    path = file_of(folder, split)
    if not samples:
        path.unlink(missing_ok=True)  # Of an evaluation that had them.
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        np.savez(partial, **{name: np.asarray(x, np.float64) for name, x in samples.items()})


def read(folder: pathlib.Path, split: str) -> dict[str, np.ndarray]:
    """Returns the scores `[R]` by metric; none where the evaluation has no intervals.

    Raises:
        InputError: The file is damaged.
    """
    path = file_of(folder, split)
    if not path.exists():
        return {}
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(
            f"{path}: not the resamples of an evaluation; launch.evaluate makes it anew"
        ) from None
