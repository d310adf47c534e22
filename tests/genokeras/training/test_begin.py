"""Runs that begin with the weights of another: what is copied, what learns, what is refused."""

import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import pytest

from genokeras.layers import keyed_random
from genokeras.models import mlm
from genokeras.models.spec import Spec
from genokeras.training import begin, checkpoint, precision, variables
from genokeras.training.source import Source
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig
from genokeras.training.workdir import Run
from tfrecords.errors import InputError

LENGTH, CHANNELS, UNITS = 40, 16, 24
SPEC = Spec(LENGTH, ("bound",))
SETTINGS = TrainConfig(steps=4, batch_size=32, eval_every=2, jit="off", weight_decay=0.5)
HEAD = {"head/kernel", "head/bias"}
# Rows and columns of the dense layers of a block: queries, keys, values, output; a gated pair, and
# the way back.
DENSE = [(CHANNELS, CHANNELS)] * 4 + [(CHANNELS, UNITS)] * 2 + [(UNITS, CHANNELS)]


@pytest.fixture(scope="module")
def pretrained(data_dir, tmp_path_factory):
    """A masked language model, hardly trained."""
    workdir = tmp_path_factory.mktemp("pretrained") / "run"
    settings = dataclasses.replace(SETTINGS, steps=2)
    train(data_dir, workdir, model="mlm", preset="tiny", training=settings)
    return workdir


@pytest.fixture(scope="module")
def convolutional(data_dir, tmp_path_factory):
    """A small network with batch norm, pooled by its window's length."""
    workdir = tmp_path_factory.mktemp("convolutional") / "run"
    overrides = ["filters=8", "dense_units=6"]
    names = {"model": "cnn_attention", "preset": "single_conv_only", "overrides": overrides}
    train(data_dir, workdir, **names, training=dataclasses.replace(SETTINGS, steps=2))
    return workdir


@pytest.fixture(scope="module")
def random_packed():
    rng = np.random.default_rng(0)
    nibbles = 1 << rng.integers(0, 4, (8, LENGTH))
    return (nibbles[:, ::2] * 16 + nibbles[:, 1::2]).astype(np.uint8)


def begun(init_from, workdir, spec=SPEC, model="transformer", overrides=(), **tune):
    """Returns a run that is to begin, its model, and what the log says."""
    training = dataclasses.replace(SETTINGS, init_from=str(init_from), **tune)
    origin = begin.find(training, workdir, "auto")
    config = begin.configuration(origin, model, "tiny", overrides)
    run = Run(workdir, init_from, model, "tiny", config, training, spec, "", origin)
    with precision.scope(training.precision):
        network = run.model_module.build(config, spec)
    run, lines = begin.begin(network, run)
    return run, network, lines


def last(workdir, step=4):
    return checkpoint.load(checkpoint.folder(workdir / "checkpoints", step))[0]


def trained(data_dir, init_from, workdir, overrides=(), **settings):
    training = dataclasses.replace(SETTINGS, init_from=str(init_from), **settings)
    lines = []
    train(data_dir, workdir, overrides=overrides, training=training, log=lines.append)
    return lines


def test_best_weights_are_copied_where_names_agree(pretrained, tmp_path):
    """All but the head, which told bases from one another: also where it has the same shape."""
    expected = Run.open(pretrained).weights()
    for tasks in (("bound",), ("a", "b", "c", "d")):
        run, model, lines = begun(pretrained, tmp_path / "run", Spec(LENGTH, tasks))
        found = variables.read(model.weights)
        assert found.keys() == expected.keys()
        assert set(run.source.new) == HEAD
        for name in found.keys() - HEAD:
            np.testing.assert_array_equal(found[name], expected[name])
        assert not np.array_equal(found["head/kernel"], expected["head/kernel"])
    head = CHANNELS * 4 + 4
    total = model.count_params()
    assert lines == [
        f"Beginning with {pretrained}, mlm at step {run.source.step}: {len(found) - 2} of "
        f"{len(found)} variables copied, {total - head:,} of {total:,} weights; "
        "new: head/kernel, head/bias"
    ]


def test_sizes_of_the_encoder_are_taken_and_the_rest_is_the_presets(pretrained, tmp_path):
    run, _, _ = begun(pretrained, tmp_path / "run", overrides=["dropout=0.2"])
    config = run.config
    assert (config.channels, config.feedforward_units, config.dropout) == (CHANNELS, UNITS, 0.2)
    assert config.mask_rate == 0  # Of mlm it is the share to predict, here of augmentation.


