"""How many cores of this machine are there to be used."""

import os


def num_cores() -> int:
    """Returns the number of cores that this process may use; all there are, where nothing says."""
    # macOS and Windows do not know which of them these are.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
