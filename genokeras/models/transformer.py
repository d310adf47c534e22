"""A transformer that tells what short windows of DNA are: from scratch, or on a trained encoder.

Bases or k-mers, the encoder that `mlm` and `contrastive` train without labels, one embedding per
window, and a dense head. `launch.train --init_from=RUN` puts the encoder of a run under a new head
(docs/fine_tuning.md).

Presets: `tiny`, for tests, `small`, `base` and `100m`, with the encoders of those of `mlm`; none
has been measured yet. Shapes: packed DNA of `L` bp in, float32 logits `[B, T]` out (for regression:
predictions).
"""

import dataclasses
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from genokeras import augmentation, strand_symmetry
from genokeras.augmentation import Augmentation, augment
from genokeras.config import require_rates
from genokeras.layers import encoder, token_encoder
from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.one_hot import OneHot
from genokeras.layers.pooling import AttentionPool1D
from genokeras.layers.rc_strands import JoinStrands, SplitStrands
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.token_encoder import TokenEncoderConfig
from genokeras.layers.window_embedding import window_embedding
from genokeras.losses.supervised import OUTPUT, smoothed, supervised_terms
from genokeras.metrics.supervised import supervised_scores
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import Rc
from tfrecords.errors import InputError

TASK_TYPES = ("binary", "regression")


@dataclasses.dataclass(frozen=True)
class Config(Augmentation, TokenEncoderConfig):
    """Sizes of encoder and head, and changes of examples, those of `base` by default."""

    pooling: Literal["mean", "attention"] = "mean"  # Of positions: all alike, or weights learnt.
    dense_units: tuple[int, ...] = ()  # Of the layers between a window's embedding and its logits.
    head_dropout: float = 0.1  # Of the embedding and of the dense layers.
    rc: Rc = "average"  # Both strands: equivariant, average, augment or none; docs/symmetry.md.
    ambiguous: Literal["zero", "mean", "one"] = "zero"  # What N becomes: 0000, 1/4 each, 1111.
    label_smoothing: float = 0.0  # In training a target of 1 is 1 minus half of it, 0 half of it.

    def __post_init__(self):
        super().__post_init__()
        TokenEncoderConfig.__post_init__(self)
        require_rates(self, "head_dropout", "label_smoothing")
        if any(units < 1 for units in self.dense_units):
            raise InputError(f"dense_units must be at least 1 each, got {self.dense_units}")
        strand_symmetry.check_sizes(self, odd=(), even=("dense_units",))
        if self.kmer > 1 and self.ambiguous == "one":
            raise InputError(
                f"kmer={self.kmer} and ambiguous=one: an N of ones would be read as a base; use "
                "ambiguous=zero"
            )


PRESETS = {
    "base": Config(),  # 4.8 million weights.
    "small": Config(channels=128, blocks=4, num_heads=4, feedforward_units=352),  # 0.8 million.
    "100m": Config(
        channels=768, blocks=14, num_heads=12, feedforward_units=2048, recompute=True
    ),  # 99 million weights, for a GPU.
    "tiny": Config(
        channels=16, blocks=1, num_heads=2, feedforward_units=24, stem_kernel_size=7
    ),  # For tests; the stem learns motifs in seconds.
}

TRAINING: dict[str, dict[str, Any]] = {
    "base": {"learning_rate": 5e-4},
    "small": {"learning_rate": 1e-3},
    "100m": {"learning_rate": 1e-4},
    "tiny": {},
}


def build(config: Config, spec: Spec) -> keras.Model:
    spec.require_task_type(TASK_TYPES)
    if config.label_smoothing and spec.task_type != "binary":
        raise InputError(f"label_smoothing is for binary tasks, these are {spec.task_type}")
    augmentation.check(config, spec)
    strand_symmetry.check(config, spec, pooled=1)
    token_encoder.check(config, spec.length)
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    x, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    averages_strands = strand_symmetry.averages(config, spec)
    if averages_strands:
        x, mask = BothStrands(name="both_strands")(x), BothStrands(name="both_masks")(mask)
    x, mask = token_encoder.encode(x, mask, config)
    # Neither embeddings nor logits are rounded to 16 bits: float32, or float64 if so asked.
    exact = {"dtype": keras.config.dtype_policy().variable_dtype}
    layer = kinds(config.rc == "equivariant")
    x = _pool(x, mask, config, exact)
    x = layer.dropout(config.head_dropout, name="pooled_dropout", **exact)(x)
    kernel = {"kernel_initializer": "lecun_normal", **exact}
    for number, units in enumerate(config.dense_units, start=1):
        x = layer.dense(units, gelu, name=f"dense_{number}", **kernel)(x)
        x = layer.dropout(config.head_dropout, name=f"dense_{number}_dropout", **exact)(x)
    x = layer.head(spec.num_tasks, spec.strand_pairs, name="head", **kernel)(x)
    if averages_strands:
        x = MeanOfStrands(spec.strand_pairs, name="mean_of_strands", **exact)(x)
    x = layers.Identity(name=OUTPUT[spec.task_type], **exact)(x)
    return keras.Model(sequence, x, name="transformer")


def prepare(config: Config, spec: Spec, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    return augment(config, spec, batch, training)


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    logits = model(batch["sequence"], training=training)
    targets = smoothed(batch["targets"], config.label_smoothing if training else 0.0)
    return supervised_terms(model.output_names[0], targets, logits), {"logits": logits}


def scores(
    spec: Spec, outputs: dict[str, np.ndarray], targets: np.ndarray, weight: np.ndarray
) -> dict[str, Any]:
    return supervised_scores(spec.task_type, spec.tasks, outputs["logits"], targets, weight)


def embedding(config: Config, model: keras.Model) -> keras.Model:
    pooled = model.get_layer("pooled_dropout").input
    return window_embedding(model, [pooled], equivariant=config.rc == "equivariant")


def _pool(x: Any, mask: Any, config: Config, exact: dict[str, Any]) -> Any:
    """From features at every position to one vector; those of an equivariant network turn."""
    if config.pooling == "mean":
        return encoder.mean_over(x, mask)
    pool = AttentionPool1D(name="attention_pool", **exact)
    if config.rc != "equivariant":
        return pool(x, mask)
    x = SplitStrands(name="split_strands")(x)
    x = pool(x, SplitStrands(name="split_masks")(mask))
    return JoinStrands(name="join_strands", **exact)(x)
