"""The whole call on small data; most tests look at one finished run."""

import dataclasses
import json
import random
import re
import shutil

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from genokeras.models import spec as specs
from genokeras.training import checkpoint
from genokeras.training import train as train_module
from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train
from genokeras.training.train_config import TrainConfig
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset

# Small, and quick to trace.
SMALL = {"preset": "single_conv_only", "overrides": ["filters=8"]}
SETTINGS = TrainConfig(
    steps=40, batch_size=32, eval_every=10, log_every=5, checkpoint_every=15, jit="off"
)
SCALARS = [
    "loss", "learning_rate", "gradient_norm", "examples_per_second", "input_wait_fraction",
    "flops_per_second", "peak_memory_gb",
]  # fmt: skip
METRICS = ["auroc", "auprc", "mcc", "accuracy", "f1"]


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
    """A finished run, and what it logged."""
    workdir, lines = tmp_path_factory.mktemp("finished") / "run", []
    result = train(data_dir, workdir, **SMALL, training=SETTINGS, log=lines.append)
    return result, lines


@pytest.fixture
def workdir(finished, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished[0].workdir, tmp_path / "run")


def again(data_dir, workdir, **changes):
    training = dataclasses.replace(SETTINGS, **changes.pop("training", {}))
    return train(data_dir, workdir, **SMALL | changes, training=training)


def test_run_is_said_to_be_what_it_is(finished):
    result, lines = finished
    assert result.steps == 40
    assert result.metric == "loss"
    assert lines[0].startswith("Devices: ")
    assert lines[0].endswith(", float32, without XLA")
    assert lines[1] == (
        "Training cnn_attention, preset single_conv_only, "
        "505 trainable parameters, on 300 examples of 40 bp, binary: bound"
    )
    assert lines[2] == (
        "40 steps of 32 examples (4.44 epochs); evaluation every 10 steps: auroc on 100 examples"
    )
    assert [line.split("  ")[0] for line in lines[3:]] == [f"step {n}" for n in (10, 20, 30, 40)]
    assert lines[3].endswith("(best so far)")


def test_folder_holds_what_it_should(finished):
    names = {path.name for path in finished[0].workdir.glob("[!.]*")}
    assert names == {
        "config.json", "flags.txt", "checkpoints", "tensorboard", "metrics.jsonl", "model.keras",
        "result.json",
    }  # fmt: skip
    assert not list(finished[0].workdir.glob(".writing*"))


def test_rows_are_one_per_step_with_every_metric(finished):
    rows = read_rows(finished[0].workdir)
    assert [row["step"] for row in rows] == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    assert rows[2]["epoch"] == pytest.approx(10 / 9, abs=1e-4)
    assert rows[0].keys() == {"step", "epoch", "time", "train", "valid"}
    assert set(rows[1]["train"]) == set(SCALARS)
    assert set(rows[2]["train"]) == {*SCALARS, *METRICS}
    assert {"loss", *METRICS} <= set(rows[2]["valid"])
    assert rows[1]["train"]["learning_rate"] == pytest.approx(1.5e-3)
    assert all(0 <= row["train"]["input_wait_fraction"] <= 1 for row in rows[1:])


def test_tensorboard_shows_the_rows(finished):
    workdir = finished[0].workdir
    accumulator = EventAccumulator(str(workdir / "tensorboard")).Reload()
    tags = set(accumulator.Tags()["scalars"])
    assert {f"train/{name}" for name in [*SCALARS, *METRICS]} <= tags
    assert {f"valid/{name}" for name in ["loss", *METRICS]} <= tags
    curve = {event.step: event.value for event in accumulator.Scalars("valid/auroc")}
    rows = {row["step"]: row["valid"]["auroc"] for row in read_rows(workdir) if "valid" in row}
    assert curve == pytest.approx(rows)


def test_best_and_newest_checkpoints_are_kept(finished):
    result = finished[0]
    rows = [row for row in read_rows(result.workdir) if "valid" in row and row["step"]]
    best = min(rows, key=lambda row: row["valid"]["loss"])
    assert result.best_step == best["step"]
    assert result.scores == best["valid"]
    saved = checkpoint.steps(result.workdir / "checkpoints")
    assert saved[-1] == 40
    assert result.best_step in saved
    assert len(saved) <= 3


