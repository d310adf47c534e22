r"""Predicts sequences of a FASTA file or a table with a trained model.

python -m launch.predict --workdir=runs/tf0/run --input=examples/data/gue_tf0/test.csv.gz \
    --output=runs/tf0/predictions.tsv

One line per window, in the order of the input: `name` (the first word of a FASTA header; of a table
the column name or id, else the number of the row), `start` and `end` (0-based half-open, the part
of the sequence that the window shows), and for every task TASK_probability and TASK_logit (or
TASK_prediction of a regression). Longer sequences than the model reads become several windows,
shorter ones are padded on both sides. Any number of sequences is read as a stream. Of several runs,
--workdir=RUN1,RUN2 or a quoted pattern, the mean of logits is written, and their standard deviation
over the runs in TASK_logit_std (TASK_prediction_std).

Of a model of coverage all bases of a genome are predicted, each once, into a bigWig file: --output
ends in .bw, --input is the FASTA file of the genome. Several tasks give NAME.TASK.bw each.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import flags

from data_prep import bigwig_writer
from data_prep.windows import read_windows
from genokeras.evaluation import output_file, run_folders
from launch import app, cache_flags, genome_coverage, progress, quiet, scoring
from tfrecords.errors import InputError

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run; of an ensemble RUN1,RUN2,... or a quoted pattern.",
    required=True,
)  # fmt: skip
_INPUT = flags.DEFINE_string(
    "input", None, "FASTA, CSV or TSV; plain or .gz, .bz2, .zst.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Tab-separated table; gzip if it ends in .gz. Of coverage: a bigWig, NAME.bw.",
    required=True,
)  # fmt: skip
_STRIDE_BP = flags.DEFINE_integer(
    "stride_bp", None, "Distance between the windows of a longer sequence; default: half a window."
)
_SEQUENCE_COLUMN = flags.DEFINE_string(
    "sequence_column", None, "Table: column with the sequence; default: named sequence or seq."
)
_NAME_COLUMN = flags.DEFINE_string(
    "name_column", None, "Table: column with the names; default: named name or id, else numbers."
)
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool("reverse_complement", None, scoring.BOTH_STRANDS)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Sequences computed at a time; predictions do not depend on it.",
    lower_bound=1,
)  # fmt: skip


FLAG_MODULES = (cache_flags,)


def main() -> None:
    cache_flags.apply()
    # What is mistyped should not have to wait for TensorFlow to load.
    run_folders.find(_WORKDIR.value)
    output_file.check(_OUTPUT.value, source=_INPUT.value)
    is_bigwig = pathlib.Path(_OUTPUT.value).suffix.lower() in bigwig_writer.SUFFIXES
    if is_bigwig:
        _refuse_flags_of_tables()
    with quiet.loading():
        from genokeras.evaluation.ensemble import open_runs
        from genokeras.evaluation.predict import read_size, write_predictions

    runs = open_runs(_WORKDIR.value)
    genome_coverage.check_output(runs[0], _OUTPUT.value, is_bigwig)
    if is_bigwig:
        _write_bigwigs(runs)
        return
    spec, padded = runs[0].spec, Padded(runs[0].spec.length)
    windows = read_windows(
        _INPUT.value,
        spec.length,
        stride_bp=_STRIDE_BP.value,
        sequence_column=_SEQUENCE_COLUMN.value,
        name_column=_NAME_COLUMN.value,
        size=read_size(spec, _BATCH_SIZE.value),
        progress=progress.start,
    )
    number = write_predictions(
        runs,
        padded.counted(windows),
        _OUTPUT.value,
        checkpoint=_CHECKPOINT.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        batch_size=_BATCH_SIZE.value,
    )
    of_runs = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
    print(f"{_OUTPUT.value}: {number:,} windows of {spec.length} bp{of_runs}")
    if padded.number:
        print(f"Padded on both sides, being shorter than {spec.length} bp: {padded.number:,}")


def _refuse_flags_of_tables() -> None:
    for flag in (_STRIDE_BP, _SEQUENCE_COLUMN, _NAME_COLUMN):
        if flag.value is not None:
            raise InputError(
                f"--{flag.name}={flag.value} does not go with --output={_OUTPUT.value}: windows of "
                "a genome are laid side by side for a bigWig"
            )


def _write_bigwigs(runs: Sequence[Any]) -> None:
    paths = genome_coverage.write_genome_coverage(
        runs,
        _INPUT.value,
        _OUTPUT.value,
        checkpoint=_CHECKPOINT.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        batch_size=_BATCH_SIZE.value,
    )
    of_runs = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
    for path, task in zip(paths, runs[0].spec.tasks, strict=True):
        print(f"{path}: {task} in bins of {runs[0].spec.bin_bp} bp{of_runs}")


class Padded:
    """Counts the windows that show a sequence shorter than `length`, while they stream by."""

    def __init__(self, length: int):
        self.number, self._length = 0, length

    def counted(self, batches: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for batch in batches:
            self.number += int(np.count_nonzero(batch["end"] - batch["start"] < self._length))
            yield batch


if __name__ == "__main__":
    app.run(main)
