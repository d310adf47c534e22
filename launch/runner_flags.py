"""Flags of `launch.build_dataset` on who writes the shards."""

import shlex

from absl import flags

from data_prep.beam_runner import BeamRunner
from tfrecords.errors import InputError

_RUNNER = flags.DEFINE_enum(
    "runner", "local", ["local", "beam"], "Who writes the shards: processes here, or Apache Beam."
)
_BEAM_ARGS = flags.DEFINE_string(
    "beam_args", None, "Options of Apache Beam, such as '--runner=DirectRunner'; see docs/scale.md."
)


def open_runner(workers: int | None) -> BeamRunner | None:
    """Returns what writes the shards; None: processes of this machine, `workers` of them."""
    if _RUNNER.value == "local":
        if _BEAM_ARGS.value is not None:
            raise InputError("--beam_args needs --runner=beam")
        return None
    if workers is not None:
        raise InputError(
            f"--workers={workers} is for --runner=local; Beam has workers of its own, whose number "
            "is an option of its runner: leave --workers out and give it in --beam_args, as "
            f"--beam_args='--direct_num_workers={workers}'"
        )
    return BeamRunner(shlex.split(_BEAM_ARGS.value or ""))
