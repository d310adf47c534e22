"""The findings of an audit in words: a line for each kind of thing that two splits may share."""

import itertools
from collections.abc import Iterator, Mapping

from data_prep import gc_match
from tfrecords.manifest import SPLITS


def describe_audit(audit: Mapping) -> Iterator[str]:
    """Yields the lines of what is in each split, what every pair shares, and how negatives match.

    Args:
        audit: As a manifest holds it; of a dataset that was built when less was looked for, only
            what was found then.
    """
    for name in SPLITS:
        if name in audit["rows"]:
            yield (
                f"  {name}: {audit['rows'][name]} rows, {audit['distinct'][name]} distinct, "
                f"{audit['reverse_complement_repeats'][name]} repeats on the other strand, "
                f"{audit['dropped'][name]} dropped"
            )
    kept = {name: count - audit["dropped"][name] for name, count in audit["rows"].items()}
    # Manifests are sorted by name.
    for pair in (f"{first}/{second}" for first, second in itertools.combinations(SPLITS, 2)):
        for kind, found in _kinds(pair, audit["shared"].get(pair, {}), kept):
            yield f"  {pair:<11} {kind:<20} {found}"
    matches = audit.get("gc_match", {})
    for name, found in ((name, matches[name]) for name in SPLITS if name in matches):
        poor = " (poor)" if found["is_poor"] else ""
        yield f"  {name:<11} {'GC content':<20} {gc_match.describe(found)}{poor}"
    yield f"  sequences with different labels: {audit['conflicts']['sequences']}"


def _kinds(pair: str, shared: Mapping, kept: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    def rows(name: str) -> str:
        counts = zip(shared[name], pair.split("/"), strict=True)
        return ", ".join(f"{count} of {kept[split]} rows of {split}" for count, split in counts)

    if "sequences" in shared:
        only = shared["only_reverse_complement"]
        yield "copies", f"{shared['sequences']} in both, {only} of them only on the other strand"
    if "near_duplicates" in shared:
        yield "near duplicates", rows("near_duplicates")
    if "overlap_bp" in shared:
        yield "overlapping windows", f"{shared['overlap_bp']} bp; {rows('overlapping_windows')}"
    if "shared_groups" in shared:
        yield "shared groups", f"{shared['shared_groups']}; {rows('rows_of_shared_groups')}"
