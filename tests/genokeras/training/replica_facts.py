"""What is so on two replicas; `test_tensorflow_replicas.py` runs this where there are two CPUs.

One strategy for all of it: TensorFlow bears no second one in a process.
"""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_engine import LINEAR, PLAIN, PLAN, SPEC, loss_and_gradient, make_batch
from test_tensorflow_engine import compiled_functions
from worker import split_cpu

from genokeras.layers.batch_norm import BatchNorm
from genokeras.layers.recompute import Recompute
from genokeras.training import optimizer, precision
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.tensorflow_devices import connect
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError

split_cpu(2)
DEVICES = connect(Runtime(strategy="mirrored"))
SINGLE = connect(Runtime(strategy="single"))


def make_engine(devices=DEVICES, module=LINEAR, jit=False, layers=(), **settings):
    training = TrainConfig(**PLAIN | settings)
    with devices.scope():
        inputs = x = keras.Input((3,))
        head = keras.layers.Dense(2, use_bias=False, name="linear", dtype="float32")
        for layer in (*layers, head):
            x = layer(x)
        model = keras.Model(inputs, x)
        head.kernel.assign(np.ones((3, 2), np.float32))
        built = optimizer.build(training, PLAN, model)
    engine = devices.engine(Learner(module, None, SPEC, model, built, training), jit)
    engine.model = model  # For what a test wants to look at.
    return engine


def copies(variable):
    """The value of each replica."""
    return [np.array(copy) for copy in DEVICES._strategy.experimental_local_results(variable.value)]


def kernel(engine):
    """The weights, of which each replica has the same."""
    first, second = copies(engine.model.get_layer("linear").kernel)
    np.testing.assert_array_equal(first, second)
    return first


def test_devices_are_said():
    assert (DEVICES.num_replicas, DEVICES.num_hosts, DEVICES.host) == (2, 1, 0)
    assert DEVICES.describe().startswith("2 CPU devices (")
    assert DEVICES.exchange(7) == [7]
    assert SINGLE.describe().startswith("CPU (")


def test_each_device_gets_its_rows_of_every_batch():
    batches = [make_batch(seed=seed) for seed in range(3)]
    _, placed = make_engine().place(batches)
    parts = DEVICES._strategy.experimental_local_results(placed["x"])
    expected = np.stack([batch["x"] for batch in batches])
    for number, part in enumerate(parts):
        assert part.device.endswith(f"CPU:{number}")
        np.testing.assert_array_equal(part, expected[:, 2 * number : 2 * number + 2])


@pytest.mark.parametrize("jit", [False, True])
def test_gradient_is_clipped_by_its_norm_over_all_replicas(jit):
    """The halves have gradients of other norms, and other weights; no part is clipped by itself."""
    engine, batch = make_engine(jit=jit, learning_rate=1.0, clipnorm=0.1), make_batch()
    loss, gradient = loss_and_gradient(np.ones((3, 2)), batch)
    norm = np.linalg.norm(gradient)
    assert norm > 0.1
    results = engine.train_steps(engine.place([batch]))
    assert float(results["loss"]) == pytest.approx(loss, rel=1e-5)
    assert float(results["gradient_norm"]) == pytest.approx(norm, rel=1e-5)
    np.testing.assert_allclose(kernel(engine), 1 - 0.1 * gradient / norm, rtol=1e-5)


def test_penalty_counts_once():
    batch = make_batch()
    engines = [
        make_engine(devices, layers=[keras.layers.Dense(3, kernel_regularizer="l2", name="l2")])
        for devices in (DEVICES, SINGLE)
    ]
    engines[0].load_state(engines[1].state(), "here")
    found, expected = (engine.train_steps(engine.place([batch])) for engine in engines)
    for name in ("loss", "regularizer", "gradient_norm"):
        assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-5)


def test_step_that_is_not_finite_on_one_replica_is_left_out_on_all():
    engine, batch = make_engine(on_nan="skip", ema=0.9, learning_rate=0.1), make_batch()
    bad = batch | {"targets": batch["targets"].copy()}
    bad["targets"][-1] = np.nan
    results = engine.train_steps(engine.place([bad]))
    assert float(results["skipped"]) == 1
    np.testing.assert_array_equal(kernel(engine), np.ones((3, 2)))
    results = engine.train_steps(engine.place([batch]))
    assert float(results["skipped"]) == 0
    assert not np.array_equal(kernel(engine), np.ones((3, 2)))


def test_evaluation_gives_the_rows_of_all_devices_in_their_order_with_their_labels():
    batch = make_batch()
    found, expected = (make_engine(devices).evaluate_step(batch) for devices in (DEVICES, SINGLE))
    np.testing.assert_allclose(found["outputs"]["logits"], expected["outputs"]["logits"], rtol=1e-6)
    for kind in ("terms", "weights"):
        assert found[kind]["error"] == pytest.approx(expected[kind]["error"], rel=1e-6)
    for result in (found, expected):
        assert result["labels"].keys() == {"targets", "weight"}
        for name, values in result["labels"].items():
            np.testing.assert_array_equal(values, batch[name])


@pytest.mark.parametrize("jit", [False, True])
def test_each_device_computes_its_rows_of_what_is_predicted(jit):
    shapes = []

    def doubled(batch):
        shapes.append(tuple(batch["x"].shape))
        return {"twice": 2 * batch["x"]}

    batch = {"x": make_batch()["x"]}
    found = DEVICES.forward(make_engine().model, doubled, jit)(batch)
    np.testing.assert_array_equal(found["twice"], 2 * batch["x"])
    assert set(shapes) == {(2, 3)}


