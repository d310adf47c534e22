r"""Builds a dataset of sharded TFRecords from tables, FASTA, TFDS, or windows of a genome.

python -m launch.build_dataset --source=csv --train=examples/data/gue_tf0/train.csv.gz \
    --valid=examples/data/gue_tf0/dev.csv.gz --test=examples/data/gue_tf0/test.csv.gz \
    --data_dir=runs/tf0/data --name=tf0

One table for all splits: --input=all.tsv with --split_column=subset, with
--split_fractions=0.8,0.1,0.1, or with --num_folds=5 --fold=0. FASTA files: --source=fasta
--input=bound.fa,unbound.fa --labels=1,0. What TensorFlow Datasets has prepared: --source=tfds
--input=FOLDER. Positives only: --negatives=dinucleotide_shuffle.
docs/your_table.md tells more. Windows of a genome, around peaks, with coverage, or unlabelled:

python -m launch.build_dataset --source=peaks --fasta=examples/data/yeast/sacCer3_I_II_III.fa.gz \
    --peaks=examples/data/yeast/Reb1.bed,examples/data/yeast/Abf1.bed --chrom_alias=auto \
    --window_bp=200 --valid_chroms=I --test_chroms=III --data_dir=runs/peaks/data --name=yeast
python -m launch.build_dataset --source=tracks --window_bp=4096 --bin_bp=32 --chrom_alias=auto \
    --fasta=examples/data/yeast/sacCer3_I_II_III.fa.gz --valid_chroms=I --test_chroms=III \
    --bigwig=examples/data/yeast/atac_coverage.bw --data_dir=runs/tracks/data --name=yeast
python -m launch.build_dataset --source=windows --window_bp=512 --stride_bp=256 \
    --fasta=examples/data/yeast/sacCer3_I_II_III.fa.gz --valid_chroms=I --test_chroms=III \
    --data_dir=runs/windows/data --name=yeast

docs/from_peaks.md and docs/from_bigwig.md tell more of these.
"""

import dataclasses
import os
from typing import Any

from absl import flags

from data_prep import background, fasta, negatives
from data_prep.build import build_dataset
from data_prep.build_checks import check_first
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.fasta import Fasta
from data_prep.source import GenomeSource, Source
from launch import app, genome_flags, progress, runner_flags, split_flags, tfds_flags
from tfrecords import cache
from tfrecords.errors import InputError
from tfrecords.manifest import COMPRESSIONS, LABEL_TYPES, SPLITS, STRANDS, Manifest

