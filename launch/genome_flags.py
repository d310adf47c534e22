"""Flags of `launch.build_dataset` for windows of a genome, and the sources that they describe."""

from collections.abc import Callable
from typing import Any

from absl import flags

from data_prep import background
from data_prep.chrom_names import ALIASES
from data_prep.genome_windows import GenomeWindows
from data_prep.peaks import Peaks
from tfrecords.errors import InputError

SOURCES = ("peaks", "windows")

_FASTA = flags.DEFINE_string("fasta", None, "The genome: FASTA, plain, gzip or bgzip.")
_WINDOW_BP = flags.DEFINE_integer("window_bp", None, "Bases of a window.")
_PEAKS = flags.DEFINE_list(
    "peaks", [], "peaks: BED, narrowPeak or broadPeak files, a task each, which they name."
)
_NEGATIVES_FILE = flags.DEFINE_string(
    "negatives_file", None, "peaks: BED file with the places of --negatives=file."
)
_STRIDE_BP = flags.DEFINE_integer(
    "stride_bp", None, "windows: from one start to the next; default: --window_bp."
)
_REGIONS = flags.DEFINE_string("regions", None, "windows: BED file in which they are to lie.")
_MAX_AMBIGUOUS = flags.DEFINE_float(
    "max_ambiguous", 0.05, "windows: share of the bases that may be N or another code of several."
)
_KEEP_SOFTMASK = flags.DEFINE_bool(
    "keep_softmask", False, "windows: store which bases are small letters, in the field repeat."
)
_BLACKLIST = flags.DEFINE_string(
    "blacklist", None, "BED file; windows that overlap it are left out."
)
_CHROM_ALIAS = flags.DEFINE_string(
    "chrom_alias",
    "none",
    f"How other chromosome names are matched with those of --fasta: {', '.join(ALIASES)}, or a "
    "file with a line of names for each chromosome.",
)
_CACHE_DIR = flags.DEFINE_string(
    "cache_dir",
    None,
    "Where the packed genome is kept; default: GENOKERAS_CACHE or ~/.cache/genokeras.",
)

# Flags that have a meaning for one source only.
OWN = {
    "peaks": ("peaks", "negatives_file"),
    "windows": ("stride_bp", "regions", "max_ambiguous", "keep_softmask"),
}
SHARED = ("fasta", "window_bp", "blacklist", "chrom_alias", "cache_dir")


def open_source(
    kind: str,
    *,
    shift_bp: int,
    seed: int,
    negatives: str | None,
    negatives_per_positive: int,
    log: Callable[[str], None],
) -> Peaks | GenomeWindows:
    """Returns the source of one of `SOURCES`.

    Args:
        kind: `peaks` or `windows`.
        shift_bp: Bases stored on either side of a window.
        seed: Of the negatives.
        negatives: Of peaks, one of `background.KINDS`; None: the default.
        negatives_per_positive: How many.
        log: Takes lines for the user.
    """
    for flag in (_FASTA, _WINDOW_BP):
        if flag.value is None:
            raise InputError(f"--source={kind} needs --{flag.name}")
    shared: dict[str, Any] = {
        "window_bp": _WINDOW_BP.value,
        "shift_bp": shift_bp,
        "blacklist": _BLACKLIST.value,
        "chrom_alias": _CHROM_ALIAS.value,
        "cache_dir": _CACHE_DIR.value,
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
    return Peaks(
        _FASTA.value,
        _PEAKS.value,
        negatives=negatives or background.GC_MATCHED,
        negatives_per_positive=negatives_per_positive,
        negatives_file=_NEGATIVES_FILE.value,
        seed=seed,
        **shared,
    )
