"""Small models and batches that must train to the same weights however a batch is divided.

Three are cut from a real model, `views` is one; two stand in for others, whose losses look at the
whole batch or draw noise. Backend-neutral; `worker.py` runs them in processes.
"""

import dataclasses
import math
import types
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.redraw_bases import redraw_bases
from genokeras.models import cnn_attention, contrastive
from genokeras.models.spec import Spec
from genokeras.training import optimizer as optimizers
from genokeras.training import variables
from genokeras.training.learner import Learner
from genokeras.training.train_config import TrainConfig, plan

STEPS, BATCH_SIZE, LENGTH = 20, 16, 32
SPEC = Spec(LENGTH, ("a", "b"))
# As a run does by default, at a rate at which 20 steps change the weights much, and with a norm to
# clip by that most gradients exceed.
SETTINGS = {
    "learning_rate": 0.01, "ema": 0.9, "clipnorm": 0.3, "batch_size": BATCH_SIZE, "steps": STEPS,
}  # fmt: skip
# One such step leaves the gradient as the difference of the weights.
ONE_GRADIENT = SETTINGS | {
    "optimizer": "sgd", "learning_rate": 1.0, "beta_1": 0.0, "schedule": "constant",
    "warmup_steps": 0, "clipnorm": 0.0, "ema": 0.0,
}  # fmt: skip

_SMALL = cnn_attention.Config(
    tower="plain",
    filters=8,
    kernel_size=5,
    blocks=1,
    norm="layer",
    dense_units=(8,),
    dropout=0.0,
    block_dropout=0.0,
    kmer=0,
    members=1,
    rc="augment",
    average_shift_bp=0,
)
_VIEWS = dataclasses.replace(
    contrastive.PRESETS["tiny"], dropout=0.3, temperature="learned", noise=0.1
)
_DROPOUT = {"dropout": 0.3, "block_dropout": 0.3}
_VIEW, _NOISE = 101, 102  # Salts.
_ENCODED, _TEMPERATURE = 4, 0.5
_POSITIVE = ("gamma", "moving_variance")  # Weights around one.


class Case(NamedTuple):
    """A model's module, its configuration, what the data demand, and a global batch per step."""

    module: Any
    config: Any
    spec: Spec
    batches: list[dict[str, np.ndarray]]


def build(name: str) -> Case:
    """Returns one of `CASES`."""
    module, changes = CASES[name]
    config = dataclasses.replace(_VIEWS if module is contrastive else _SMALL, **changes)
    return Case(module, config, SPEC, make_batches())


