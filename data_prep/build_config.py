"""Choices of a build, checked as soon as they are made."""

import dataclasses
from dataclasses import dataclass

from data_prep import audit
from tfrecords.errors import InputError, suggest
from tfrecords.manifest import COMPRESSIONS, SPLITS, STORES, STRANDS

_MAX_SEED = 2**32 - 1
_MAX_SHARDS = 99_999
_MAX_SHIFT = 1 << 20
MAX_NEGATIVES = 1000
# Left out of the flags of a dataset at their default, so that datasets built before there were
# these fields are found to be built already.
_ADDED_LATER = (
    *("shift_bp", "store", "negatives", "negatives_per_positive"),
    *("train_chroms", "valid_chroms", "test_chroms", "whole_chroms", "near_duplicate_threshold"),
)


@dataclass(frozen=True)
class BuildConfig:
    """How the rows of a source become a dataset.

    Attributes:
        split_fractions: Shares of train, valid and test for rows that come without a split.
        num_folds: Or so many folds of them, of which
        fold: this one, counted from 0, is test and the one after it valid. Where the input names
            splits, its test rows stay test, and of the folds of all others this one is valid.
        train_chroms: Or, of windows of a genome, chromosomes of each split. Without any for
            training these are all others.
        valid_chroms: See `train_chroms`.
        test_chroms: See `train_chroms`.
        whole_chroms: Fractions and folds are of chromosomes as a whole, instead of windows that
            overlap: for genomes of many contigs.
        seed: Of the splits and of the order of the records.
        on_leak: What to do with a sequence that is in several splits: `drop`, `error` or `warn`.
        leak_threshold: The share of valid or test that may be found in another split.
        near_duplicate_threshold: The share of them that may have a near duplicate in another split.
            Of yeast chromosomes a tenth to a fifth has one on the others, of human ones more.
        reverse_complement: `online` leaves it to the reader to turn training examples, `store`
            writes both strands of them, `none` does neither.
        compression: Of the shards: `none`, or `gzip` for archiving.
        store: `sequences`, or `intervals`: of windows of a genome the places only, and the genome.
        num_shards: Of the largest split; default: shards of at most 64 MB.
        shift_bp: Bases of every sequence on either side of the window that a model reads; training
            may shift the window over them. Copies and statistics are those of the windows.
        negatives: Kind of negatives to make for splits that hold positives only; None: none.
        negatives_per_positive: How many of each.
    """

    split_fractions: tuple[float, ...] | None = None
    num_folds: int | None = None
    fold: int | None = None
    train_chroms: tuple[str, ...] = ()
    valid_chroms: tuple[str, ...] = ()
    test_chroms: tuple[str, ...] = ()
    whole_chroms: bool = False
    seed: int = 0
    on_leak: str = "drop"
    leak_threshold: float = 0.05
    near_duplicate_threshold: float = 0.5
    reverse_complement: str = "online"
    compression: str = "none"
    store: str = "sequences"
    num_shards: int | None = None
    shift_bp: int = 0
    negatives: str | None = None
    negatives_per_positive: int = 1

    def __post_init__(self):
        _one_of("on_leak", self.on_leak, audit.ON_LEAK)
        _one_of("reverse_complement", self.reverse_complement, STRANDS)
        _one_of("compression", self.compression, COMPRESSIONS)
        _one_of("store", self.store, STORES)
        check_range("leak_threshold", self.leak_threshold, 0, 1)
        check_range("near_duplicate_threshold", self.near_duplicate_threshold, 0, 1)
        check_range("seed", self.seed, 0, _MAX_SEED)
        check_range("num_shards", self.num_shards, 1, _MAX_SHARDS)
        check_range("shift_bp", self.shift_bp, 0, _MAX_SHIFT)
        if self.split_fractions is not None:
            _check_fractions(self.split_fractions)
        if (self.num_folds is None) != (self.fold is None):
            raise InputError("--num_folds and --fold go together, as in --num_folds=5 --fold=0")
        if self.num_folds is not None:
            if self.split_fractions is not None:
                raise InputError("--split_fractions and --num_folds were both given; choose one")
            check_range("num_folds", self.num_folds, 2, 100)
            check_range("fold", self.fold, 0, self.num_folds - 1)
        if self.by_chrom and (self.split_fractions or self.num_folds):
            raise InputError(
                "chromosomes of splits and --split_fractions or --num_folds were both given; "
                "choose one"
            )
        if self.whole_chroms and self.split_fractions is None and self.num_folds is None:
            raise InputError("--whole_chroms needs --split_fractions, or --num_folds and --fold")
        _check_chroms_once(self.chroms_of_splits)
        check_range("negatives_per_positive", self.negatives_per_positive, 1, MAX_NEGATIVES)
        if self.store == "intervals" and self.negatives is not None:
            raise InputError(
                f"--store=intervals: {self.negatives} makes sequences that are in no genome; use "
                "--negatives=gc_matched, or --store=sequences"
            )
        if self.negatives is None and self.negatives_per_positive != 1:
            raise InputError("--negatives_per_positive needs --negatives=KIND")

    @property
    def flags(self) -> dict:
        """The choices as a manifest holds them."""
        # As JSON has them, so that they equal those read from a manifest.
        chosen = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }
        default = {field.name: field.default for field in dataclasses.fields(self)}
        return {
            name: value
            for name, value in chosen.items()
            if name not in _ADDED_LATER or getattr(self, name) != default[name]
        }

    @property
    def is_splitting(self) -> bool:
        """Whether rows are to be split here: by fractions, by folds or by chromosome."""
        return self.split_fractions is not None or self.num_folds is not None or self.by_chrom

    @property
    def by_chrom(self) -> bool:
        """Whether chromosomes of the splits were given."""
        return any(self.chroms_of_splits)

    @property
    def chroms_of_splits(self) -> tuple[tuple[str, ...], ...]:
        """The chromosomes of every split, in the order of `SPLITS`."""
        return self.train_chroms, self.valid_chroms, self.test_chroms


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Raises an InputError unless a flag's value is None or from `low` to `high`."""
    if value is not None and not low <= value <= high:
        raise InputError(f"--{name}={value}, expected {low} to {high}")


def _check_chroms_once(chroms_of_splits: tuple[tuple[str, ...], ...]) -> None:
    flag_of: dict[str, str] = {}
    for split, chroms in zip(SPLITS, chroms_of_splits, strict=True):
        for chrom in chroms:
            flag = f"--{split}_chroms"
            before = flag_of.get(chrom)
            if before:
                where = f"{flag} twice" if before == flag else f"{before} and in {flag}"
                raise InputError(f"{chrom} is in {where}")
            flag_of[chrom] = flag


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        expected = f"expected one of {', '.join(known)}."
        raise InputError(f"--{name}={value}, {expected}{suggest(value, known)}")


def _check_fractions(fractions: tuple[float, ...]) -> None:
    given = f"--split_fractions={','.join(f'{fraction:g}' for fraction in fractions)}"
    if len(fractions) != 3:
        raise InputError(f"{given}, expected three numbers: train, valid and test (0.8,0.1,0.1)")
    if min(fractions) < 0 or not abs(sum(fractions) - 1) < 1e-6:
        raise InputError(f"{given} sums to {sum(fractions):g}, expected shares of 1, none negative")
    if fractions[0] == 0:
        raise InputError(f"{given} leaves nothing to train on")
