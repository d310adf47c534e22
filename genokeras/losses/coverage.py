"""Losses of predicted coverage, one number per example and track, neither weighted nor reduced.

Shapes: targets and coverage `[B, bins, T] -> [B, T]`, in the unit of the targets. Targets and
coverage are 0 or more; a target that is NaN is missing: its bin counts nowhere and has no gradient.
Where all bins are missing a loss is 0 (the weight of such a track should be 0).

What does not depend on the prediction is chosen such that all of these are 0 for a prediction that
equals the targets, and above 0 for every other.
"""

from typing import Any, Literal

from keras import ops

Loss = Literal["poisson", "poisson_multinomial", "profile_counts", "mse_log"]

# Keeps logarithms and their gradients finite where a prediction is 0, and changes no other: any
# rate of reads is many orders of magnitude larger.
_TINY = 1e-20


def coverage_terms(loss: Loss, targets: Any, coverage: Any, total_weight: float) -> dict[str, Any]:
    """Returns the terms of a loss, whose sum it is, by their own names.

    - `poisson`: `poisson`, per bin.
    - `poisson_multinomial`: shape and total apart, both per bin: `multinomial`, and `total_weight`
      times `poisson` of the totals. With a weight of 1 the sum is `poisson`; with less the shape
      counts more. Reference: Borzoi, doi:10.1038/s41588-024-02053-6.
    - `profile_counts`: `multinomial`, scaled from the bins that are known to all, and
      `total_weight` times `squared_log_error` of the totals. So a window's part of the loss is in
      proportion to what is known of it if its weight is.
      Reference: BPNet, doi:10.1038/s41588-021-00782-6.
    - `mse_log`: `squared_log_error`, per bin.
    """
    if loss == "poisson":
        return {"poisson": poisson(targets, coverage)}
    if loss == "mse_log":
        return {"squared_log_error": squared_log_error(targets, coverage)}
    shape, totals = multinomial(targets, coverage), _totals(targets, coverage)
    bins = _num_known(targets, coverage)
    if loss == "profile_counts":
        profile = shape * (coverage.shape[1] / bins)
        return {"profile": profile, "counts": total_weight * squared_log_error(*totals)}
    return {"multinomial": shape / bins, "total": total_weight * poisson(*totals) / bins}


def poisson(targets: Any, coverage: Any) -> Any:
    """Returns the mean over bins of `y log(y / x) - y + x` in nats, for a rate of `x`.

    That is `log p(y | y) - log p(y | x)` of Poisson distributions, half their deviance.
    """
    y, x = _known(targets, coverage)
    per_bin = y * (ops.log(ops.maximum(y, _TINY)) - ops.log(x + _TINY)) - y + x
    return ops.sum(per_bin, axis=1) / _num_known(targets, coverage)


def multinomial(targets: Any, coverage: Any) -> Any:
    """Returns the sum over bins of `y log(share of y / share of x)` in nats, whatever the totals.

    That is `log p(y | shares of y) - log p(y | shares of x)` of multinomial distributions: the
    total times the Kullback-Leibler divergence of the shapes.
    """
    y, x = _known(targets, coverage)
    total = ops.maximum(ops.sum(y, axis=1, keepdims=True), _TINY)
    # All alike, should all be 0.
    shares = (x + _TINY) / ops.sum(x + _TINY, axis=1, keepdims=True)
    return ops.sum(y * (ops.log(ops.maximum(y, _TINY) / total) - ops.log(shares)), axis=1)


def squared_log_error(targets: Any, coverage: Any) -> Any:
    """Returns the mean over bins of `(log(1 + x) - log(1 + y))**2`."""
    y, x = _known(targets, coverage)
    squares = ops.square(ops.log1p(x) - ops.log1p(y))
    return ops.sum(squares, axis=1) / _num_known(targets, coverage)


def _known(targets: Any, coverage: Any) -> tuple[Any, Any]:
    """Returns both, with 0 in all bins that are missing: they cost nothing in any of the losses."""
    is_missing = ops.isnan(targets)
    zero = ops.zeros_like(coverage)
    targets = ops.where(is_missing, zero, ops.cast(targets, coverage.dtype))
    return targets, ops.where(is_missing, zero, coverage)


def _num_known(targets: Any, coverage: Any) -> Any:
    """Returns how many bins are not missing, and 1 where none is: `[B, T]`."""
    is_known = ops.cast(ops.logical_not(ops.isnan(targets)), coverage.dtype)
    return ops.maximum(ops.sum(is_known, axis=1), 1.0)


def _totals(targets: Any, coverage: Any) -> tuple[Any, Any]:
    """Returns the sums over the bins that are not missing: `[B, 1, T]`, as if of one bin."""
    return tuple(ops.sum(values, axis=1, keepdims=True) for values in _known(targets, coverage))
