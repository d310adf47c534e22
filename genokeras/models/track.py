"""A dilated residual network that predicts coverage, bin by bin, along a window of DNA.

Convolutions and pooling bring the window down to one position per bin; there residual blocks, whose
dilations double, and transformer blocks, if wanted, look around. The bins at the ends of the
window, which see little of what is beside them, are cut off (`--crop_bp` of the dataset), and a
head predicts the coverage of all tracks. Windows from 1 to 131 kb differ in nothing but numbers.

Presets: `base`, our own, for windows of some kb; `long` for those of 100 kb and more, on a GPU;
`profile` in the manner of BPNet (doi:10.1038/s41588-021-00782-6), for bins of one or few bp; `tiny`
for tests. Architecture after Basenji (doi:10.1101/gr.227819.117).
Shapes: packed DNA of `L` bp in, coverage `[B, bins, T]` of at least 0 out, in the unit of the data.
"""

import dataclasses
from typing import Any, Literal

import keras
from keras import layers, ops

from genokeras import augmentation, strand_symmetry
from genokeras.augmentation import Augmentation, augment
from genokeras.config import require_at_least, require_rates
from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.norm import Norm
from genokeras.layers.one_hot import OneHot
from genokeras.layers.pooled_conv import PooledConv
from genokeras.layers.recompute import Recompute
from genokeras.layers.residual_conv import ResidualConv
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.track_scale import TrackScale
from genokeras.layers.transformer_block import TransformerBlock
from genokeras.layers.window_embedding import window_embedding
from genokeras.losses.coverage import Loss, coverage_terms
from genokeras.metrics.coverage import CoverageScores
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import Rc
from tfrecords.errors import InputError

TASK_TYPES = ("coverage",)
# On a CPU XLA computes the convolutions of long windows more slowly than TensorFlow does.
JIT_ON_CPU = False


@dataclasses.dataclass(frozen=True)
class Config(Augmentation):
    """Sizes of the network and changes of its examples, those of `base` by default."""

    stem_filters: int = 64  # Channels of the stem, growing to filters by the last pooling.
    filters: int = 128  # Channels of one position per bin and after.
    stem_kernel_size: int = 15  # Of the first convolution, in bp.
    tower_kernel_size: int = 5  # Of the convolution behind each pooling, in positions.
    blocks: int = 6  # Residual blocks; dilations double, from 1 again where the window ends.
    kernel_size: int = 3  # Of residual blocks, in bins.
    norm: Norm = "batch"  # Of slow_batch the moving statistics follow ten times as slowly.
    attention_blocks: int = 0  # Transformer blocks behind them, whose cost grows as bins squared.
    num_heads: int = 8  # Of each of them.
    head_units: int = 256  # Of the dense layer before the coverage; 0: none.
    dropout: float = 0.1  # Within blocks, and of the dense layer.
    loss: Loss = "poisson_multinomial"  # What coverage is judged by in training.
    total_weight: float = 0.2  # Of a window's total beside its shape, where the loss has both.
    rc: Rc = "average"  # Both strands: equivariant, average, augment or none; docs/symmetry.md.
    recompute: bool = False  # Keep less in memory for the gradient; steps take longer.
    ambiguous: Literal["zero", "mean", "one"] = "zero"  # What N becomes: 0000, 1/4 each, 1111.

    def __post_init__(self):
        super().__post_init__()
        sizes = ("stem_filters", "filters", "stem_kernel_size", "tower_kernel_size")
        require_at_least(self, 1, *sizes, "kernel_size", "num_heads")
        require_at_least(self, 0, "blocks", "attention_blocks", "head_units", "total_weight")
        require_rates(self, "dropout")
        if self.attention_blocks and self.filters % (2 * self.num_heads):
            raise InputError(
                f"filters={self.filters} must be a multiple of {2 * self.num_heads}: "
                f"{self.num_heads} heads, and pairs of channels for rotary positions"
            )
        even = ("stem_filters", "filters", *(("num_heads",) * bool(self.attention_blocks)))
        odd = ("stem_kernel_size", "tower_kernel_size", "kernel_size")
        strand_symmetry.check_sizes(self, odd=odd, even=(*even, "head_units"))


