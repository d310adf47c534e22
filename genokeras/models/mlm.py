"""A masked language model of DNA: bases are hidden, and told from what is around them.

A transformer with rotary positions reads bases or k-mers, and gives for each base of the window the
probabilities of A, C, G, T. It learns from the hidden bases only, in the manner of BERT
(arXiv:1810.04805) and, with repeats that count for less, of GPN (doi:10.1073/pnas.2311219120). What
is hidden is an N to the network: what nobody knows and what it is not shown are the same to it.

The loss is the mean cross-entropy of the hidden bases. The sum over all bases of a window times
`mask_rate` / length, as it is sometimes written, is its expectation over masks, times `mask_rate`:
`expected_loss`.

Presets: `base`, our own, for windows of some hundred bp; `small` for a CPU; `100m` and `500m`, of
that many weights; `tiny` for tests. None has been measured on a genome yet.
Shapes: packed DNA of `L` bp in, logits `[B, L, 4]` in the order A, C, G, T out.
"""

import dataclasses
from typing import Any, Literal

import keras
from keras import ops

from genokeras import strand_symmetry
from genokeras.config import require_at_least, require_rates
from genokeras.layers import token_encoder
from genokeras.layers.corrupt import corrupt
from genokeras.layers.kinds import kinds
from genokeras.layers.kmer_tokens import BasesOfTokens
from genokeras.layers.one_hot import OneHot, pack_nibbles, unpack_nibbles
from genokeras.layers.pooling import MeanPool1D
from genokeras.layers.redraw_bases import UNIFORM
from genokeras.layers.shift_window import MAX_SHIFT_BP, centre_window, shift_window
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.token_encoder import TokenEncoderConfig
from genokeras.layers.window_embedding import window_embedding
from genokeras.metrics.masked_bases import MaskedBaseScores
from genokeras.models.spec import Spec
from tfrecords.errors import InputError
from tfrecords.manifest import TASK_TYPES as TASK_TYPES

_COMPLEMENT = (3, 2, 1, 0)  # Of A, C, G, T.


@dataclasses.dataclass(frozen=True)
class Config(TokenEncoderConfig):
    """Sizes of the network, its tokens, and what is hidden from it, those of `base` by default."""

    corruption: Literal["mask", "random", "mixed"] = "mask"  # What becomes of bases to predict.
    mixed_shares: tuple[float, ...] = (0.8, 0.1, 0.1)  # Of mixed: masked, random, kept spans.
    mask_rate: float = 0.15  # Share of bases to predict.
    mask_span_bp: int = 1  # Length of what is hidden at a time.
    repeat_weight: float = 1.0  # Of a base in a repeat, in the loss.
    max_shift_bp: int | None = None  # Largest shift of the window; none: all that is stored.

    def __post_init__(self):
        super().__post_init__()
        require_rates(self, "mask_rate")
        require_at_least(self, 1, "mask_span_bp")
        require_at_least(self, 0, "repeat_weight")
        if self.max_shift_bp is not None:
            require_at_least(self, 0, "max_shift_bp")
        if not self.mask_rate:
            raise InputError("mask_rate=0 leaves nothing to predict, expected more than 0")
        shares = self.mixed_shares
        if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise InputError(
                f"mixed_shares={','.join(map(str, shares))}, expected the shares of masked, random "
                "and kept spans, which add up to 1"
            )

    @property
    def actions(self) -> tuple[float, ...]:
        """Shares of spans that are masked, random and kept."""
        fixed = {"mask": (1.0, 0.0, 0.0), "random": (0.0, 1.0, 0.0)}
        return fixed.get(self.corruption, self.mixed_shares)


PRESETS = {
    "base": Config(),  # 4.8 million weights.
    "small": Config(channels=128, blocks=4, num_heads=4, feedforward_units=352),  # 0.8 million.
    "100m": Config(
        channels=768, blocks=14, num_heads=12, feedforward_units=2048, recompute=True
    ),  # 99 million weights, for a GPU.
    "500m": Config(
        channels=1280, blocks=24, num_heads=20, feedforward_units=3712, recompute=True
    ),  # 500 million weights, for several.
    "tiny": Config(channels=16, blocks=1, num_heads=2, feedforward_units=24),  # For tests.
}

TRAINING: dict[str, dict[str, Any]] = {
    "base": {"batch_size": 64},
    "small": {"batch_size": 64},
    "100m": {"batch_size": 256, "learning_rate": 4e-4},
    "500m": {"batch_size": 512, "learning_rate": 2e-4},
    "tiny": {},
}


def build(config: Config, spec: Spec) -> keras.Model:
    spec.require_task_type(TASK_TYPES)
    _check(config, spec)
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    x, mask = OneHot(spec.length, name="one_hot")(sequence)
    averages_strands = strand_symmetry.averages(config, spec)
    if averages_strands:
        x, mask = BothStrands(name="both_strands")(x), BothStrands(name="both_masks")(mask)
    x, _ = token_encoder.encode(x, mask, config)
    tokens, layer = config.tokens, kinds(config.rc == "equivariant")
    # Never rounded to 16 bits: float32, or float64 if that is the precision.
    exact = {"dtype": keras.config.dtype_policy().variable_dtype}
    # On the opposite strand a token's bases stand backwards, and each is its complement.
    backwards = range(4 * tokens["k"])[::-1]
    head = {"kernel_initializer": "lecun_normal", "name": "head", **exact}
    x = layer.head(len(backwards), backwards, **head)(x)
    x = BasesOfTokens(**tokens, name="logits", **exact)(x)
    if averages_strands:
        x = MeanOfStrands(_COMPLEMENT, name="mean_of_strands", **exact)(x)
    return keras.Model(sequence, x, name="mlm")


