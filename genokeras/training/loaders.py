"""What makes the batches of training: the reader itself, or Grain over the same reader."""

from collections.abc import Iterator
from typing import Any

from tfrecords.errors import InputError
from tfrecords.grain_source import TrainBatches
from tfrecords.reader import Batch, Split

_FOR_EVER = 2**31 - 1  # Steps.
_THREADS, _AHEAD = 2, 8


def batches(split: Split, start_step: int, loader: str, **options: Any) -> Iterator[Batch]:
    """Returns this host's part of the batches from `start_step` on, for ever.

    `options` are those of `Split.train_batches`.
    They are the same by either loader, one of `runtime.LOADERS`, byte by byte. An element of Grain
    is a whole batch: of single records it makes a few thousand a second.

    Raises:
        InputError: Grain is to make them, and is not installed.
    """
    if loader == "native":
        return split.train_batches(start_step, **options)
    try:
        import grain
    except ImportError:
        raise InputError(
            "loader=grain: Grain is not installed; pip install grain, or use loader=native, which "
            "gives the same batches"
        ) from None
    whole = grain.MapDataset.source(TrainBatches(split, _FOR_EVER, **options))
    reading = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=_AHEAD)
    return iter(whole[start_step:].to_iter_dataset(reading))