PRESETS = {
    "base": Config(),  # Our own, for windows of some kb.
    "long": Config(
        stem_filters=128, filters=512, blocks=11, head_units=1024, recompute=True
    ),  # For windows of 100 kb and more, on a GPU; it has been built, but not trained.
    "profile": Config(
        stem_filters=64,
        filters=64,
        stem_kernel_size=21,
        blocks=8,
        head_units=0,
        loss="profile_counts",
        total_weight=10.0,
    ),  # In the manner of BPNet, for bins of one or few bp; total_weight: a tenth of usual totals.
    "tiny": Config(
        stem_filters=8,
        filters=8,
        stem_kernel_size=7,
        blocks=2,
        attention_blocks=1,
        num_heads=2,
        head_units=8,
        recompute=True,
    ),  # For tests.
}

TRAINING: dict[str, dict[str, Any]] = {
    "base": {"batch_size": 32},
    "long": {"batch_size": 4, "learning_rate": 5e-4},
    "profile": {"batch_size": 32},
    "tiny": {},
}


def build(config: Config, spec: Spec) -> keras.Model:
    spec.require_task_type(TASK_TYPES)
    augmentation.check(config, spec)
    strand_symmetry.check(config, spec, spec.bin_bp)
    _check_shift(config, spec)
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    x, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    averages_strands = strand_symmetry.averages(config, spec)
    if averages_strands:
        x = BothStrands(name="both_strands")(x)
        mask = BothStrands(name="both_masks")(mask)
    x, mask = _tower(x, mask, config, spec)
    x = _trunk(x, mask, config)
    crop = spec.crop_bp // spec.bin_bp
    x = layers.Cropping1D(crop, name="crop")(x)
    layer = kinds(config.rc == "equivariant")
    if config.head_units:
        x = layer.dense(
            config.head_units, gelu, kernel_initializer="lecun_normal", name="head_dense"
        )(x)
        x = layer.dropout(config.dropout, name="head_dropout")(x)
    # Never rounded to 16 bits: float32, or float64 if that is the precision.
    exact = {"dtype": keras.config.dtype_policy().variable_dtype}
    x = _coverage(x, config, spec, exact)
    if averages_strands:
        pairs, cuts = spec.strand_pairs, spec.cut_sites
        x = MeanOfStrands(pairs, cuts, name="mean_of_strands", **exact)(x)
    x = layers.Identity(name="coverage", **exact)(x)
    return keras.Model(sequence, x, name="track")


