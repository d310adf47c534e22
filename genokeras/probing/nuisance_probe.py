"""Can a nuisance be told from embeddings, by a line or by a small network, and more than by chance?

A probe is fitted on half of the windows and asked on the other half. What it knows is a lower bound
on the mutual information of embedding and nuisance, I(Z; N) >= H(N) - (its cross-entropy), in nats;
within the classes of a task, on I(Z; N | Y). The p-value is the share of permutations of the
nuisance among the windows asked (within their class) at which the cross-entropy is as low; it is
too low where windows overlap, which are not independent.
A probe that fails shows that this probe fails. References: arXiv:2002.10689, arXiv:1909.03368.

Shapes: `N` windows, `D` dimensions, `K` classes of the nuisance.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

PROBES = ("linear", "mlp")
PERMUTATIONS = 999
# Of what is left to fit on, the share on which the penalty is chosen.
_CHOOSING = 0.2
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Of the network: one layer, so many windows a step, and so long without getting any better.
_UNITS, _BATCH_SIZE, _EPOCHS, _PATIENCE = 64, 64, 100, 8
_LEAST_PROBABILITY = 1e-6
# Classes with fewer windows in either half are left out.
_FEWEST = 10
_BLOCK = 2_000_000  # Labels permuted at a time.


def probe_nuisance(
    embeddings: np.ndarray,
    classes: np.ndarray,
    within: np.ndarray,
    blocks: np.ndarray,
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> list[dict[str, Any]]:
    """Returns a row per probe: `linear` and `mlp`.

    Args:
        embeddings: Float `[N, D]`, of a variance about 1.
        classes: Of the nuisance, whole numbers from 0, `[N]`.
        within: What else is known of a window, `[N]`: a probe of its own for each of its values.
        blocks: A number per window; those that share one go to the same half, `[N]`.
        seed: Of the halves, the network and the permutations.
        permutations: How many.

    Returns:
        `probe`, `n` (windows asked), `classes`, `accuracy` (mean over the classes, each with its
        prior taken off), `chance` (of a guess), `information` in nats (0 or less: nothing was
        found), `entropy` of the nuisance, at most which it can be, and `p_value`. Numbers are None
        where no value of `within` has two classes of at least 10 windows in either half.
    """
    rng = np.random.default_rng(seed)
    is_asked = _halves(blocks, rng)
    rows = []
    for probe in PROBES:
        found = list(_asked(probe, embeddings, classes, within, is_asked, seed))
        row: dict[str, Any] = {"probe": probe, "n": sum(len(asked.truth) for asked in found)}
        rows.append(row | _judged(found, permutations, np.random.default_rng(seed)))
    return rows


@dataclasses.dataclass(frozen=True)
class _Answers:
    """Log-probabilities `[M, K]` of windows within one class, and what they are, `[M]`.

    `prior` are the shares `[K]` among what the probe was fitted on.
    """

    log_probability: np.ndarray
    truth: np.ndarray
    prior: np.ndarray


def _halves(blocks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns which windows are asked: about half of them, in whole blocks."""
    known, numbers = np.unique(blocks, return_inverse=True)
    order = rng.permutation(len(known))
    sizes = np.bincount(numbers)[order]
    first = order[np.cumsum(sizes) - sizes // 2 <= len(blocks) / 2]
    return np.isin(numbers, first)


def _asked(
    probe: str,
    embeddings: np.ndarray,
    classes: np.ndarray,
    within: np.ndarray,
    is_asked: np.ndarray,
    seed: int,
) -> Iterator[_Answers]:
    for value in np.unique(within):
        here = within == value
        counts = [np.bincount(classes[here & half], minlength=classes.max() + 1)
                  for half in (is_asked, ~is_asked)]  # fmt: skip
        kept = np.flatnonzero(np.minimum(*counts) >= _FEWEST)
        if len(kept) < 2:
            continue
        here &= np.isin(classes, kept)
        numbers = np.searchsorted(kept, classes)
        fitted, asked = np.flatnonzero(here & ~is_asked), np.flatnonzero(here & is_asked)
        fit = _linear if probe == "linear" else _mlp
        probability = fit(embeddings[fitted], numbers[fitted], seed)(embeddings[asked])
        prior = np.bincount(numbers[fitted]) / len(fitted)
        log_probability = np.log(np.maximum(probability, _LEAST_PROBABILITY))
        yield _Answers(log_probability, numbers[asked], prior)


def _linear(x: np.ndarray, classes: np.ndarray, seed: int) -> Any:
    fitted, chosen_on = _division(len(x), seed)
    best = (np.inf, None)
    for penalty in _PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=5000).fit(x[fitted], classes[fitted])
        cost = _cross_entropy(model, x[chosen_on], classes[chosen_on])
        if cost >= best[0]:
            break
        best = (cost, penalty)
    return LogisticRegression(C=best[1], max_iter=5000).fit(x, classes).predict_proba