_FILES = ("csv", "fasta")
_TABLES = (*_FILES, "tfds")
_SOURCE = flags.DEFINE_enum(
    "source", "csv", [*_TABLES, *genome_flags.SOURCES], "Format of the input files."
)
_TRAIN = flags.DEFINE_list("train", [], "Files with the training rows, separated by commas.")
_VALID = flags.DEFINE_list("valid", [], "Files with the validation rows; also --val, --dev.")
_TEST = flags.DEFINE_list("test", [], "Files with the test rows.")
_INPUT = flags.DEFINE_list(
    "input", [], "Files with rows of all splits, or still to be split. TFDS: a folder or a name."
)
flags.DEFINE_alias("val", "valid")
flags.DEFINE_alias("dev", "valid")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the dataset.", required=True)
_NAME = flags.DEFINE_string(
    "name", None, "Name of the dataset: small letters, digits and _.", required=True
)
_SEQUENCE_COLUMN = flags.DEFINE_string(
    "sequence_column", None, "Column with the sequence; default: the one named sequence or seq."
)
_TARGET_COLUMNS = flags.DEFINE_list(
    "target_columns", [], "Columns with the labels, a task each; default: the one named label, ..."
)
_SPLIT_COLUMN = flags.DEFINE_string("split_column", None, "Column with the split of each row.")
_GROUP_COLUMN = flags.DEFINE_string(
    "group_column", None, "Column with the gene, donor, ... of each row, which no split parts."
)
_CHROM_COLUMN = flags.DEFINE_string(
    "chrom_column", None, "Column with the chromosome, for --valid_chroms and --test_chroms."
)
_LABELS = flags.DEFINE_list("labels", [], "FASTA: the label of each file; default: in headers.")
_LABEL_REGEX = flags.DEFINE_string(
    "label_regex", fasta.LABEL_REGEX, "FASTA: finds the label in a header, as its one group."
)
_LENGTH = flags.DEFINE_integer(
    "length", None, "Crop and pad all sequences to so many bases; default: all must be equal."
)
_SHIFT_BP = flags.DEFINE_integer(
    "shift_bp", 0, "Bases of each sequence on either side of the model's window, for shifting it."
)
_TASK_TYPE = flags.DEFINE_enum(
    "task_type", None, LABEL_TYPES, "Default: binary if all labels are 0 or 1, else regression."
)
_NEGATIVES = flags.DEFINE_enum(
    "negatives",
    None,
    (*negatives.KINDS, *background.KINDS),
    "dinucleotide_shuffle: made for splits that hold positives only. Of peaks also places in the "
    "genome: gc_matched (their default), random, file, or none.",
)
_NEGATIVES_PER_POSITIVE = flags.DEFINE_integer(
    "negatives_per_positive", 1, "So many of them for each positive."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the splits and of the order of the records.")
_REVERSE_COMPLEMENT = flags.DEFINE_enum(
    "reverse_complement",
    "online",
    STRANDS,
    "Training on both strands: turned by the reader, both stored, or none of it.",
)
_COMPRESSION = flags.DEFINE_enum(
    "compression", "none", COMPRESSIONS, "Of the shards; gzip is for archiving."
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards", None, "Shards of the largest split; default: of at most 64 MB each."
)
_CACHE_DIR = flags.DEFINE_string(
    "cache_dir",
    None,
    "Where packed genomes and copies of what is remote are kept; default: "
    f"what {cache.VARIABLE} names, or ~/.cache/genokeras.",
)
_WORKERS = flags.DEFINE_integer("workers", None, "Processes; default: one for each processor.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the dataset in --data_dir.")


_SPLIT_FLAGS = ("train_chroms", "fold_file", "whole_chroms")
# Flags that not all sources have, and those that have them.
_MEANINGS = {
    _FILES: ("train", "valid", "test"),
    _TABLES: ("input", "length", "task_type"),
    ("csv", "tfds"): ("sequence_column", "target_columns"),
    ("csv",): ("split_column", "group_column", "chrom_column"),
    **tfds_flags.MEANINGS,
    ("fasta",): ("labels", "label_regex"),
    (*_TABLES, "peaks"): ("negatives", "negatives_per_positive"),
    **genome_flags.MEANINGS,
    genome_flags.SOURCES: (*genome_flags.MEANINGS[genome_flags.SOURCES], *_SPLIT_FLAGS),
    ("csv", *genome_flags.SOURCES): ("valid_chroms", "test_chroms"),
}
FLAG_MODULES = (split_flags, genome_flags, runner_flags, tfds_flags)
FLAG_GROUPS = {
    "Tables, FASTA files and TFDS datasets (--source=csv, fasta, tfds)": [
        *(name for x in _MEANINGS if set(x) <= set(_TABLES) for name in _MEANINGS[x])
    ],
    "Windows of a genome (--source=peaks, tracks, windows)": [
        *(name for sources in genome_flags.MEANINGS for name in _MEANINGS[sources])
    ],
}


def main() -> None:
    if _CACHE_DIR.value is not None:
        os.environ[cache.VARIABLE] = _CACHE_DIR.value  # For the processes it starts as well.
    _refuse_other_flags()
    if _SOURCE.value in genome_flags.SOURCES:
        genome_flags.check_needed(_SOURCE.value)
    config, runner = _config(), runner_flags.open_runner(_WORKERS.value)
    check_first(
        *(_NAME.value, _DATA_DIR.value, config),
        workers=_WORKERS.value,
        overwrite=_OVERWRITE.value,
        unsplit=genome_flags.UNSPLIT.get(_SOURCE.value),
    )
    if _SOURCE.value in _TABLES:
        source = _table()
    else:
        source = _windows()
        alias = genome_flags.CHROM_ALIAS.value
        chroms = split_flags.matched_chroms(source.details["chroms"], alias)
        config = dataclasses.replace(config, **chroms)
    manifest = build_dataset(
        source,
        _DATA_DIR.value,
        _NAME.value,
        config=config,
        workers=_WORKERS.value,
        runner=runner,
        overwrite=_OVERWRITE.value,
        progress=progress.start,
        log=progress.log,
    )
    progress.log(_summary(manifest))


def _config() -> BuildConfig:
    """Returns the choices of the flags; chromosomes are still named as they were given."""
    return BuildConfig(
        **split_flags.choices(has_chroms=_SOURCE.value not in _TABLES),
        seed=_SEED.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        compression=_COMPRESSION.value,
        store=genome_flags.STORE.value,
        num_shards=_NUM_SHARDS.value,
        shift_bp=_SHIFT_BP.value,
        negatives=_NEGATIVES.value if _is_shuffled() else None,
        negatives_per_positive=_NEGATIVES_PER_POSITIVE.value if _is_shuffled() else 1,
    )


def _is_shuffled() -> bool:
    """Whether negatives are made by the build, as of any source, not by the source."""
    return _NEGATIVES.value in negatives.KINDS


def _refuse_other_flags() -> None:
    for sources, names in _MEANINGS.items():
        for name in names:
            flag = flags.FLAGS[name]
            # A flag given by its alias (--dev) still claims to have its default.
            is_given = flag.value != flag.default or not flag.using_default_value
            if _SOURCE.value not in sources and is_given:
                raise InputError(f"--{name} has no meaning with --source={_SOURCE.value}")


def _table() -> Source:
    given = {"train": _TRAIN, "valid": _VALID, "test": _TEST, "input": _INPUT}
    inputs = {name: flag.value for name, flag in given.items() if flag.value}
    if not inputs:
        ways = "--input" if _SOURCE.value == "tfds" else "--train, --valid and --test, or --input"
        raise InputError(f"no input file; give {ways}")
    if _NEGATIVES.value in background.KINDS:
        raise InputError(
            f"--negatives={_NEGATIVES.value} is for --source=peaks; of a table "
            f"{', '.join(negatives.KINDS)} can be made, and none are by default"
        )
    if _NEGATIVES.value is None and not flags.FLAGS["negatives_per_positive"].using_default_value:
        raise InputError("--negatives_per_positive needs --negatives=KIND")
    shared: dict[str, Any] = {
        "length": _LENGTH.value,
        "task_type": _TASK_TYPE.value,
        "positives": _NEGATIVES.value is not None,
    }
    if _SOURCE.value == "fasta":
        return Fasta(inputs, labels=_LABELS.value, label_regex=_LABEL_REGEX.value, **shared)
    shared |= {"sequence_column": _SEQUENCE_COLUMN.value, "target_columns": _TARGET_COLUMNS.value}
    if _SOURCE.value == "tfds":
        resplit = ("train", "valid") if split_flags.NUM_FOLDS.value is not None else ()
        if shares := split_flags.fractions():
            resplit = [name for name, share in zip(SPLITS, shares, strict=True) if share > 0]
        return tfds_flags.open_source(_INPUT.value, resplit=resplit, **shared)
    return CsvTable(
        inputs,
        split_column=_SPLIT_COLUMN.value,
        group_column=_GROUP_COLUMN.value,
        chrom_column=_CHROM_COLUMN.value,
        chroms=split_flags.given_chroms(),
        **shared,
    )


def _windows() -> GenomeSource:
    return genome_flags.open_source(
        _SOURCE.value,
        shift_bp=_SHIFT_BP.value,
        seed=_SEED.value,
        negatives=background.NONE if _is_shuffled() else _NEGATIVES.value,
        negatives_per_positive=1 if _is_shuffled() else _NEGATIVES_PER_POSITIVE.value,
        log=progress.log,
    )


def _summary(manifest: Manifest) -> str:
    sizes = ", ".join(f"{manifest.num_examples(split)} {split}" for split in manifest.splits)
    beside = f" and {manifest.shift_bp} bp either side" if manifest.shift_bp else ""
    return (
        f"{_DATA_DIR.value}: {sizes} examples of {manifest.window_bp} bp{beside}; "
        f"look at them with: python -m launch.inspect_dataset --data_dir={_DATA_DIR.value}"
    )


if __name__ == "__main__":
    app.run(main)
