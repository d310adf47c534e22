"""Whether coverage is what its losses ask for, by what the manifest says of it."""

from tfrecords.errors import InputError
from tfrecords.manifest import Manifest


def check_coverage(manifest: Manifest) -> None:
    """Checks that no track goes below 0, where logarithms have no value; other tasks may.

    A manifest that does not tell the smallest values is taken at its word.

    Raises:
      InputError: One does.
    """
    if manifest.task_type != "coverage":
        return
    for split, described in manifest.statistics.get("splits", {}).items():
        for task in manifest.tasks:
            lowest = described.get("tasks", {}).get(task, {}).get("min")
            if lowest is not None and lowest < 0:
                raise InputError(
                    f"track {task} goes down to {lowest:.6g} in split {split}, but coverage is 0 "
                    "or more; if these are counts of the minus strand written below 0, build the "
                    "dataset again with a scale of -1 for it in the table of --targets, else from "
                    "a file of what was counted, not of a ratio or difference"
                )