def test_exported_model_is_the_best_checkpoint_with_its_average(finished, data_dir):
    run = Run.open(finished[0].workdir)
    batch = next(Dataset(data_dir).split("valid").eval_batches(100))
    exported = keras.models.load_model(run.workdir / "model.keras")
    assert not exported.compiled
    logits = [model.predict(batch["sequence"], verbose=0) for model in (exported, run.model())]
    np.testing.assert_array_equal(*logits)
    scores = run.model_module.scores(
        run.spec, {"logits": logits[0]}, batch["targets"], batch["weight"]
    )
    assert scores["auroc"] == pytest.approx(finished[0].scores["auroc"], abs=1e-9)
    path = checkpoint.folder(run.workdir / "checkpoints", run.best_step)
    arrays = checkpoint.load(path)[0]
    kernel = exported.get_layer("block_1_conv").kernel.numpy()
    np.testing.assert_array_equal(kernel, arrays["average"]["block_1_conv/kernel"])
    assert not np.array_equal(kernel, arrays["model"]["block_1_conv/kernel"])


def test_config_holds_all_that_is_needed(finished, data_dir):
    settings = json.loads((finished[0].workdir / "config.json").read_text())
    assert settings["config"]["filters"] == 8
    assert settings["training"] == dataclasses.asdict(SETTINGS)
    assert settings["spec"]["length"] == 40
    assert settings["data_dir"] == str(data_dir)
    assert settings["manifest_sha256"] == Dataset(data_dir).manifest.sha256
    assert settings["environment"]["threads"]["intra-op"] >= 1
    assert {"python", "keras", "numpy"} <= settings["environment"]["versions"].keys()
    names = {"revision", "versions", "devices", "threads", "training"}
    assert settings["environment"].keys() == names


def test_flags_repeat_the_run(finished, data_dir):
    """Only what differs from the preset's own recipe."""
    lines = (finished[0].workdir / "flags.txt").read_text().splitlines()
    assert lines[:4] == [
        f"--data_dir={data_dir}", f"--workdir={finished[0].workdir}", "--model=cnn_attention",
        "--preset=single_conv_only",
    ]  # fmt: skip
    assert {"--steps=40", "--eval_every=10", "--ema=0.995", "--set=filters=8"} <= set(lines)
    assert not [line for line in lines if line.startswith(("--seed", "--precision"))]


def test_finished_run_is_left_alone(finished, workdir, data_dir):
    lines = []
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*")}
    result = train(data_dir, workdir, **SMALL, training=SETTINGS, log=lines.append)
    assert lines == [f"{workdir}: already finished, nothing to do"]
    assert result == dataclasses.replace(finished[0], workdir=workdir, already_finished=True)
    assert {path: path.stat().st_mtime_ns for path in workdir.rglob("*")} == before


def test_killed_between_last_checkpoint_and_export(finished, workdir, data_dir):
    """The best model is taken from its checkpoint then."""
    expected = keras.models.load_model(workdir / "model.keras").get_weights()
    (workdir / "model.keras").unlink()
    (workdir / "result.json").unlink()
    result = again(data_dir, workdir)
    assert (result.best_step, result.scores) == (finished[0].best_step, finished[0].scores)
    for found, wanted in zip(
        keras.models.load_model(workdir / "model.keras").get_weights(), expected, strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_damaged_checkpoint_costs_the_steps_since_the_one_before(finished, workdir, data_dir):
    """And the run ends with the same weights and curves as if nothing had happened."""
    before, rows = checkpoint.load(workdir / "checkpoints" / "step-40")[0], read_rows(workdir)
    damaged = workdir / "checkpoints" / "step-40" / "optimizer.npz"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (workdir / "result.json").unlink()
    lines = []
    train(data_dir, workdir, **SMALL, training=SETTINGS, log=lines.append)
    assert f"{damaged}: its sha256 is not the one in SHA256SUMS" in lines[3]
    assert lines[4].startswith("Going on from step ")
    after = checkpoint.load(workdir / "checkpoints" / "step-40")[0]
    for group, values in before.items():
        for name, value in values.items():
            np.testing.assert_array_equal(after[group][name], value)
    assert [row["step"] for row in read_rows(workdir)] == [row["step"] for row in rows]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"training": {"learning_rate": 0.01}},
            "training.learning_rate was 0.0015 and is now 0.01. Give another --workdir, "
            "or --resume=never to delete that run and start anew",
        ),
        (
            {"training": {"steps": 80}},
            "training.steps was 40 and is now 80 (the learning rate depends on the number of steps,"
            " so a run cannot be prolonged). Give another --workdir, or",
        ),
        ({"overrides": ["filters=16"]}, "config.filters was 8 and is now 16. Give another"),
    ],
)
def test_other_settings_are_listed_and_nothing_is_touched(workdir, data_dir, changes, message):
    with pytest.raises(InputError) as error:
        again(data_dir, workdir, **changes)
    assert str(error.value).startswith(f"{workdir}: holds a run with other settings: {message}")
    assert (workdir / "result.json").exists()


