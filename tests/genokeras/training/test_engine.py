"""The step of a linear model, whose loss, gradient and update can be written down by hand.

For the engine of whatever backend Keras runs on; `test_jax_engine.py` runs all of this on JAX.
"""

import types

import keras
import numpy as np
import pytest

from genokeras.layers.dropout import KeyedDropout
from genokeras.models.spec import Spec
from genokeras.training import devices, optimizer
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import Plan, TrainConfig
from tfrecords.errors import InputError

PLAN = Plan(
    steps=100, steps_per_epoch=10, warmup_steps=0, log_every=1, eval_every=1, checkpoint_every=1
)
SPEC = Spec(length=1, tasks=("a", "b"))
PLAIN = {"optimizer": "sgd", "schedule": "constant", "beta_1": 0.0, "clipnorm": 0.0, "ema": 0.0}
DEVICES = devices.connect(Runtime(strategy="single"))


def squared_error(config, model, batch, training):
    outputs = model(batch["x"], training=training)
    return {"error": (outputs - batch["targets"]) ** 2}, {"logits": outputs}


LINEAR = types.SimpleNamespace(
    prepare=lambda config, spec, batch, training: batch, loss=squared_error
)


def build(regularizer=None, units=2):
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(units, use_bias=False, kernel_regularizer=regularizer, name="linear")
    return keras.Model(inputs, dense(inputs))


def make_engine(model, module=LINEAR, jit="auto", **settings):
    training = TrainConfig(**PLAIN | settings)
    built = optimizer.build(training, PLAN, model)
    compiled = DEVICES.use_jit(jit, steps=1)
    return DEVICES.engine(Learner(module, None, SPEC, model, built, training), compiled)


def make_engine_at_one(**settings):
    """Returns an engine of a model whose weights are all one."""
    model = build()
    model.trainable_variables[0].assign(np.ones((3, 2), np.float32))
    return make_engine(model, **settings)


def make_batch(size=4, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(size, 3)).astype(np.float32),
        "targets": rng.normal(size=(size, 2)).astype(np.float32),
        "weight": np.array([[1, 0], [1, 1], [0, 0], [0.5, 2]], np.float32)[:size],
        "key": rng.integers(0, 2**32, size, dtype=np.uint32),
    }


def train(engine, *batches):
    found = engine.train_steps(engine.place(batches))
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


def kernel(engine):
    return engine.state()["model"]["linear/kernel"]


def loss_and_gradient(weights, batch):
    """Sum of weighted squared errors over the sum of weights, and its derivative."""
    x, weight = batch["x"].astype(np.float64), batch["weight"]
    error = x @ weights - batch["targets"]
    total = weight.sum()
    return (weight * error**2).sum() / total, 2 * x.T @ (weight * error) / total


