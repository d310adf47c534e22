"""What is so on TensorFlow only: the program of a step is as the flags say.

`test_engine.py` has what is so on every backend.
"""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from genokeras.models.spec import Spec
from genokeras.training import optimizer, precision
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.tensorflow_devices import connect
from genokeras.training.train_config import Plan, TrainConfig

PLAN = Plan(
    steps=100, steps_per_epoch=10, warmup_steps=0, log_every=1, eval_every=1, checkpoint_every=1
)


def compiled_functions(function):
    """The names of the functions that XLA compiles in a step, and the step if it is one."""
    functions = [*function.graph.as_graph_def().library.function, function.function_def]
    return [f.signature.name for f in functions if f.attr["_XlaMustCompile"].b]


def make_engine(loss, jit=False, **settings):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="linear")(inputs))
    training = TrainConfig(**settings)
    module = types.SimpleNamespace(prepare=lambda config, spec, batch, training: batch, loss=loss)
    built = optimizer.build(training, PLAN, model)
    devices = connect(Runtime(strategy="single"))
    return devices.engine(Learner(module, None, Spec(1, ("a",)), model, built, training), jit)


def make_batch(size=8):
    names = {"x": (size, 3), "weight": (size, 1)}
    batch = {name: np.ones(shape, np.float32) for name, shape in names.items()}
    return batch | {"key": np.arange(size, dtype=np.uint32)}


def squared(config, model, batch, training):
    outputs = model(batch["x"], training=training)
    return {"error": outputs**2}, {"logits": outputs}


@pytest.mark.parametrize("jit", [False, True])
def test_step_is_compiled_if_asked_for(jit):
    engine = make_engine(squared, jit)
    assert engine.jit == jit
    function = engine._train.get_concrete_function(engine.place([make_batch()])[1])
    assert len(compiled_functions(function)) == jit


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(("pieces", "size"), [(1, 8), (2, 4), (8, 1)])
def test_pieces_are_all_that_the_model_sees(pieces, size, jit):
    sizes = set()

    def loss(config, model, batch, training):
        sizes.add(batch["x"].shape[0])
        return squared(config, model, batch, training)

    engine = make_engine(loss, jit, gradient_accumulation=pieces)
    engine.train_steps(engine.place([make_batch()]))
    assert sizes == {size}


def test_several_steps_are_one_call_of_the_device():
    """The step stands in the graph once, within a loop."""
    engine = make_engine(squared, steps_per_execution=4)
    results = engine.train_steps(engine.place([make_batch()] * 4))
    assert results["loss"].shape == (4,)
    (call,) = engine._calls.values()
    assert [op.type for op in call.graph.get_operations()].count("While") == 1


@pytest.mark.parametrize(
    ("name", "computes"), [("float32", tf.float32), ("mixed_bfloat16", tf.bfloat16)]
)
def test_precision_is_that_of_the_program(name, computes):
    with precision.scope(name):
        engine = make_engine(squared)
    function = engine._train.get_concrete_function(engine.place([make_batch()])[1])
    products = [op for op in function.graph.get_operations() if op.type == "MatMul"]
    assert {op.get_attr("T") for op in products} == {computes}
