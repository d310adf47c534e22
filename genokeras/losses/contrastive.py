"""Losses that tell the other view of an example from all other examples of the batch.

Views are unit vectors: `own` ones `[B, D]` of the local part of a batch, those of `everyone`
`[G, D]` of the global batch, of which the own ones are the rows `rows` (int `[B]`). A similarity is
their scalar product over `temperature` (a number, or `[B, 1]`). Pairs of `excluded` (bool `[B, G]`)
are no negatives: they take no part, and their gradient is exactly 0. Losses are in nats per
example, not reduced.

References: InfoNCE, arXiv:1807.03748; NT-Xent, arXiv:2002.05709, of which the authors' code reports
twice the mean over views that is given here; supervised contrastive, arXiv:2004.11362.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

_NEVER = -1e9  # Times any temperature far below a similarity, and not infinite.


class Views(NamedTuple):
    """Two views of the same examples, each `[N, D]` of unit length."""

    first: Any
    second: Any


def info_nce(
    own: Views, everyone: Views, rows: Any, temperature: Any, excluded: Any | None = None
) -> Any:
    """Returns `[B]`: how badly each first view finds its second among those of the `G` examples.

    Of an example without a similarity to any (all alike) that is ln G.
    """
    is_own = _is_own(rows, everyone.first.shape[0])
    logits = own.first @ ops.transpose(everyone.second) / temperature
    return -_log_share(logits, is_own, _candidates(is_own, excluded))


def nt_xent(
    own: Views, everyone: Views, rows: Any, temperature: Any, excluded: Any | None = None
) -> Any:
    """Returns `[B]`: how badly each view finds the other among the `2 G - 1` other views.

    The mean of both views. All alike: ln(2 G - 1). Views equal, and at right angles to all else:
    `-1/t + ln(exp(1/t) + 2 G - 2)`.
    """
    is_own = _is_own(rows, everyone.first.shape[0])
    candidates = _candidates(is_own, excluded)
    others = ops.logical_and(candidates, ops.logical_not(is_own))
    nowhere = ops.zeros_like(is_own)
    is_positive = ops.concatenate([is_own, nowhere], axis=1)
    candidates = ops.concatenate([candidates, others], axis=1)
    costs = [
        -_log_share(logits, is_positive, candidates) for logits in _both(own, everyone, temperature)
    ]
    return (costs[0] + costs[1]) / 2


def supervised_contrastive(
    own: Views,
    everyone: Views,
    rows: Any,
    temperature: Any,
    is_alike: Any,
    excluded: Any | None = None,
) -> Any:
    """Returns `[B]`: like `nt_xent`, but every view of an alike example is to be found.

    `is_alike` is bool `[B, G]`, an example counts as alike to itself; per view the mean of the
    log shares of its positives (the loss "out" of the paper). Without alike examples it is
    `nt_xent`.
    """
    is_own = _is_own(rows, everyone.first.shape[0])
    alike = ops.logical_or(is_alike, is_own)
    candidates = ops.logical_or(_candidates(is_own, excluded), alike)
    not_itself = ops.logical_not(is_own)
    is_positive = ops.concatenate([alike, ops.logical_and(alike, not_itself)], axis=1)
    candidates = ops.concatenate([candidates, ops.logical_and(candidates, not_itself)], axis=1)
    costs = [
        -_log_share(logits, is_positive, candidates) for logits in _both(own, everyone, temperature)
    ]
    return (costs[0] + costs[1]) / 2


def temperature_for(
    positive: float, negative: float, num_negatives: int, probability: float
) -> float:
    """Returns the temperature at which a pair is found with `probability`.

    `(positive - negative) / ln(probability N / (1 - probability))`, for a pair of similarity
    `positive` among `N = num_negatives` of similarity `negative`: B - 1 of `info_nce`, 2 B - 2 of
    `nt_xent`, B the global batch. If negatives differ and `negative` is their mean, then pairs are
    found less often (by Jensen's inequality): see `exact_temperature_for`.

    Raises:
        ValueError: No temperature above 0 does that.
    """
    _check_probability(probability, num_negatives)
    if positive <= negative:
        raise ValueError(
            f"no temperature finds pairs of similarity {positive:g} among negatives of similarity "
            f"{negative:g}: positives must be more similar"
        )
    return (positive - negative) / math.log(probability * num_negatives / (1 - probability))


def exact_temperature_for(
    positives: np.ndarray, negatives: np.ndarray, probability: float
) -> float:
    """Returns the temperature at which pairs are found with `probability` on average.

    `positives` `[A]` are similarities of anchors to their pair, `negatives` `[A, N]` to all else.

    Raises:
        ValueError: No temperature above 0 does that.
    """
    positives, negatives = np.asarray(positives, float), np.asarray(negatives, float)
    _check_probability(probability, negatives.shape[1])

    def excess(log_temperature: float) -> float:
        found = found_probability(positives, negatives, math.exp(log_temperature))
        return float(found.mean()) - probability

    steps = np.linspace(math.log(1e-4), math.log(1e4), 161)
    below = [step for step in steps if excess(step) >= 0]
    if not below or below[-1] == steps[-1]:
        share = (positives > negatives.max(axis=1)).mean()
        raise ValueError(
            f"no temperature finds pairs with probability {probability:g}: a share of {share:.3g} "
            "of the positives is more similar than all negatives"
        )
    low, high = below[-1], below[-1] + steps[1] - steps[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) >= 0 else (low, middle)
    return math.exp((low + high) / 2)


def found_probability(
    positives: np.ndarray, negatives: np.ndarray, temperature: float
) -> np.ndarray:
    """Returns `[A]`: the softmax of each positive among itself and its negatives `[A, N]`.

    A negative of -inf takes no part.
    """
    differences = (np.asarray(negatives) - np.asarray(positives)[:, None]) / temperature
    return 1 / (1 + np.exp(np.minimum(differences, 700)).sum(axis=1))


def _check_probability(probability: float, num_negatives: int) -> None:
    least = 1 / (num_negatives + 1)
    if not least < probability < 1:
        raise ValueError(
            f"pairs among {num_negatives} negatives are found with a probability between "
            f"{least:.3g}, which is chance, and 1, got {probability:g}"
        )


def _is_own(rows: Any, count: int) -> Any:
    return ops.equal(ops.expand_dims(rows, 1), ops.arange(count, dtype=rows.dtype))


def _candidates(is_own: Any, excluded: Any | None) -> Any:
    if excluded is None:
        return ops.ones_like(is_own)
    return ops.logical_or(is_own, ops.logical_not(excluded))


def _both(own: Views, everyone: Views, temperature: Any) -> list[Any]:
    """Returns per view its similarities to all of the other kind, then to all of its own."""
    kinds = ops.transpose(everyone.first), ops.transpose(everyone.second)
    pairs = (own.first, kinds[::-1]), (own.second, kinds)
    return [ops.concatenate([x @ y for y in ys], axis=1) / temperature for x, ys in pairs]


def _log_share(logits: Any, is_positive: Any, candidates: Any) -> Any:
    """Returns `[B]`: the mean over positives of their log softmax among the candidates."""
    logits = ops.where(candidates, logits, _NEVER)
    shares = logits - ops.logsumexp(logits, axis=1, keepdims=True)
    count = ops.sum(ops.cast(is_positive, logits.dtype), axis=1)
    return ops.sum(ops.where(is_positive, shares, 0), axis=1) / count
