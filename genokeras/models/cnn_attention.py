"""Convolutions, then attention, then a dense head: whether a short window of DNA is bound, and by what.

Presets
- `base` (default): a deep convolutional tower with one block of rotary attention, several ways of pooling, a
  linear 6-mer branch, and predictions averaged over both strands.
- `conv`, `conv_v2` and the six ablations `baseline`, `single_conv_only`, `fewer_conv_channels`,
  `remove_mlp`, `add_one_transformer_block`, `add_two_transformer_blocks`: the networks of the chapter on
  transcription factors in "Deep Learning for Biology" (O'Reilly 2025), parameter by parameter.
- `tiny`: `base` for tests.

Axes: `B` batch, `L` bp, `C` channels, `T` tasks. Input: packed DNA. Output: logits `[B, T]` (for
regression: predictions), float32.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from genokeras.layers import keyed_random
from genokeras.layers.dropout import KeyedDropout
from genokeras.layers.gelu import gelu
from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.one_hot import OneHot
from genokeras.layers.pooling import AttentionPool1D, MaxMeanPool1D
from genokeras.layers.positions import AddPositions
from genokeras.layers.redraw_bases import redraw_bases
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.transformer_block import TransformerBlock
from genokeras.losses.supervised import binary_cross_entropy, squared_error
from genokeras.metrics.supervised import supervised_scores
from genokeras.models.spec import Spec
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of the network; the defaults are the preset `base`."""

    filters: int = 128
    kernel_size: int = 15
    conv_blocks: int = 1
    residual_blocks: int = 3
    residual_kernel_size: int = 5
    attention_blocks: int = 1
    num_heads: int = 8
    positions: Literal["none", "learned", "sinusoidal", "rotary"] = "rotary"
    norm: Literal["none", "batch", "layer"] = "batch"
    norm_after_gelu: tuple[int, ...] = ()
    pooling: Literal["flatten", "max_mean_attention"] = "max_mean_attention"
    dense_units: tuple[int, ...] = (128,)
    dropout: float = 0.2
    block_dropout: float = 0.1
    kmer: int = 6
    strands: Literal["one", "both"] = "both"
    mutation_rate: float = 0.05
    ambiguous: Literal["zero", "mean", "one"] = "zero"

    def __post_init__(self):
        for name in ("filters", "kernel_size", "conv_blocks", "residual_kernel_size", "num_heads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("residual_blocks", "attention_blocks"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("dropout", "block_dropout", "mutation_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if self.kmer and not 2 <= self.kmer <= 8:
            raise InputError(f"kmer must be 0 (no k-mer branch) or 2 to 8, got {self.kmer}")
        per_head, rest = divmod(self.filters, self.num_heads)
        if self.attention_blocks and (rest or (self.positions == "rotary" and per_head % 2)):
            raise InputError(
                f"filters={self.filters} must be a multiple of num_heads={self.num_heads}"
                + (" times 2 for rotary positions" if self.positions == "rotary" else "")
            )


_CHAPTER = Config(
    filters=64,
    kernel_size=10,
    conv_blocks=2,
    residual_blocks=0,
    attention_blocks=0,
    positions="none",
    pooling="flatten",
    dense_units=(128, 64),
    block_dropout=0.2,
    kmer=0,
    strands="one",
    mutation_rate=0.0,
    ambiguous="one",
)
PRESETS = {
    "base": Config(),
    "tiny": Config(filters=8, kernel_size=5, num_heads=2, dense_units=(8,), kmer=3),
    "conv": dataclasses.replace(_CHAPTER, norm="none", dropout=0.0),
    "conv_v2": dataclasses.replace(_CHAPTER, norm_after_gelu=(2,)),
    "baseline": _CHAPTER,
    "single_conv_only": dataclasses.replace(_CHAPTER, conv_blocks=1, dense_units=()),
    "fewer_conv_channels": dataclasses.replace(_CHAPTER, filters=8),
    "remove_mlp": dataclasses.replace(_CHAPTER, dense_units=()),
    "add_one_transformer_block": dataclasses.replace(_CHAPTER, attention_blocks=1),
    "add_two_transformer_blocks": dataclasses.replace(_CHAPTER, attention_blocks=2),
}

_ADAM = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "batch_size": 32,
    "warmup_steps": 0,
    "weight_decay": 0.0,
    "clipnorm": 0.0,
    "ema": 0.0,
}
_ADAMW = _ADAM | {
    "optimizer": "adamw",
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "steps": 1000,
}
TRAINING: dict[str, dict[str, Any]] = {name: _ADAMW for name in PRESETS} | {
    "base": {},
    "tiny": {},
    "conv": _ADAM | {"schedule": "constant", "steps": 500},
    "conv_v2": _ADAM | {"schedule": "cosine", "steps": 1000},
}


# The output's name tells `loss` what a saved model was built for.
_OUTPUT = {"binary": "logits", "regression": "predictions"}


