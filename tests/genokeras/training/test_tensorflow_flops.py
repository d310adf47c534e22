"""What is TensorFlow's own: calls, loops, branches and replicas in a graph."""

import math
import subprocess
import sys

import pytest
import tensorflow as tf

from genokeras.training.tensorflow_flops import graph_flops

SQUARE = tf.TensorSpec((4, 4))
ONE = 2 * 4 * 4 * 4  # A product of two of them.
TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf, types
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from genokeras.models.spec import Spec
from genokeras.training import devices, optimizer
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import Plan, TrainConfig
connected = devices.connect(Runtime(strategy="mirrored"))
training = TrainConfig(batch_size=12, gradient_accumulation=3, steps_per_execution=2)
with connected.scope():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="linear")(inputs))
    built = optimizer.build(training, Plan(9, 9, 0, 1, 1, 1), model)
loss = lambda config, model, batch, training: (
    {"error": model(batch["x"]) ** 2}, {"logits": model(batch["x"])}
)
module = types.SimpleNamespace(prepare=lambda config, spec, batch, training: batch, loss=loss)
for jit in (False, True):
    spec = Spec(length=1, tasks=("a",))
    engine = connected.engine(Learner(module, None, spec, model, built, training), jit)
    batch = {
        "x": np.ones((12, 3), np.float32),
        "weight": np.ones((12, 1), np.float32),
        "key": np.arange(12, dtype=np.uint32),
    }
    for steps in (1, 2):
        placed = engine.place([batch] * steps)
        engine.train_steps(placed)
        print(engine.flops_per_step(placed))
"""


def flops(function, *specs):
    return graph_flops(
        tf.function(function).get_concrete_function(*specs or (SQUARE, SQUARE)).graph
    )


def test_what_no_result_depends_on_does_not_count():
    def function(a, b):
        tf.matmul(b, b)
        return tf.matmul(a, b)

    assert flops(function) == ONE


def test_products_of_any_orientation():
    wide, tall = tf.TensorSpec((2, 3)), tf.TensorSpec((5, 2))
    assert flops(lambda a, b: tf.matmul(a, b, True, True), wide, tall) == 2 * 3 * 2 * 5
    wide, tall = tf.TensorSpec((7, 2, 3)), tf.TensorSpec((7, 5, 2))
    assert flops(lambda a, b: tf.matmul(a, b, True, True), wide, tall) == 7 * 2 * 3 * 2 * 5


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("bthc,bshc->bhts", [(2, 5, 3, 4), (2, 6, 3, 4)], 2 * 2 * 5 * 6 * 3 * 4),
        ("...ab,bc->...ac", [(7, 2, 3, 4), (4, 5)], 2 * 7 * 2 * 3 * 4 * 5),
        ("a...b,c...b->...ac", [(3, 1, 2, 4), (5, 6, 2, 4)], 2 * 6 * 2 * 3 * 4 * 5),
        ("ab->ba", [(3, 4)], 0),
    ],
)
def test_einsum_multiplies_the_sizes_of_all_axes(equation, shapes, expected):
    specs = [tf.TensorSpec(shape) for shape in shapes]
    assert flops(lambda *tensors: tf.einsum(equation, *tensors), *specs) == expected


def test_functions_count_as_often_as_they_are_called():
    inner = tf.function(tf.matmul, jit_compile=True)
    assert flops(lambda a, b: inner(inner(a, b), b)) == 2 * ONE


def test_dearest_branch_counts():
    def function(a, b):
        return tf.cond(tf.reduce_sum(a) > 0, lambda: a @ b @ b @ b, lambda: a @ b)

    assert flops(function) == 3 * ONE


def test_loop_counts_as_often_as_it_may_turn():
    def turning(most):
        return lambda a, b: tf.while_loop(
            lambda x: tf.reduce_sum(x) < 9, lambda x: (x @ b,), (a,), maximum_iterations=most
        )

    assert flops(turning(6)) == 6 * ONE
    assert math.isnan(flops(turning(None)))
    added = flops(lambda a, b: tf.while_loop(lambda x: x[0, 0] < 9, lambda x: (x + b,), (a,)))
    assert added == 0


def test_shape_that_is_not_known_is_not_guessed():
    assert math.isnan(flops(tf.matmul, tf.TensorSpec((None, 4)), SQUARE))


def test_replicas_share_the_work_of_a_step():
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # With and without XLA, forward and the gradient of the kernel.
    assert done.stdout.split() == [str(float(2 * 2 * 12 * 3 * 2))] * 4
