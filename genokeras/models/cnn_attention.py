"""Convolutions, then attention, then a dense head: is a short window of DNA bound, and by what.

Presets: `base`, our own (a residual tower, rotary attention, three ways of pooling, a linear 6-mer
branch, both strands); `tiny`, the same for tests; and, parameter by parameter, the networks of the
chapter on transcription factors in "Deep Learning for Biology" (O'Reilly, 2025): `conv`, `conv_v2`,
`baseline`, `single_conv_only`, `fewer_conv_channels`, `remove_mlp`, `add_one_transformer_block` and
`add_two_transformer_blocks`.

Shapes: packed DNA of `L` bp in, float32 logits `[B, T]` out (for regression: predictions).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from genokeras.layers.dropout import KeyedDropout
from genokeras.layers.gelu import gelu
from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.norm import Norm, norm
from genokeras.layers.one_hot import OneHot
from genokeras.layers.pooling import AttentionPool1D, MaxMeanPool1D
from genokeras.layers.positions import AddPositions
from genokeras.layers.redraw_bases import redraw_bases
from genokeras.layers.residual_conv import ResidualConv
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.transformer_block import TransformerBlock
from genokeras.losses.supervised import binary_cross_entropy, squared_error
from genokeras.metrics.supervised import supervised_scores
from genokeras.models.spec import Spec
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of the network, those of `base` by default.

    A `plain` tower is blocks of convolution (of `kernel_size` bp), norm, GELU and halving; a
    `residual` one a stem like that and blocks with kernels of `residual_kernel_size`, halving once.
    """

    tower: Literal["plain", "residual"] = "residual"
    filters: int = 128
    kernel_size: int = 15
    blocks: int = 3
    residual_kernel_size: int = 5
    norm: Norm = "batch"
    norm_after_gelu: tuple[int, ...] = ()  # Plain blocks, by number, whose norm comes after GELU.
    attention_blocks: int = 1
    num_heads: int = 8
    positions: Literal["none", "learned", "sinusoidal", "rotary"] = "rotary"
    pooling: Literal["flatten", "max_mean_attention"] = "max_mean_attention"
    dense_units: tuple[int, ...] = (128,)
    dropout: float = 0.2
    block_dropout: float = 0.1
    kmer: int = 6  # 0: no k-mer branch.
    strands: Literal["one", "both"] = "both"  # Both: predictions are the mean of the two.
    mutation_rate: float = 0.05
    ambiguous: Literal["zero", "mean", "one"] = "zero"

    def __post_init__(self):
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in ("dropout", "block_dropout", "mutation_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if any(units < 1 for units in self.dense_units):
            raise InputError(f"dense_units must be at least 1 each, got {self.dense_units}")
        if self.kmer not in (0, *range(2, 9)):
            raise InputError(f"kmer must be 2 to 8, or 0 for no k-mer branch, got {self.kmer}")
        whole = self.num_heads * (2 if self.positions == "rotary" else 1)
        if self.attention_blocks and self.filters % whole:
            raise InputError(
                f"filters={self.filters} must be a multiple of {whole}: {self.num_heads} heads"
                + (", and pairs of channels for rotary positions" * (whole > self.num_heads))
            )


_AT_LEAST = {"filters": 1, "kernel_size": 1, "blocks": 1, "residual_kernel_size": 1}
_AT_LEAST |= {"attention_blocks": 0, "num_heads": 1}

_BASELINE = Config(
    tower="plain",
    filters=64,
    kernel_size=10,
    blocks=2,
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
    "conv": dataclasses.replace(_BASELINE, norm="none", dropout=0.0),
    "conv_v2": dataclasses.replace(_BASELINE, norm_after_gelu=(2,)),
    "baseline": _BASELINE,
    "single_conv_only": dataclasses.replace(_BASELINE, blocks=1, dense_units=()),
    "fewer_conv_channels": dataclasses.replace(_BASELINE, filters=8),
    "remove_mlp": dataclasses.replace(_BASELINE, dense_units=()),
    "add_one_transformer_block": dataclasses.replace(_BASELINE, attention_blocks=1),
    "add_two_transformer_blocks": dataclasses.replace(_BASELINE, attention_blocks=2),
}

_ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "beta_2": 0.999, "batch_size": 32}
_ADAM |= {"steps": 500, "schedule": "constant", "warmup_steps": 0, "clipnorm": 0.0, "ema": 0.0}
_COSINE = _ADAM | {"steps": 1000, "schedule": "cosine", "final_fraction": 0.0, "eval_every": 100}
_ADAMW = _COSINE | {"optimizer": "adamw", "weight_decay": 1e-4}
TRAINING: dict[str, dict[str, Any]] = {
    **dict.fromkeys(PRESETS, _ADAMW),
    "base": {},
    "tiny": {},
    "conv": _ADAM,
    "conv_v2": _COSINE,
}

