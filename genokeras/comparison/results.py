"""What the runs of a comparison have scored: a row for each, and what follows from all of them.

Differences are to a reference configuration: of the same dataset, the same seeds and the same
resamples of the test examples. Of several datasets there is their mean as well.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.comparison import spread
from genokeras.comparison.runs import PlannedRun
from genokeras.comparison.spread import Estimate
from genokeras.evaluation.verdict import LEADING
from genokeras.training.best_evaluation import SMALLER_IS_BETTER
from genokeras.training.settings import flat
from tfrecords.errors import InputError, suggest

DONE, FAILED, MISSING = "done", "failed", "missing"
NOT_YET = "not yet run"
OF_ALL = "mean of all datasets"
# What a row has besides scores.
COSTS = ("parameters", "minutes", "cpu_minutes")

# Numbers of an evaluation that say how it was made.
_NO_SCORES = ("step", "seed", "num_bootstrap")
_SMALLER = (*SMALLER_IS_BETTER, "profile_jsd", "mean_profile_jsd", "nll", "ece")
_LARGER = (
    *("auroc", "auprc", "mcc", "accuracy", "f1", "pearson_r", "spearman_r", "r2", "log_total_r"),
    *("elbo", "iwae", "ari", "nmi"),
)
_CLEAR = 1 - spread.LEVEL


@dataclasses.dataclass(frozen=True)
class Row:
    """A run and what it has scored; `scores` and `samples` are empty unless it is `done`.

    `scores` holds every number of its evaluation, nested ones under dotted names.
    """

    run: PlannedRun
    state: str
    reason: str
    minutes: float
    cpu_minutes: float
    parameters: int | None
    scores: Mapping[str, Any]
    samples: Mapping[str, np.ndarray]

    def value(self, name: str) -> float | None:
        """Returns a score, or one of `COSTS`; None if it has none."""
        value = getattr(self, name) if name in COSTS else self.scores.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if self.state == DONE and is_number else None


@dataclasses.dataclass(frozen=True)
class Line:
    """A configuration on a dataset by one metric, over the seeds that are there.

    Attributes:
      dataset: Its name, or `OF_ALL`.
      configuration: Its name.
      place: Where it is in the file; those of one sweep share it.
      metric: Which score.
      scores: By seed.
      score: Their mean; None if there is none.
      differences: To the reference, by seed, where both have one; empty of the reference itself.
      difference: Their mean; None if there are none.
      p_corrected: Of the difference, corrected for the number of configurations.
      verdict: `better`, `worse` (`higher`, `lower` where neither is better), `not clear` or empty.
      costs: Means of `COSTS`.
      missing: How many seeds are not there.
    """

    dataset: str
    configuration: str
    place: str
    metric: str
    scores: Mapping[int, float]
    score: Estimate | None
    differences: Mapping[int, float]
    difference: Estimate | None
    p_corrected: float | None
    verdict: str
    costs: Mapping[str, float | None]
    missing: int


def row(run: PlannedRun, split: str, why_missing: str) -> Row:
    """Returns what is known of a run; `why_missing` is said of those that were not begun."""
    record, scores = run.record(), run.scores(split)
    costs = (record.seconds / 60, record.cpu_seconds / 60) if record else (0.0, 0.0)
    if scores is not None:
        return Row(run, DONE, "", *costs, run.parameters, flat(scores), run.samples(split))
    state, reason = MISSING, why_missing
    if record and record.problem:
        state, reason = (FAILED if record.has_failed else MISSING), record.problem
    return Row(run, state, reason, *costs, None, {}, {})


def default_metric(rows: Sequence[Row]) -> str | None:
    """Returns the metric by which such models are judged first; None if none has been scored."""
    done = [row for row in rows if row.state == DONE]
    names = (*LEADING, "cross_entropy", "nll", "loss")
    return next((name for name in names if done and done[0].value(name) is not None), None)


def check_metrics(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Raises `InputError` if no run that is done has a score of this name."""
    done = [row for row in rows if row.state == DONE]
    known = [name for row in done[:1] for name in row.scores if row.value(name) is not None]
    shown = [name for name in known if "." not in name and name not in _NO_SCORES]
    for name in names:
        if done and all(row.value(name) is None for row in done):
            if name in done[0].scores:
                raise InputError(f"{name}: undefined in every run that is done, take another score")
            raise InputError(
                f"no score {name!r}.{suggest(name, known)} Scores: {', '.join(shown)}; and those "
                "within them, as calibration.ece"
            )


