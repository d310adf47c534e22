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
    """Returns words on a training batch `[B, ...]`: what is NaN or infinite in it, or what it is.

    Examples are told by file and row, or by their place in the genome; those of a dataset that has
    neither by their keys.
    """
    for name, values in sorted(batch.items()):
        if values.dtype.kind == "f":
            # Of coverage, what is missing is NaN.
            may_lack = name == "targets" and manifest.task_type == "coverage"
            is_wrong = np.isinf(values) if may_lack else ~np.isfinite(values)
            is_bad = is_wrong.reshape(len(values), -1).any(axis=1)
            if is_bad.any():
                found = _names(manifest, batch, np.flatnonzero(is_bad))
                return f"{name} is NaN or infinite in the example{found}"
    found = _names(manifest, batch, np.arange(len(batch["key"])))
    return f"its batch, all of whose numbers are finite, is the example{found}"


def _names(manifest: Manifest, batch: Batch, examples: Sequence[int]) -> str:
    named = [_name(manifest, batch, example) for example in examples[:_MOST_NAMED]]
    more = len(examples) - len(named)
    text = "; ".join(named) + (f" and {more} more" if more else "")
    return f"s {text}" if len(examples) > 1 else f" {text}"


def _name(manifest: Manifest, batch: Batch, example: int) -> str:
    if "row" not in batch:
        return f"of key {batch['key'][example]}"
    place = {name: int(batch[name][example]) for name in PLACE if name in batch}
    return origin(manifest, int(batch["row"][example]), **place)
