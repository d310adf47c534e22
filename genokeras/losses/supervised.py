"""Losses of labelled examples, one number per example and task, neither weighted nor reduced.

Shapes: targets, logits, predictions `[B, T] -> [B, T]`. The engine applies the weights (a missing
label has weight 0 and a target of 0) and divides by their sum.
"""

from typing import Any

from keras import ops

# A model's output is named after what it is, so that a saved model still knows its loss.
OUTPUT = {"binary": "logits", "regression": "predictions"}


def supervised_terms(output_name: str, targets: Any, outputs: Any) -> dict[str, Any]:
    """Returns the loss that goes with an output of this name, by its own name."""
    if output_name == OUTPUT["regression"]:
        return {"squared_error": squared_error(targets, outputs)}
    return {"cross_entropy": binary_cross_entropy(targets, outputs)}


def smoothed(targets: Any, rate: float) -> Any:
    """Returns binary targets moved towards 1/2: for a rate of .1, 1 becomes .95 and 0 becomes .05.

    The smallest cross-entropy is then no longer 0, but the entropy of such a target.
    """
    return targets * (1 - rate) + rate / 2 if rate else targets


def binary_cross_entropy(targets: Any, logits: Any) -> Any:
    """Returns `-log p(target)` in nats, `p(1) = sigmoid(logit)`, exact for logits of any size.

    Targets between 0 and 1 (smoothed labels) are allowed. A logit of zero costs `log 2` = 0.693.
    """
    targets = ops.cast(targets, logits.dtype)
    return targets * ops.softplus(-logits) + (1 - targets) * ops.softplus(logits)


def squared_error(targets: Any, predictions: Any) -> Any:
    """Returns `(prediction - target)**2` in the squared unit of the targets."""
    return ops.square(predictions - ops.cast(targets, predictions.dtype))
