"""An encoder that knows a window again after changes that leave its meaning alone, among others.

The first view of a window is the window, the second one is varied (`genokeras.views`): mutated,
shifted, turned to the opposite strand. Trained so that each finds the other among the views of the
whole batch, also over several devices. Windows that overlap, and the same DNA elsewhere on either
strand, are no negatives. An embedding of a window is the mean over its positions of the encoder's
features, the layer `mean` (with rc=average and rc=equivariant `mean_of_strands`); the projection
behind it is for the loss.

Presets: `tiny`, for tests, `small`, `base` and `100m`; none has been measured yet. More:
docs/contrastive.md. Shapes: packed DNA of `L` bp in, vectors of length one, `[B, projection]`, out.
"""

import dataclasses
from typing import Any, Literal

import keras
from keras import layers, ops

from genokeras import strand_symmetry, views
from genokeras.config import require_at_least
from genokeras.layers import encoder, keyed_random
from genokeras.layers.canonical_hash import canonical_hash
from genokeras.layers.encoder import EncoderConfig
from genokeras.layers.false_negatives import false_negatives
from genokeras.layers.gelu import gelu
from genokeras.layers.one_hot import OneHot
from genokeras.layers.one_hot_noise import OneHotNoise
from genokeras.layers.shift_window import centre_window
from genokeras.layers.strands import BothStrands, MeanOfStrands
from genokeras.layers.unit_vectors import UnitVectors
from genokeras.layers.window_embedding import window_embedding
from genokeras.losses.contrastive import (
    Views,
    info_nce,
    nt_xent,
    supervised_contrastive,
    temperature_for,
)
from genokeras.metrics.contrastive import ContrastiveScores
from genokeras.models.spec import Spec
from genokeras.views import ViewAugmentation
from tfrecords.errors import InputError
from tfrecords.manifest import TASK_TYPES as TASK_TYPES

_VIEW, _SECOND = 0x5EC0ED01, 0x5EC0ED02  # Salts.
_PLACE = ("chrom_id", "start", "end")


@dataclasses.dataclass(frozen=True)
class Config(ViewAugmentation, EncoderConfig):
    """Sizes of the network, what makes a view, and what is asked of views; those of `base`."""

    projection_units: int = 512  # Of the layer between embedding and projection.
    projection: int = 128  # Channels of what the loss compares.
    loss: Literal["nt_xent", "info_nce", "supervised"] = "nt_xent"  # Supervised: needs labels.
    temperature: Literal["fixed", "learned", "batch_size"] = "fixed"  # By what it divides.
    first_temperature: float = 0.1  # The fixed one, or the one that learning begins with.
    p0: float = 0.5  # By batch_size: so likely is a pair found at these two similarities.
    positive_similarity: float = 0.8  # Of pairs.
    negative_similarity: float = 0.0  # Of all else.
    ambiguous: Literal["zero", "mean", "one"] = "zero"  # What N becomes: 0000, 1/4 each, 1111.
    mutation_rate: float = 0.1
    deletion_rate: float = 0.3
    insertion_rate: float = 0.3
    mask_rate: float = 0.1
    mask_span_bp: int = 5

    def __post_init__(self):
        super().__post_init__()
        EncoderConfig.__post_init__(self)
        require_at_least(self, 1, "projection_units", "projection")
        if self.first_temperature < 0.01:
            raise InputError(
                f"first_temperature must be at least 0.01, got {self.first_temperature:g}"
            )
        if self.temperature == "batch_size":
            _temperature_of_batch(self, 1 << 30)


PRESETS = {
    "base": Config(),  # 5 million parameters.
    "tiny": Config(
        channels=16,
        blocks=1,
        num_heads=2,
        feedforward_units=32,
        projection_units=32,
        projection=16,
        event_bp=5,
    ),  # For tests.
    "small": Config(channels=128, blocks=4, num_heads=4, feedforward_units=352),  # 0.9 million.
    "100m": Config(
        channels=768,
        blocks=14,
        num_heads=12,
        feedforward_units=2048,
        projection_units=1024,
        recompute=True,
    ),  # 100 million parameters.
}
TRAINING: dict[str, dict[str, Any]] = dict.fromkeys(PRESETS, {"batch_size": 256})
TRAINING |= {"tiny": {"batch_size": 64}, "100m": {"batch_size": 1024, "learning_rate": 4e-4}}


def build(config: Config, spec: Spec) -> keras.Model:
    spec.require_task_type(TASK_TYPES)
    views.check(config, spec)
    strand_symmetry.check(config, spec, pooled=1)
    if config.loss == "supervised" and spec.task_type != "binary":
        raise InputError(
            f"loss=supervised needs binary labels, these data are {spec.task_type}: use "
            "loss=nt_xent"
        )
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    one_hot, mask = OneHot(spec.length, config.ambiguous, name="one_hot")(sequence)
    x = OneHotNoise(config.noise, name="noise")(one_hot, mask) if config.noise else one_hot
    averages_strands = strand_symmetry.averages(config, spec)
    if averages_strands:
        x, mask = BothStrands(name="both_strands")(x), BothStrands(name="both_masks")(mask)
    features, positions = encoder.encode(x, mask, config)
    x = encoder.mean_over(features, positions, equivariant=config.rc == "equivariant")
    # Similarities are never rounded to 16 bits: float32, or float64 if that is the precision.
    exact = {"dtype": keras.config.dtype_policy().variable_dtype}
    kernel = {"kernel_initializer": "lecun_normal", **exact}
    if averages_strands:
        x = MeanOfStrands(name="mean_of_strands", **exact)(x)
    x = layers.Dense(config.projection_units, gelu, name="projection_1", **kernel)(x)
    x = layers.Dense(config.projection, name="projection_2", **kernel)(x)
    first = config.first_temperature if config.temperature == "learned" else None
    x = UnitVectors(first, name="unit_vectors", **exact)(x)
    return keras.Model(sequence, x, name="contrastive")


