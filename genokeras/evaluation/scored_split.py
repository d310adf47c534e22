"""Everything that is said about models on a split: scores, what lies behind them, the baseline.

Shapes: `N` examples, `T` tasks.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import answers, details, probes, resamples
from genokeras.evaluation.answers import Answers, Part
from genokeras.evaluation.baseline import K, KmerModel, fit_baseline
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.mistakes import describe_mistakes
from genokeras.evaluation.scores import Labels, Scores, difference, score_split
from genokeras.evaluation.split_predictions import SplitPredictions
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.evaluation.verdict import verdict
from genokeras.metrics.supervised import METRICS
from tfrecords.reader import Dataset

# Real sequences of which both strands are compared.
_NUM_STRAND_PROBES = 1000


@dataclasses.dataclass(frozen=True)
class ScoredSplit:
    """The scores, as `score_models` returns them, and the predictions that they are of.

    Logits are `[N, T]`; those of the baseline are None if there is none.
    `samples` holds what every resample scored over all tasks, `[R]` by metric.
    """

    result: dict[str, Any]
    predictions: SplitPredictions
    baseline_logits: np.ndarray | None
    samples: dict[str, np.ndarray]


def score_models(
    models: Ensemble,
    datasets: Sequence[Dataset],
    split: str,
    *,
    words: Mapping[str, str],
    baseline: bool,
    num_bootstrap: int,
    seed: int,
    progress: Callable | None,
    log: Callable[[str], None],
) -> ScoredSplit:
    """Scores the mean of some models on a split of the first one's dataset.

    Args:
      models: One or more, in the order of their datasets.
      datasets: That each was trained on.
      split: Which is the same in all of them.
      words: Motifs to ask the models about, beside the baseline's own.
      baseline: Whether to fit and score the 6-mer baseline as well.
      num_bootstrap: Resamples behind the 95% intervals; 0 leaves these out.
      seed: Of the resamples, and of what is drawn for the probes.
      progress: Starts a progress bar, given a text and a total.
      log: Takes one-line messages.

    Returns:
      As `result`: every metric with its interval `*_ci`, and `n`, `num_undefined`, `tasks` as
      `score_split` returns them. Of every classifier's task (in `tasks`, if there are several)
      `calibration`, `confusion`, `operating_points` and `gc_by_class`, and of every task `groups`,
      as the modules of these names return them; what is chosen or fitted comes from the valid
      split. `baseline` holds the same of the baseline, but for groups and GC (None if there is
      none), `difference` the model's metrics minus the baseline's, `verdict` a sentence on it.
      `mistakes` (of classifiers) and `probes` are as their modules say; `members`, the scores of
      each of several models (None of one).
    """
    scoring = {"num_bootstrap": num_bootstrap, "seed": seed}
    parts = answers.by_dataset(datasets, models)
    is_binary = models.spec.task_type == "binary"
    if is_binary:
        _explain_thresholds(parts, split, log)
    found, valid = answers.predict_parts(models, parts, split, progress, with_valid=is_binary)
    of_model, of_baseline = answers.of_model(found, valid), None
    kmer_models = _fit_baselines(parts, log) if baseline else {}
    if kmer_models:
        of_baseline = answers.of_baseline(kmer_models, found, valid)
    result, samples = _scores(found.labels, of_model, of_baseline, progress, scoring)
    logits = found.logits, None if of_baseline is None else of_baseline.logits
    _add_details(result, found, of_model, of_baseline, progress, scoring)
    if is_binary:
        train = _train_windows(parts, split)
        result["mistakes"] = describe_mistakes(
            found.labels, found.rows, *logits, found.windows, train
        )
    for model in list(kmer_models.values())[:1]:
        words = probes.strongest_kmers(model, models.spec.tasks) | words
    sample = found.windows.read(np.arange(min(len(found.windows), _NUM_STRAND_PROBES)))
    result["probes"] = probes.sanity_probes(models, words, sample["sequence"], seed)
    result["members"] = _member_scores(found, scoring) if len(models.members) > 1 else None
    return ScoredSplit(result, found, logits[1], samples)


def _explain_thresholds(parts: Sequence[Part], split: str, log: Callable[[str], None]) -> None:
    if not any(part.has_valid for part in parts):
        log("No threshold: the dataset has no valid split to choose it on.")
    elif split == "valid":
        log("The threshold is chosen on the valid split itself: scores at it flatter the model.")
    elif len(parts) > 1:
        log(
            "The threshold is chosen on the valid splits of all folds, each predicted by the "
            "members that were not trained on it."
        )


def _fit_baselines(parts: Sequence[Part], log: Callable[[str], None]) -> dict[str, KmerModel]:
    """Fits a baseline on every dataset, by its hash; none at all if one has nothing to fit on."""
    for manifest in (part.dataset.manifest for part in parts):
        if "train" not in manifest.splits:
            log("No baseline: the dataset has no train split to fit it on.")
            return {}
        if manifest.window_bp < K:
            log(f"No baseline: windows of {manifest.window_bp} bp hold no {K}-mer.")
            return {}
    return {part.dataset.manifest.sha256: fit_baseline(part.dataset) for part in parts}


def _scores(
    labels: Labels,
    of_model: Answers,
    of_baseline: Answers | None,
    progress: Callable | None,
    scoring: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Scores the model and the baseline on one split, each at its own thresholds.

    Besides the scores, returns those of the model in every resample, over all tasks.
    """

    def score(given: Answers) -> Scores:
        options = {"thresholds": given.thresholds(), "progress": progress}
        return score_split(labels, given.logits, **options, **scoring)

    scores = score(of_model)
    samples = resamples.of_all_tasks(scores.samples)
    if of_baseline is None:
        return scores.values | dict.fromkeys(("baseline", "difference", "verdict")), samples
    other = score(of_baseline)
    result = {**scores.values, "baseline": other.values, "difference": difference(scores, other)}
    return result | {"verdict": verdict(result)}, samples


