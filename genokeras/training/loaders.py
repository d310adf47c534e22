"""What makes the batches of training: the reader itself, or Grain over the same reader."""

from collections.abc import Iterator

from tfrecords.reader import Batch, Split


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
) -> Iterator[Batch]:
    """Returns this host's part of the batches from `start_step` on, for ever."""
    options = {"batch_size": batch_size, "seed": seed, "host": host, "num_hosts": num_hosts}
    options["shuffle_block"] = shuffle_block
    return split.train_batches(start_step, **options)