def notes(config: Config, spec: Spec) -> tuple[str, ...]:
    if not (strand_symmetry.is_strand_blind(config, spec) and _turned_rate(config, spec)):
        return ()
    only = "" if config.changes_bases else ", and bases do not change otherwise"
    return (
        f"Note: with rc={config.rc} both strands of a window have one embedding, so that a view of "
        f"the opposite strand is found without anything learnt{only}: set "
        "reverse_complement_rate=0, or rc=augment",
    )


def prepare(config: Config, spec: Spec, batch: dict[str, Any], training: bool) -> dict[str, Any]:
    """Without `training`, what varies a window is drawn from its bases: always the same."""
    stored = batch["sequence"]
    window = centre_window(stored, spec.length, spec.shift_bp)
    identity = canonical_hash(window, spec.length)
    keys = batch["key"] if training else ops.cast(identity, "uint32")
    config = dataclasses.replace(config, reverse_complement_rate=_turned_rate(config, spec))
    view, mutated = views.vary(config, spec, stored, keyed_random.fold_in(keys, _VIEW))
    return batch | {"sequence": window, "view": view, "mutated": mutated, "identity": identity}


def encode(
    config: Config, model: keras.Model, batch: dict[str, Any], training: bool
) -> dict[str, Any]:
    keys = keyed_random.current_keys()
    first = model(batch["sequence"], training=training)
    with keyed_random.scope(None if keys is None else keyed_random.fold_in(keys, _SECOND)):
        second = model(batch["view"], training=training)
    weight = ops.reshape(batch["weight"], (first.shape[0], -1))
    encoded = {
        "first": first,
        "second": second,
        "mutated": batch["mutated"],
        "identity": batch["identity"],
        "is_example": ops.cast(ops.max(weight, axis=1) > 0, "int32"),
    }
    if config.temperature == "learned":
        learned = model.get_layer("unit_vectors").temperature()
        encoded["temperature"] = learned * ops.ones_like(first[:, 0])
    if config.loss == "supervised":
        encoded["labels"] = ops.cast(batch["targets"], "int32")
    if "chrom_id" in batch:
        start = ops.cast(batch["start"], "int32")
        end = start + model.get_layer("one_hot").length
        chrom_id = ops.cast(batch["chrom_id"], "int32")
        encoded |= dict(zip(_PLACE, (chrom_id, start, end), strict=True))
    return encoded


def loss(
    config: Config,
    encoded: dict[str, Any],
    batch: dict[str, Any],
    training: bool,
    everyone: dict[str, Any],
    first_row: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    own, others = (Views(x["first"], x["second"]) for x in (encoded, everyone))
    rows = first_row + ops.arange(own.first.shape[0], dtype="int32")
    temperature = _temperature(config, encoded, others.first.shape[0])
    given = own, others, rows, ops.expand_dims(temperature, 1)
    excluded = false_negatives(encoded, everyone)
    if config.loss == "supervised":
        labels, all_labels = encoded["labels"], everyone["labels"]
        is_alike = ops.all(ops.equal(labels[:, None], all_labels[None]), axis=-1)
        is_alike = ops.logical_and(is_alike, ops.equal(everyone["is_example"], 1)[None])
        cost = supervised_contrastive(*given, is_alike, excluded)
    else:
        cost = (nt_xent if config.loss == "nt_xent" else info_nce)(*given, excluded)
    names = ("first", "second", "mutated", "identity", *_PLACE)
    outputs = {name: encoded[name] for name in names if name in encoded}
    return {config.loss: cost}, outputs | {"temperature": temperature}


def running_scores(spec: Spec) -> ContrastiveScores:
    return ContrastiveScores()


def embedding(config: Config, model: keras.Model) -> keras.Model:
    equivariant = config.rc == "equivariant"
    return window_embedding(model, [model.get_layer("mean").output], equivariant=equivariant)


def _turned_rate(config: Config, spec: Spec) -> float:
    """Returns the share of second views that are of the opposite strand."""
    turns = strand_symmetry.turns_strands(config) and not spec.stranded
    return config.reverse_complement_rate if turns else 0.0


def _temperature(config: Config, encoded: dict[str, Any], size: int) -> Any:
    """Returns the temperature of each example, `[B]`; `size` is that of the global batch."""
    if config.temperature == "learned":
        return encoded["temperature"]
    value = config.first_temperature
    if config.temperature == "batch_size":
        value = _temperature_of_batch(config, size)
    return value * ops.ones_like(encoded["first"][:, 0])


def _temperature_of_batch(config: Config, size: int) -> float:
    count = size - 1 if config.loss == "info_nce" else 2 * size - 2
    similarities = config.positive_similarity, config.negative_similarity
    try:
        return temperature_for(*similarities, count, config.p0)
    except ValueError as error:
        raise InputError(f"temperature=batch_size in batches of {size}: {error}") from error
