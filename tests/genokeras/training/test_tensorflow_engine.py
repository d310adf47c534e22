"""The step of a linear model, whose loss, gradient and update can be written down by hand."""

import copy
import types

import keras
import numpy as np
import pytest

from genokeras.models.spec import Spec
from genokeras.training import optimizer
from genokeras.training.tensorflow_engine import TensorFlowEngine
from genokeras.training.tensorflow_replicas import OneReplica
from genokeras.training.train_config import Plan, TrainConfig
from tfrecords.errors import InputError

PLAN = Plan(
    steps=100, steps_per_epoch=10, warmup_steps=0, log_every=1, eval_every=1, checkpoint_every=1
)
SPEC = Spec(length=1, tasks=("a", "b"))
PLAIN = {"optimizer": "sgd", "schedule": "constant", "beta_1": 0.0, "clipnorm": 0.0, "ema": 0.0}


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


def make_engine(model, module=LINEAR, jit=False, **settings):
    training = TrainConfig(**PLAIN | settings)
    built = optimizer.build(training, PLAN, model)
    return TensorFlowEngine(module, None, SPEC, model, built, training, OneReplica(jit))


def make_batch(size=4, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(size, 3)).astype(np.float32),
        "targets": rng.normal(size=(size, 2)).astype(np.float32),
        "weight": np.array([[1, 0], [1, 1], [0, 0], [0.5, 2]], np.float32)[:size],
        "key": rng.integers(0, 2**32, size, dtype=np.uint32),
    }


def train(engine, batch):
    return {name: float(value) for name, value in engine.train_steps(engine.place([batch])).items()}


def kernel(model):
    return model.trainable_variables[0].numpy()


def loss_and_gradient(weights, batch):
    """Sum of weighted squared errors over the sum of weights, and its derivative."""
    x, weight = batch["x"].astype(np.float64), batch["weight"]
    error = x @ weights - batch["targets"]
    total = weight.sum()
    return (weight * error**2).sum() / total, 2 * x.T @ (weight * error) / total


