"""What a model, or the baseline, says of the split to be scored and of the valid split.

Runs of an ensemble may have been trained on different datasets: folds of the same rows, which share
the test split. Then each answers about the valid split of its own dataset, which it was not trained
on, and the thresholds come from these answers together (out-of-fold).

Shapes: `N` examples, `T` tasks.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genokeras.evaluation.baseline import KmerModel, kmer_logits
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.scores import Labels, choose_thresholds
from genokeras.evaluation.split_predictions import SplitPredictions, predict_split
from tfrecords.reader import Dataset


@dataclasses.dataclass(frozen=True)
class Answers:
    """Logits `[N, T]` of a split, and labels and logits of valid examples (None: there are none).

    Logits are the predictions of a regression.
    """

    logits: np.ndarray
    valid: tuple[Labels, np.ndarray] | None

    def thresholds(self) -> tuple[float | None, ...] | None:
        """The probability with the best F1 on the valid split, for every task of a classifier."""
        if self.valid is None or self.valid[0].task_type != "binary":
            return None
        return choose_thresholds(*self.valid)


@dataclasses.dataclass(frozen=True)
class Part:
    """The members of an ensemble that were trained on one dataset."""

    dataset: Dataset
    members: Ensemble

    @property
    def has_valid(self) -> bool:
        """Whether there is a valid split."""
        return "valid" in self.dataset.manifest.splits


def by_dataset(datasets: Sequence[Dataset], ensemble: Ensemble) -> list[Part]:
    """Returns the members of an ensemble, grouped by their datasets, in the order of the first."""
    groups: dict[str, list[int]] = {}
    for place, dataset in enumerate(datasets):
        groups.setdefault(dataset.manifest.sha256, []).append(place)
    return [
        Part(datasets[places[0]], Ensemble([ensemble.members[place] for place in places]))
        for places in groups.values()
    ]


def predict_parts(
    ensemble: Ensemble,
    parts: Sequence[Part],
    split: str,
    progress: Callable | None = None,
    *,
    with_valid: bool = True,
) -> tuple[SplitPredictions, list[SplitPredictions]]:
    """Predicts a split of the first dataset with all members, and each part's own valid split."""
    found = predict_split(ensemble, parts[0].dataset, split, progress)
    if not with_valid:
        return found, []
    if split == "valid":
        return found, [found]
    valid = [
        predict_split(part.members, part.dataset, "valid", progress)
        for part in parts
        if part.has_valid
    ]
    return found, valid


def of_model(found: SplitPredictions, valid: Sequence[SplitPredictions]) -> Answers:
    """Returns what the model says."""
    return Answers(found.logits, _pooled([(part.labels, part.logits) for part in valid]))


def of_baseline(
    models: Mapping[str, KmerModel], found: SplitPredictions, valid: Sequence[SplitPredictions]
) -> Answers:
    """Returns what baselines say, by the hash of the dataset each was fitted on.

    Those of several datasets make an ensemble as well.
    """
    logits = np.mean([kmer_logits(model, found.windows) for model in models.values()], axis=0)
    own = [
        (part.labels, kmer_logits(models[part.windows.manifest_sha256], part.windows))
        for part in valid
    ]
    return Answers(logits, _pooled(own))


def _pooled(parts: Sequence[tuple[Labels, np.ndarray]]) -> tuple[Labels, np.ndarray] | None:
    if not parts:
        return None
    labels = dataclasses.replace(
        parts[0][0],
        targets=np.concatenate([part.targets for part, _ in parts]),
        weight=np.concatenate([part.weight for part, _ in parts]),
    )
    return labels, np.concatenate([logits for _, logits in parts])