def make_batches(steps: int = STEPS, size: int = BATCH_SIZE) -> list[dict[str, np.ndarray]]:
    """Returns batches whose halves differ in total weight by far; labels follow the first bases."""
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(steps):
        nibbles = 1 << rng.integers(0, 4, (size, LENGTH))
        weight = rng.choice([0.0, 0.5, 1.0, 2.0], (size, 2))
        weight[: size // 2] *= rng.random((size // 2, 1)) < 0.5
        batches.append({
            "sequence": (nibbles[:, ::2] * 16 + nibbles[:, 1::2]).astype(np.uint8),
            "targets": (nibbles[:, :2] > 2).astype(np.float32),
            "weight": weight.astype(np.float32),
            "key": rng.integers(0, 2**32, size, dtype=np.uint32),
        })  # fmt: skip
    return batches


def train(
    case: Case,
    devices: Any,
    *,
    first: int = 0,
    last: int = STEPS,
    begin: dict[str, np.ndarray] | None = None,
    jit: str = "auto",
    **settings: Any,
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Returns all variables after the steps `first` to `last`, and the loss of each of them.

    Variables are named `group/name`, in `begin` too, which holds those after the steps before. To
    be called with the precision set. `settings` are those of `TrainConfig`.
    """
    engine = make_engine(case, devices, jit, **settings)
    if begin:
        engine.load_state(_by_group(begin), "begin")
    per_host = len(case.batches[0]["key"]) // devices.num_hosts
    rows = slice(devices.host * per_host, (devices.host + 1) * per_host)
    batches = [{k: v[rows] for k, v in batch.items()} for batch in case.batches[first:last]]
    together = settings.get("steps_per_execution", 1)
    losses = []
    for start in range(0, len(batches), together):
        results = engine.train_steps(engine.place(batches[start : start + together]))
        losses += np.reshape(ops.convert_to_numpy(results["loss"]), -1).tolist()
    return _variables(engine), losses


def gradients(case: Case, devices: Any, jit: str = "auto") -> dict[str, np.ndarray]:
    """Returns the gradient of the first batch, and the changes of other variables, by name."""
    engine = make_engine(case, devices, jit, **ONE_GRADIENT)
    before = _variables(engine)
    engine.train_steps(engine.place(case.batches[:1]))
    return {name: before[name] - values for name, values in _variables(engine).items()}


def make_engine(case: Case, devices: Any, jit: str, **settings: Any) -> Any:
    """Returns an engine for the case's model, which has the same weights every time."""
    training = TrainConfig(**SETTINGS | settings)
    with devices.scope():
        model = case.module.build(case.config, case.spec)
        fill(model)
        planned = plan(training, training.steps * training.batch_size)
        optimizer = optimizers.build(training, planned, model)
    compiled = devices.use_jit(jit, STEPS)
    return devices.engine(
        Learner(case.module, case.config, case.spec, model, optimizer, training), compiled
    )


def _variables(engine: Any) -> dict[str, np.ndarray]:
    return {
        f"{group}/{name}": values
        for group, arrays in engine.state().items()
        for name, values in arrays.items()
    }


def _by_group(arrays: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for path, values in arrays.items():
        group, name = path.split("/", 1)
        groups.setdefault(group, {})[name] = values
    return groups


def fill(model: keras.Model) -> None:
    """Gives a model the same weights on every backend."""
    rng = np.random.default_rng(1)
    for name, variable in sorted(variables.named(model.variables).items()):
        shape = tuple(variable.shape)
        values = rng.normal(size=shape) / math.sqrt(max(1, math.prod(shape[:-1])))
        if "seed_generator" in name:
            values = np.zeros(shape)
        variable.assign(1 + 0.1 * np.abs(values) if name.endswith(_POSITIVE) else values)


class KeyedNoise(keras.layers.Layer):
    """A draw from normal distributions, by the keys of the examples: means, log variances in."""

    def call(self, mean, log_variance):
        keys = keyed_random.current_keys()
        if keys is None:
            return mean
        noise = keyed_random.normal(keys, mean.shape[1:], _NOISE)
        return mean + ops.exp(log_variance / 2) * ops.cast(noise, mean.dtype)


def _vae_build(config: Any, spec: Spec) -> keras.Model:
    model = cnn_attention.build(config, spec)
    hidden = model.get_layer("dense_1").output
    mean = keras.layers.Dense(_ENCODED, name="mean")(hidden)
    log_variance = keras.layers.Dense(_ENCODED, name="log_variance")(hidden)
    latent = KeyedNoise(name="latent")(mean, log_variance)
    rebuilt = keras.layers.Dense(
        4 * spec.length, name="rebuilt", kernel_regularizer=keras.regularizers.L2(1e-3)
    )(latent)
    return keras.Model(model.input, [rebuilt, mean, log_variance], name="vae")


def _vae_loss(config, model, batch, training):
    rebuilt, mean, log_variance = model(batch["sequence"], training=training)
    one_hot, _ = model.get_layer("one_hot")(batch["sequence"])
    logits = ops.reshape(rebuilt, (-1, *one_hot.shape[1:]))
    wrong = -ops.sum(one_hot * ops.log_softmax(logits), axis=(1, 2))
    kl = ops.sum(ops.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2
    return {"reconstruction": wrong, "kl": kl}, {"latent": mean}


def _contrastive_build(config: Any, spec: Spec) -> keras.Model:
    model = cnn_attention.build(config, spec)
    encoded = keras.layers.Dense(_ENCODED, name="encoded")(model.get_layer("dense_1").output)
    return keras.Model(model.input, encoded, name="contrastive")


def _contrastive_prepare(config, spec, batch, training):
    view = redraw_bases(batch["sequence"], keyed_random.fold_in(batch["key"], _VIEW), 0.3)
    return batch | {"view": view}


def _encode(config, model, batch, training):
    encoded = {name: model(batch[name], training=training) for name in ("sequence", "view")}
    return {name: z / ops.norm(z, axis=1, keepdims=True) for name, z in encoded.items()}


def _contrastive_loss(config, encoded, batch, training, everyone, first_row):
    similarity = encoded["sequence"] @ ops.transpose(everyone["view"]) / _TEMPERATURE
    rows, everybody = encoded["sequence"].shape[0], everyone["view"].shape[0]
    own = first_row + ops.arange(rows, dtype="int32")
    own = ops.one_hot(own, everybody, dtype=similarity.dtype)
    cost = -ops.sum(own * ops.log_softmax(similarity, axis=1), axis=1)
    return {"cross_entropy": cost}, encoded


_CONTRASTIVE = types.SimpleNamespace(
    build=_contrastive_build, prepare=_contrastive_prepare, encode=_encode, loss=_contrastive_loss
)
_VAE = types.SimpleNamespace(build=_vae_build, prepare=cnn_attention.prepare, loss=_vae_loss)

CASES = {
    "group": (cnn_attention, {"norm": "group"}),
    "batch": (cnn_attention, {"norm": "batch"}),
    "dropout": (cnn_attention, _DROPOUT | {"mutation_rate": 0.1}),
    "contrastive": (_CONTRASTIVE, _DROPOUT),
    "views": (contrastive, {}),
    "vae": (_VAE, {}),
}