# The output's name tells `loss` what a model, also a saved one, was built for.
_OUTPUT = {"binary": "logits", "regression": "predictions"}


def build(config: Config, spec: Spec) -> keras.Model:
    shortest = max(config.kmer, 4 if config.tower == "residual" else 2**config.blocks)
    if spec.length < shortest:
        raise InputError(f"this network needs at least {shortest} bp, the data have {spec.length}")
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    one_hot, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    x = one_hot
    if config.strands == "both":
        x, mask = BothStrands(name="both_strands")(x), BothStrands(name="both_masks")(mask)
    tower = _residual_tower if config.tower == "residual" else _plain_tower
    x, mask, stem = tower(x, mask, config)
    x = _pool(_attention(x, mask, config), mask, stem, config)
    for block, units in enumerate(config.dense_units, start=1):
        dense = {"kernel_initializer": "lecun_normal", "name": f"dense_{block}"}
        x = layers.Dense(units, gelu, **dense)(x)
        x = KeyedDropout(config.dropout, name=f"dense_{block}_dropout")(x)
    head = {"kernel_initializer": "lecun_normal", "dtype": "float32", "name": "head"}
    x = layers.Dense(spec.num_tasks, **head)(x)
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
    return batch | {"sequence": redraw_bases(batch["sequence"], batch["key"], config.mutation_rate)}


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool, gather: Callable
) -> tuple[dict[str, Any], dict[str, Any]]:
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


def _plain_tower(x: Any, mask: Any, config: Config) -> tuple[Any, Any, list[Any]]:
    for block in range(1, config.blocks + 1):
        name = f"block_{block}"
        x = _conv(config, f"{name}_conv")(x)
        steps = [norm(config.norm, name=f"{name}_norm"), _gelu(f"{name}_gelu")]
        for step in reversed(steps) if block in config.norm_after_gelu else steps:
            x = step(x)
        x, mask = _halve(x, mask, name)
    return x, mask, []


def _residual_tower(x: Any, mask: Any, config: Config) -> tuple[Any, Any, list[Any]]:
    x, mask = _halve(_conv(config, "stem_conv", use_bias=False)(x), mask, "stem")
    x = _gelu("stem_gelu")(norm(config.norm, name="stem_norm")(x))
    # What a single motif says should not have to pass through the depth.
    stem = [MaxMeanPool1D(name="stem_max_mean")(x, padding_mask=mask)]
    for block in range(1, config.blocks + 1):
        if block == 2:
            x, mask = _halve(x, mask, "residual_1")
        dilation = max(1, 2 ** (block - 2))
        x = ResidualConv(
            config.residual_kernel_size,
            dilation,
            config.norm,
            config.block_dropout,
            name=f"residual_{block}",
        )(x)
    return x, mask, stem


def _attention(x: Any, mask: Any, config: Config) -> Any:
    if config.positions in ("learned", "sinusoidal"):
        x = AddPositions(config.positions, name="positions")(x)
    for block in range(1, config.attention_blocks + 1):
        x = TransformerBlock(
            config.num_heads,
            config.filters,
            config.block_dropout,
            use_rotary=config.positions == "rotary",
            name=f"attention_{block}",
        )(x, padding_mask=mask)
    return x


def _pool(x: Any, mask: Any, stem: list[Any], config: Config) -> Any:
    """From features at every position to one vector."""
    if config.pooling == "flatten":
        return layers.Flatten(name="flatten")(x)
    x = _gelu("pool_gelu")(norm(config.norm, name="pool_norm")(x))
    max_mean = MaxMeanPool1D(name="max_mean")(x, padding_mask=mask)
    attended = AttentionPool1D(name="attention_pool")(x, padding_mask=mask)
    x = layers.Concatenate(name="pooled")([max_mean, attended, *stem])
    return KeyedDropout(config.dropout, name="pooled_dropout")(x)


def _conv(config: Config, name: str, use_bias: bool = True) -> layers.Layer:
    kernel = {"padding": "same", "kernel_initializer": "lecun_normal", "use_bias": use_bias}
    return layers.Conv1D(config.filters, config.kernel_size, name=name, **kernel)


def _gelu(name: str) -> layers.Layer:
    return layers.Activation(gelu, name=name)


def _halve(x: Any, mask: Any, name: str) -> tuple[Any, Any]:
    return MaxPool1D(2, name=f"{name}_pool")(x), MaxPool1D(2, name=f"{name}_mask")(mask)
