r"""Predicts sequences of a FASTA file or a table, or variants of a VCF file, with a trained model.

python -m launch.predict --workdir=runs/tf0/run --input=examples/data/gue_tf0/test.csv.gz \
    --output=runs/tf0/predictions.tsv

One line per window, in the order of the input: `name` (the first word of a FASTA header; of a table
the column name or id, else the number of the row), `start` and `end` (0-based half-open, the part
of the sequence that the window shows), and for every task TASK_probability and TASK_logit (or
TASK_prediction of a regression). Longer sequences than the model reads become several windows,
shorter ones are padded on both sides. Any number of sequences is read as a stream. Of several runs,
--workdir=RUN1,RUN2 or a quoted pattern, the mean of logits is written, and their standard deviation
over the runs in TASK_logit_std (TASK_prediction_std).

Of a masked language model the columns are pseudo_log_likelihood (nats, summed over bases, each of
which is hidden in turn), bases, and mean_log_likelihood.

--embeddings writes what any model makes of a window before its head, numbers embedding_0,
embedding_1 ..., into a table, or into arrays for NumPy: --output=NAME.npz.

Variants: --input=variants.vcf (.vcf.gz, .bcf) with --fasta=GENOME writes what each alternative
allele changes into --output, a VCF with more INFO fields (.vcf, .vcf.gz) or a table (.tsv,
.tsv.gz). What is written of which model, and what is left out: docs/variants.md.

Of a model of coverage all bases of a genome are predicted, each once, into a bigWig file: --output
ends in .bw, --input is the FASTA file of the genome. Several tasks give NAME.TASK.bw each.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import flags

from data_prep import bigwig_writer, chrom_names, vcf
from data_prep.windows import read_windows
from genokeras.evaluation import output_file, run_folders
from launch import app, cache_flags, genome_coverage, progress, quiet, scoring, variant_scores
from tfrecords.errors import InputError

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run; of an ensemble RUN1,RUN2,... or a quoted pattern.",
    required=True,
)  # fmt: skip
_INPUT = flags.DEFINE_string(
    "input", None, "FASTA, CSV or TSV; plain or .gz, .bz2, .zst. Or VCF, .vcf.gz, BCF.",
    required=True,
)  # fmt: skip
_OUTPUT = flags.DEFINE_string(
    "output", None, "Tab-separated table; gzip if it ends in .gz. Of coverage: a bigWig, NAME.bw. "
    "Of variants: also NAME.vcf, .vcf.gz. Of embeddings: also NAME.npz.", required=True,
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
_EMBEDDINGS = flags.DEFINE_bool(
    "embeddings", False, "Write embeddings of the windows instead of predictions."
)
_FASTA = flags.DEFINE_string("fasta", None, "Variants: the genome that they were called on.")
_CHROM_ALIAS = flags.DEFINE_string(
    "chrom_alias", "auto", "Variants: how names of chromosomes are matched with those of --fasta: "
    f"{', '.join(chrom_names.ALIASES)}, or a file of synonyms.",
)  # fmt: skip
_VARIANT_SHIFTS = flags.DEFINE_list(
    "variant_shifts", ["0"], "Variants: shifts of the windows, in bp, to average over: -1,0,1."
)
_LABEL_FIELD = flags.DEFINE_string(
    "label_field", None, "Variants: INFO field, 0 or 1 or a flag, to hold the scores against."
)
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool("reverse_complement", None, scoring.BOTH_STRANDS)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Sequences computed at a time; predictions do not depend on it.",
    lower_bound=1,
)  # fmt: skip
_STRATEGY = flags.DEFINE_enum("strategy", "auto", scoring.STRATEGIES, scoring.WHICH_DEVICES)


_OF_TABLES = (_STRIDE_BP, _SEQUENCE_COLUMN, _NAME_COLUMN)
_OF_VARIANTS = (_FASTA, _CHROM_ALIAS, _VARIANT_SHIFTS, _LABEL_FIELD)
_ARRAYS = ".npz"
FLAG_MODULES = (cache_flags,)


def main() -> None:
    cache_flags.apply()
    # What is mistyped should not have to wait for TensorFlow to load.
    run_folders.find(_WORKDIR.value)
    output_file.check(_OUTPUT.value, source=_INPUT.value)
    is_bigwig = pathlib.Path(_OUTPUT.value).suffix.lower() in bigwig_writer.SUFFIXES
    is_vcf = vcf.is_vcf(_INPUT.value)
    if is_vcf:
        _refuse(_OF_TABLES, f"--input={_INPUT.value}: it is for sequences, and these are variants")
        variant_scores.check(_OUTPUT.value, _FASTA.value, _CHROM_ALIAS.value)
    else:
        _refuse(_OF_VARIANTS, f"--input={_INPUT.value}: it is for the variants of a VCF file")
        if vcf.is_vcf(_OUTPUT.value):
            raise InputError(
                f"--output={_OUTPUT.value} holds variants, but --input={_INPUT.value} is no VCF "
                "file; give --output=NAME.tsv"
            )
    if _EMBEDDINGS.value:
        _check_embeddings(is_vcf or is_bigwig)
    elif _OUTPUT.value.endswith(_ARRAYS):
        raise InputError(f"--output={_OUTPUT.value} is for --embeddings; predictions are a table")
    if is_bigwig:
        _refuse(
            _OF_TABLES,
            f"--output={_OUTPUT.value}: windows of a genome are laid side by side for a bigWig",
        )
    with quiet.loading():
        from genokeras.evaluation.ensemble import open_runs

    runs = open_runs(_WORKDIR.value)
    if is_vcf:
        _write_variants(runs)
        return
    if not _EMBEDDINGS.value:
        genome_coverage.check_output(runs[0], _OUTPUT.value, is_bigwig)
    if is_bigwig:
        _write_bigwigs(runs)
    else:
        _write_table(runs)


def _check_embeddings(is_other: bool) -> None:
    if is_other:
        raise InputError(
            f"--embeddings are of sequences, from FASTA or a table into NAME.tsv or NAME{_ARRAYS}; "
            f"got --input={_INPUT.value} and --output={_OUTPUT.value}"
        )
    if len(workdirs := run_folders.find(_WORKDIR.value)) > 1:
        raise InputError(f"--embeddings are of one network, got {len(workdirs)} runs: name one")


def _write_table(runs: Sequence[Any]) -> None:
    # Here, since they load Keras, whose messages are held back before.
    from genokeras.evaluation import self_supervised
    from genokeras.evaluation.embedding_files import write_embeddings
    from genokeras.evaluation.hidden_bases import is_masked_model
    from genokeras.evaluation.predict import (
        read_size,
        write_predictions,
        write_pseudo_log_likelihoods,
    )

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
    given = padded.counted(windows), _OUTPUT.value
    if _EMBEDDINGS.value:
        number = write_embeddings(runs[0], *given, **_options())
    elif is_masked_model(runs[0]):
        self_supervised.check(runs, ())
        number = write_pseudo_log_likelihoods(runs[0], *given, **_options())
    else:
        number = write_predictions(runs, *given, **_options())
    of_runs = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
    print(f"{_OUTPUT.value}: {number:,} windows of {spec.length} bp{of_runs}")
    if padded.number:
        print(f"Padded on both sides, being shorter than {spec.length} bp: {padded.number:,}")


def _options() -> dict[str, Any]:
    return {
        "checkpoint": _CHECKPOINT.value,
        "reverse_complement": _REVERSE_COMPLEMENT.value,
        "batch_size": _BATCH_SIZE.value,
        "strategy": _STRATEGY.value,
    }


def _refuse(holders: Sequence[flags.FlagHolder], because: str) -> None:
    """Raises `InputError` if one of these flags is given."""
    for flag in holders:
        if flag.value != flag.default:
            shown = ",".join(flag.value) if isinstance(flag.value, list) else flag.value
            raise InputError(f"--{flag.name}={shown} does not go with {because}")


def _write_variants(runs: Sequence[Any]) -> None:
    variant_scores.write_variant_scores(
        runs,
        _INPUT.value,
        _FASTA.value,
        _OUTPUT.value,
        chrom_alias=_CHROM_ALIAS.value,
        label_field=_LABEL_FIELD.value,
        variant_shifts=_VARIANT_SHIFTS.value,
        **_options(),
    )


def _write_bigwigs(runs: Sequence[Any]) -> None:
    paths = genome_coverage.write_genome_coverage(
        runs,
        _INPUT.value,
        _OUTPUT.value,
        **_options(),
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