@pytest.mark.parametrize("jit", [False, True])
def test_loss_and_step_are_those_of_hand_computation(jit):
    model, batch = build(), make_batch()
    engine = make_engine(model, jit=jit, learning_rate=0.1)
    before = kernel(model)
    loss, gradient = loss_and_gradient(before, batch)
    result = train(engine, batch)
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert result["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    np.testing.assert_allclose(kernel(model), before - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_missing_labels_change_nothing_whatever_stands_there():
    batch, model = make_batch(), build()
    nonsense = batch | {"targets": np.where(batch["weight"] == 0, 1e6, batch["targets"])}
    nonsense["targets"] = nonsense["targets"].astype(np.float32)
    start = kernel(model)
    results = []
    for values in (batch, nonsense):
        model.trainable_variables[0].assign(start)
        results.append((train(make_engine(model), values), kernel(model)))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_padding_changes_nothing():
    batch, model = make_batch(), build()
    padded = {name: np.concatenate([values, values[:1]]) for name, values in batch.items()}
    padded["weight"][-1] = 0
    engine = make_engine(model)
    plain, filled = (engine.evaluate_step(values) for values in (batch, padded))
    assert plain["terms"]["error"] == pytest.approx(filled["terms"]["error"], rel=1e-6)
    assert plain["weights"]["error"] == filled["weights"]["error"] == batch["weight"].sum()


def test_weights_are_those_of_the_prepared_batch():
    """A model may find that targets are missing."""

    def prepare(config, spec, batch, training):
        return batch | {"weight": batch["weight"] * [[1.0, 0.0]]}

    module = types.SimpleNamespace(prepare=prepare, loss=LINEAR.loss)
    model, batch = build(), make_batch()
    engine = make_engine(model, module)
    known = batch | {"weight": batch["weight"] * np.array([1, 0], np.float32)}
    assert engine.evaluate_step(batch)["weights"]["error"] == known["weight"].sum()
    expected = loss_and_gradient(kernel(model), known)[0]
    assert train(engine, batch)["loss"] == pytest.approx(expected, rel=1e-5)


def test_term_per_example_counts_an_example_by_its_largest_weight():
    def loss(config, model, batch, training):
        terms, outputs = squared_error(config, model, batch, training)
        return {"example": terms["error"][:, 0] * 0 + 3.0, **terms}, outputs

    module = types.SimpleNamespace(prepare=LINEAR.prepare, loss=loss)
    model, batch = build(), make_batch()
    engine = make_engine(model, module)
    evaluated = engine.evaluate_step(batch)
    assert evaluated["weights"]["example"] == 1 + 1 + 0 + 2
    expected = loss_and_gradient(kernel(model), batch)[0]
    result = train(engine, batch)
    assert result["example"] == 3.0
    assert result["loss"] == pytest.approx(3.0 + expected, rel=1e-5)
    assert result["error"] == pytest.approx(expected, rel=1e-5)


def test_batch_without_a_label_is_no_division_by_zero():
    model, batch = build(), make_batch()
    before = kernel(model)
    result = train(make_engine(model), batch | {"weight": np.zeros_like(batch["weight"])})
    assert result["loss"] == 0
    np.testing.assert_array_equal(kernel(model), before)


def test_regularizer_is_in_the_gradient_and_told_apart_from_the_loss():
    model, batch = build(keras.regularizers.L2(0.5)), make_batch()
    before = kernel(model)
    loss, gradient = loss_and_gradient(before, batch)
    result = train(make_engine(model, learning_rate=0.1), batch)
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert result["regularizer"] == pytest.approx(0.5 * (before**2).sum(), rel=1e-5)
    expected = before - 0.1 * (gradient + before)
    np.testing.assert_allclose(kernel(model), expected, rtol=1e-4, atol=1e-6)


def test_step_is_no_longer_than_clipnorm():
    model, batch = build(), make_batch()
    before = kernel(model)
    gradient = loss_and_gradient(before, batch)[1]
    result = train(make_engine(model, learning_rate=1.0, clipnorm=0.01), batch)
    assert result["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    expected = before - 0.01 * gradient / np.linalg.norm(gradient)
    np.testing.assert_allclose(kernel(model), expected, rtol=1e-4, atol=1e-6)


def test_average_follows_its_recurrence_and_is_put_back():
    model, batch = build(), make_batch()
    engine = make_engine(model, ema=0.7, learning_rate=0.1)
    average = kernel(model).astype(np.float64)
    for step in range(30):
        train(engine, batch)
        decay = min(0.7, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * kernel(model)
    trained = kernel(model)
    with engine.averaged():
        np.testing.assert_allclose(kernel(model), average, rtol=1e-5)
        assert not np.array_equal(kernel(model), trained)
    np.testing.assert_array_equal(kernel(model), trained)


def test_without_average_evaluation_uses_the_weights_themselves():
    model = build()
    engine = make_engine(model)
    before = kernel(model)
    with engine.averaged():
        np.testing.assert_array_equal(kernel(model), before)
    assert engine.state().keys() == {"model", "optimizer"}


def test_state_takes_another_engine_to_the_same_place():
    """Three steps, then three more, equal three steps, the state, and three more elsewhere."""
    settings = {"optimizer": "adamw", "ema": 0.9, "learning_rate": 0.1}
    first, second = build(), build()
    engines = [make_engine(model, **settings) for model in (first, second)]
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


def test_state_of_another_model_is_refused():
    engine = make_engine(build())
    with pytest.raises(InputError, match="step-4: linear/kernel has shape \\[3, 2\\], the model"):
        make_engine(build(units=7)).load_state(engine.state(), "step-4")


def test_keys_reach_the_layers():
    """Dropout drawn from the keys of the batch is the same in every step that sees the batch."""
    from genokeras.layers.dropout import KeyedDropout

    inputs = keras.Input((3,))
    x = KeyedDropout(0.5, name="drop")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False, name="linear")(x))
    engine = make_engine(model, learning_rate=1e-30)
    batch = make_batch()
    losses = [train(engine, batch)["loss"] for _ in range(2)]
    other = train(engine, batch | {"key": batch["key"] + np.uint32(1)})["loss"]
    assert losses[0] == losses[1] != other


def test_a_state_is_a_copy_that_later_steps_do_not_change():
    """It is written to disk while training goes on."""
    engine, batch = make_engine(build(), ema=0.5, beta_1=0.9), make_batch()
    train(engine, batch)
    state = engine.state()
    before = copy.deepcopy(state)
    train(engine, batch)
    for group, values in state.items():
        for name, value in values.items():
            np.testing.assert_array_equal(value, before[group][name])
    after, name = engine.state()["model"], "linear/kernel"
    assert not np.array_equal(after[name], before["model"][name])
