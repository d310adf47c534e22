"""What can be seen to be wrong with a build before anything is read or written."""

import os

from data_prep import interval_store, negatives
from data_prep.build_config import BuildConfig, check_range
from data_prep.differences import another_dataset, describe_differences
from data_prep.remote_destination import open_destination
from data_prep.source import Source
from data_prep.splits import TWO_FOLDS
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import NAME


def check_first(
    name: str,
    data_dir: str | os.PathLike,
    config: BuildConfig,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    unsplit: str | None = None,
) -> None:
    """Raises an InputError for what is wrong whatever the input holds, before any of it is read.

    Args:
        name: Of the dataset.
        data_dir: Its folder.
        config: Choices of the build; chromosomes may still have other names than in the genome.
        workers: Number of processes.
        overwrite: Whether a dataset in the folder is to be replaced.
        unsplit: Of a source of windows of a genome its phrase for that; None: it is another source.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"--name={name}, expected small letters, digits and _, a letter first")
    check_range("workers", workers, 1, 1024)
    if unsplit is not None:
        _check_splits(unsplit, config, has_chroms=True)
    destination = open_destination(data_dir)
    found = destination.load()
    if found is None:
        destination.check_writable()
    elif not overwrite and (differences := _differing_choices(found, name, config)):
        raise another_dataset(destination.shown, differences)


def _differing_choices(found: Manifest, name: str, config: BuildConfig) -> str:
    """Returns in what a dataset differs from one of this name with these choices."""
    named_anew = ("train_chroms", "valid_chroms", "test_chroms")
    chosen = {flag: value for flag, value in config.flags.items() if flag not in named_anew}
    return describe_differences(
        found,
        name=name,
        flags=chosen | {flag: value for flag, value in found.flags.items() if flag not in chosen},
        paths=None,
    )


def check_build(source: Source, config: BuildConfig) -> None:
    """Raises an InputError if source and configuration do not go together."""
    for flag in ("shift_bp", "seed"):
        of_source = source.flags.get(flag, getattr(config, flag))
        if of_source != getattr(config, flag):
            raise InputError(
                f"{flag}={of_source} of the source, {getattr(config, flag)} of the build; give "
                "both the same"
            )
    if source.length <= 2 * config.shift_bp:
        raise InputError(
            f"--shift_bp={config.shift_bp} leaves nothing of sequences of {source.length} bp: they "
            "hold the window and so many bases on either side"
        )
    if config.store == "intervals":
        interval_store.check(source)
    if config.negatives is not None:
        negatives.check_kind(config.negatives, source)
    _check_splits(source.unsplit, config, has_chroms="chroms" in source.details)


def _check_splits(unsplit: str, config: BuildConfig, *, has_chroms: bool) -> None:
    if config.by_chrom and not has_chroms:
        raise InputError(
            "--valid_chroms, --test_chroms and --train_chroms split windows of a genome; these "
            "rows have no chromosome"
        )
    if config.num_folds == 2 and has_chroms:  # No row of a genome comes with a split.
        raise InputError(TWO_FOLDS)
    if config.whole_chroms and not has_chroms:
        raise InputError(
            "--whole_chroms splits windows of a genome; these rows have no chromosome (of a table "
            "--group_column=NAME takes a column of them)"
        )
    if unsplit and not config.is_splitting:
        ways = (
            "--valid_chroms=NAME,NAME and --test_chroms=NAME,NAME, or --fold_file=FILE"
            if has_chroms
            else "--split_column, or a file for each split (--train, --valid, --test)"
        )
        raise InputError(
            f"{unsplit}; give --split_fractions=0.8,0.1,0.1, or --num_folds and --fold, or {ways}"
        )
    if config.split_fractions is not None and not unsplit:
        raise InputError(
            "the input says which split each row belongs to, so there is nothing to split by "
            "fractions; leave the flag out, give the rows with --input, or deal train and valid "
            "out anew with --num_folds and --fold"
        )