def test_average_is_evaluated_and_saved(tmp_path):
    engine, batch = make_engine(ema=0.9, learning_rate=0.1), make_batch()
    for _ in range(3):
        engine.train_steps(engine.place([batch]))
    trained, average = kernel(engine), engine.state()["average"]["linear/kernel"]
    with engine.averaged():
        np.testing.assert_array_equal(kernel(engine), average)
        engine.model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(kernel(engine), trained)
    saved = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(saved.get_layer("linear").kernel, average)


def test_pieces_without_exchange_are_compiled():
    placed = make_engine().place([make_batch()])[1]
    counts = [
        len(compiled_functions(make_engine(jit=jit)._train.get_concrete_function(placed)))
        for jit in (False, True)
    ]
    # On each replica: what prepares, and what computes the gradient.
    assert counts == [0, 4]


def test_all_that_can_be_asked_for_works_together():
    """XLA, bfloat16, several steps in a call, pieces, an average, clipped gradients."""
    settings = {"learning_rate": 0.1, "clipnorm": 0.5, "ema": 0.9}
    together = settings | {"steps_per_execution": 2, "gradient_accumulation": 2}

    def inner():
        return [keras.layers.Dense(3, use_bias=False, name="inner")]

    plain = make_engine(SINGLE, layers=inner(), **settings)
    with precision.scope("mixed_bfloat16"):
        engine = make_engine(jit=True, layers=inner(), **together)
    engine.load_state(plain.state(), "here")
    batches = [make_batch(seed=seed) for seed in range(2)]
    found = engine.train_steps(engine.place(batches))
    expected = [plain.train_steps(plain.place([batch])) for batch in batches]
    for name, values in found.items():
        exact = [float(results[name]) for results in expected]
        np.testing.assert_allclose(values, exact, rtol=0.03, err_msg=name)
        assert np.abs(values - exact).max() > 1e-5, "not rounded to 8 bits"
    assert min(found["gradient_norm"]) > 0.5
    kernel(engine)  # The same on both.
    found, expected = (each.state()["average"] for each in (engine, plain))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0.03, atol=1e-3, err_msg=name)
    (call,) = engine._calls.values()
    assert len(compiled_functions(call)) == 4
    assert "DT_BFLOAT16" in str(call.graph.as_graph_def())


def test_batch_norm_is_of_the_whole_batch_and_not_compiled():
    engine, batch = (
        make_engine(jit=True, layers=[BatchNorm(momentum=0.0, name="norm")]),
        make_batch(),
    )
    assert not engine.jit
    assert engine.notes == (
        "Without XLA: batch norm asks all 2 devices for their part of the batch, which cannot be "
        "compiled; norm=layer and norm=group can",
    )
    engine.train_steps(engine.place([batch]))
    norm = engine.model.get_layer("norm")
    for variable, expected in (
        (norm.moving_mean, batch["x"].mean(0)),
        (norm.moving_variance, batch["x"].var(0)),
    ):
        for copy in copies(variable):
            np.testing.assert_allclose(copy, expected, rtol=1e-5)


def test_batch_norm_that_is_computed_again_for_the_gradient_is_of_the_whole_batch_again():
    batch, engines = make_batch(), []
    for devices in (DEVICES, SINGLE):
        layers = [
            keras.layers.Dense(3, name="first"),
            Recompute(BatchNorm(name="norm"), name="again"),
        ]
        engines.append(make_engine(devices, layers=layers, learning_rate=1.0))
    engines[0].load_state(engines[1].state(), "here")
    for engine in engines:
        engine.train_steps(engine.place([batch]))
    found, expected = (engine.state()["model"] for engine in engines)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_batch_norm_cannot_see_a_batch_in_pieces():
    with pytest.raises(InputError, match="gradient_accumulation=2: norm normalises over the batch"):
        make_engine(layers=[BatchNorm(name="norm")], gradient_accumulation=2)


def test_loss_that_looks_at_the_whole_batch_says_so():
    module = types.SimpleNamespace(encode=None, **vars(LINEAR))
    assert make_engine(module=module, jit=True).notes == (
        "Compiled in pieces: the loss looks at the whole batch, gathered from 2 devices",
    )


def test_gradient_of_what_is_gathered_is_that_of_all_replicas():
    """With sum_ij (z_i . w_j) as loss, every z_i has the sum of all w_j as its gradient."""

    def encode(config, model, batch, training):
        return {"z": model(batch["x"], training=training)}

    def loss(config, encoded, batch, training, everyone, first_row):
        products = keras.ops.matmul(encoded["z"], keras.ops.transpose(everyone["z"]))
        rows = keras.ops.arange(2, dtype="int32") + first_row
        return {"product": keras.ops.sum(products, axis=1)}, {"row": rows}

    module = types.SimpleNamespace(prepare=LINEAR.prepare, encode=encode, loss=loss)
    engine, batch = make_engine(module=module, learning_rate=1.0), make_batch()
    batch["weight"] = np.ones_like(batch["weight"])
    engine.train_steps(engine.place([batch]))
    z_sum = batch["x"].sum(0) @ np.ones((3, 2))
    gradient = 2 * np.outer(batch["x"].sum(0), z_sum) / len(batch["x"])
    np.testing.assert_allclose(kernel(engine), 1 - gradient, rtol=1e-5)
    np.testing.assert_array_equal(engine.evaluate_step(batch)["outputs"]["row"], [0, 1, 2, 3])


def test_end_of_another_host_is_told_as_what_it_is():
    message = "^another host of this run has ended; start all of them"
    with pytest.raises(InputError, match=message), DEVICES.watching_hosts():
        raise tf.errors.UnavailableError(None, None, "the peer is gone")
