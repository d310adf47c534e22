"""What the audit of a dataset means for the scores of one of its splits."""

from collections.abc import Iterator, Mapping
from typing import Any

from genokeras.evaluation.finding import Finding


def leak_findings(split: str, audit: Mapping[str, Any]) -> Iterator[Finding]:
    """Yields what a split shares with the others, and whether copies contradict one another.

    Args:
        split: The split that was scored.
        audit: As a manifest holds it.
    """
    if "shared" not in audit:
        text = "The dataset does not say whether its splits share sequences."
        yield Finding("warn", "No audit", text)
        return
    shared = {
        pair: counts["sequences"]
        for pair, counts in audit["shared"].items()
        if split in pair.split("/") and counts["sequences"]
    }
    listed = ", ".join(f"{count:,} with {_other(pair, split)}" for pair, count in shared.items())
    if shared and audit.get("on_leak") != "drop":
        text = f"The {split} split shares sequences ({listed}) and they were kept: scores flatter."
        yield Finding("bad", "Leaks between splits", text)
    elif shared:
        text = f"The {split} split shared sequences ({listed}); they were taken out of training."
        yield Finding("good", "Leaks between splits", text)
    else:
        text = f"No sequence of the {split} split is in another one, on either strand."
        text = f"{text} {_alike(split, audit)}"
        yield Finding("good", "Leaks between splits", text)
    yield from _shared_rows(split, audit)
    if conflicts := audit.get("conflicts", {}).get("sequences"):
        text = (
            f"{conflicts:,} sequences occur with different labels: no model gets all of them right."
        )
        yield Finding("warn", "Contradicting labels", text)


def _counts(split: str, audit: Mapping[str, Any], name: str) -> dict[str, int]:
    """Returns how many rows of the split share something with each of the others."""
    return {
        _other(pair, split): shared[name][pair.split("/").index(split)]
        for pair, shared in audit["shared"].items()
        if split in pair.split("/") and name in shared
    }


def _alike(split: str, audit: Mapping[str, Any]) -> str:
    counts = _counts(split, audit, "near_duplicates")
    if not counts:
        return "Those that are much alike were not looked for: build the dataset anew to know."
    listed = [f"{count:,} to one of {other}" for other, count in counts.items() if count]
    if not listed:
        return "Nor is any much like one of another."
    return f"Much alike, as repeats and homologous genes are: {', '.join(listed)}."


def _shared_rows(split: str, audit: Mapping[str, Any]) -> Iterator[Finding]:
    """Yields what is worse than sequences that are alike: the same places, or the same groups."""
    kinds = {"overlapping_windows": "overlap", "rows_of_shared_groups": "are of groups of"}
    for name, does in kinds.items():
        counts = _counts(split, audit, name)
        if listed := ", ".join(f"{count:,} {does} {n}" for n, count in counts.items() if count):
            text = f"Of the rows of the {split} split {listed}: scores flatter."
            yield Finding("bad", "Leaks between splits", text)


def _other(pair: str, split: str) -> str:
    first, second = pair.split("/")
    return second if first == split else first
