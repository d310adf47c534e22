import dataclasses
import json
import shutil

import pytest

from genokeras.training import checkpoint, settings
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig
from genokeras.training.workdir import Run
from tfrecords.errors import InputError

TRAINING = TrainConfig(steps=4, eval_every=2, batch_size=16, jit="off")


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    train(data_dir, folder, preset="remove_mlp", overrides=["filters=4"], training=TRAINING)
    return Run.open(folder)


def test_run_knows_its_settings(run, data_dir):
    assert (run.model_name, run.preset, run.training) == ("cnn_attention", "remove_mlp", TRAINING)
    assert run.config.filters == 4
    assert run.config.dense_units == ()
    assert (run.spec.length, run.spec.tasks) == (40, ("bound",))
    assert run.data_dir == data_dir
    assert run.manifest.name == "planted"


def test_models_of_named_checkpoints(run):
    assert run.best_step in (2, 4)
    kernels = {
        which: run.model(which).get_layer("block_1_conv").kernel.numpy().tobytes()
        for which in ("best", "last", 2, 4)
    }
    assert kernels["last"] == kernels[4] != kernels[2]
    assert kernels["best"] == kernels[run.best_step]


def test_steps_of_named_checkpoints(run):
    names = ("best", "last", 2, "2", "4")
    assert [run.step_of(name) for name in names] == [run.best_step, 4, 2, 2, 4]


