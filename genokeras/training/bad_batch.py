"""What to say of a step whose loss was not finite: what it was made of, and what to do."""

from collections.abc import Sequence

import numpy as np

from genokeras.training.job import Job
from genokeras.training.window import Failure
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.origin import PLACE, origin
from tfrecords.reader import Batch

_MOST_NAMED = 5


def not_finite(job: Job, failure: Failure, saved: Sequence[int]) -> InputError:
    """Returns the error that ends a run; `saved` are the steps of its checkpoints."""
    training, step = job.training, failure.step
    what = f"the {failure.name} of step {step} is no longer finite"
    if failure.skipped:
        what += f", as were those of the {failure.skipped - 1} steps before, which were left out"
    way_out = (
        f"try a lower learning_rate (it is {training.learning_rate:g}), clipnorm=1 (it is "
        f"{training.clipnorm:g}) or precision=float32 (it is {training.precision})"
    )
    if training.on_nan != "skip":
        way_out += ", or on_nan=skip, which leaves such steps out"
    last = f"the checkpoint of step {saved[-1]} is sound" if saved else "no step was saved"
    found = describe_batch(job.manifest, job.batch_of(step))
    return InputError(f"{what}; {found}; {way_out}; {last}")


def describe_batch(manifest: Manifest, batch: Batch) -> str:
    """Returns words on a training batch `[B, ...]`: its examples, and where a target is largest.

    Shards hold no infinite numbers, but one that is far from the others may overflow in the loss.
    Examples are told by file and row, or by their place in the genome; those of a dataset that has
    neither by their keys.
    """
    named = [_name(manifest, batch, example) for example in range(len(batch["key"]))]
    more = len(named) - _MOST_NAMED
    text = f"its batch: {'; '.join(named[:_MOST_NAMED])}{f' and {more} more' if more > 0 else ''}"
    if manifest.task_type in ("regression", "coverage"):
        # Of coverage, what is missing is NaN.
        sizes = np.nan_to_num(np.abs(batch["targets"])).reshape(len(named), -1).max(axis=1)
        largest = int(np.argmax(sizes))
        text += f" (the largest target, {sizes[largest]:g}, is that of {named[largest]})"
    return text


def _name(manifest: Manifest, batch: Batch, example: int) -> str:
    if "row" not in batch:
        return f"key {batch['key'][example]}"
    place = {name: int(batch[name][example]) for name in PLACE if name in batch}
    return origin(manifest, int(batch["row"][example]), **place)