def test_windows_may_have_another_length(pretrained, tmp_path):
    run, model, _ = begun(pretrained, tmp_path / "run", Spec(100, ("bound",)))
    assert set(run.source.new) == HEAD
    assert model.get_layer("one_hot").length == 100


def test_names_do_not_depend_on_what_is_recomputed(pretrained, tmp_path):
    run, _, _ = begun(pretrained, tmp_path / "run", overrides=["recompute=true"])
    assert set(run.source.new) == HEAD


def test_a_head_is_copied_for_the_same_tasks_of_the_same_model(convolutional, tmp_path):
    same = {"model": "cnn_attention"}
    assert begun(convolutional, tmp_path, **same)[0].source.new == ()
    assert begun(convolutional, tmp_path, **same)[2][0].endswith("; nothing is new")
    other, _, _ = begun(convolutional, tmp_path, Spec(LENGTH, ("else",)), **same)
    assert set(other.source.new) == HEAD
    assert other.config == Run.open(convolutional).config


def test_a_model_without_labels_has_the_same_task_on_all_data(pretrained, tmp_path):
    run, model, _ = begun(pretrained, tmp_path, Spec(100, ("else",)), "mlm")
    assert run.source.new == ()
    expected = Run.open(pretrained).weights()["head/kernel"]
    np.testing.assert_array_equal(variables.read(model.weights)["head/kernel"], expected)


def test_frozen_layers_are_as_in_evaluation(pretrained, convolutional, tmp_path, random_packed):
    """Dropout drops nothing there, batch norm uses what it has stored: the head alone learns."""
    packed = random_packed
    drops = ["dropout=0.5", "head_dropout=0.0", "rc=augment"]
    for tune, is_frozen in (("frozen", True), ("full", False)):
        _, model, lines = begun(pretrained, tmp_path, overrides=drops, tune=tune)
        with keyed_random.scope(np.arange(8, dtype=np.uint32)):
            varied = np.asarray(model(packed, training=True))
        assert np.array_equal(varied, model(packed)) == is_frozen
        names = variables.named(model.trainable_variables)
        assert (names.keys() == HEAD) == is_frozen
    same = {"model": "cnn_attention", "overrides": ["dropout=0.0"]}
    _, model, lines = begun(convolutional, tmp_path, tune="frozen", **same)
    assert variables.named(model.trainable_variables).keys() == HEAD
    before = variables.read(model.variables)
    model(packed, training=True)
    for name, values in variables.read(model.variables).items():
        np.testing.assert_array_equal(values, before[name])
    assert lines[1] == f"tune=frozen: 7 of {model.count_params():,} parameters learn"


def test_adapters_change_nothing_at_first_and_are_as_many_as_algebra_says(
    pretrained, tmp_path, random_packed
):
    _, whole, _ = begun(pretrained, tmp_path)
    _, model, lines = begun(pretrained, tmp_path, tune="lora", lora_rank=3)
    head = {name: v.numpy() for name, v in variables.named(whole.weights).items() if name in HEAD}
    for name in HEAD:
        variables.named(model.weights)[name].assign(head[name])
    np.testing.assert_array_equal(model(random_packed), whole(random_packed))
    expected = sum(3 * (rows + columns) for rows, columns in DENSE) + CHANNELS + 1
    found = variables.named(model.trainable_variables)
    assert sum(int(np.prod(v.shape)) for v in found.values()) == expected
    assert len(found) == 2 * len(DENSE) + 2
    assert lines[1] == (
        f"tune=lora: {expected:,} of {model.count_params():,} parameters learn, adapters of rank 3 "
        "in 7 layers"
    )


def test_only_what_learns_changes_whatever_the_precision_and_the_decay(
    data_dir, pretrained, tmp_path
):
    """To the bit, and of a layer that is computed again; the control is the whole that learns."""
    expected = Run.open(pretrained).weights()
    for tune, are_kept in (("frozen", True), ("full", False)):
        settings = {"tune": tune, "precision": "mixed_bfloat16", "steps": 2}
        trained(data_dir, pretrained, tmp_path / tune, ["recompute=true"], **settings)
        found = last(tmp_path / tune, 2)
        weights = {begin._layers_only(name): x for name, x in found["model"].items()}
        kernels = [name for name in expected.keys() - HEAD if name.endswith("kernel")]
        assert len(kernels) == len(DENSE) + 1
        for name in kernels:
            assert np.array_equal(weights[name], expected[name]) == are_kept
        assert (found["average"].keys() == HEAD) == are_kept
        for name in expected.keys() - HEAD if are_kept else ():
            np.testing.assert_array_equal(weights[name], expected[name])