def prepare(config: Config, spec: Spec, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    batch = augment(config, spec, batch, training)
    if "targets" not in batch:
        return batch
    exact = keras.config.floatx()
    targets = ops.cast(batch["targets"], exact)
    if spec.target_scale:
        targets = targets * ops.convert_to_tensor(spec.target_scale, exact)
    # A window counts as much as there is known of it.
    known = ops.mean(ops.cast(ops.logical_not(ops.isnan(targets)), exact), axis=1)
    return batch | {"targets": targets, "weight": ops.cast(batch["weight"], exact) * known}


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    coverage = model(batch["sequence"], training=training)
    terms = coverage_terms(config.loss, batch["targets"], coverage, config.total_weight)
    return terms, {"coverage": coverage}


def running_scores(spec: Spec) -> CoverageScores:
    return CoverageScores(spec.tasks, spec.target_scale)


def embedding(config: Config, model: keras.Model) -> keras.Model:
    exact = {"dtype": model.variable_dtype}
    x = layers.GlobalAveragePooling1D(name="embedding_mean", **exact)(model.get_layer("head").input)
    return window_embedding(model, [x], equivariant=config.rc == "equivariant")


def _check_shift(config: Config, spec: Spec) -> None:
    most = spec.shift_bp if config.max_shift_bp is None else config.max_shift_bp
    if most and most >= spec.bin_bp:
        raise InputError(
            f"windows are shifted by up to {most} bp, and their bins of {spec.bin_bp} bp are not: "
            f"set max_shift_bp={spec.bin_bp - 1}{' or less' if spec.bin_bp > 1 else ''}"
        )


def _tower(x: Any, mask: Any, config: Config, spec: Spec) -> tuple[Any, Any]:
    """Returns features and mask with one position per bin."""
    factors = _prime_factors(spec.bin_bp)
    stem, *widths = _widths(config, len(factors))
    kernel = {"padding": "same", "use_bias": False, "kernel_initializer": "glorot_uniform"}
    equivariant = config.rc == "equivariant"
    x = kinds(equivariant).conv(stem, config.stem_kernel_size, name="stem_conv", **kernel)(x)
    for step, (factor, width) in enumerate(zip(factors, widths, strict=True), start=1):
        name = f"tower_{step}"
        sizes = width, config.tower_kernel_size, factor
        conv = PooledConv(*sizes, config.norm, equivariant, name=name)
        x = _recomputed(conv, config)(x)
        mask = MaxPool1D(factor, name=f"{name}_mask")(mask)
    return x, mask


def _trunk(x: Any, mask: Any, config: Config) -> Any:
    """Returns features that know of the bins around."""
    equivariant = config.rc == "equivariant"
    doublings = max(1, x.shape[1].bit_length() - 2)
    for block in range(config.blocks):
        sizes = config.kernel_size, 2 ** (block % doublings)
        name = f"residual_{block + 1}"
        conv = ResidualConv(*sizes, config.norm, config.dropout, equivariant, name=name)
        x = _recomputed(conv, config)(x)
    for block in range(1, config.attention_blocks + 1):
        sizes, name = (config.num_heads, 2 * config.filters), f"attention_{block}"
        options = {"use_rotary": True, "equivariant": equivariant, "name": name}
        attention = TransformerBlock(*sizes, config.dropout, **options)
        x = _recomputed(attention, config)(x, mask)
    x = kinds(equivariant).norm(config.norm, name="trunk_norm")(x)
    return layers.Activation(gelu, name="trunk_gelu")(x)


def _coverage(x: Any, config: Config, spec: Spec, exact: dict[str, Any]) -> Any:
    """Returns coverage `[B, bins, T]`: of each bin by itself, or as shape times total."""
    layer, pairs = kinds(config.rc == "equivariant"), spec.strand_pairs
    head = {"units": spec.num_tasks, "kernel_initializer": "lecun_normal"} | exact
    head["opposites"] = pairs
    logits = layer.head(name="head", **head)(x)
    if config.loss != "profile_counts":
        rates = layers.Activation("softplus", name="rates", **exact)(logits)
        tied = pairs if config.rc == "equivariant" else None
        return TrackScale(tied, name="scale", **exact)(rates)
    shape = layers.Softmax(axis=1, name="profile", **exact)(logits)
    pooled = layers.GlobalAveragePooling1D(keepdims=True, name="pooled", **exact)(x)
    log_total = layer.head(name="log_total", **head)(pooled)
    total = layers.Activation("exponential", name="total", **exact)(log_total)
    return layers.Multiply(name="profile_times_total", **exact)([shape, total])


def _recomputed(layer: layers.Layer, config: Config) -> layers.Layer:
    return Recompute(layer, name=f"recompute_{layer.name}") if config.recompute else layer


def _widths(config: Config, steps: int) -> list[int]:
    """Returns the channels of the stem and of each step of the tower; the last are those of all."""
    if not steps:
        return [config.filters]
    growth = config.filters / config.stem_filters
    widths = [config.stem_filters * growth ** (step / steps) for step in range(steps + 1)]
    if config.rc == "equivariant":
        return [2 * round(width / 2) for width in widths]
    return [round(width) for width in widths]


def _prime_factors(number: int) -> list[int]:
    """Returns the prime factors, smallest first; none of 1."""
    factors, factor = [], 2
    while number > 1:
        if number % factor:
            factor += 1
        else:
            factors.append(factor)
            number //= factor
    return factors
