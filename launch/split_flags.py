"""Flags of `launch.build_dataset` on what is in which split, and on what splits may share."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from data_prep.audit import ON_LEAK
from data_prep.chrom_splits import genome_names, read_fold_file
from launch import progress
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

SPLIT_FRACTIONS = flags.DEFINE_list(
    "split_fractions", None, "Split --input at random, stratified: shares of train,valid,test."
)
NUM_FOLDS = flags.DEFINE_integer(
    "num_folds",
    None,
    "Split --input into so many folds; or, where splits are given, train and valid.",
)
_FOLD = flags.DEFINE_integer(
    "fold", None, "The fold that is test (the next one is valid), or valid where test is given."
)
_TRAIN_CHROMS = flags.DEFINE_list(
    "train_chroms", [], "Chromosomes for training, as --fasta names them; default: all others."
)
_VALID_CHROMS = flags.DEFINE_list("valid_chroms", [], "Chromosomes for validation.")
_TEST_CHROMS = flags.DEFINE_list("test_chroms", [], "Chromosomes for the test.")
_FOLD_FILE = flags.DEFINE_string(
    "fold_file", None, 'Or all three from a file: JSON, {"train": ["chr1", ...], "valid": ...}.'
)
_WHOLE_CHROMS = flags.DEFINE_bool(
    "whole_chroms", False, "Fractions or folds are of whole chromosomes (contigs)."
)
_ON_LEAK = flags.DEFINE_enum(
    "on_leak", "drop", ON_LEAK, "What to do with a sequence that is in several splits."
)
_LEAK_THRESHOLD = flags.DEFINE_float(
    "leak_threshold",
    0.05,
    "Share of valid or test that may be in another split: copies, overlapping windows, groups.",
)
_NEAR_DUPLICATE_THRESHOLD = flags.DEFINE_float(
    "near_duplicate_threshold",
    0.5,
    "Share of valid or test that may be much like a sequence of another split.",
)


def choices(*, has_chroms: bool) -> dict[str, Any]:
    """Returns the fields of `BuildConfig` that the flags give.

    Args:
        has_chroms: Whether the build splits rows by chromosome; a table does that itself.
    """
    chosen = {
        "split_fractions": fractions(),
        "num_folds": NUM_FOLDS.value,
        "fold": _FOLD.value,
        "whole_chroms": _WHOLE_CHROMS.value,
        "on_leak": _ON_LEAK.value,
        "leak_threshold": _LEAK_THRESHOLD.value,
        "near_duplicate_threshold": _NEAR_DUPLICATE_THRESHOLD.value,
    }
    return chosen | (_by_field(_chroms_of_all()) if has_chroms else {})


def fractions() -> tuple[float, ...] | None:
    """Returns the shares of train, valid and test, if they are given."""
    if SPLIT_FRACTIONS.value is None:
        return None
    try:
        return tuple(map(float, SPLIT_FRACTIONS.value))
    except ValueError:
        raise InputError(
            f"--split_fractions={','.join(SPLIT_FRACTIONS.value)}, expected numbers as 0.8,0.1,0.1"
        ) from None


def given_chroms() -> dict[str, tuple[str, ...]]:
    """Returns the chromosomes of splits that flags name."""
    given = {"train": _TRAIN_CHROMS, "valid": _VALID_CHROMS, "test": _TEST_CHROMS}
    return {split: tuple(flag.value) for split, flag in given.items() if flag.value}


def matched_chroms(chroms: Sequence[Chrom], alias: str) -> dict[str, tuple[str, ...]]:
    """Returns the chromosomes of splits by the names of the genome, as fields of `BuildConfig`.

    Args:
        chroms: Those of the genome.
        alias: How other names are matched; see `chrom_names.match_names`.
    """
    if not (named := _chroms_of_all()):
        return {}
    typed = (f"--{split}_chroms={','.join(names)}" for split, names in named.items())
    given_by = _FOLD_FILE.value or " ".join(typed)
    return _by_field(genome_names(given_by, named, chroms, alias, progress.log))


def _chroms_of_all() -> dict[str, tuple[str, ...]]:
    """Returns the chromosomes of splits that flags or a fold file name."""
    chroms = given_chroms()
    if _FOLD_FILE.value is None:
        return chroms
    if chroms:
        raise InputError("--fold_file names the chromosomes of all splits; leave out the flags")
    return read_fold_file(_FOLD_FILE.value)


def _by_field(chroms: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {f"{split}_chroms": names for split, names in chroms.items()}
