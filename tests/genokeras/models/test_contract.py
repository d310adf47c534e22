"""What `genokeras/models/spec.py` promises, checked for every model of the folder."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import OneHot
from genokeras.models import spec as specs
from genokeras.strand_symmetry import is_strand_blind
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import TASK_TYPES

SHIFT_BP = 3
# Data that a model must fit, by the first of the task types that it names.
SPECS = {
    "binary": specs.Spec(41, ("bound",), shift_bp=SHIFT_BP),
    "coverage": specs.Spec(
        *(45, ("reads",), "coverage"), shift_bp=SHIFT_BP, bin_bp=5, crop_bp=5, target_scale=(0.5,)
    ),
}
ON_JAX = """
import jax
import keras
from genokeras.layers import keyed_random
from genokeras.models import spec as specs
module = specs.load({name!r})
config = module.PRESETS["tiny"]
spec = specs.{spec!r}
model = keras.saving.load_model("model.keras")
embedding = module.embedding(config, model)

@jax.jit
def run(batch):
    with keras.StatelessScope():
        stored = {{"sequence": batch["sequence"]}}
        windows = module.prepare(config, spec, stored, False)["sequence"]
        given = {{"logits": model(windows), "embedding": embedding(windows)}}
        varied = module.prepare(config, spec, batch, True)
        with keyed_random.scope(batch["key"]):
            if hasattr(module, "encode"):
                encoded = module.encode(config, model, varied, True)
                terms, _ = module.loss(config, encoded, varied, True, encoded, 0)
            else:
                terms, _ = module.loss(config, model, varied, True)
    return terms | given

