"""Scores of predicted coverage on a whole split, part by part: memory does not grow with it.

Shapes: `N` windows of `bins`, `T` tracks.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap, resamples
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.predictor import BATCH_SIZE
from genokeras.evaluation.split_predictions import place_columns
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.evaluation.verdict import verdict
from genokeras.metrics.coverage import ALL, CoverageScores
from genokeras.metrics.window_groups import correlation_and_r2, pair_sums
from genokeras.models.spec import Spec
from tfrecords.chrom import place
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Batch, Dataset

# Of all windows that the model computes at a time: long ones have larger results in between.
_MAX_BASES = 1 << 21
# Length of the blocks of a chromosome that are resampled, in windows: most that overlap share one.
_WINDOWS_PER_BLOCK = 4
_NOT_OF_MEMBERS = ("n", "num_undefined", "tasks")


@dataclasses.dataclass(frozen=True)
class ShownWindow:
    """A window with what is true and what is predicted, float64 `[bins, T]`, NaN where missing.

    Attributes:
      kind: `best`, `median` or `worst`.
      place: Chromosome and bases, or the number of its row.
      pearson_r: Correlation within the window, the mean over its tracks.
      true: Coverage in the unit of the data.
      predicted: The same as the model has it.
    """

    kind: str
    place: str
    pearson_r: float
    true: np.ndarray
    predicted: np.ndarray

    @property
    def title(self) -> str:
        """Which window this is, in words."""
        return f"{self.kind.capitalize()} window, {self.place}: Pearson r {self.pearson_r:.2f}"


@dataclasses.dataclass(frozen=True)
class ScoredCoverage:
    """The scores, as `score_coverage` says, and windows to look at.

    `samples` holds what every resample scored over all tracks, `[R]` by metric.
    """

    result: dict[str, Any]
    windows: list[ShownWindow]
    samples: dict[str, np.ndarray]


def score_coverage(
    models: Ensemble,
    dataset: Dataset,
    split: str,
    *,
    num_bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable | None = None,
) -> ScoredCoverage:
    """Scores the mean of what some models predict, in the unit of the data, on a split.

    Returns:
      As `result` the metrics of `CoverageScores`, each with its 95% interval `*_ci`, and that of
      `JSD_DIFFERENCE`, over resampled windows, of a genome over blocks of it, since what overlaps
      is no new evidence (many in groups, see `WindowGroups`); `members`, the same over all tracks
      of each of several models (None of one); `verdict`, a sentence on the shapes; and None for
      what only other tasks have: `baseline`, `difference`, `probes`.

    Raises:
      InputError: The split is empty, or a prediction is not finite.
    """
    spec, windows = models.spec, SplitWindows.each_once(dataset, split)
    if not len(windows):
        raise InputError(f"split {split} has no examples")
    # Of the mean, and of each of several members.
    num_scored = 1 + (len(models.members) if len(models.members) > 1 else 0)
    scores = [CoverageScores(spec.tasks, spec.target_scale) for _ in range(num_scored)]
    within = _add_split(scores, models, windows, progress)
    (result, samples), *of_members = (
        _with_intervals(found, spec.tasks, num_bootstrap, seed, progress) for found in scores
    )
    result |= dict.fromkeys(("baseline", "difference", "members", "probes"))
    result["verdict"] = verdict(result)
    if of_members:
        result["members"] = [
            {name: score for name, score in member.items() if name not in _NOT_OF_MEMBERS}
            for member, _ in of_members
        ]
    shown = _shown(models, dataset.manifest, windows, within)
    return ScoredCoverage(result, shown, samples)


def windows_at_a_time(spec: Spec, batch_size: int = BATCH_SIZE) -> int:
    """Returns how many windows a model computes at a time, at most `batch_size`."""
    return min(batch_size, max(1, _MAX_BASES // spec.length))


def _add_split(
    scores: Sequence[CoverageScores],
    models: Ensemble,
    windows: SplitWindows,
    progress: Callable | None,
) -> np.ndarray:
    """Adds all windows to the scores of the mean and of the members, if there are any.

    Returns the correlation of the mean within each window, `[N]`.
    """
    within = []
    bar = progress(f"Predicting {windows.name}", len(windows)) if progress else None
    try:
        for part in windows.parts(models.batch_size):
            members = models.member_logits(part["sequence"])
            _check_finite(members, windows.name)
            coverage, blocks = members.mean(axis=0), _blocks(part, models.spec.length)
            for found, predicted in zip(scores, (coverage, *members), strict=False):
                found.add({"coverage": predicted}, part["targets"], part["weight"], blocks)
            within.append(_pearson_r(_true(part, models.spec), coverage))
            if bar:
                bar.update(len(coverage))
    finally:
        if bar:
            bar.close()
    return np.concatenate(within)


def _blocks(part: Batch, window_bp: int) -> np.ndarray | None:
    """Returns the number of the block of its chromosome that each window begins in, `[N]`."""
    if "chrom_id" not in part:
        return None
    in_chrom = part["start"].astype(np.int64) // (_WINDOWS_PER_BLOCK * window_bp)
    return place(part["chrom_id"], in_chrom)


def _true(part: Batch, spec: Spec) -> np.ndarray:
    """Returns coverage in the unit of the data, NaN where it is missing."""
    true = part["targets"].astype(np.float64) * (spec.target_scale or 1.0)
    return np.where(part["weight"][:, None] > 0, true, np.nan)


def _check_finite(coverage: np.ndarray, split: str) -> None:
    if not np.isfinite(coverage).all():
        raise InputError(
            f"the model's output is not finite for examples of split {split}: its training went "
            "wrong; train again with a lower --learning_rate"
        )


def _pearson_r(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Returns the correlation within each window, the mean of its tracks; NaN if there is none."""
    known = ~np.isnan(true)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centred = (
        values - np.where(known, values, 0).sum(axis=1, keepdims=True) / count
        for values in (true, predicted.astype(np.float64))
    )
    found = correlation_and_r2(pair_sums(*centred, known))[0]
    defined = np.isfinite(found)
    total = np.where(defined, found, 0).sum(axis=1)
    return np.where(defined.any(axis=1), total / np.maximum(defined.sum(axis=1), 1), np.nan)