def build(config: Config, spec: Spec) -> keras.Model:
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    one_hot, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    x = one_hot
    if config.strands == "both":
        x, mask = BothStrands(name="strands")(x), BothStrands(name="strand_masks")(mask)
    x, mask, stem, stem_mask = _convolutions(x, mask, config)
    if config.positions in ("learned", "sinusoidal"):
        x = AddPositions(config.positions, name="positions")(x)
    for block in range(1, config.attention_blocks + 1):
        attention = TransformerBlock(
            config.num_heads,
            config.filters,
            config.block_dropout,
            use_rotary=config.positions == "rotary",
            name=f"attention_{block}",
        )
        x = attention(x, padding_mask=mask)
    x = _pool(x, mask, stem, stem_mask, config)
    for block, units in enumerate(config.dense_units, start=1):
        x = _dense(units, gelu, name=f"dense_{block}")(x)
        x = KeyedDropout(config.dropout, name=f"dense_{block}_dropout")(x)
    x = _dense(spec.num_tasks, dtype="float32", name="head")(x)
    if config.strands == "both":
        x = MeanOfStrands(spec.strand_pairs, dtype="float32", name="mean_of_strands")(x)
    if config.kmer:
        kmers = KmerLinear(config.kmer, spec.num_tasks, dtype="float32", name="kmer_linear")
        x = layers.Add(dtype="float32", name="add_kmers")([x, kmers(one_hot)])
    x = layers.Identity(dtype="float32", name=_OUTPUT[spec.task_type])(x)
    return keras.Model(sequence, x, name="cnn_attention")


def prepare(config: Config, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    if not training or not config.mutation_rate:
        return batch
    mutated = redraw_bases(batch["sequence"], batch["key"], config.mutation_rate)
    return batch | {"sequence": mutated}


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool, gather: Callable
) -> tuple[dict[str, Any], dict[str, Any]]:
    with keyed_random.scope(batch["key"]):
        logits = model(batch["sequence"], training=training)
    if model.output_names == [_OUTPUT["regression"]]:
        terms = {"squared_error": squared_error(batch["targets"], logits)}
    else:
        terms = {"cross_entropy": binary_cross_entropy(batch["targets"], logits)}
    return terms, {"logits": logits}


def scores(
    spec: Spec, outputs: dict[str, np.ndarray], targets: np.ndarray, weight: np.ndarray
) -> dict[str, Any]:
    return supervised_scores(spec.task_type, spec.tasks, outputs["logits"], targets, weight)


def _convolutions(x: Any, mask: Any, config: Config) -> tuple[Any, Any, Any, Any]:
    """Returns features and mask behind the convolutions, and those behind the first of them."""
    for block in range(1, config.conv_blocks + 1):
        name = f"block_{block}"
        x = _conv(config, config.kernel_size, name=f"{name}_conv")(x)
        if block not in config.norm_after_gelu:
            x = _norm(config, name)(x)
        x = layers.Activation(gelu, name=f"{name}_gelu")(x)
        if block in config.norm_after_gelu:
            x = _norm(config, name)(x)
        x, mask = _halve(x, mask, name)
        if block == 1:
            stem, stem_mask = x, mask
    for block in range(1, config.residual_blocks + 1):
        if block == 2:
            x, mask = _halve(x, mask, "residual_1")
        x = _residual(x, config, dilation=max(1, block - 1), name=f"residual_{block}")
    return x, mask, stem, stem_mask


def _residual(x: Any, config: Config, dilation: int, name: str) -> Any:
    hidden = layers.Activation(gelu, name=f"{name}_gelu_1")(_norm(config, f"{name}_1")(x))
    conv = _conv(config, config.residual_kernel_size, dilation_rate=dilation, name=f"{name}_conv")
    hidden = layers.Activation(gelu, name=f"{name}_gelu_2")(
        _norm(config, f"{name}_2")(conv(hidden))
    )
    hidden = KeyedDropout(config.block_dropout, name=f"{name}_dropout")(hidden)
    return layers.Add(name=f"{name}_add")([x, _dense(config.filters, name=f"{name}_dense")(hidden)])


def _pool(x: Any, mask: Any, stem: Any, stem_mask: Any, config: Config) -> Any:
    """From `[B, L, C]` to a vector; the stem joins in, since depth blurs what one motif says."""
    if config.pooling == "flatten":
        return layers.Flatten(name="flatten")(x)
    x = layers.Activation(gelu, name="tower_gelu")(_norm(config, "tower")(x))
    pooled = [
        MaxMeanPool1D(name="tower_pool")(x, padding_mask=mask),
        AttentionPool1D(name="attention_pool")(x, padding_mask=mask),
        MaxMeanPool1D(name="stem_pool")(stem, padding_mask=stem_mask),
    ]
    pooled = layers.Concatenate(name="pooled")(pooled)
    return KeyedDropout(config.dropout, name="pooled_dropout")(pooled)


def _halve(x: Any, mask: Any, name: str) -> tuple[Any, Any]:
    return MaxPool1D(2, name=f"{name}_pool")(x), MaxPool1D(2, name=f"{name}_mask")(mask)


def _conv(config: Config, kernel_size: int, **options: Any) -> layers.Layer:
    return layers.Conv1D(
        config.filters,
        kernel_size,
        padding="same",
        kernel_initializer="lecun_normal",
        **options,
    )


def _dense(units: int, activation: Any = None, **options: Any) -> layers.Layer:
    return layers.Dense(units, activation, kernel_initializer="lecun_normal", **options)


def _norm(config: Config, name: str) -> layers.Layer:
    """Flax's constants, which are not Keras's."""
    if config.norm == "batch":
        return layers.BatchNormalization(momentum=0.99, epsilon=1e-5, name=f"{name}_norm")
    if config.norm == "layer":
        return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")
    return layers.Identity(name=f"{name}_norm")
