"""Convolutions, attention if wanted, a dense head: is a short window of DNA bound, and by what.

Presets: `base`, our own: two networks side by side, each a residual tower of convolutions, three
ways of pooling and a linear 6-mer branch; predictions are their mean, over both strands and over
shifts by a base. `fast`: one, of half the width. `tiny`: two small ones with an attention block,
for tests. And, parameter by parameter, the networks of the chapter on transcription factors in
"Deep Learning for Biology" (O'Reilly, 2025): `conv`, `conv_v2`, `baseline`, `single_conv_only`,
`fewer_conv_channels`, `remove_mlp`, `add_one_transformer_block` and `add_two_transformer_blocks`.

What they score, and what else was tried: docs/short_windows.md.
Shapes: packed DNA of `L` bp in, float32 logits `[B, T]` out (for regression: predictions).
"""

import dataclasses
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from genokeras import augmentation, strand_symmetry
from genokeras.augmentation import Augmentation, augment
from genokeras.config import require_at_least, require_rates
from genokeras.layers.conv_tower import plain_tower, residual_tower, stem
from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.members import MeanOfMembers, for_each_member, mean_over_members
from genokeras.layers.norm import Norm
from genokeras.layers.one_hot import OneHot
from genokeras.layers.pooling import AttentionPool1D, MaxMeanPool1D
from genokeras.layers.positions import AddPositions
from genokeras.layers.rc_head import TiedTasks
from genokeras.layers.rc_strands import JoinStrands, SplitStrands
from genokeras.layers.shifts import MeanOfShifts, ShiftedCopies
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.transformer_block import TransformerBlock
from genokeras.layers.window_embedding import window_embedding
from genokeras.losses.supervised import OUTPUT, smoothed, supervised_terms
from genokeras.metrics.supervised import supervised_scores
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import Rc
from tfrecords.errors import InputError

TASK_TYPES = ("binary", "regression")


@dataclasses.dataclass(frozen=True)
class Config(Augmentation):
    """Sizes of the network and changes of its examples, those of `base` by default.

    A `plain` tower is blocks of convolution (of `kernel_size` bp), norm, GELU and halving; a
    `residual` one a stem like that and blocks with kernels of `residual_kernel_size`, halving once.
    """

    tower: Literal["plain", "residual"] = "residual"  # Residual blocks have a stem before them.
    filters: int = 128  # Channels of all layers up to the pooling.
    kernel_size: int = 15  # Of the stem, or of plain blocks, in bp.
    blocks: int = 3  # Of the tower, the stem not counted.
    residual_kernel_size: int = 5  # Of residual blocks, in positions.
    norm: Norm = "batch"  # Of slow_batch the moving statistics follow as slowly as in the chapter.
    norm_after_gelu: tuple[int, ...] = ()  # Plain blocks, by number, whose norm comes after GELU.
    attention_blocks: int = 0  # Transformer blocks behind the tower.
    num_heads: int = 8  # Of each of them.
    positions: Literal["none", "learned", "sinusoidal", "rotary"] = "rotary"  # For attention.
    pooling: Literal["flatten", "max_mean_attention"] = "max_mean_attention"  # Before the head.
    dense_units: tuple[int, ...] = (128,)  # Of the layers between pooling and logits.
    dropout: float = 0.2  # Of the pooled features and the dense layers.
    block_dropout: float = 0.1  # Within residual and transformer blocks.
    kmer: int = 6  # Words of so many bp have a linear branch of their own; 0: no such branch.
    members: int = 2  # Such networks side by side, each trained for itself; logits are averaged.
    rc: Rc = "average"  # Both strands: equivariant, average, augment or none; docs/symmetry.md.
    average_shift_bp: int = 1  # Predictions are means over shifts of the window by so many bp.
    ambiguous: Literal["zero", "mean", "one"] = "zero"  # What N becomes: 0000, 1/4 each, 1111.
    mutation_rate: float = 0.05
    label_smoothing: float = 0.0  # In training a target of 1 is 1 minus half of it, 0 half of it.

    def __post_init__(self):
        super().__post_init__()
        sizes = ("filters", "kernel_size", "blocks", "residual_kernel_size", "num_heads")
        require_at_least(self, 1, *sizes, "members")
        require_at_least(self, 0, "attention_blocks", "average_shift_bp")
        require_rates(self, "dropout", "block_dropout", "label_smoothing")
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
        odd = ("kernel_size", *(("residual_kernel_size",) * (self.tower == "residual")))
        even = ("filters", "dense_units", *(("num_heads",) * bool(self.attention_blocks)))
        strand_symmetry.check_sizes(self, odd=odd, even=even)
        strand_symmetry.check_positions(self)