def prepare(config: Config, spec: Spec, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    """As `spec` says; with a key, bases are hidden, in an evaluation always the same ones.

    Adds `bases` int32 `[B, L]`, `selected` and `repeat` bool `[B, L]`; `weight` becomes `[B, L]`.
    """
    keys = batch.get("key")

    def cut(packed: Any) -> Any:
        if not training:
            return centre_window(packed, spec.length, spec.shift_bp)
        return shift_window(packed, keys, spec.length, spec.shift_bp, config.max_shift_bp)

    window = cut(batch["sequence"])
    if keys is None:
        return batch | {"sequence": window}
    nibbles = unpack_nibbles(window)[:, : spec.length]
    arguments = config.mask_span_bp, config.actions, spec.background or UNIFORM
    corrupted, selected = corrupt(window, keys, config.mask_rate, *arguments)
    selected = selected[:, : spec.length]
    repeat = ops.zeros_like(selected)
    if "repeat" in batch:
        repeat = ops.not_equal(unpack_nibbles(cut(_as_dna(batch["repeat"]))), 0)[:, : spec.length]
    elif config.repeat_weight != 1:
        raise InputError(
            f"repeat_weight={config.repeat_weight:g}, but the dataset does not say what is a "
            "repeat: build it with --keep_softmask, or set repeat_weight=1"
        )
    weight = ops.cast(batch["weight"], keras.config.floatx())
    weight = ops.max(ops.reshape(weight, (ops.shape(weight)[0], -1)), axis=1, keepdims=True)
    weight = weight * ops.cast(selected, weight.dtype)
    return batch | {
        "sequence": corrupted,
        "selected": selected,
        "repeat": repeat,
        "weight": ops.where(repeat, config.repeat_weight * weight, weight),
        # Nibbles of A, C, G, T are 8, 4, 2, 1.
        "bases": sum(ops.cast(nibbles < limit, "int32") for limit in (8, 4, 2)),
    }


def loss(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    logits = model(batch["sequence"], training=training)
    is_base = ops.one_hot(batch["bases"], 4, dtype=logits.dtype)
    cross_entropy = -ops.sum(is_base * ops.log_softmax(logits), axis=-1)
    terms = {"cross_entropy": cross_entropy}
    if training:
        return terms, {}
    selected = ops.cast(batch["selected"], logits.dtype)
    repeat = ops.cast(batch["repeat"], logits.dtype)
    # Of bases outside of repeats and in them.
    groups = ops.stack([selected * (1 - repeat), selected * repeat], axis=-1)
    is_right = ops.cast(ops.equal(ops.argmax(logits, axis=-1), batch["bases"]), logits.dtype)
    outputs = {
        name: ops.sum(ops.expand_dims(values, -1) * groups, axis=1)
        for name, values in (
            ("num_bases", ops.ones_like(selected)),
            ("cross_entropy", cross_entropy),
            ("num_right", is_right),
        )
    }
    return terms, outputs | {"mask_rate": config.mask_rate * ops.ones_like(selected[:, 0])}


def running_scores(spec: Spec) -> MaskedBaseScores:
    return MaskedBaseScores()


def embedding(config: Config, model: keras.Model) -> keras.Model:
    outputs = {layer.name: layer.output for layer in model.layers}
    if config.kmer > 1:
        mask = outputs["tokens"][1]
    else:
        mask = outputs.get("stem_mask", outputs.get("both_masks", outputs["one_hot"][1]))
    pool = MeanPool1D(name="embedding_mean", dtype=model.variable_dtype)
    mean = pool(outputs["encoder_norm"], mask)
    return window_embedding(model, [mean], equivariant=config.rc == "equivariant")


def _check(config: Config, spec: Spec) -> None:
    strand_symmetry.check(config, spec, pooled=1)
    token_encoder.check(config, spec.length)
    if spec.length < config.mask_span_bp:
        raise InputError(
            f"windows of {spec.length} bp are shorter than mask_span_bp={config.mask_span_bp}"
        )
    if config.actions[1] and not spec.base_composition:
        raise InputError(
            f"corruption={config.corruption} draws bases as they are in the training split, but "
            "the dataset's manifest does not say what these are; use corruption=mask"
        )
    most = spec.shift_bp if config.max_shift_bp is None else config.max_shift_bp
    if not most <= min(spec.shift_bp, MAX_SHIFT_BP):
        raise InputError(
            f"windows are to be shifted by up to {most} bp, but the dataset stores "
            f"{spec.shift_bp} bp beside them, and {MAX_SHIFT_BP} bp is the most: set max_shift_bp"
        )


def _as_dna(bits: Any) -> Any:
    """Returns one bit per base, uint8 `[B, ceil(L/8)]`, as nibbles 0 and 1, to be cut like DNA."""
    places = ops.convert_to_tensor([7, 6, 5, 4, 3, 2, 1, 0], dtype="int32")
    bits = ops.right_shift(ops.expand_dims(ops.cast(bits, "int32"), -1), places)
    return pack_nibbles(ops.reshape(ops.bitwise_and(bits, 1), (-1, 8 * bits.shape[1])))