def _with_intervals(
    scores: CoverageScores,
    tasks: Sequence[str],
    num_bootstrap: int,
    seed: int,
    progress: Callable | None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns all scores, each with its interval, and those of resamples over all tracks.

    Where there is nothing to draw, there are neither.
    """
    result = scores.result()
    if not num_bootstrap or scores.num_groups < 2:
        return result, {}
    samples = bootstrap.resampled_scores(
        scores.resampled,
        scores.num_groups,
        num_resamples=num_bootstrap,
        seed=seed,
        progress=progress,
    )

    def intervals(place: str | None) -> dict[str, Any]:
        return {
            f"{name}_ci": bootstrap.interval(x)
            for (task, name), x in samples.items()
            if task == place
        }

    result |= intervals(ALL)
    if "tasks" in result:
        result["tasks"] = {task: result["tasks"][task] | intervals(task) for task in tasks}
    return result, resamples.of_all_tasks(samples)


def _shown(
    models: Ensemble, manifest: Manifest, windows: SplitWindows, within: np.ndarray
) -> list[ShownWindow]:
    """Returns the windows of the best, the median and the worst correlation, if it has any."""
    order = np.argsort(within, kind="stable")[: np.count_nonzero(np.isfinite(within))]
    if not len(order):
        return []
    shown = []
    for kind, row in (("best", order[-1]), ("median", order[len(order) // 2]), ("worst", order[0])):
        part = windows.read(np.array([row]))
        places = place_columns(manifest, part)
        place = _place(places) if places else f"row {int(part['row'][0])}"
        true, predicted = _true(part, models.spec)[0], models.logits(part["sequence"])[0]
        shown.append(ShownWindow(kind, place, float(within[row]), true, predicted))
    return shown


def _place(columns: Mapping[str, np.ndarray]) -> str:
    chrom, start, end = (columns[name][0] for name in ("chrom", "start", "end"))
    return f"{chrom}:{start + 1:,}-{end:,}"