@pytest.mark.parametrize("jit", ["auto", "on"])
def test_loss_and_step_are_those_of_hand_computation(jit):
    engine, batch = make_engine(build(), jit=jit, learning_rate=0.1), make_batch()
    before = kernel(engine)
    loss, gradient = loss_and_gradient(before, batch)
    result = train(engine, batch)
    assert result.keys() == {"loss", "gradient_norm"}
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert result["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    np.testing.assert_allclose(kernel(engine), before - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_several_steps_in_one_call_are_those_of_several_calls():
    batches = [make_batch(seed=seed) for seed in range(3)]
    apart = make_engine(build(), learning_rate=0.1, ema=0.9)
    together = make_engine(build(), learning_rate=0.1, ema=0.9, steps_per_execution=3)
    together.load_state(apart.state(), "here")
    singly = [train(apart, batch) for batch in batches]
    found = train(together, *batches)
    assert {values.shape for values in found.values()} == {(3,)}
    for name, values in found.items():
        np.testing.assert_allclose(values, [result[name] for result in singly], rtol=1e-6)
    np.testing.assert_allclose(kernel(together), kernel(apart), rtol=1e-6)


def test_missing_labels_change_nothing_whatever_stands_there():
    batch = make_batch()
    targets = np.where(batch["weight"] == 0, 1e6, batch["targets"]).astype(np.float32)
    found = []
    for values in (batch, batch | {"targets": targets}):
        engine = make_engine_at_one()
        found.append((train(engine, values), kernel(engine)))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_padding_changes_nothing():
    batch, engine = make_batch(), make_engine(build())
    padded = {name: np.concatenate([values, values[:1]]) for name, values in batch.items()}
    padded["weight"][-1] = 0
    plain, filled = (engine.evaluate_step(values) for values in (batch, padded))
    assert plain["terms"]["error"] == pytest.approx(filled["terms"]["error"], rel=1e-6)
    assert plain["weights"]["error"] == filled["weights"]["error"] == batch["weight"].sum()
    assert [result["outputs"]["logits"].shape for result in (plain, filled)] == [(4, 2), (5, 2)]


def test_weights_are_those_of_the_prepared_batch():
    """A model may find that targets are missing."""

    def prepare(config, spec, batch, training):
        return batch | {"weight": batch["weight"] * np.array([1, 0], np.float32)}

    module = types.SimpleNamespace(prepare=prepare, loss=LINEAR.loss)
    engine, batch = make_engine(build(), module), make_batch()
    known = batch | {"weight": batch["weight"] * np.array([1, 0], np.float32)}
    assert engine.evaluate_step(batch)["weights"]["error"] == known["weight"].sum()
    expected = loss_and_gradient(kernel(engine), known)[0]
    assert train(engine, batch)["loss"] == pytest.approx(expected, rel=1e-5)


def test_term_per_example_counts_an_example_by_its_largest_weight():
    def loss(config, model, batch, training):
        terms, outputs = squared_error(config, model, batch, training)
        return {"example": terms["error"][:, 0] * 0 + 3.0, **terms}, outputs

    module = types.SimpleNamespace(prepare=LINEAR.prepare, loss=loss)
    engine, batch = make_engine(build(), module), make_batch()
    evaluated = engine.evaluate_step(batch)
    assert evaluated["weights"]["example"] == 1 + 1 + 0 + 2
    expected = loss_and_gradient(kernel(engine), batch)[0]
    result = train(engine, batch)
    assert result["example"] == 3.0
    assert result["loss"] == pytest.approx(3.0 + expected, rel=1e-5)
    assert result["error"] == pytest.approx(expected, rel=1e-5)


def test_batch_without_a_label_is_no_division_by_zero():
    engine, batch = make_engine(build()), make_batch()
    before = kernel(engine)
    assert train(engine, batch | {"weight": np.zeros_like(batch["weight"])})["loss"] == 0
    np.testing.assert_array_equal(kernel(engine), before)


@pytest.mark.parametrize("pieces", [1, 2])
def test_regularizer_is_in_the_gradient_and_told_apart_from_the_loss(pieces):
    model, batch = build(keras.regularizers.L2(0.5)), make_batch()
    engine = make_engine(model, learning_rate=0.1, gradient_accumulation=pieces)
    before = kernel(engine)
    loss, gradient = loss_and_gradient(before, batch)
    result = train(engine, batch)
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert result["regularizer"] == pytest.approx(0.5 * (before**2).sum(), rel=1e-5)
    expected = before - 0.1 * (gradient + before)
    np.testing.assert_allclose(kernel(engine), expected, rtol=1e-4, atol=1e-6)


def test_step_is_no_longer_than_clipnorm():
    engine, batch = make_engine(build(), learning_rate=1.0, clipnorm=0.01), make_batch()
    before = kernel(engine)
    gradient = loss_and_gradient(before, batch)[1]
    result = train(engine, batch)
    assert result["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    expected = before - 0.01 * gradient / np.linalg.norm(gradient)
    np.testing.assert_allclose(kernel(engine), expected, rtol=1e-4, atol=1e-6)


def test_average_follows_its_recurrence_and_is_what_is_evaluated_and_saved():
    model, batch = build(), make_batch()
    engine = make_engine(model, ema=0.7, learning_rate=0.1)
    average = kernel(engine).astype(np.float64)
    for step in range(30):
        train(engine, batch)
        decay = min(0.7, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * kernel(engine)
    trained = kernel(engine)
    assert not np.allclose(average, trained)
    with engine.averaged():
        weights = keras.ops.convert_to_numpy(model.trainable_variables[0])
        np.testing.assert_allclose(weights, average, rtol=1e-5, atol=1e-7)
        evaluated = engine.evaluate_step(batch)["outputs"]["logits"]
    np.testing.assert_allclose(evaluated, batch["x"] @ average, rtol=1e-4, atol=1e-6)
    evaluated = engine.evaluate_step(batch)["outputs"]["logits"]
    np.testing.assert_allclose(evaluated, batch["x"] @ trained, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(kernel(engine), trained)


def test_without_average_the_weights_themselves_are_evaluated_and_saved():
    model = build()
    engine = make_engine(model, learning_rate=0.1)
    train(engine, make_batch())
    with engine.averaged():
        weights = keras.ops.convert_to_numpy(model.trainable_variables[0])
        np.testing.assert_array_equal(weights, kernel(engine))
    assert engine.state().keys() == {"model", "optimizer"}


def test_state_takes_another_engine_to_the_same_place():
    """Three steps, then three more, equal three steps, the state, and three more elsewhere."""
    settings = {"optimizer": "adamw", "ema": 0.9, "learning_rate": 0.1}
    engines = [make_engine(build(), **settings) for _ in range(2)]
    for seed in range(3):
        train(engines[0], make_batch(seed=seed))
    engines[1].load_state(engines[0].state(), "here")
    for seed in range(3, 6):
        for engine in engines:
            train(engine, make_batch(seed=seed))
    states = [engine.state() for engine in engines]
    assert states[0]["optimizer"].keys() == states[1]["optimizer"].keys()
    for group in ("model", "optimizer", "average"):
        for name, values in states[0][group].items():
            np.testing.assert_array_equal(values, states[1][group][name])


def test_state_is_a_copy():
    engine = make_engine(build(), learning_rate=0.1)
    before = engine.state()["model"]["linear/kernel"]
    kept = before.copy()
    for seed in range(5):
        train(engine, make_batch(seed=seed))
    np.testing.assert_array_equal(before, kept)
    assert not np.array_equal(before, kernel(engine))


def test_state_of_another_model_is_refused():
    engine = make_engine(build())
    with pytest.raises(InputError, match="step-4: linear/kernel has shape \\[3, 2\\], the model"):
        make_engine(build(units=7)).load_state(engine.state(), "step-4")


def test_step_that_is_not_finite_is_left_out_and_counted():
    engine, batch = make_engine(build(), on_nan="skip", ema=0.9, learning_rate=0.1), make_batch()
    assert train(engine, batch)["skipped"] == 0
    before = engine.state()
    bad = batch | {"targets": np.full_like(batch["targets"], np.nan)}
    assert train(engine, bad)["skipped"] == 1
    after = engine.state()
    for group in ("model", "average"):
        for name, values in before[group].items():
            np.testing.assert_array_equal(after[group][name], values)
    number = "sgd/iteration"
    assert after["optimizer"][number] == before["optimizer"][number] + 1
    assert train(engine, batch)["skipped"] == 0
    assert np.isfinite(kernel(engine)).all()


def test_without_skipping_a_step_that_is_not_finite_shows():
    engine, batch = make_engine(build(), learning_rate=0.1), make_batch()
    bad = batch | {"targets": np.full_like(batch["targets"], np.nan)}
    found = train(engine, bad)
    assert found.keys() == {"loss", "gradient_norm"}
    assert np.isnan(found["loss"])
    assert np.isnan(kernel(engine)).any()


def test_batch_norm_cannot_see_a_batch_in_pieces():
    inputs = keras.Input((3,))
    x = keras.layers.BatchNormalization(name="stem_norm")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="linear")(x))
    make_engine(model)
    with pytest.raises(InputError, match="gradient_accumulation=2: stem_norm normalises over the"):
        make_engine(model, gradient_accumulation=2)
    # One that does not learn does not look at the batch: the pieces add up to the whole.
    model.get_layer("stem_norm").trainable = False
    whole, cut = (make_engine(model, gradient_accumulation=pieces) for pieces in (1, 2))
    before, after = whole.state(), []
    for engine in (whole, cut):
        engine.load_state(before, "here")
        train(engine, make_batch())
        after.append(kernel(engine))
    np.testing.assert_allclose(after[1], after[0], rtol=1e-5)
    assert not np.array_equal(after[0], before["model"]["linear/kernel"])


def test_keys_reach_the_layers():
    """Dropout drawn from the keys of the batch is the same in every step that sees the batch."""
    inputs = keras.Input((3,))
    x = KeyedDropout(0.5, name="drop")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False, name="linear")(x))
    engine, batch = make_engine(model, learning_rate=1e-30), make_batch()
    losses = [train(engine, batch)["loss"] for _ in range(2)]
    other = train(engine, batch | {"key": batch["key"] + np.uint32(1)})["loss"]
    assert losses[0] == losses[1] != other