def _add_details(
    result: dict[str, Any],
    found: SplitPredictions,
    of_model: Answers,
    of_baseline: Answers | None,
    progress: Callable | None,
    scoring: Mapping[str, Any],
) -> None:
    """Adds to the scores of model and baseline what lies behind them, task by task."""
    labels = found.labels
    parts: list[tuple[dict[str, Any], Iterator]] = []
    if labels.task_type == "binary":
        both = [(result, of_model), (result["baseline"], of_baseline)]
        parts += [
            (scores, details.classifier_details(labels, given, **scoring))
            for scores, given in both
            if given is not None
        ]
    logits = of_model.logits, None if of_baseline is None else of_baseline.logits
    parts.append((result, details.group_details(labels, found.windows, *logits, **scoring)))
    bar = progress("Details", len(parts) * len(labels.tasks)) if progress else None
    try:
        for scores, per_task in parts:
            details.add_to_tasks(scores, _counted(per_task, bar))
    finally:
        if bar:
            bar.close()


def _counted(per_task: Iterator, bar: Any) -> Iterator:
    """Yields the same, moving a progress bar on after each."""
    for entries in per_task:
        yield entries
        if bar:
            bar.update(1)


def _train_windows(parts: Sequence[Part], split: str) -> list[SplitWindows]:
    """Where to look for the sequences of mistakes: what was trained on, unless that is scored."""
    datasets = [part.dataset for part in parts if "train" in part.dataset.manifest.splits]
    return [] if split == "train" else [SplitWindows(dataset, "train") for dataset in datasets]


def _member_scores(found: SplitPredictions, scoring: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the metrics of every member over all tasks, with their intervals."""
    names = METRICS[found.labels.task_type]
    result = []
    for logits in found.member_logits:
        scores = score_split(found.labels, logits, **scoring).values
        result.append(
            {key: scores[key] for name in names for key in (name, f"{name}_ci") if key in scores}
        )
    return result
