"""FLOPs of a step, counted by hand; `test_jax_engine.py` runs all of this on JAX as well."""

import types

import keras
import numpy as np
import pytest

from genokeras.layers.self_attention import SelfAttention
from genokeras.models.spec import Spec
from genokeras.training import devices, optimizer
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import Plan, TrainConfig

PLAN = Plan(
    steps=100, steps_per_epoch=10, warmup_steps=0, log_every=1, eval_every=1, checkpoint_every=1
)
PLAIN = {"optimizer": "sgd", "schedule": "constant", "ema": 0.0}


def squared_error(config, model, batch, training):
    outputs = model(batch["x"], training=training)
    return {"error": (outputs - batch["targets"]) ** 2}, {"logits": outputs}


def with_loss(loss):
    """A model's module, as far as an engine needs it."""
    return types.SimpleNamespace(prepare=lambda config, spec, batch, training: batch, loss=loss)


def flops(model, shape, loss=squared_error, steps=1, **settings):
    """Counts a step of a batch of random inputs `[B, ...]`, with targets of zeros."""
    training = TrainConfig(**PLAIN | settings)
    built = optimizer.build(training, PLAN, model)
    connected = devices.connect(Runtime(strategy="single"))
    jit = connected.use_jit("auto", steps=1)
    spec = Spec(length=1, tasks=("a",))
    engine = connected.engine(Learner(with_loss(loss), None, spec, model, built, training), jit)
    batch = {
        "x": np.random.default_rng(0).normal(size=shape).astype(np.float32),
        "targets": np.zeros((shape[0], *model.output_shape[1:]), np.float32),
        "weight": np.ones((shape[0], 1), np.float32),
        "key": np.arange(shape[0], dtype=np.uint32),
    }
    placed = engine.place([batch] * steps)
    engine.train_steps(placed)
    return engine.flops_per_step(placed)


def network(shape, *layers):
    inputs = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def dense(units, **kwargs):
    return keras.layers.Dense(units, use_bias=False, **kwargs)


def test_product_costs_as_much_forward_as_for_either_gradient():
    # Nothing needs the gradient with respect to the inputs of the first layer.
    first, second = 2 * 4 * 3 * 5, 2 * 4 * 5 * 2
    model = network((3,), dense(5), keras.layers.ReLU(), dense(2))
    assert flops(model, (4, 3)) == 2 * first + 3 * second


def test_elementwise_work_and_biases_do_not_count():
    model = network((3,), keras.layers.Dense(2, activation="gelu"), keras.layers.Softmax())
    assert flops(model, (4, 3)) == 2 * (2 * 4 * 3 * 2)


@pytest.mark.parametrize("strides", [1, 2])
def test_convolution_costs_positions_times_kernel_times_channels(strides):
    convolution = keras.layers.Conv1D(6, 3, strides=strides, padding="same", use_bias=False)
    again = keras.layers.Conv1D(7, 5, strides=strides, padding="same", use_bias=False)
    first = 2 * 2 * (20 // strides) * 3 * 4 * 6
    second = 2 * 2 * (20 // strides**2) * 5 * 6 * 7
    model = network((20, 4), convolution, again, keras.layers.GlobalAveragePooling1D())
    assert flops(model, (2, 20, 4)) == 2 * first + 3 * second


def test_depthwise_convolution_has_no_sum_over_channels():
    model = network(
        (20, 4),
        keras.layers.DepthwiseConv1D(3, padding="same", use_bias=False),
        keras.layers.GlobalAveragePooling1D(),
    )
    assert flops(model, (2, 20, 4)) == 2 * (2 * 2 * 20 * 3 * 4)


def test_attention_has_two_products_of_all_pairs_of_positions():
    batch, length, channels = 2, 10, 8
    model = network(
        (length, channels),
        SelfAttention(2),
        keras.layers.GlobalAveragePooling1D(),
    )
    projection = 2 * batch * length * channels * channels
    pairs = 2 * batch * length * length * channels
    # Of queries, keys and values no gradient goes on to the inputs.
    expected = 3 * 2 * projection + 2 * 3 * pairs + 3 * projection
    assert flops(model, (batch, length, channels)) == expected


def test_pieces_of_a_batch_and_steps_of_a_call_cost_what_they_do_alone():
    one = 2 * (2 * 12 * 3 * 2)
    assert flops(network((3,), dense(2)), (12, 3), gradient_accumulation=1) == one
    assert flops(network((3,), dense(2)), (12, 3), gradient_accumulation=4) == one
    assert flops(network((3,), dense(2)), (12, 3), steps=3, steps_per_execution=3) == one


def test_what_is_computed_again_counts_again():
    first, second = 2 * 4 * 3 * 5, 2 * 4 * 5 * 2
    before, layer = dense(5), dense(2)
    model = network((3,), before, layer)

    def loss(config, model, batch, training):
        output = keras.remat(lambda x: layer(x) ** 2)(before(batch["x"]))
        return {"error": output**2}, {"logits": output}

    assert flops(model, (4, 3), loss) == 2 * first + (3 + 1) * second


def test_loop_of_unknown_length_is_not_guessed():
    """It stands in the loss, where nothing asks for its gradient."""
    model = network((3,), dense(2))

    def loss(config, model, batch, training):
        output = model(batch["x"])
        kernel = keras.ops.stop_gradient(batch["x"][:3])

        def more(value):
            return (keras.ops.matmul(value, kernel),)

        limit = keras.ops.sum(keras.ops.abs(kernel))
        (moved,) = keras.ops.while_loop(lambda x: keras.ops.sum(x) < limit, more, (kernel,))
        return {"error": output**2 + 0 * keras.ops.sum(moved)}, {"logits": output}

    assert np.isnan(flops(model, (4, 3), loss))
