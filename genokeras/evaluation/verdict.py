"""Whether the model is better than the baseline, and how sure that is: a sentence and a level.

Of coverage, which has no baseline, it is whether predicted shapes are better than the mean profile
of windows or a flat one.
"""

from collections.abc import Mapping
from typing import Any

from genokeras.metrics.coverage import JSD_DIFFERENCE
from genokeras.metrics.supervised import LEADING, TITLES


def leading(scores: Mapping[str, Any]) -> str:
    """Returns the name of the score by which a model is judged."""
    return next(name for name in LEADING if name in scores)


def verdict(result: Mapping[str, Any]) -> str | None:
    """Returns the sentence on scores that hold `baseline` and `difference`; None if undefined."""
    if "profile_jsd" in result:
        return _verdict_on_shapes(result)
    baseline = result["baseline"]
    name = leading(result)
    if baseline is None or None in (result[name], baseline[name]):
        return None
    gap, ends = result["difference"][name], result["difference"].get(f"{name}_ci")
    interval = f" [{ends[0]:+.4f}, {ends[1]:+.4f}]" if ends else ""
    numbers = (
        f"{TITLES[name]} {result[name]:.4f} against {baseline[name]:.4f}, difference "
        f"{gap:+.4f}{interval}"
    )
    return f"{_judgement(gap, ends)}: {numbers}."


def verdict_level(result: Mapping[str, Any]) -> str:
    """Returns how the comparison ended: `good`, `warn` or `bad`."""
    if "profile_jsd" in result:
        ends = result.get(f"{JSD_DIFFERENCE}_ci")
        ends = ends and [-ends[1], -ends[0]]
    else:
        ends = (result["difference"] or {}).get(f"{leading(result)}_ci")
    if not ends:
        return "warn"
    return "good" if ends[0] > 0 else "bad" if ends[1] < 0 else "warn"


def _verdict_on_shapes(result: Mapping[str, Any]) -> str | None:
    """Returns the sentence on scores of coverage; None if no window has a shape."""
    jsd, of_mean = result["profile_jsd"], result["mean_profile_jsd"]
    if jsd is None or of_mean is None:
        return None
    ends = result.get(f"{JSD_DIFFERENCE}_ci")
    interval = f" [{ends[0]:+.4f}, {ends[1]:+.4f}]" if ends else ""
    than = "the true ones than the mean or a flat profile"
    if ends is None:
        side = "closer to" if jsd < of_mean else "further from"
        judgement = f"Predicted shapes are {side} {than} (there is no interval)"
    elif ends[1] < 0:
        judgement = f"Predicted shapes are closer to {than}"
    elif ends[0] > 0:
        judgement = f"Predicted shapes are further from {than}"
    else:
        judgement = f"Predicted shapes are not clearly closer to {than}"
    return (
        f"{judgement}: profile JSD {jsd:.4f} against {of_mean:.4f} bits, difference "
        f"{jsd - of_mean:+.4f}{interval}."
    )


def _judgement(gap: float, ends: list[float] | None) -> str:
    if ends is None:
        ahead = "model is ahead of the 6-mer baseline"
        behind = "6-mer baseline is ahead of the model"
        return f"The {ahead if gap > 0 else behind} (no interval was asked for)"
    if ends[0] > 0:
        return "The model beats the 6-mer baseline"
    if ends[1] < 0:
        return "The 6-mer baseline beats the model"
    if gap < 0:
        return "The 6-mer baseline is ahead of the model, which may be chance"
    return "The model is not clearly better than the 6-mer baseline"
