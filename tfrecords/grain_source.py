"""Random-access sources for Grain: `grain.MapDataset.source(Examples(split))`.

A source is anything with a length and `[]`, so Grain need not be installed to import this. Sources
can be sent to Grain's worker processes, which map the files themselves.
"""

from tfrecords.reader import Batch, Split


class Examples:
    """One example per index, in stored order: the fields of the schema, each of its shape."""

    def __init__(self, split: Split):
        self._split = split

    def __len__(self) -> int:
        return self._split.num_examples

    def __getitem__(self, index: int) -> Batch:
        return {name: values[0] for name, values in self._split.read([index]).items()}


class TrainBatches:
    """The training batch of every global step: whole batches are what makes Grain fast.

    `options` are those of `Split.train_batch`: `batch_size` and `seed`, and as needed `host`,
    `num_hosts`, `shuffle_block` and `reverse_complement`.
    """

    def __init__(self, split: Split, num_steps: int, **options: int | bool | None):
        self._split, self._num_steps, self._options = split, num_steps, options
        self._steps_per_epoch = split.steps_per_epoch(options["batch_size"])

    def __len__(self) -> int:
        return self._num_steps

    def __getitem__(self, step: int) -> Batch:
        return self._split.train_batch(*divmod(step, self._steps_per_epoch), **self._options)