_BASELINE = Config(
    tower="plain",
    filters=64,
    kernel_size=10,
    blocks=2,
    norm="slow_batch",
    attention_blocks=0,
    positions="none",
    pooling="flatten",
    dense_units=(128, 64),
    block_dropout=0.2,
    kmer=0,
    members=1,
    rc="augment",
    average_shift_bp=0,
    mutation_rate=0.0,
    ambiguous="one",
)
PRESETS = {
    "base": Config(),  # Our own, for short windows of any kind.
    "fast": Config(
        filters=64, members=1
    ),  # One network of half the width: under a minute for 30,000 sequences.
    "tiny": Config(
        filters=8, kernel_size=5, attention_blocks=1, num_heads=2, dense_units=(8,), kmer=3
    ),  # For tests.
    "conv": dataclasses.replace(
        _BASELINE, norm="none", dropout=0.0
    ),  # First network of the chapter on binding in "Deep Learning for Biology" (2025).
    "conv_v2": dataclasses.replace(_BASELINE, norm_after_gelu=(2,)),  # The second one.
    "baseline": _BASELINE,  # The third one, and five variants of it:
    "single_conv_only": dataclasses.replace(_BASELINE, blocks=1, dense_units=()),  # One block.
    "fewer_conv_channels": dataclasses.replace(_BASELINE, filters=8),  # 8 filters instead of 64.
    "remove_mlp": dataclasses.replace(_BASELINE, dense_units=()),  # No dense layers.
    "add_one_transformer_block": dataclasses.replace(
        _BASELINE, attention_blocks=1
    ),  # One transformer block behind the convolutions.
    "add_two_transformer_blocks": dataclasses.replace(
        _BASELINE, attention_blocks=2
    ),  # Two of them.
}

_ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "beta_2": 0.999, "batch_size": 32}
_ADAM |= {"steps": 500, "schedule": "constant", "warmup_steps": 0, "clipnorm": 0.0, "ema": 0.0}
_COSINE = _ADAM | {"steps": 1000, "schedule": "cosine", "final_fraction": 0.0, "eval_every": 100}
_ADAMW = _COSINE | {"optimizer": "adamw", "weight_decay": 1e-4}
TRAINING: dict[str, dict[str, Any]] = dict.fromkeys(PRESETS, _ADAMW)
_OURS = {"min_steps": 300}
TRAINING |= {"base": _OURS, "fast": _OURS | {"epochs": 6}, "tiny": {}}
TRAINING |= {"conv": _ADAM, "conv_v2": _COSINE}


def build(config: Config, spec: Spec) -> keras.Model:
    spec.require_task_type(TASK_TYPES)
    shortest = max(config.kmer, 4 if config.tower == "residual" else 2**config.blocks)
    if spec.length < shortest:
        raise InputError(f"this network needs at least {shortest} bp, the data have {spec.length}")
    if config.label_smoothing and spec.task_type != "binary":
        raise InputError(f"label_smoothing is for binary tasks, these are {spec.task_type}")
    if config.average_shift_bp >= spec.length:
        raise InputError(
            f"average_shift_bp={config.average_shift_bp} shifts windows of {spec.length} bp out of "
            f"sight; use less than {spec.length}"
        )
    augmentation.check(config, spec)
    strand_symmetry.check(config, spec, _pooled(config))
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    one_hot, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    averages_strands = strand_symmetry.averages(config, spec)
    if config.average_shift_bp:
        one_hot = ShiftedCopies(config.average_shift_bp, name="shifted_copies")(one_hot)
        mask = ShiftedCopies(config.average_shift_bp, name="shifted_masks")(mask)
    if averages_strands:
        one_hot = BothStrands(name="both_strands")(one_hot)
        mask = BothStrands(name="both_masks")(mask)
    # Logits are never rounded to 16 bits: float32, or float64 if that is the precision.
    exact = {"dtype": keras.config.dtype_policy().variable_dtype}
    prefixes = ["", *(f"member_{number}_" for number in range(2, config.members + 1))]
    members = [_network(one_hot, mask, config, spec, prefix, exact) for prefix in prefixes]
    x = MeanOfMembers(name="mean_of_members", **exact)(members) if members[1:] else members[0]
    if averages_strands:
        # What is the same for both strands must have its tasks swapped and averaged as well.
        x = MeanOfStrands(spec.strand_pairs, name="mean_of_strands", **exact)(x)
    if config.average_shift_bp:
        x = MeanOfShifts(config.average_shift_bp, name="mean_of_shifts", **exact)(x)
    x = layers.Identity(name=OUTPUT[spec.task_type], **exact)(x)
    return keras.Model(sequence, x, name="cnn_attention")