def test_of_another_model_nothing_else_is_listed(workdir, data_dir):
    with pytest.raises(InputError) as error:
        train(data_dir, workdir, model="transformer", preset="tiny", training=SETTINGS)
    assert str(error.value) == (
        f"{workdir}: holds a run with other settings: model was cnn_attention and is now "
        "transformer. Give another --workdir, or --resume=never to delete that run and start anew"
    )


def test_other_data_are_told_by_what_they_are(workdir, data_dir, tmp_path, planted, write_dataset):
    splits = {"train": 280, "valid": 120}
    other = write_dataset(tmp_path / "other", *planted(400), splits=splits)
    with pytest.raises(InputError) as error:
        again(other, workdir)
    assert str(error.value) == (
        f"{workdir}: holds a run with other settings: data_dir was {data_dir} and is now {other}, "
        "dataset.examples.train was 300 and is now 280, dataset.examples.valid was 100 and is now "
        "120. Give another --workdir, or --resume=never to delete that run and start anew"
    )


def test_the_flags_of_a_dataset_are_compared_too(workdir, data_dir, tmp_path):
    """Other data can be in the same place; of many differences the first are told."""
    other = shutil.copytree(data_dir, tmp_path / "other")
    flags = {f"flag_{number}": number for number in range(9)}
    dataclasses.replace(Manifest.load(other), flags=flags, name="anew").save(other)
    with pytest.raises(InputError) as error:
        again(other, workdir)
    assert "dataset.name was planted and is now anew, dataset.flags.flag_0 was" in str(error.value)
    assert str(error.value).count(" and is now ") == 5


def test_data_that_differ_in_content_only_are_told_by_their_hash(
    workdir, tmp_path, planted, write_dataset
):
    splits = {"train": 300, "valid": 100}
    other = write_dataset(tmp_path / "other", *planted(400, seed=9), splits=splits)
    with pytest.raises(InputError, match=r", manifest_sha256 was \w{12} and is now \w{12}\. Give"):
        again(other, workdir)


def test_never_resuming_deletes_the_run_and_starts_anew(workdir, data_dir):
    (workdir / "evaluation").mkdir()
    (workdir / "notes.txt").write_text("mine")
    result = again(data_dir, workdir, resume="never", training={"steps": 4, "eval_every": 2})
    assert result.steps == 4
    assert [row["step"] for row in read_rows(workdir)] == [0, 2, 4]
    assert checkpoint.steps(workdir / "checkpoints")[-1] == 4
    assert not (workdir / "evaluation").exists()
    assert (workdir / "notes.txt").read_text() == "mine"


def test_what_to_do_about_a_run_is_one_of_three(workdir, data_dir, tmp_path):
    assert again(data_dir, workdir, resume="must").already_finished
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path / "none", resume="must")
    assert str(error.value) == (
        f"{tmp_path / 'none'}: no run to go on with, and --resume=must; leave that out to start one"
    )
    with pytest.raises(InputError) as error:
        again(data_dir, workdir, resume="nevr")
    assert str(error.value) == (
        "no resume 'nevr'. Did you mean 'never'? There are: auto, never, must"
    )


def test_same_seed_same_weights_other_seed_others(finished, data_dir, tmp_path):
    """Whatever else the process has drawn, and without touching its generator."""
    random.seed(5)
    expected = random.Random(5).random()
    same = again(data_dir, tmp_path / "same", training={})
    assert random.random() == expected
    other = again(data_dir, tmp_path / "other", training={"seed": 1, "steps": 4})
    kernels = [
        checkpoint.load(checkpoint.folder(run.workdir / "checkpoints", run.steps))[0]["model"]
        for run in (finished[0], same, other)
    ]
    for name, value in kernels[0].items():
        np.testing.assert_array_equal(value, kernels[1][name])
    assert not np.array_equal(*(k["block_1_conv/kernel"] for k in kernels[1:]))


def test_patience_ends_the_run(data_dir, tmp_path):
    """With a rate that moves nothing, no evaluation is better than the first."""
    changes = {"patience": 2, "learning_rate": 1e-30, "eval_every": 4}
    result = again(data_dir, tmp_path / "run", training=changes)
    assert (result.steps, result.best_step, result.metric) == (12, 4, "loss")
    assert again(data_dir, tmp_path / "run", training=changes).already_finished