result = run(dict(given))
"""


@pytest.fixture(params=specs.available())
def module(request):
    return specs.load(request.param)


@pytest.fixture
def spec(module):
    return SPECS[module.TASK_TYPES[0]]


@pytest.fixture
def tiny(module, spec):
    keras.utils.set_random_seed(0)
    return module.build(module.PRESETS["tiny"], spec)


@pytest.fixture
def examples(spec, planted):
    """Makes batches as they are stored; the motif makes coverage rise everywhere."""

    def batch(size, seed=0):
        made = planted(size, spec.length + 2 * SHIFT_BP, seed)
        if spec.task_type == "coverage":
            bins = np.ones((1, spec.num_bins, 1), np.float16)
            made["targets"] = (6 * made["targets"][:, None] * bins).astype(np.float16)
        return made

    return batch


def training_terms(module, spec, model, batch):
    config = module.PRESETS["tiny"]
    batch = module.prepare(config, spec, batch, True)
    with keyed_random.scope(batch["key"]):
        if not hasattr(module, "encode"):
            return module.loss(config, model, batch, True)
        encoded = module.encode(config, model, batch, True)
        return module.loss(config, encoded, batch, True, encoded, 0)


def middle(spec, stored):
    return sequence.crop(stored, spec.length + 2 * SHIFT_BP, SHIFT_BP, spec.length)


def total(terms, weight):
    """What the engine makes of the terms when all examples weigh the same."""
    return sum(tf.reduce_mean(term) for term in terms.values()) * tf.reduce_mean(weight)


def test_configurations_are_frozen_dataclasses(module):
    assert dataclasses.is_dataclass(module.Config)
    assert {"base", "tiny"} <= set(module.PRESETS) == set(module.TRAINING)
    for preset in module.PRESETS.values():
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(preset, dataclasses.fields(preset)[0].name, None)


def test_data_of_another_kind_are_refused(module):
    assert set(module.TASK_TYPES) <= set(TASK_TYPES)
    others = [spec for task_type, spec in SPECS.items() if task_type not in module.TASK_TYPES]
    for other in others:
        with pytest.raises(InputError, match=f"learns from .* data, these are {other.task_type}"):
            module.build(module.PRESETS["tiny"], other)


def test_every_layer_and_weight_has_a_name_of_its_own(module, spec):
    """Names that Keras makes up differ from one build to the next."""
    first, second = (module.build(module.PRESETS["tiny"], spec) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    paths = [weight.path for weight in first.weights]
    assert paths == [weight.path for weight in second.weights]
    assert len(set(paths)) == len(paths)


def test_weights_of_tasks_are_in_layers_that_are_known_by_their_names(module, spec):
    """Those whose shape depends on the number of tasks; `launch.train --init_from` relies on it."""
    two = dataclasses.replace(spec, tasks=("a", "b"), target_scale=spec.target_scale * 2)
    one, other = (module.build(module.PRESETS["tiny"], s).weights for s in (spec, two))
    found = {a.path for a, b in zip(one, other, strict=True) if a.shape != b.shape}
    assert found <= {weight.path for weight in one if specs.belongs_to_tasks(weight.path)}


def test_starts_with_one_hot_and_ends_in_float32(tiny):
    assert "sequence" in [tensor.name for tensor in tiny.inputs]
    assert isinstance(tiny.get_layer("one_hot"), OneHot)
    assert all(output.dtype == "float32" for output in tiny.outputs)


def test_loss_is_per_example_and_falls(module, spec, tiny, examples, tensors):
    optimizer = keras.optimizers.Adam(1e-2)
    optimizer.build(tiny.trainable_variables)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            terms, _ = training_terms(module, spec, tiny, batch)
            loss = total(terms, batch["weight"])
        optimizer.apply(tape.gradient(loss, tiny.trainable_variables))
        return loss, terms

    losses = []
    for seed in range(80):
        loss, terms = step(tensors(examples(64, seed)))
        losses.append(float(loss))
    assert all(term.shape[0] == 64 for term in terms.values())
    # Random DNA has little to tell the windows of a whole batch apart by.
    expected = 0.95 if hasattr(module, "encode") else 0.8
    assert np.mean(losses[-10:]) < expected * np.mean(losses[:3])


def test_saved_and_loaded_it_predicts_the_same(tiny, spec, planted, tmp_path):
    packed = planted(8, spec.length)["sequence"]
    tiny.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(packed), tiny(packed))


def test_tensorflow_equals_jax(module, spec, tiny, examples, tensors, tmp_path, on_jax):
    """Predictions for the middle of what is stored, and the training loss, with all that is random.

    Both have the same weights.
    """
    batch = examples(8)
    tiny.save(tmp_path / "model.keras")
    name = module.__name__.split(".")[-1]
    theirs = on_jax(ON_JAX.format(name=name, spec=spec), **batch)
    windows = middle(spec, batch["sequence"])
    np.testing.assert_allclose(tiny(windows), theirs.pop("logits"), atol=2e-5)
    embedding = module.embedding(module.PRESETS["tiny"], tiny)(windows)
    np.testing.assert_allclose(embedding, theirs.pop("embedding"), atol=2e-5)
    terms, _ = training_terms(module, spec, tiny, tensors(batch))
    assert set(terms) == set(theirs)
    for name, term in terms.items():
        np.testing.assert_allclose(term, theirs[name], atol=2e-5)


def test_compiled_equals_eager(module, spec, tiny, examples, tensors):
    batch = tensors(examples(8))
    eager, _ = training_terms(module, spec, tiny, batch)
    run = tf.function(lambda b: training_terms(module, spec, tiny, b)[0], jit_compile=True)
    compiled = run(batch)
    for name in eager:
        np.testing.assert_allclose(compiled[name], eager[name], atol=2e-5)


@pytest.mark.parametrize("preset", ["base", "tiny"])
def test_prepare_without_training_gives_the_middle_and_needs_no_key(module, spec, preset, examples):
    config = module.PRESETS[preset]
    stored = examples(8)["sequence"]
    expected = middle(spec, stored)
    for demanded, given in ((spec, stored), (spec.without_flanks(), expected)):
        prepared = module.prepare(config, demanded, {"sequence": given}, False)["sequence"]
        np.testing.assert_array_equal(prepared, expected)


def test_prepare_does_the_same_to_an_example_in_any_batch(module, spec, examples, tensors):
    batch = examples(8)
    order = np.array([5, 0, 7])
    part = {name: values[order] for name, values in batch.items()}
    config = module.PRESETS["base"]
    whole, part = (
        module.prepare(config, spec, tensors(b), True)["sequence"] for b in (batch, part)
    )
    np.testing.assert_array_equal(part, whole.numpy()[order])


def test_the_one_hot_matrix_has_a_gradient(tiny, spec, planted):
    one_hot, mask = tiny.get_layer("one_hot")(planted(8, spec.length)["sequence"])
    rest = specs.without_one_hot(tiny)
    with tf.GradientTape() as tape:
        tape.watch(one_hot)
        outputs = rest([one_hot, mask])
    gradient = tape.gradient(outputs, one_hot).numpy()
    assert gradient.shape == (8, spec.length, 4)
    assert (np.abs(gradient).max(axis=(1, 2)) > 0).all()


def test_a_prediction_does_not_depend_on_the_batch(tiny, spec, planted):
    packed = planted(8, spec.length)["sequence"]
    whole = np.asarray(tiny(packed))
    np.testing.assert_allclose(tiny(packed[:3]), whole[:3], atol=1e-5)


def test_an_embedding_belongs_to_a_window(module, spec, tiny, planted):
    """To its bases, in any batch, and to no strand of them where the model is blind to strands."""
    config = module.PRESETS["tiny"]
    embed = module.embedding(config, tiny)
    packed = planted(8, spec.length)["sequence"]
    found = np.asarray(embed(packed))
    assert found.dtype == np.float32
    assert found.shape == (8, embed.output.shape[-1])
    assert np.isfinite(found).all()
    assert found.std(axis=0).max() > 1e-4
    np.testing.assert_allclose(embed(packed[:3]), found[:3], atol=1e-5)
    opposite = np.asarray(embed(sequence.reverse_complement(packed, spec.length)))
    assert (np.abs(opposite - found).max() < 1e-5) == is_strand_blind(config, spec)
    assert {id(weight) for weight in embed.weights} <= {id(weight) for weight in tiny.weights}


def test_unknown_bases_and_padding_are_survived(module, tiny, spec):
    size = spec.length
    packed = sequence.encode(["N" * size, "-" * size, "ACGT" + "-" * (size - 4)], size)
    for model in (tiny, module.embedding(module.PRESETS["tiny"], tiny)):
        assert np.isfinite(model(packed)).all()
