"""How gradients change the weights: schedule, clipping, optimizer, and the average of the weights.

Written with `keras.ops`, so the same on every engine. Steps count from 0.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from genokeras.training.train_config import DEFAULT_WEIGHT_DECAY, Plan, TrainConfig

_EPSILON = 1e-8


@keras.saving.register_keras_serializable("genokeras")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate: linear from 0 to `peak` over `warmup_steps`, then half a cosine, or constant.

    At step `t` of the warm-up, `peak * t / warmup_steps`. After it, with `x` the part done of what
    then remains of `steps`, `peak * (f + (1 - f) * (1 + cos(pi * x)) / 2)`, where `f` is
    `final_fraction`; `f = 1` is the constant rate. The same as optax's
    `warmup_cosine_decay_schedule` from 0.
    """

    def __init__(self, peak: float, steps: int, warmup_steps: int = 0, final_fraction: float = 0.0):
        self.peak = peak
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.final_fraction = final_fraction

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        done = (step - self.warmup_steps) / max(self.steps - self.warmup_steps, 1)
        cosine = 0.5 * (1 + ops.cos(math.pi * ops.clip(done, 0.0, 1.0)))
        after = self.final_fraction + (1 - self.final_fraction) * cosine
        warmup = step / max(self.warmup_steps, 1)
        return self.peak * ops.where(step < self.warmup_steps, warmup, after)

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "final_fraction": self.final_fraction,
        }


def schedule(training: TrainConfig, plan: Plan) -> WarmupSchedule:
    """Returns the learning rate of a run."""
    final_fraction = training.final_fraction if training.schedule == "cosine" else 1.0
    return WarmupSchedule(training.learning_rate, plan.steps, plan.warmup_steps, final_fraction)


def build(training: TrainConfig, plan: Plan, model: keras.Model) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a run, its variables made; gradients are to be clipped before it."""
    rate = schedule(training, plan)
    decay = training.weight_decay
    decay = DEFAULT_WEIGHT_DECAY[training.optimizer] if decay is None else decay
    # Named, since Keras would number the optimizers of a process, and with them their variables.
    options = {"weight_decay": decay or None, "name": training.optimizer}
    if training.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, training.beta_1, **options)
    else:
        moments = {"beta_1": training.beta_1, "beta_2": training.beta_2, "epsilon": _EPSILON}
        optimizer = keras.optimizers.Adam(rate, **moments, **options)
    optimizer.exclude_from_weight_decay(var_list=undecayed(model))
    optimizer.build(model.trainable_variables)
    return optimizer


def undecayed(model: keras.Model) -> list[keras.Variable]:
    """Returns the weights without decay: no matrices, or of a layer marked `undecayed = True`."""
    marked = {
        id(weight)
        for layer in model._flatten_layers()
        if getattr(layer, "undecayed", False)
        for weight in layer.trainable_weights
    }
    weights = model.trainable_variables
    return [weight for weight in weights if len(weight.shape) < 2 or id(weight) in marked]


def global_norm(gradients: Sequence[Any]) -> Any:
    """Returns the Euclidean norm of all gradients taken as one vector."""
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))


def clip(gradients: Sequence[Any], norm: Any, clipnorm: float) -> list[Any]:
    """Returns gradients scaled down to the global norm `clipnorm` where `norm` is above it."""
    if not clipnorm:
        return list(gradients)
    scale = clipnorm / ops.maximum(norm, clipnorm)
    return [gradient * ops.cast(scale, gradient.dtype) for gradient in gradients]


def ema_decay(ema: float, step: Any) -> Any:
    """Returns what share the average keeps at `step`; it rises to `ema`, so short runs average too.

    `average <- d * average + (1 - d) * weights` with `d = min(ema, (1 + step) / (10 + step))`.
    """
    step = ops.cast(step, "float32")
    return ops.minimum(ema, (1 + step) / (10 + step))