def test_without_valid_split_the_last_weights_are_the_best(tmp_path, planted, write_dataset):
    data_dir, lines = write_dataset(tmp_path / "data", *planted(64)), []
    training = dataclasses.replace(SETTINGS, steps=4)
    result = train(data_dir, tmp_path / "run", **SMALL, training=training, log=lines.append)
    assert lines[0] == f"{data_dir} has no valid split: the last weights are kept as the best"
    assert (result.best_step, result.scores) == (4, {})
    assert Run.open(tmp_path / "run").best_step == 4
    assert (tmp_path / "run" / "model.keras").exists()
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path / "other", training={"best_metric": "auroc"})
    assert str(error.value) == (
        f"best_metric=auroc needs evaluations, but {data_dir} has no valid split; leave it out"
    )
    with pytest.raises(InputError, match="^patience=2 needs evaluations, but .* has no valid spl"):
        again(data_dir, tmp_path / "other", training={"patience": 2})


def test_the_last_checkpoint_can_be_the_best(data_dir, tmp_path):
    """With a rate that moves nothing all score the same: the first is best by any metric."""
    changes, lines = {"learning_rate": 1e-30, "steps": 8, "eval_every": 4}, []
    first = again(data_dir, tmp_path / "first", training=changes)
    changes |= {"best_metric": "last"}
    training = dataclasses.replace(SETTINGS, **changes)
    last = train(data_dir, tmp_path / "last", **SMALL, training=training, log=lines.append)
    assert (first.best_step, last.best_step) == (4, 8)
    assert (first.metric, last.metric) == ("loss", "last")
    assert Run.open(tmp_path / "last").best_step == 8
    assert last.scores["auroc"] == pytest.approx(first.scores["auroc"])
    assert not any("best" in line for line in lines)
    assert (tmp_path / "last" / "model.keras").exists()


def test_undefined_metric_leaves_the_last_weights(tmp_path, planted, write_dataset):
    """A valid split of one class has no AUROC."""
    texts, targets = planted(96)
    targets[64:] = 0
    splits = {"train": 64, "valid": 32}
    data_dir = write_dataset(tmp_path / "data", texts, targets, splits=splits)
    changes, lines = {"steps": 4, "eval_every": 2, "best_metric": "auroc"}, []
    training = dataclasses.replace(SETTINGS, **changes)
    result = train(data_dir, tmp_path / "run", **SMALL, training=training, log=lines.append)
    assert result.best_step == 4
    assert result.scores["auroc"] is None
    assert lines[-1] == "valid auroc was never defined: the last weights are kept as the best"