def prepare(config: Config, spec: Spec, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    return augment(config, spec, batch, training)


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    logits = model(batch["sequence"], training=training)
    members = config.members if training else 1
    targets = smoothed(batch["targets"], config.label_smoothing if training else 0.0)
    targets = for_each_member(targets, members)
    terms = supervised_terms(model.output_names[0], targets, logits)
    terms = {name: mean_over_members(term, members) for name, term in terms.items()}
    return terms, {"logits": mean_over_members(logits, members)}


def scores(
    spec: Spec, outputs: dict[str, np.ndarray], targets: np.ndarray, weight: np.ndarray
) -> dict[str, Any]:
    return supervised_scores(spec.task_type, spec.tasks, outputs["logits"], targets, weight)


def embedding(config: Config, model: keras.Model) -> keras.Model:
    heads = [layer.input for layer in model.layers if layer.name.endswith("head")]
    averaged = {"equivariant": config.rc == "equivariant", "reach": config.average_shift_bp}
    return window_embedding(model, heads, **averaged)


def _network(
    one_hot: Any, mask: Any, config: Config, spec: Spec, prefix: str, exact: dict[str, Any]
) -> Any:
    """Returns the logits of one member; the names of its layers begin with `prefix`."""
    x, mask, stem_pooled = _convolve(one_hot, mask, config, prefix)
    x = _pool(_attend(x, mask, config, prefix), mask, stem_pooled, config, prefix)
    layer = kinds(config.rc == "equivariant")
    for block, units in enumerate(config.dense_units, start=1):
        name = f"{prefix}dense_{block}"
        x = layer.dense(units, gelu, kernel_initializer="lecun_normal", name=name)(x)
        x = layer.dropout(config.dropout, name=f"{name}_dropout")(x)
    head = {"kernel_initializer": "lecun_normal", "name": f"{prefix}head", **exact}
    x = layer.head(spec.num_tasks, spec.strand_pairs, **head)(x)
    if not config.kmer:
        return x
    sizes = config.kmer, spec.num_tasks, spec.stranded
    kmers = KmerLinear(*sizes, name=f"{prefix}kmer_linear", **exact)(one_hot)
    if config.rc == "equivariant" and spec.strand_pairs:
        kmers = TiedTasks(spec.strand_pairs, name=f"{prefix}tied_kmers", **exact)(kmers)
    return layers.Add(name=f"{prefix}add_kmers", **exact)([x, kmers])


def _convolve(x: Any, mask: Any, config: Config, prefix: str) -> tuple[Any, Any, list[Any]]:
    """Returns features, mask, and (of a residual tower) the stem's features, pooled."""
    wide = {"filters": config.filters, "kernel_size": config.kernel_size}
    both = {"normalization": config.norm, "equivariant": config.rc == "equivariant"}
    both["prefix"] = prefix
    if config.tower == "plain":
        plain = {"blocks": config.blocks, "norm_after_gelu": config.norm_after_gelu}
        return *plain_tower(x, mask, **plain, **wide, **both), []
    x, mask = stem(x, mask, **wide, **both)
    # What a single motif says should not have to pass through the depth.
    strands, masks = _split(x, mask, config, f"{prefix}stem_")
    stem_pooled = MaxMeanPool1D(name=f"{prefix}stem_max_mean")(strands, padding_mask=masks)
    deep = {"blocks": config.blocks, "kernel_size": config.residual_kernel_size}
    x, mask = residual_tower(x, mask, dropout=config.block_dropout, **deep, **both)
    return x, mask, [stem_pooled]


def _attend(x: Any, mask: Any, config: Config, prefix: str) -> Any:
    if config.positions in ("learned", "sinusoidal"):
        x = AddPositions(config.positions, name=f"{prefix}positions")(x)
    options = {"dropout": config.block_dropout, "use_rotary": config.positions == "rotary"}
    options["equivariant"] = config.rc == "equivariant"
    for block in range(1, config.attention_blocks + 1):
        name = f"{prefix}attention_{block}"
        attention = TransformerBlock(config.num_heads, config.filters, name=name, **options)
        x = attention(x, padding_mask=mask)
    return x


def _pool(x: Any, mask: Any, stem_pooled: list[Any], config: Config, prefix: str) -> Any:
    """From features at every position to one vector."""
    layer = kinds(config.rc == "equivariant")
    if config.pooling == "flatten":
        x, _ = _split(x, mask, config, prefix)
        return _join(layers.Flatten(name=f"{prefix}flatten")(x), config, prefix)
    x = layer.norm(config.norm, name=f"{prefix}pool_norm")(x)
    x = layers.Activation(gelu, name=f"{prefix}pool_gelu")(x)
    x, mask = _split(x, mask, config, prefix)
    max_mean = MaxMeanPool1D(name=f"{prefix}max_mean")(x, padding_mask=mask)
    attended = AttentionPool1D(name=f"{prefix}attention_pool")(x, padding_mask=mask)
    x = layers.Concatenate(name=f"{prefix}pooled")([max_mean, attended, *stem_pooled])
    x = _join(x, config, prefix)
    return layer.dropout(config.dropout, name=f"{prefix}pooled_dropout")(x)


def _split(x: Any, mask: Any, config: Config, prefix: str) -> tuple[Any, Any]:
    """Returns features and mask of an equivariant network with either strand for itself."""
    if config.rc != "equivariant":
        return x, mask
    masks = SplitStrands(name=f"{prefix}split_masks")(mask)
    return SplitStrands(name=f"{prefix}split_strands")(x), masks


def _join(x: Any, config: Config, prefix: str) -> Any:
    return JoinStrands(name=f"{prefix}join_strands")(x) if config.rc == "equivariant" else x


def _pooled(config: Config) -> int:
    """Returns the bases that one position stands for behind the tower."""
    if config.tower == "plain":
        return 2**config.blocks
    return 4 if config.blocks > 1 else 2
