"""Where a run runs: nothing of it changes what is learnt, so a run may go on somewhere else.

Every field is a flag of `launch.train`, with the same name and the help text that stands here.
Needs neither TensorFlow nor Keras.
"""

import dataclasses
import re

from genokeras.training.fields import at_least, check_field, choice, expecting
from tfrecords.errors import InputError

STRATEGIES = ("auto", "single", "mirrored", "multiworker", "tpu")
LOADERS = ("native", "grain")


def _address(value: str) -> bool:
    return re.fullmatch(r"[^:\s]+:\d+", value) is not None


def _steps(value: str) -> bool:
    match = re.fullmatch(r"(\d+):(\d+)", value)
    return match is not None and 0 < int(match[1]) <= int(match[2])


@dataclasses.dataclass(frozen=True)
class Runtime:
    """The devices of a run, and what is done beside training. `None` means "not given"."""

    strategy: str = choice(
        "auto",
        STRATEGIES,
        "How the batch is shared out. single: one device. mirrored: all devices of this machine. "
        "multiworker: several machines (TF_CONFIG, or JAX's coordinator). tpu: a TPU. auto: what "
        "is there",
    )
    tpu: str | None = expecting(
        None,
        "local, or the name of a TPU",
        bool,
        "TPU of TensorFlow's strategy tpu: local on a TPU VM, or its name.",
    )
    require_accelerator: bool = expecting(
        False, "true or false", lambda value: True, "Refuse to train on a CPU."
    )
    coordinator: str | None = expecting(
        None,
        "HOST:PORT",
        _address,
        "Address of the first of several JAX processes; SLURM and Cloud TPU say it themselves.",
    )
    num_processes: int | None = at_least(1, None, "Number of JAX processes, with coordinator.")
    process_id: int | None = at_least(
        0, None, "Number of this JAX process, from 0, with coordinator."
    )
    loader: str = choice("native", LOADERS, "What makes the batches, which are the same by either")
    profile_steps: str | None = expecting(
        None,
        "FIRST:LAST, two steps, counted from 1",
        _steps,
        "FIRST:LAST, steps of which a trace is taken (both included; as 20:29), for TensorBoard's "
        "tab PROFILE. Those of one call are traced together.",
    )

    @property
    def steps_to_trace(self) -> range | None:
        """The steps of `profile_steps`."""
        if self.profile_steps is None:
            return None
        first, last = map(int, self.profile_steps.split(":"))
        return range(first, last + 1)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check_field(field, getattr(self, field.name))
        given = [self.coordinator, self.num_processes, self.process_id]
        if None in given and given != [None] * 3:
            raise InputError("coordinator, num_processes and process_id go together")
        if self.process_id is not None and self.process_id >= self.num_processes:
            raise InputError(
                f"process_id={self.process_id}, expected 0 to {self.num_processes - 1} for "
                f"num_processes={self.num_processes}"
            )
        if self.tpu is not None and self.strategy not in ("auto", "tpu"):
            raise InputError(f"tpu={self.tpu} with strategy={self.strategy}: use strategy=tpu")