def direction(metric: str) -> int:
    """Returns 1 if more of a metric is better, -1 if less is, 0 if neither is known.

    `cross_entropy_in_repeats` and `tasks.CTCF.cross_entropy` are as `cross_entropy`.
    """
    name = metric.rpartition(".")[2]
    if any(name == known or name.startswith(f"{known}_") for known in _SMALLER):
        return -1
    return int(any(name == known or name.startswith(f"{known}_") for known in _LARGER))


def lines(rows: Sequence[Row], metric: str, reference: str) -> list[Line]:
    """Returns every dataset and configuration, in the order of the rows; last the means of all."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for one in rows:
        place = one.run.dataset.name, one.run.configuration.name
        groups.setdefault(place, []).append(one)
    datasets, names = (list(dict.fromkeys(place)) for place in zip(*groups, strict=True))
    parts = {place: _by_seed(group, metric) for place, group in groups.items()}
    if len(datasets) > 1:
        for name in names:
            parts[OF_ALL, name] = _means([parts[dataset, name] for dataset in datasets])
            groups[OF_ALL, name] = [x for dataset in datasets for x in groups[dataset, name]]
        datasets.append(OF_ALL)
    found = []
    for dataset in datasets:
        of_configurations = [
            _line(groups[dataset, name], dataset, metric, parts[dataset, name], other)
            for name in names
            for other in [None if name == reference else parts[dataset, reference]]
        ]
        found += _judged(of_configurations)
    return found


# The score of a seed, and of every resample of the examples (None: unknown).
_Part = tuple[float, np.ndarray | None]


def _by_seed(group: Sequence[Row], metric: str) -> dict[int, _Part]:
    return {
        row.run.seed: (value, row.samples.get(metric))
        for row in group
        if (value := row.value(metric)) is not None
    }


def _means(parts: Sequence[Mapping[int, _Part]]) -> dict[int, _Part]:
    """Returns the mean over datasets of each seed that all of them have."""
    seeds = [seed for seed in parts[0] if all(seed in part for part in parts)]
    return {seed: _combined([part[seed] for part in parts], np.mean) for seed in seeds}


def _line(
    group: Sequence[Row],
    dataset: str,
    metric: str,
    own: Mapping[int, _Part],
    other: Mapping[int, _Part] | None,
) -> Line:
    pairs = {}
    if other is not None:
        shared = [seed for seed in own if seed in other]
        pairs = {seed: _combined([other[seed], own[seed]], np.diff) for seed in shared}
    configuration = group[0].run.configuration
    about = dataset, configuration.name, configuration.place, metric
    costs = {name: _mean([row.value(name) for row in group]) for name in COSTS}
    seeds = {row.run.seed for row in group}
    scores, gaps = ({seed: one[0] for seed, one in part.items()} for part in (own, pairs))
    missing = len(seeds) - len(scores)
    found = scores, _estimate(own), gaps, _estimate(pairs)
    return Line(*about, *found, None, "", costs, missing)


def _combined(parts: Sequence[_Part], combine: Callable) -> _Part:
    """Returns what `combine` makes of scores, and of those of each resample if all have them."""
    scores, samples = zip(*parts, strict=True)
    is_known = all(x is not None for x in samples) and len({len(x) for x in samples}) == 1
    together = np.squeeze(combine(np.stack(samples), axis=0)) if is_known else None
    return float(np.squeeze(combine(np.array(scores), axis=0))), together


def _estimate(by_seed: Mapping[int, _Part]) -> Estimate | None:
    if not by_seed:
        return None
    scores, samples = zip(*by_seed.values(), strict=True)
    is_known = all(x is not None for x in samples) and len({len(x) for x in samples}) == 1
    return spread.estimate(np.array(scores), np.stack(samples) if is_known else None)


def _judged(of_configurations: Sequence[Line]) -> list[Line]:
    """Returns the lines of one dataset with p-values corrected for their number, and verdicts."""
    p_values = [line.difference and line.difference.p for line in of_configurations]
    corrected = spread.holm(p_values)
    return [
        dataclasses.replace(line, p_corrected=p, verdict=_verdict(line, p))
        for line, p in zip(of_configurations, corrected, strict=True)
    ]


def _verdict(line: Line, p: float | None) -> str:
    if p is None:
        return ""
    if p >= _CLEAR:
        return "not clear"
    is_more, better = line.difference.mean > 0, direction(line.metric)
    if better == 0:
        return "higher" if is_more else "lower"
    return "better" if is_more == (better > 0) else "worse"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