def test_infinite_loss_stops_with_advice(data_dir, tmp_path):
    changes = {"learning_rate": 1e30, "clipnorm": 0.0, "optimizer": "sgd", "warmup_steps": 0}
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path / "run", training=changes)
    first, batch, *way_out = str(error.value).split("; ")
    assert re.fullmatch(r"the (loss|gradient_norm) of step \d is no longer finite", first)
    assert re.fullmatch(r"its batch: row \d+", batch)
    assert "; ".join(way_out).endswith(
        " and 27 more; try a lower learning_rate (it is 1e+30), clipnorm=1 (it is 0) or "
        "precision=float32 (it is float32), or on_nan=skip, which leaves such steps out; no step "
        "was saved"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"batch_size": 301}}, "batch_size=301 is more than the 300 examples"),
        ({"training": {"best_metric": "auroK"}}, "Did you mean 'auroc'?"),
        ({"preset": "singel_conv_only"}, "Did you mean 'single_conv_only'?"),
        ({"overrides": ["filtres=8"]}, "Did you mean 'filters'?"),
        ({"model": "cnn_atention"}, "Did you mean 'cnn_attention'?"),
    ],
)
def test_mistakes_are_found_before_the_first_byte(data_dir, tmp_path, changes, message):
    with pytest.raises(InputError, match=message.replace("?", "\\?")):
        again(data_dir, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("resume", ["auto", "never"])
@pytest.mark.parametrize(
    "name", ["thesis.tex", ".git/HEAD", "checkpoints/mine.ckpt", "report.html", "flags.txt/x"]
)
def test_folder_with_other_things_is_left_alone(data_dir, tmp_path, name, resume):
    """Without a config.json nothing in it is known to be ours, whatever it is called."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path, resume=resume)
    assert str(error.value) == (
        f"{tmp_path}: holds {name.split('/')[0]!r} but no run; give another --workdir, one that is "
        "new or empty"
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_file_is_no_folder_for_a_run(data_dir, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path / "run")
    assert str(error.value) == (
        f"{tmp_path / 'run'}: is a file; give another --workdir, one that is new or empty"
    )


def test_run_killed_before_its_settings_were_there_starts_again(data_dir, tmp_path):
    for name in (".lock", "flags.txt", ".writing.config.json"):
        (tmp_path / name).write_text("")
    assert again(data_dir, tmp_path, training={"steps": 4}).steps == 4


def test_run_that_another_process_finishes_meanwhile_is_left_alone(
    finished, data_dir, tmp_path, monkeypatch
):
    """Between the first look at the folder and its lock, building the model takes seconds."""
    workdir, prepare = tmp_path / "run", train_module._prepare

    def slow(*arguments):
        shutil.copytree(finished[0].workdir, workdir)
        return prepare(*arguments)

    monkeypatch.setattr(train_module, "_prepare", slow)
    result = again(data_dir, workdir)
    assert result == dataclasses.replace(finished[0], workdir=workdir, already_finished=True)
    shutil.rmtree(workdir)
    with pytest.raises(InputError, match="holds a run with other settings: training.seed was 0"):
        again(data_dir, workdir, training={"seed": 1})
    assert (workdir / "result.json").exists()


@pytest.mark.parametrize("text", ["{}", '{"steps":', "[]", "\xff"])
def test_broken_result_is_named_with_a_way_out(workdir, data_dir, text):
    (workdir / "result.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as error:
        again(data_dir, workdir)
    assert str(error.value) == (
        f"{workdir}/result.json: not the result of a run; delete this file, and the same command "
        "makes it again from the last checkpoint"
    )


def test_other_backend_is_refused(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InputError) as error:
        again(data_dir, tmp_path / "run")
    assert str(error.value) == (
        "Keras runs on torch, genokeras on tensorflow or jax; set KERAS_BACKEND=tensorflow or "
        "KERAS_BACKEND=jax"
    )


def test_recipe_of_a_preset_and_changes():
    assert recipe() == TrainConfig(min_steps=300)
    assert recipe(epochs=2) == recipe(epochs=2, min_steps=0) == TrainConfig(epochs=2)
    assert recipe(preset="fast", min_steps=9) == TrainConfig(epochs=6, min_steps=9)
    assert recipe(preset="conv", epochs=3).steps is None
    assert recipe(preset="conv", epochs=3).optimizer == "adam"
    with pytest.raises(InputError) as error:
        recipe(learning_rat=0.1)
    assert str(error.value).startswith(
        "no training setting 'learning_rat'. Did you mean 'learning_rate'? Settings: steps, epochs,"
    )


@pytest.mark.parametrize("model", specs.available())
def test_recipes_of_all_presets_are_valid(model):
    for preset in specs.load(model).PRESETS:
        assert isinstance(recipe(model, preset), TrainConfig)


def test_a_first_step_that_is_compiled_is_announced(finished, data_dir, tmp_path):
    training, lines = dataclasses.replace(SETTINGS, steps=1, jit="on"), []
    train(data_dir, tmp_path / "run", **SMALL, training=training, log=lines.append)
    announced = "Compiling with XLA ..."
    assert lines.index(announced) < next(n for n, x in enumerate(lines) if x.startswith("step 1 "))
    assert announced not in finished[1]


def test_a_share_of_the_examples_is_learned_from(data_dir, tmp_path):
    lines = []
    settings = dataclasses.replace(SETTINGS, train_fraction=0.5, steps=2, eval_every=2)
    train(data_dir, tmp_path / "half", **SMALL, training=settings, log=lines.append)
    whole = Dataset(data_dir).split("train").num_examples
    assert f"on {whole // 2:,} examples of" in next(x for x in lines if x.startswith("Training"))


def test_progress_goes_on_from_where_the_run_stopped(workdir, data_dir):
    class Bar:
        def __init__(self):
            self.done, self.shown, self.is_closed = 0, {}, False

        def update(self, advance=1, **values):
            self.done += advance
            self.shown |= values

        def close(self):
            self.is_closed = True

    shutil.rmtree(workdir / "checkpoints" / "step-40")
    (workdir / "result.json").unlink()
    start = checkpoint.steps(workdir / "checkpoints")[-1]
    bar, calls = Bar(), []

    def progress(*arguments):
        calls.append(arguments)
        return bar

    train(data_dir, workdir, **SMALL, training=SETTINGS, progress=progress)
    assert calls == [("Training", 40, start)]
    assert (bar.done, bar.is_closed) == (40 - start, True)
    assert bar.shown.keys() == {"loss", "valid loss", "valid auroc"}
