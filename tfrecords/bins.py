"""Bins of coverage: a window without `crop_bp` at either end, `bin_bp` by `bin_bp`."""

import math
from collections.abc import Sequence

from tfrecords.errors import InputError


def count(window_bp: int, bin_bp: int, crop_bp: int) -> int:
    """Returns the number of bins of a window; 0 if there are none (`bin_bp` is 0)."""
    return (window_bp - 2 * crop_bp) // bin_bp if bin_bp else 0


def check(window_bp: int, bin_bp: int, crop_bp: int) -> None:
    """Raises an InputError unless the middle of a window is whole bins, and so are its ends."""
    for name, value, least in (("bin_bp", bin_bp, 1), ("crop_bp", crop_bp, 0)):
        if not isinstance(value, int) or value < least:
            raise InputError(f"{name} {value!r}, expected a number of bases from {least}")
    if crop_bp % bin_bp:
        raise InputError(f"crop_bp {crop_bp}, expected a multiple of bin_bp {bin_bp}")
    if window_bp % bin_bp or window_bp <= 2 * crop_bp:
        raise InputError(
            f"windows of {window_bp} bp, expected whole bins of {bin_bp} bp, and some of them "
            f"beside the {crop_bp} bp at either end"
        )


def check_scale(scale: Sequence[float], num_tasks: int) -> None:
    """Raises an InputError unless there is a number above 0 for each task, or none at all."""
    if scale and (len(scale) != num_tasks or not all(0 < value < math.inf for value in scale)):
        raise InputError(
            f"target_scale {list(scale)}, expected for each of the {num_tasks} tasks a number "
            "above 0"
        )
