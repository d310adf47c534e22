"""What can be seen to be wrong with a build before anything is read or written."""

from data_prep import interval_store, negatives
from data_prep.build_config import BuildConfig, check_range
from data_prep.source import Source
from tfrecords.errors import InputError
from tfrecords.schema import NAME


def check_build(source: Source, name: str, config: BuildConfig, workers: int | None) -> None:
    """Raises an InputError if source, name and configuration do not go together."""
    if not NAME.fullmatch(name):
        raise InputError(f"--name={name}, expected small letters, digits and _, a letter first")
    check_range("workers", workers, 1, 1024)
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
        interval_store.check(source, config.negatives)
    if config.negatives is not None:
        negatives.check_kind(config.negatives, source)
    _check_splits(source, config)


def _check_splits(source: Source, config: BuildConfig) -> None:
    has_chroms = "chroms" in source.details
    if config.by_chrom and not has_chroms:
        raise InputError(
            "--valid_chroms, --test_chroms and --train_chroms split windows of a genome; these "
            "rows have no chromosome"
        )
    if config.whole_chroms and not has_chroms:
        raise InputError(
            "--whole_chroms splits windows of a genome; these rows have no chromosome (of a table "
            "--group_column=NAME takes a column of them)"
        )
    if source.unsplit and not config.is_splitting:
        ways = (
            "--valid_chroms=NAME,NAME and --test_chroms=NAME,NAME, or --fold_file=FILE"
            if has_chroms
            else "--split_column, or a file for each split (--train, --valid, --test)"
        )
        raise InputError(
            f"{source.unsplit}; give --split_fractions=0.8,0.1,0.1, or --num_folds and --fold, or "
            f"{ways}"
        )
    if config.split_fractions is not None and not source.unsplit:
        raise InputError(
            "the input says which split each row belongs to, so there is nothing to split by "
            "fractions; leave the flag out, give the rows with --input, or deal train and valid "
            "out anew with --num_folds and --fold"
        )