@pytest.mark.parametrize(
    ("which", "hint"),
    [(3, ""), ("3", ""), (-2, ""), (2.0, ""), ("bets", ". Did you mean 'best'?")],
)
def test_unknown_checkpoint_lists_those_there_are(run, which, hint):
    with pytest.raises(InputError) as error:
        run.model(which)
    assert str(error.value) == (
        f"{run.workdir}: no checkpoint {which!r}; there are best, last, 2, 4{hint}"
    )


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the run whose best evaluation was at step 2, of 2 and 4."""
    workdir = shutil.copytree(run.workdir, tmp_path / "run")
    for step in (2, 4):
        arrays, state = checkpoint.load(run.workdir / "checkpoints" / f"step-{step}")
        state["best"]["best_step"] = 2
        checkpoint.save(workdir / "checkpoints", step, arrays, state)
    return Run.open(workdir)


@pytest.mark.parametrize("name", ["state.json", "SHA256SUMS", "model.npz"])
def test_best_is_found_though_the_newest_is_damaged(copied, name):
    newest = copied.workdir / "checkpoints" / "step-4"
    (newest / name).write_bytes(b"\xff")
    assert copied.best_step == copied.step_of("best") == 2
    copied.model()
    with pytest.raises(InputError, match=f"^{newest}.* it is damaged$"):
        copied.model("last")


def test_best_that_is_gone(copied):
    checkpoint.delete(copied.workdir / "checkpoints", [2])
    with pytest.raises(InputError) as error:
        copied.model()
    assert str(error.value) == (
        f"{copied.workdir}: its best checkpoint is damaged or gone; name another one: last, 4"
    )
    (copied.workdir / "checkpoints" / "step-4" / "state.json").write_text("")
    with pytest.raises(InputError, match="its best checkpoint is damaged or gone; name another"):
        copied.step_of("best")


def test_no_run(tmp_path):
    with pytest.raises(InputError) as error:
        Run.open(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: no run here, it has no config.json; launch.train makes one"
    )


def test_no_checkpoint_yet(run, tmp_path):
    (tmp_path / "config.json").write_text((run.workdir / "config.json").read_text())
    with pytest.raises(InputError) as error:
        Run.open(tmp_path).model()
    assert str(error.value) == (
        f"{tmp_path}: no checkpoint yet; the first one comes with the first evaluation or after "
        "checkpoint_every steps"
    )


def test_dataset_that_has_moved(run, data_dir, tmp_path):
    config = json.loads((run.workdir / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"data_dir": "/nowhere/data"}))
    with pytest.raises(InputError) as error:
        Run.open(tmp_path).dataset()
    assert str(error.value) == (
        f"/nowhere/data: no such folder, the dataset of {tmp_path} is not there any more; "
        "give its place now with --data_dir"
    )
    assert Run.open(tmp_path, data_dir).manifest.name == "planted"


def test_dataset_that_is_another(run, write_dataset, planted, tmp_path):
    other = write_dataset(tmp_path / "other", *planted(20, seed=3))
    with pytest.raises(InputError) as error:
        Run.open(run.workdir, other).dataset()
    assert str(error.value).startswith(
        f"{other}: not the dataset that {run.workdir} was trained on (manifest sha256 "
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": None}, "format version None, this version of genokeras reads 1"),
        ({"format_version": 9}, "format version 9, this version of genokeras reads 1"),
        ({"model": "dnabert"}, "no model 'dnabert'."),
        ({"spec": {}}, "Spec.length is missing"),
        ({"training": {"stepps": 3}}, "TrainConfig has no field 'stepps'. Did you mean 'steps'?"),
    ],
)
def test_settings_of_another_version(run, tmp_path, change, message):
    config = json.loads((run.workdir / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError) as error:
        Run.open(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'config.json'}: {message}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"model":', "JSONDecodeError("),
        (b"\xff", "UnicodeDecodeError("),
        (b"[1]", "TypeError("),
        (b"{}", "KeyError('format_version')"),
        (b'{"format_version": 1}', "no 'model'"),
        (b'{"format_version": 1, "model": 3}', "its 'model' is no str"),
        (b'{"format_version": 1, "model": "x", "preset": "y", "config": 3}', "its 'config' is no "),
    ],
)
def test_broken_settings(tmp_path, text, problem):
    (tmp_path / "config.json").write_bytes(text)
    with pytest.raises(InputError) as error:
        Run.open(tmp_path)
    start = f"{tmp_path / 'config.json'}: not the settings of a run ({problem}"
    assert str(error.value).startswith(start)
    assert str(error.value).endswith("); put the file back from a copy, or give another --workdir")


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_folder_of_broken_settings_is_not_emptied(data_dir, tmp_path, resume):
    """Many programs write a config.json."""
    (tmp_path / "config.json").write_text('{"format_version": 1}')
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(InputError, match=r"config.json: not the settings of a run \(no 'model'\)"):
        train(data_dir, tmp_path, preset="remove_mlp", training=TRAINING, resume=resume)
    assert (tmp_path / "report.html").read_text() == "mine"


def test_changed_environment_is_said(data_dir, tmp_path):
    """Bits depend on versions and threads; a run goes on, but says that it is not the same."""
    train(data_dir, tmp_path, preset="remove_mlp", overrides=["filters=4"], training=TRAINING)
    config = json.loads((tmp_path / "config.json").read_text())
    config["environment"]["versions"]["numpy"] = "1.0"
    config["environment"]["threads"]["intra-op"] = 96
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "result.json").unlink()
    lines = []
    train(
        data_dir, tmp_path, preset="remove_mlp", overrides=["filters=4"], training=TRAINING,
        log=lines.append,
    )  # fmt: skip
    start = "Changed since the run began, so the last bits may differ: "
    line = next(line for line in lines if line.startswith(start))
    assert "versions.numpy was 1.0 and is now" in line
    assert "threads.intra-op was 96 and is now" in line


def test_revision_is_that_of_the_source():
    """In a checkout a hash, elsewhere nothing."""
    found = settings.revision()
    assert found is None or len(found.removesuffix("-dirty")) == 40


def test_how_steps_are_computed_may_change_when_a_run_goes_on(data_dir, tmp_path):
    """On another machine: it is said, and refused of what changes the model."""
    options = {"preset": "remove_mlp", "overrides": ["filters=4"]}
    train(data_dir, tmp_path, training=TRAINING, **options)
    (tmp_path / "result.json").unlink()
    other, lines = dataclasses.replace(TRAINING, jit="off", steps_per_execution=3), []
    train(data_dir, tmp_path, training=other, log=lines.append, **options)
    (said,) = [line for line in lines if line.startswith("Changed since the run began")]
    assert "training.steps_per_execution was 1 and is now 3" in said
    with pytest.raises(InputError, match=r"holds a run with other settings: training\.ema was"):
        train(data_dir, tmp_path, training=dataclasses.replace(other, ema=0.5), **options)