def _mlp(x: np.ndarray, classes: np.ndarray, seed: int) -> Any:
    """Trains until the cross-entropy of what is left out rises.

    scikit-learn's own early stopping goes by accuracy, which stands still where one class has most.
    """
    fitted, chosen_on = _division(len(x), seed)
    known, given = np.unique(classes), (x[fitted], classes[fitted])
    model = MLPClassifier((_UNITS,), batch_size=min(_BATCH_SIZE, len(fitted)), random_state=seed)
    lowest, weights, last_better = np.inf, None, 0
    for epoch in range(_EPOCHS):
        model.partial_fit(*given, classes=known)
        cost = _cross_entropy(model, x[chosen_on], classes[chosen_on])
        if cost < lowest:
            lowest, last_better = cost, epoch
            weights = [[w.copy() for w in each] for each in (model.coefs_, model.intercepts_)]
        elif epoch - last_better >= _PATIENCE:
            break
    model.coefs_, model.intercepts_ = weights
    return model.predict_proba


def _division(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows to fit on, and those to choose by."""
    order = np.random.default_rng(seed).permutation(count)
    chosen_on, fitted = np.split(order, [round(_CHOOSING * count)])
    return fitted, chosen_on


def _cross_entropy(model: Any, x: np.ndarray, classes: np.ndarray) -> float:
    columns = np.minimum(np.searchsorted(model.classes_, classes), len(model.classes_) - 1)
    probability = model.predict_proba(x)[np.arange(len(x)), columns]
    probability = np.where(model.classes_[columns] == classes, probability, 0)
    return float(-np.log(np.maximum(probability, _LEAST_PROBABILITY)).mean())


def _judged(
    found: list[_Answers], permutations: int, rng: np.random.Generator
) -> dict[str, float | int | None]:
    """Returns what all answers say together, and how often permuted truths would say as much."""
    if not found:
        names = ("classes", "accuracy", "chance", "information", "entropy", "p_value")
        return dict.fromkeys(names)
    total = sum(len(asked.truth) for asked in found)
    result = dict.fromkeys(("accuracy", "chance", "information", "entropy"), 0.0)
    score, permuted = 0.0, np.zeros(permutations)
    for asked in found:
        share, rows = len(asked.truth) / total, np.arange(len(asked.truth))
        shares = np.bincount(asked.truth, minlength=len(asked.prior)) / len(rows)
        entropy = float(-np.sum(shares * np.log(np.maximum(shares, _LEAST_PROBABILITY))))
        told = asked.log_probability[rows, asked.truth].mean()
        guesses = np.argmax(asked.log_probability - np.log(asked.prior), axis=1)
        right = [np.mean(guesses[asked.truth == kind] == kind) for kind in np.unique(asked.truth)]
        result["accuracy"] += share * float(np.mean(right))
        result["chance"] += share / len(asked.prior)
        result["entropy"] += share * entropy
        result["information"] += share * float(entropy + told)
        score += share * told
        permuted += share * _permuted_scores(asked, permutations, rng)
    # Sums of the same numbers in another order differ in their last bits.
    as_good = np.count_nonzero(permuted >= score - 1e-9)
    p_value = (1 + as_good) / (1 + permutations)
    return {
        "classes": max(len(asked.prior) for asked in found),
        **result,
        "p_value": float(p_value),
    }


def _permuted_scores(asked: _Answers, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the mean log-probability of the truth, permuted in `count` ways."""
    scores, size = np.empty(count), len(asked.truth)
    step = max(1, _BLOCK // size)
    for start in range(0, count, step):
        block = scores[start : start + step]
        truths = rng.permuted(np.tile(asked.truth, (len(block), 1)), axis=1)
        block[:] = asked.log_probability[np.arange(size), truths].mean(axis=1)
    return scores
