"""Which rows of a probe, and which of their metrics, tables and pictures show."""

from collections.abc import Mapping
from typing import Any

# By task type.
METRICS = {"binary": ("auroc", "auprc", "mcc"), "regression": ("pearson_r", "r2")}
MEAN = "mean"  # The task of rows that are over all tasks, where there are several.


def num_tasks(result: Mapping[str, Any]) -> int:
    """Returns how many tasks were probed."""
    return len({row["task"] for row in result["rows"]} - {MEAN}) or 1


def shown_rows(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the rows of the only task, or those over all tasks."""
    several = num_tasks(result) > 1
    return [row for row in result["rows"] if not several or row["task"] == MEAN]