@pytest.fixture(scope="module")
def adapted(data_dir, pretrained, tmp_path_factory):
    """A run with adapters, and what it began with, which is not there any more."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copytree(pretrained, folder / "source")
    lines = trained(data_dir, folder / "source", folder / "run", tune="lora", learning_rate=0.02)
    assert [line.split(" ")[0] for line in lines[3:5]] == ["Beginning", "tune=lora:"]
    (folder / "source").rename(folder / "gone")
    return folder / "run"


def test_adapters_learn_and_the_layers_below_them_do_not(adapted, pretrained):
    expected, found = Run.open(pretrained).weights(), last(adapted)["model"]
    for name in expected.keys() - HEAD:
        np.testing.assert_array_equal(found[name], expected[name])
    seconds = [values for name, values in found.items() if name.endswith("lora_kernel_b")]
    assert len(seconds) == len(DENSE)
    assert all(np.abs(values).max() > 0 for values in seconds)


def test_merged_adapters_predict_the_same(adapted, random_packed):
    """As the network that was trained: in `run.model()`, and in model.keras."""
    run = Run.open(adapted)
    model = run.model_module.build(run.config, run.spec)
    begin.begin(model, run)
    arrays = last(adapted, run.best_step)
    variables.assign(model.variables, arrays["model"] | arrays["average"], "adapters")
    expected = np.asarray(model(random_packed))
    np.testing.assert_allclose(run.model()(random_packed), expected, atol=1e-6)
    exported = keras.models.load_model(adapted / "model.keras")
    np.testing.assert_allclose(exported(random_packed), expected, atol=1e-6)
    plain = run.model_module.build(run.config, run.spec)
    assert [v.path for v in run.model().weights] == [v.path for v in plain.weights]
    without = {name: x for name, x in arrays["model"].items() if "lora" not in name}
    variables.assign(plain.variables, without | {n: arrays["average"][n] for n in HEAD}, "none")
    assert np.abs(plain(random_packed) - expected).max() > 1e-4


def test_it_goes_on_without_what_it_began_with(adapted, data_dir, tmp_path):
    """To the bit; and a finished one is left alone."""
    workdir = shutil.copytree(adapted, tmp_path / "run")
    origin = json.loads((workdir / "config.json").read_text())["init_from"]
    options = {"tune": "lora", "learning_rate": 0.02}
    assert "already finished" in trained(data_dir, origin["workdir"], workdir, **options)[0]
    shutil.rmtree(workdir / "checkpoints" / "step-4")
    (workdir / "result.json").unlink()
    lines = trained(data_dir, origin["workdir"], workdir, **options)
    assert "Going on from step 2" in lines
    assert not [line for line in lines if line.startswith("Beginning")]
    for group, arrays in last(adapted).items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(last(workdir)[group][name], values)
    with pytest.raises(InputError, match="no run here"):
        train(data_dir, workdir, resume="never", training=TrainConfig(init_from=origin["workdir"]))


def test_other_weights_to_begin_with_are_another_run(adapted, pretrained, data_dir, tmp_path):
    """Whatever their place is: the same ones may have moved."""
    options = {"tune": "lora", "learning_rate": 0.02}
    assert "already finished" in trained(data_dir, pretrained, adapted, **options)[0]
    other = shutil.copytree(pretrained, tmp_path / "other")
    step = Run.open(pretrained).best_step
    sums = other / "checkpoints" / f"step-{step}" / "SHA256SUMS"
    lines = sums.read_text().splitlines()
    other_sums = [x.replace("0", "1") if "npz" in x else x for x in lines]
    sums.write_text("\n".join(other_sums) + "\n")
    with pytest.raises(InputError) as error:
        trained(data_dir, other, adapted, **options)
    assert re.fullmatch(
        f"{adapted}: holds a run with other settings: init_from.sha256 was [0-9a-f]{{12}} and is "
        r"now [0-9a-f]{12}\. Give another --workdir, or --resume=never to delete .*",
        str(error.value),
    )


ON_JAX = """
import pathlib
from genokeras.training import checkpoint
from genokeras.training.train import train
from genokeras.training.workdir import Run
run = Run.open({workdir!r})
train(run.data_dir, {workdir!r}, training=run.training)
arrays = checkpoint.load(pathlib.Path({workdir!r}) / "checkpoints" / "step-4")[0]
result = {{f"{{g}}/{{n}}".replace("/", "|"): x for g, v in arrays.items() for n, x in v.items()}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["frozen", "lora"])
def test_steps_on_jax_are_those_on_tensorflow(tune, pretrained, data_dir, tmp_path, on_jax):
    """A run that TensorFlow began goes on there: same gradients, same weights that stay."""
    settings = {"tune": tune, "learning_rate": 0.02, "jit": "auto"}
    trained(data_dir, pretrained, tmp_path / "run", **settings)
    workdir = shutil.copytree(tmp_path / "run", tmp_path / "jax")
    shutil.rmtree(workdir / "checkpoints" / "step-4")
    (workdir / "result.json").unlink()
    theirs = on_jax(ON_JAX.format(workdir=str(workdir)))
    for group, arrays in last(tmp_path / "run").items():
        for name, values in arrays.items():
            found = theirs[f"{group}/{name}".replace("/", "|")]
            np.testing.assert_allclose(found, values, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"overrides": ["channels=32", "periods=7"]},
            "{0}: its encoder has channels=16, periods=10.5, that of this run channels=32, "
            "periods=7.0; leave that out, or give --set=channels=16 --set=periods=10.5",
        ),
        (
            {"model": "cnn_attention"},
            "{0}: mlm and cnn_attention have no layers in common, so there is nothing to begin "
            "with; leave --model out, and it is one that suits",
        ),
        (
            {"model": "contrastive", "overrides": ["channels=8"]},
            "{0}: its encoder has channels=16, that of this run channels=8; leave that out, or "
            "give --set=channels=16",
        ),
    ],
)
def test_what_does_not_fit_an_encoder_is_refused(changes, message, pretrained, tmp_path):
    with pytest.raises(InputError) as error:
        begun(pretrained, tmp_path / "run", **changes)
    assert str(error.value) == message.format(pretrained)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"spec": Spec(80, ("bound",))},
            "{0}: its dense_1/kernel has shape [160, 6], that of this run [320, 6]: its windows "
            "have 40 bp, these 80 bp, and its layers depend on that",
        ),
        (
            {"overrides": ["filters=4"]},
            "{0}: its block_1_conv/kernel has shape [10, 4, 8], that of this run [10, 4, 4]: give "
            "it the same settings",
        ),
        (
            {"tune": "lora"},
            "tune=lora adapts the dense layers of transformer blocks, and none was copied: use "
            "tune=full or frozen",
        ),
        (
            {"model": "transformer"},
            "{0}: cnn_attention and transformer have no layers in common, so there is nothing to "
            "begin with; leave --model out, and it is one that suits",
        ),
    ],
)
def test_what_does_not_fit_any_network_is_refused(changes, message, convolutional, tmp_path):
    with pytest.raises(InputError) as error:
        begun(convolutional, tmp_path / "run", **{"model": "cnn_attention"} | changes)
    assert str(error.value) == message.format(convolutional)


