"""Flags of `launch.build_dataset` for windows of a genome, and the sources that they describe."""

from collections.abc import Callable
from typing import Any

from absl import flags

from data_prep import background, binned_targets, blacklist, tracks
from data_prep.chrom_names import ALIASES
from data_prep.genome_windows import GenomeWindows
from data_prep.peaks import Peaks
from data_prep.tracks import Tracks
from tfrecords.errors import InputError
from tfrecords.manifest import STORES

_CLASSES = {"peaks": Peaks, "tracks": Tracks, "windows": GenomeWindows}
SOURCES = tuple(_CLASSES)
# Of every source the phrase that its rows come without a split.
UNSPLIT = {name: source.unsplit for name, source in _CLASSES.items()}

_FASTA = flags.DEFINE_string("fasta", None, "The genome: FASTA, plain, gzip or bgzip.")
_WINDOW_BP = flags.DEFINE_integer("window_bp", None, "Bases of a window.")
_PEAKS = flags.DEFINE_list(
    "peaks", [], "peaks: BED, narrowPeak or broadPeak files, a task each, which they name."
)
_NEGATIVES_FILE = flags.DEFINE_string(
    "negatives_file", None, "peaks: BED file with the places of --negatives=file."
)
_BIGWIG = flags.DEFINE_list("bigwig", [], "tracks: bigWig files, a task each, which they name.")
_TARGETS = flags.DEFINE_string(
    "targets", None, "tracks: or a table of them, as basenji and its successors have it."
)
_BIN_BP = flags.DEFINE_integer("bin_bp", 32, "tracks: bases of a bin.")
_BIN_STATISTIC = flags.DEFINE_enum(
    "bin_statistic", None, tracks.STATISTICS, "tracks: of --bigwig, what a bin is; default: mean."
)
_CROP_BP = flags.DEFINE_integer("crop_bp", 0, "tracks: bases at either end of a window, no bins.")
_UNCOVERED = flags.DEFINE_enum(
    "uncovered",
    "zero",
    binned_targets.UNCOVERED,
    "tracks: bases that a file does not cover count zero, or keep out of their bin.",
)
_BLACKLISTED = flags.DEFINE_enum(
    "blacklisted",
    "missing",
    blacklist.TREATMENTS,
    "tracks: what bases of --blacklist become: missing with their bin, zero, or clipped to the "
    "mean of the track.",
)
_CUT_SITES = flags.DEFINE_list(
    "cut_sites",
    [],
    "tracks: tasks that count cuts between bases, as of DNase; on the opposite strand they move by "
    "one base. Needs --bin_bp=1.",
)
_STRIDE_BP = flags.DEFINE_integer(
    "stride_bp", None, "windows, tracks: from one start to the next; default: --window_bp."
)
_REGIONS = flags.DEFINE_string(
    "regions", None, "BED file; windows: in which they lie; tracks: on which they are centred."
)
_MAX_AMBIGUOUS = flags.DEFINE_float(
    "max_ambiguous",
    0.05,
    "windows, tracks: share of the bases that may be N or another code of several.",
)
_KEEP_SOFTMASK = flags.DEFINE_bool(
    "keep_softmask", False, "windows: store which bases are small letters, in the field repeat."
)
_BLACKLIST = flags.DEFINE_string(
    "blacklist", None, "BED file; windows that overlap it are left out; tracks: see --blacklisted."
)
STORE = flags.DEFINE_enum(
    "store",
    "sequences",
    STORES,
    "What records hold: the sequence, or only its place in the genome, which the dataset then has.",
)
CHROM_ALIAS = flags.DEFINE_string(
    "chrom_alias",
    "none",
    f"How other chromosome names are matched with those of --fasta: {', '.join(ALIASES)}, or a "
    "file with a line of names for each chromosome.",
)

# Flags by the sources that have them.
MEANINGS = {
    SOURCES: ("fasta", "window_bp", "blacklist", "store", "chrom_alias"),
    ("peaks",): ("peaks", "negatives_file"),
    ("tracks",): (
        *("bigwig", "targets", "bin_bp", "bin_statistic", "crop_bp"),
        *("uncovered", "blacklisted", "cut_sites"),
    ),
    ("tracks", "windows"): ("stride_bp", "regions", "max_ambiguous"),
    ("windows",): ("keep_softmask",),
}


def check_needed(kind: str) -> None:
    """Raises an InputError if a flag is missing that one of `SOURCES` cannot do without."""
    for flag in (_FASTA, _WINDOW_BP):
        if flag.value is None:
            raise InputError(f"--source={kind} needs --{flag.name}")


def open_source(
    kind: str,
    *,
    shift_bp: int,
    seed: int,
    negatives: str | None,
    negatives_per_positive: int,
    log: Callable[[str], None],
) -> Peaks | Tracks | GenomeWindows:
    """Returns the source of one of `SOURCES`.

    Args:
        kind: Which; `check_needed` found nothing.
        shift_bp: Bases stored on either side of a window.
        seed: Of the negatives.
        negatives: Of peaks, one of `background.KINDS`; None: the default.
        negatives_per_positive: How many.
        log: Takes lines for the user.
    """
    shared: dict[str, Any] = {
        "window_bp": _WINDOW_BP.value,
        "shift_bp": shift_bp,
        "blacklist": _BLACKLIST.value,
        "chrom_alias": CHROM_ALIAS.value,
        "log": log,
    }
    if kind == "windows":
        return GenomeWindows(
            _FASTA.value,
            stride_bp=_STRIDE_BP.value,
            max_ambiguous=_MAX_AMBIGUOUS.value,
            regions=_REGIONS.value,
            keep_softmask=_KEEP_SOFTMASK.value,
            **shared,
        )
    if kind == "tracks":
        return _tracks(shared)
    return Peaks(
        _FASTA.value,
        _PEAKS.value,
        negatives=negatives or background.GC_MATCHED,
        negatives_per_positive=negatives_per_positive,
        negatives_file=_NEGATIVES_FILE.value,
        seed=seed,
        **shared,
    )


def _tracks(shared: dict[str, Any]) -> Tracks:
    return Tracks(
        _FASTA.value,
        bigwigs=_BIGWIG.value,
        targets=_TARGETS.value,
        bin_bp=_BIN_BP.value,
        bin_statistic=_BIN_STATISTIC.value,
        crop_bp=_CROP_BP.value,
        stride_bp=_STRIDE_BP.value,
        regions=_REGIONS.value,
        uncovered=_UNCOVERED.value,
        blacklisted=_BLACKLISTED.value,
        max_ambiguous=_MAX_AMBIGUOUS.value,
        cut_sites=_CUT_SITES.value,
        **shared,
    )
