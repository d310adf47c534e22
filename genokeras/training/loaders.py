"""What makes the batches of training: the reader itself, or Grain over the same reader."""

from collections.abc import Iterator

from tfrecords.errors import InputError
from tfrecords.grain_source import TrainBatches
from tfrecords.reader import Batch, Split

_FOR_EVER = 2**31 - 1  # Steps.
_THREADS, _AHEAD = 2, 8


def batches(
    split: Split,
    start_step: int,
    loader: str,
    *,
    batch_size: int,
    seed: int,
    host: int = 0,
    num_hosts: int = 1,
    shuffle_block: int = 1,
    reverse_complement: bool | None = None,
) -> Iterator[Batch]:
    """Returns this host's part of the batches from `start_step` on, for ever.

    They are the same by either loader, one of `runtime.LOADERS`, byte by byte. An element of Grain
    is a whole batch: of single records it makes a few thousand a second.

    Raises:
        InputError: Grain is to make them, and is not installed.
    """
    options = {"batch_size": batch_size, "seed": seed, "host": host, "num_hosts": num_hosts}
    options |= {"shuffle_block": shuffle_block, "reverse_complement": reverse_complement}
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
