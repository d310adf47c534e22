"""Windows of a genome -> fields of records: DNA with flanks, place, strand and soft mask.

Shapes: `N` windows, stored with `L` bases each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_prep.build_config import check_range
from data_prep.genome import Genome
from data_prep.intervals import Intervals
from data_prep.source import dna
from tfrecords.schema import Feature, Schema

_MAX_WINDOW = 1 << 24


@dataclass(frozen=True)
class WindowFields:
    """What is stored of each window.

    Attributes:
        window_bp: Bases of the window that a model reads.
        shift_bp: More bases stored on either side of it.
        keep_softmask: Whether to store `repeat`, a bit for every base, set for small letters.
    """

    window_bp: int
    shift_bp: int = 0
    keep_softmask: bool = False

    def __post_init__(self):
        check_range("window_bp", self.window_bp, 1, _MAX_WINDOW)
        check_range("shift_bp", self.shift_bp, 0, _MAX_WINDOW)

    @property
    def length(self) -> int:
        """Bases stored, `L`."""
        return self.window_bp + 2 * self.shift_bp

    @property
    def features(self) -> tuple[Feature, ...]:
        """The fields that `read` returns."""
        masks = [Feature("repeat", "uint8", (-(-self.length // 8),))] if self.keep_softmask else []
        return (
            dna("sequence", self.length),
            Feature("chrom_id", "int32", ()),
            Feature("start", "int64", ()),
            Feature("strand", "int8", ()),
            *masks,
        )

    def stored(self, windows: Intervals) -> Intervals:
        """Returns windows with their flanks; ends may lie outside the chromosome."""
        start, end = windows.start - self.shift_bp, windows.end + self.shift_bp
        return Intervals(windows.chrom_id, start, end, windows.strand)

    def read(self, genome: Genome, windows: Intervals) -> dict[str, np.ndarray]:
        """Returns the fields of windows, `[N, ...]`; those on strand -1 are reverse-complemented.

        Args:
            genome: The genome.
            windows: Without flanks.
        """
        columns = ("chrom_id", "start", "strand")
        places = {name: getattr(windows, name) for name in columns}
        return genome.fields(Schema(self.features), **places, shift_bp=self.shift_bp) | places


def window_findings(left_out: dict[str, int], num_merged: int) -> dict[str, Any]:
    """Returns the findings of a source: windows left out, by reason, and regions that are one."""
    return {"left_out": left_out} | ({"merged_regions": num_merged} if num_merged else {})


def finding_lines(findings: Mapping[str, Any]) -> Iterator[str]:
    """Yields what there is to tell of `window_findings`."""
    if merged := findings.get("merged_regions"):
        yield f"Regions merged with another one: {merged:,}."
    yield from left_out_lines(findings.get("left_out", {}))


def left_out_lines(left_out: Mapping[str, int]) -> Iterator[str]:
    """Yields a line for every reason for which windows were left out, from `findings`."""
    for reason, count in left_out.items():
        yield f"Windows left out, {reason}: {count:,}."
