"""Which rows of a split a host reads for every training batch: arithmetic, without any state."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tfrecords import sampling
from tfrecords.errors import InputError

if TYPE_CHECKING:
    from tfrecords.reader import Split


class Sampler:
    """The rows of this host's part of every training batch."""

    def __init__(
        self, split: "Split", batch_size: int, seed: int, host: int, num_hosts: int, block: int
    ):
        check_hosts(batch_size, host, num_hosts)
        if block < 1:
            raise InputError(f"shuffle_block={block}, expected a positive number of records")
        self.steps, self.seed = split.steps_per_epoch(batch_size), seed
        self.host_batch_size = batch_size // num_hosts
        self._num_examples, self._batch_size, self._block = split.num_examples, batch_size, block
        self._host = host

    def stretches(self, start_step: int, most: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yields epoch and rows of the batches from `start_step` on, `most` of them at a time."""
        epoch, step = divmod(start_step, self.steps)
        while True:
            count = min(most, self.steps - step)
            yield epoch, self.rows(epoch, step, count)
            epoch, step = (epoch, step + count) if step + count < self.steps else (epoch + 1, 0)

    def rows(self, epoch: int, step: int, count: int) -> np.ndarray:
        """Returns the rows of `count` consecutive batches of one epoch, int64 `[count * B/H]`."""
        if not 0 <= step < self.steps:
            raise InputError(f"step {step} of an epoch that has {self.steps} steps, counted from 0")
        first = (step + np.arange(count)) * self._batch_size + self._host * self.host_batch_size
        positions = (first[:, None] + np.arange(self.host_batch_size)).ravel()
        return sampling.permute_blocks(
            positions, self._num_examples, self._block, seed=self.seed, epoch=epoch
        )


def check_hosts(batch_size: int, host: int, num_hosts: int) -> None:
    """Raises an InputError unless there is such a host, and its part of a batch is a whole one."""
    if not 0 <= host < num_hosts:
        raise InputError(f"host={host}, expected 0 to {num_hosts - 1} for num_hosts={num_hosts}")
    if batch_size < 1 or batch_size % num_hosts:
        raise InputError(
            f"batch_size={batch_size}, expected a positive multiple of num_hosts={num_hosts}"
        )
