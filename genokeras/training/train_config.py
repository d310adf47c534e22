"""How a model is trained: every hyperparameter of a run that is not the network's own.

The defaults are the recipe of the `base` preset of `cnn_attention`. Every field is a flag of
`launch.train`, with the same name and the help text that stands here. Needs neither TensorFlow nor
Keras.
"""

import dataclasses
import math

from genokeras.training.fields import at_least, check_field, choice, expecting, fraction, positive
from tfrecords.errors import InputError
from tfrecords.sampling import share_size

DEFAULT_EPOCHS = 8
OVERFIT_STEPS = 200
LAST = "last"
DEFAULT_WEIGHT_DECAY = {"adamw": 0.02, "adam": 0.0, "sgd": 0.0}
TUNE = ("full", "frozen", "lora")
LORA_RANK = 8


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """One training run. A value that cannot work raises `InputError` here, before anything starts.

    `None` means "worked out from the rest"; the help text of each field says how.
    """

    steps: int | None = at_least(1, None, "Training steps; give this or epochs.")
    epochs: float | None = positive(
        None, f"Passes over the training split; {DEFAULT_EPOCHS} if steps is not given either."
    )
    min_steps: int = at_least(
        0,
        0,
        "Training steps that a run has at least, so that a few epochs of a small table do not end "
        "before anything is learnt; nothing where steps is given.",
    )
    train_fraction: float = expecting(
        1.0,
        "above 0, up to 1",
        lambda value: 0 < value <= 1,
        "Share of the training examples to learn from, drawn by seed; smaller shares are parts of "
        "larger ones.",
    )
    batch_size: int = at_least(1, 64, "Examples per step, over all devices together.")
    optimizer: str = choice("adamw", tuple(DEFAULT_WEIGHT_DECAY), "Optimizer")
    learning_rate: float = positive(1.5e-3, "Peak learning rate.")
    warmup_steps: int | None = at_least(
        0, None, "Steps over which the learning rate rises linearly from 0; 10% of all steps."
    )
    schedule: str = choice("cosine", ("cosine", "constant"), "Learning rate after the warm-up")
    final_fraction: float = fraction(
        0.005, "Learning rate at the end of the cosine, as a fraction of the peak."
    )
    weight_decay: float | None = at_least(
        0,
        None,
        "Decoupled weight decay of matrices (biases, norms and layers that a model marks are left "
        f"out), times the learning rate; {DEFAULT_WEIGHT_DECAY['adamw']} for adamw, else 0.",
    )
    beta_1: float = fraction(0.9, "Decay of the first moment (of adamw, adam); momentum of sgd.")
    beta_2: float = fraction(0.99, "Decay of the second moment (of adamw, adam).")
    clipnorm: float = at_least(0, 1.0, "Largest global norm of the gradient; 0 = no clipping.")
    ema: float = fraction(
        0.995,
        "Decay of the averaged weights that are evaluated and exported; 0 = no averaging. Early on "
        "the decay is (1 + step) / (10 + step).",
    )
    log_every: int | None = at_least(
        1, None, "Steps between rows of training metrics; 1% of all steps, 100 at most."
    )
    eval_every: int | None = at_least(
        1,
        None,
        "Steps between evaluations; 10% of all steps, an epoch at most, but never below 2%.",
    )
    checkpoint_every: int | None = at_least(
        1, None, "Steps between checkpoints; as eval_every. A new best is always kept as well."
    )
    keep_checkpoints: int = at_least(
        1, 2, "Newest checkpoints to keep; the best one is kept besides."
    )
    best_metric: str = expecting(
        "loss",
        "the name of a metric",
        lambda value: bool(value),
        "Metric of the valid split that picks the best checkpoint: the one of the smallest loss, "
        "mse or mae, or of the largest of any other metric. last: the last one, whatever it "
        "scores.",
    )
    patience: int | None = at_least(
        1,
        None,
        "The run stops early after so many evaluations in a row that are not the best by "
        "best_metric. Not given: it never does.",
    )
    precision: str = choice(
        "float32", ("float32", "mixed_bfloat16", "float64"), "Arithmetic of the network"
    )
    gradient_accumulation: int = at_least(
        1,
        1,
        "Pieces into which a batch is cut, one after the other, where it is too large for the "
        "memory: the result is the same.",
    )
    steps_per_execution: int = at_least(
        1, 1, "Steps that the device makes in one call: short steps then wait less for Python."
    )
    on_nan: str = choice(
        "stop",
        ("stop", "skip"),
        "What to do about a step whose loss or gradient is not finite: stop, or leave it out",
    )
    jit: str = choice(
        "auto",
        ("auto", "on", "off"),
        "Compile with XLA (auto: on a GPU, and on a CPU from 500 steps on)",
    )
    seed: int = expecting(
        0,
        "an integer from 0 to 2147483647",
        lambda value: 0 <= value < 2**31,
        "Seed of everything random: initial weights, order of examples, augmentation, dropout.",
    )
    shuffle_block: int = at_least(
        1,
        1,
        "Stored records that stay together when an epoch is shuffled; 1 is a perfect shuffle. For "
        "data that are read over a network as they are needed: 256 makes that few long reads.",
    )
    init_from: str | None = expecting(
        None,
        "the folder of a run",
        lambda value: bool(value),
        "Folder of a run whose best weights to begin with, where names and shapes of layers agree: "
        "that of mlm or contrastive for a transformer, or of the same model on other data. Sizes "
        "are taken from it.",
    )
    tune: str = choice(
        "full",
        TUNE,
        "What learns of a run with init_from, besides the head: all, nothing, or adapters of the "
        "transformer blocks",
    )
    lora_rank: int | None = at_least(1, None, f"Rank of the adapters of tune=lora; {LORA_RANK}.")
    lora_alpha: float | None = positive(
        None, "Their change of a layer counts this much divided by lora_rank; twice lora_rank."
    )
    overfit_one_batch: bool = expecting(
        False,
        "true or false",
        lambda value: True,
        f"Train on the first batch only, {OVERFIT_STEPS} steps by default, its augmentation and "
        "dropout masks frozen with it: a loss below 0.02 shows that model and optimizer can learn.",
    )
    histograms: bool = expecting(
        False,
        "true or false",
        lambda value: True,
        "Show the distributions of all weights and of their updates in TensorBoard, at every "
        "evaluation.",
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check_field(field, getattr(self, field.name))
        if self.steps is not None and self.epochs is not None:
            raise InputError(
                f"steps={self.steps} and epochs={self.epochs:g} were both given: leave one out"
            )
        if self.optimizer == "adam" and self.weight_decay:
            raise InputError(
                f"weight_decay={self.weight_decay:g} with optimizer=adam: "
                "decoupled decay is what adamw adds to adam; use optimizer=adamw"
            )
        if self.tune != "full" and self.init_from is None:
            raise InputError(
                f"tune={self.tune} without init_from: weights that were not trained are not worth "
                "keeping; give init_from, or leave tune out"
            )
        for name in ("lora_rank", "lora_alpha"):
            if getattr(self, name) is not None and self.tune != "lora":
                raise InputError(
                    f"{name}={getattr(self, name):g} with tune={self.tune}: only tune=lora has "
                    "adapters; leave it out"
                )
        if self.tune == "lora" and self.precision == "float64":
            raise InputError(
                "tune=lora with precision=float64: Keras computes adapters in float32; use another "
                "precision"
            )
        if self.best_metric == LAST and self.patience:
            raise InputError(
                f"patience={self.patience} with best_metric={LAST}: every evaluation is the best "
                "until the next one, so there is nothing to wait for; leave one out"
            )


@dataclasses.dataclass(frozen=True)
class Plan:
    """The step counts of a run, all worked out."""

    steps: int
    steps_per_epoch: int
    warmup_steps: int
    log_every: int
    eval_every: int
    checkpoint_every: int


def plan(training: TrainConfig, num_examples: int) -> Plan:
    """Returns the step counts of `training` on its share of a split of `num_examples`.

    Raises:
        InputError: That is not one batch, or the warm-up leaves no step.
    """
    num_examples = share_size(training.train_fraction, num_examples)
    steps_per_epoch = num_examples // training.batch_size
    if steps_per_epoch == 0:
        fraction = training.train_fraction
        share = f" that train_fraction={fraction:g} leaves" if fraction < 1 else ""
        raise InputError(
            f"batch_size={training.batch_size} is more than the {num_examples} examples of the "
            f"train split{share}; use {num_examples} or fewer"
        )
    steps = training.steps or _default_steps(training, steps_per_epoch)
    warmup_steps = steps // 10 if training.warmup_steps is None else training.warmup_steps
    if warmup_steps >= steps and warmup_steps > 0:
        raise InputError(
            f"warmup_steps={warmup_steps} leaves nothing of the run's {steps} steps; "
            "use fewer, or more steps"
        )
    usual = min(max(steps_per_epoch, math.ceil(steps / 50)), math.ceil(steps / 10))
    eval_every = training.eval_every or usual
    return Plan(
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        warmup_steps=warmup_steps,
        log_every=training.log_every or min(max(steps // 100, 1), 100),
        eval_every=eval_every,
        checkpoint_every=training.checkpoint_every or eval_every,
    )


def _default_steps(training: TrainConfig, steps_per_epoch: int) -> int:
    if training.epochs is None and training.overfit_one_batch:
        return OVERFIT_STEPS
    steps = round((training.epochs or DEFAULT_EPOCHS) * steps_per_epoch)
    return max(steps, training.min_steps, 1)
