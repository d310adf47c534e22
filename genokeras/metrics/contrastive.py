"""What views of examples look like to an encoder, over a split: close, spread out, found again.

Pure NumPy. Axes: `N` examples, `D` channels of the projection, vectors of length one.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from genokeras.losses.contrastive import found_probability

SAMPLE = 1024  # Examples that are compared with one another: the first ones of a split.


class ContrastiveScores:
    """Running scores of pairs of views, the same whatever the batches.

    Attributes that `result` gives, over all examples: `alignment`, the mean squared distance of the
    views of an example (0 at best); `positive_similarity`, their scalar product; `effective_rank`,
    the exponential of the entropy of the shares of the principal components of the first views' in
    their variance, from 1 (collapsed) to D (doi:10.5281/zenodo.40531); `mutation_rate`, the share
    of bases that point mutations did change; `temperature`. Among `n`, the first 1024 examples:
    `uniformity`, the log mean of exp(-2 squared distance) of first views (arXiv:2005.10242; 0
    collapsed, below -3 good); `negative_similarity`; `p0`, the probability with which a first view
    finds its second among all second ones; `retrieval_top_1`, `retrieval_top_5`: the share of
    those whose second view is the most similar one, or of the five most similar.

    Pairs that are no negatives (`layers.false_negatives`) are left out. None: nothing to compare.
    """

    def __init__(self):
        self._count, self._sums = 0, {}
        self._kept: dict[str, list[np.ndarray]] = {}

    def add(
        self, outputs: Mapping[str, Any], targets: Any, weight: np.ndarray, blocks: Any = None
    ) -> None:
        """Takes a batch; examples without weight are padding."""
        is_example = np.reshape(weight, (len(weight), -1)).max(axis=1) > 0
        rows = {name: np.asarray(values)[is_example] for name, values in outputs.items()}
        first, second = (rows[name].astype(np.float64) for name in ("first", "second"))
        sums = {
            "positive_similarity": (first * second).sum(),
            "alignment": np.square(first - second).sum(),
            "mutation_rate": rows["mutated"].sum(dtype=np.float64),
            "temperature": rows["temperature"].sum(dtype=np.float64),
            "mean": first.sum(axis=0),
            "square": first.T @ first,
        }
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in sums.items()}
        room = SAMPLE - sum(map(len, self._kept.get("first", [])))
        for name, values in rows.items():
            self._kept.setdefault(name, []).append(values[:room])
        self._count += len(first)

    def result(self) -> dict[str, Any]:
        """Returns the scores by name."""
        means = {name: value / self._count for name, value in self._sums.items()}
        mean, square = means.pop("mean"), means.pop("square")
        kept = {name: np.concatenate(parts) for name, parts in self._kept.items()}
        compared = _compared(kept, means["temperature"])
        scores = {name: float(value) for name, value in means.items()} | compared
        rank = effective_rank(square - np.outer(mean, mean))
        return scores | {"effective_rank": rank, "n": len(kept["first"])}


def effective_rank(covariance: np.ndarray) -> float:
    """Returns `exp(entropy)` of eigenvalues over their sum: 1 to D; 0 without any variance."""
    values = np.clip(np.linalg.eigvalsh(covariance), 0, None)
    if values.sum() < 1e-12:
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _compared(kept: dict[str, np.ndarray], temperature: float) -> dict[str, float | None]:
    """Returns scores of the examples among one another."""
    first, second = (kept[name].astype(np.float64) for name in ("first", "second"))
    is_negative = ~_same_dna(kept)
    if not is_negative.any(axis=1).all():
        names = ("uniformity", "negative_similarity", "p0", "retrieval_top_1", "retrieval_top_5")
        return dict.fromkeys(names)
    similarity = first @ second.T
    positive = np.diag(similarity)
    negatives = np.where(is_negative, similarity, -np.inf)
    better = (negatives >= positive[:, None]).sum(axis=1)
    distances = 2 - 2 * (first @ first.T)
    return {
        "uniformity": float(np.log(np.exp(-2 * distances[is_negative]).mean())),
        "negative_similarity": float(similarity[is_negative].mean()),
        "p0": float(found_probability(positive, negatives, temperature).mean()),
        "retrieval_top_1": float((better < 1).mean()),
        "retrieval_top_5": float((better < 5).mean()),
    }


def _same_dna(kept: dict[str, np.ndarray]) -> np.ndarray:
    found = np.equal.outer(kept["identity"], kept["identity"])
    np.fill_diagonal(found, True)
    if "chrom_id" in kept:
        chrom, start, end = (kept[name] for name in ("chrom_id", "start", "end"))
        overlap = (start[:, None] < end) & (end[:, None] > start)
        found |= overlap & (chrom[:, None] == chrom) & (chrom >= 0)
    return found