def test_a_run_without_a_checkpoint_has_nothing_to_begin_with(pretrained, tmp_path):
    empty = shutil.copytree(pretrained, tmp_path / "empty")
    shutil.rmtree(empty / "checkpoints")
    with pytest.raises(InputError, match="no checkpoint yet; the first one comes with the first"):
        begun(empty, tmp_path / "run")
    with pytest.raises(InputError, match="none: no run here, it has no config.json"):
        begun(tmp_path / "none", tmp_path / "run")


def test_an_equivariant_encoder_makes_the_network_equivariant():
    """Any other may be averaged over strands, or not."""
    config = dataclasses.asdict(mlm.PRESETS["tiny"])
    origin = Source("run", 7, "0", "mlm", "tiny", config | {"rc": "equivariant"}, LENGTH, ())
    assert begin.configuration(origin, "transformer", "tiny", ()).rc == "equivariant"
    with pytest.raises(InputError, match="its encoder has rc=equivariant, that of this run rc=ave"):
        begin.configuration(origin, "transformer", "tiny", ["rc=none"])
    origin = dataclasses.replace(origin, config=config | {"rc": "none"})
    assert begin.configuration(origin, "transformer", "tiny", ()).rc == "average"
    assert begin.configuration(origin, "transformer", "tiny", ["rc=augment"]).rc == "augment"
    with pytest.raises(
        InputError, match="rc=equivariant; leave that out, or give --set=rc=average"
    ):
        begin.configuration(origin, "transformer", "tiny", ["rc=equivariant"])
