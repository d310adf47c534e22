"""Logistic and ridge regressions on any features, their penalty chosen on the valid split.

Shapes: `N` examples, `F` features.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

Matrix = np.ndarray | sparse.csr_matrix

# Inverse strengths of the penalty, tried in this order until the valid split scores worse.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
DEFAULT_PENALTY = 1e-2


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Examples with a label of one task: features `[N, F]`, float targets and weight `[N]`."""

    features: Matrix
    targets: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, features: Matrix, targets: np.ndarray, weight: np.ndarray) -> "Labelled":
        """Returns those of some examples that have a weight; without a copy if all have one."""
        if np.all(weight):
            return cls(features, targets, weight)
        rows = np.flatnonzero(weight)
        return cls(features[rows], targets[rows], weight[rows])

    def __len__(self) -> int:
        return len(self.targets)


def fit(
    task_type: str,
    train: Labelled,
    valid: Labelled | None,
    penalties: Sequence[float] = PENALTIES,
    patience: int = 1,
) -> tuple[np.ndarray, float, float]:
    """Returns weights `[F]`, bias and the penalty of a model of one task.

    Args:
        task_type: `binary`, for a logistic regression, or `regression`, for a ridge.
        train: What it is fitted on; without any label, or of one class, weights are 0.
        valid: What the penalty is chosen on; None, or none of them: it is `DEFAULT_PENALTY`.
        penalties: To choose from, the inverse strengths (scikit-learn's C, or 1/alpha), rising.
        patience: So many in a row may predict valid examples worse than the best before it is over:
            weak penalties take longest. Of few labels, more than one; there it may be chance.
    """
    solve, loss = _SOLVERS[task_type], _LOSSES[task_type]
    if valid is None or not len(valid):
        return *solve(train, DEFAULT_PENALTY), DEFAULT_PENALTY
    best, worse = (np.inf, None), 0
    for penalty in penalties:
        weights, bias = solve(train, penalty)
        terms = loss(valid.features @ weights + bias, valid.targets)
        score = np.average(terms, weights=valid.weight)
        if score < best[0]:
            best, worse = (score, (weights, bias, penalty)), 0
        else:
            worse += 1
        if worse == patience:
            break
    return best[1]


Fit = tuple[np.ndarray, float]
Solver = Callable[[Labelled, float], Fit]


def _logistic(train: Labelled, penalty: float) -> Fit:
    if len(np.unique(train.targets)) < 2:
        return np.zeros(train.features.shape[1]), 0.0
    model = LogisticRegression(C=penalty, max_iter=5000)
    model.fit(train.features, train.targets > 0.5, sample_weight=train.weight)
    return model.coef_[0], float(model.intercept_[0])


def _ridge(train: Labelled, penalty: float) -> Fit:
    if not len(train):
        return np.zeros(train.features.shape[1]), 0.0
    model = Ridge(alpha=1 / penalty)
    model.fit(train.features, train.targets, sample_weight=train.weight)
    return model.coef_, float(model.intercept_)


def _cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, logits) - targets * logits


def _squared_error(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (predictions - targets) ** 2


_SOLVERS: dict[str, Solver] = {"binary": _logistic, "regression": _ridge}
_LOSSES = {"binary": _cross_entropy, "regression": _squared_error}
