"""`launch.train` as people call it; what it does is tested in genokeras/training."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from genokeras.training import checkpoint
from genokeras.training.train_config import TrainConfig

ROOT = pathlib.Path(__file__).parents[2]
SMALL = ["--preset=single_conv_only", "--set=filters=4", "--batch_size=16", "--jit=off"]


def test_run_from_first_line_to_last_and_its_replay(launch, tiny_run, tmp_path):
    workdir = tmp_path / "run"
    done = launch(
        f"--data_dir={tiny_run.data_dir}", f"--workdir={workdir}", *SMALL, "--steps=6",
        "--eval_every=3", "--seed=3", "--best_metric=loss",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Devices: CPU (")
    assert lines[1].startswith("Training cnn_attention, preset single_conv_only, ")
    assert lines[2] == (
        "6 steps of 16 examples (0.75 epochs); evaluation every 3 steps: auroc on 40 examples"
    )
    table = lines.index(next(line for line in lines if line.startswith("Best by valid loss: step")))
    assert [line.split()[0] for line in lines[table + 1 : table + 4]] == ["loss", "auroc", "auprc"]
    assert lines[-2:] == [
        f"Curves:  tensorboard --logdir {workdir}",
        f"Scores:  python -m launch.evaluate --workdir={workdir} --split=test",
    ]
    assert "Training: 6/6" in done.stderr
    assert "oneDNN" not in done.stderr
    assert "I0000" not in done.stderr

    replay = launch(f"--flagfile={workdir / 'flags.txt'}")
    assert replay.returncode == 0, replay.stderr
    assert replay.stdout.splitlines()[0] == f"{workdir}: already finished, nothing to do"
    settings = json.loads((workdir / "config.json").read_text())
    assert settings["training"]["seed"] == 3
    assert settings["overrides"] == ["filters=4"]


def test_a_run_begins_with_another(launch, tiny_run, tmp_path):
    """Its model, preset and sizes are those of the other, which may be gone later."""
    workdir = tmp_path / "run"
    flags = [f"--data_dir={tiny_run.data_dir}", f"--workdir={workdir}", "--steps=2", "--jit=off"]
    done = launch(*flags, f"--init_from={tiny_run.workdir}", "--tune=frozen", "--set=dropout=0.1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].startswith("Training cnn_attention, preset tiny, ")
    assert lines[3].startswith(f"Beginning with {tiny_run.workdir}, cnn_attention at step 2: ")
    assert lines[4].startswith("tune=frozen: ")
    replayed = (workdir / "flags.txt").read_text().splitlines()
    assert {f"--init_from={tiny_run.workdir}", "--tune=frozen", "--preset=tiny"} <= set(replayed)


def test_a_run_is_scored_when_it_is_done(launch, tiny_run, tmp_path):
    workdir = tmp_path / "run"
    flags = [f"--data_dir={tiny_run.data_dir}", f"--workdir={workdir}", *SMALL, "--steps=2"]
    done = launch(*flags, "--evaluate=dev")
    assert done.returncode == 0, done.stderr
    scores = json.loads((workdir / "evaluation" / "valid.json").read_text())
    rows = [line for line in done.stdout.splitlines() if line.startswith("auroc ")]
    assert f"{scores['auroc']:.4f} [" in rows[-1]
    assert done.stdout.splitlines()[-1] == f"Report: {workdir}/report.html"


def test_a_run_at_a_url_is_scored_when_it_is_done(launch, tiny_run, tmp_path, monkeypatch):
    """What is written of its copy is put beside it."""
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    workdir = tmp_path / "run"
    flags = [f"--data_dir={tiny_run.data_dir}", f"--workdir=file://{workdir}", *SMALL, "--steps=2"]
    done = launch(*flags, "--evaluate=dev")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"Copied to file://{workdir}"
    scores = json.loads((workdir / "evaluation" / "valid.json").read_text())
    assert f"{scores['auroc']:.4f} [" in done.stdout
    assert (workdir / "report.html").is_file()


def test_a_split_that_is_not_there_is_refused_before_training(launch, tiny_run, tmp_path):
    workdir = tmp_path / "run"
    done = launch(f"--data_dir={tiny_run.data_dir}", f"--workdir={workdir}", "--evaluate=tset")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "error: --evaluate: no split 'tset'. Did you mean 'test'? Splits: train, valid, test"
    )
    assert not workdir.exists()


def test_run_ended_by_signals_ends_with_one_line_and_goes_on(tiny_run, tmp_path):
    workdir, flags = tmp_path / "run", ["--steps=100000", "--eval_every=5", "--log_every=5"]
    command = [sys.executable, "-m", "launch.train", f"--data_dir={tiny_run.data_dir}"]
    step = 0
    for number, name, code in ((signal.SIGTERM, "SIGTERM", 75), (signal.SIGINT, "Ctrl-C", 130)):
        process = subprocess.Popen(
            [*command, f"--workdir={workdir}", *SMALL, *flags],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # Tests that run in the background of a shell have been told to ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        while (
            process.poll() is None
            and max(checkpoint.steps(workdir / "checkpoints"), default=0) <= step
        ):
            time.sleep(0.01)
        process.send_signal(number)
        stdout, stderr = process.communicate()
        assert process.returncode == code
        assert (f"Going on from step {step}" in stdout.splitlines()) == (step > 0)
        step = checkpoint.steps(workdir / "checkpoints")[-1]
        assert stderr.splitlines()[-1] == (
            f"stopped by {name} at step {step}, saved; the same command goes on"
        )
        assert "Traceback" not in stderr


@pytest.fixture
def signalled(tmp_path):
    """Runs the launcher where loading Keras ends with SIGTERM, and git is not there."""
    stand_in = tmp_path / "path" / "keras"
    stand_in.mkdir(parents=True)
    program = "import os, time\nos.kill(os.getpid(), 15)\ntime.sleep(60)\n"
    (stand_in / "__init__.py").write_text(program)
    environment = os.environ | {"PYTHONPATH": str(stand_in.parent), "PATH": str(tmp_path)}

    def run(*args):
        done = subprocess.run(
            [sys.executable, "-m", "launch.train", *args], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_sigterm_while_keras_is_loaded_means_start_again(signalled, tiny_run, tmp_path):
    assert signalled(f"--data_dir={tiny_run.data_dir}", f"--workdir={tmp_path / 'run'}") == (
        75, "", "stopped by SIGTERM before the first step; the same command starts again\n",
    )  # fmt: skip


def test_run_that_is_finished_says_so_without_loading_keras(signalled, tiny_run, tmp_path):
    workdir = shutil.copytree(tiny_run.workdir, tmp_path / "run")
    config = json.loads((workdir / "config.json").read_text())
    config["environment"]["revision"] = None
    (workdir / "config.json").write_text(json.dumps(config))
    flags = (workdir / "flags.txt").read_text().replace(str(tiny_run.workdir), str(workdir))
    (workdir / "flags.txt").write_text(flags)
    again = f"--flagfile={workdir / 'flags.txt'}"
    code, said, problem = signalled(again)
    assert (code, problem) == (0, "")
    assert said.splitlines()[0] == f"{workdir}: already finished, nothing to do"
    # In doubt Keras tells: of other flags, or of one that may be what the preset says.
    for other in ("--seed=1", "--seed=0", "--resume=never", "--evaluate=test"):
        assert signalled(again, other)[0] == 75, other
    # Of the same flags, too, where they name a run that may have gone on since.
    begun = f"--init_from={tiny_run.workdir}"
    (workdir / "flags.txt").write_text(f"{flags}{begun}\n")
    assert signalled(again)[0] == 75


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "--data_dir"),
        (["--steps=5", "--epochs=2"], "error: steps=5 and epochs=2 were both given: leave one out"),
        (["--learning_rate=-1"], "error: learning_rate=-1.0: expected a number above 0"),
        (["--batch_size=many"], "error: --batch_size=many: expected a whole number"),
        (["--optimizer=adamm"], "error: optimizer='adamm': expected one of adamw, adam, sgd"),
        (
            ["--data_dir=gx://bucket/data"],
            "error: gx://bucket/data: Protocol not known: gx; expected a folder of this machine, "
            "or a URL that fsspec knows, as gs://BUCKET/FOLDER or s3://BUCKET/FOLDER",
        ),
        (["--cache_limit=-1"], "error: "),
        (["--model=cnn"], "error: no model 'cnn'. Models: cnn_attention"),
        (["--preset=bas"], "error: cnn_attention has no preset 'bas'. Did you mean 'base'?"),
        (
            ["--set=norm=layer", "--set=filtres=3"],
            "error: Config has no field 'filtres'. Did you mean 'filters'? Fields: ",
        ),
        (
            ["--init_from=nothing"],
            "error: nothing: no run here, it has no config.json; launch.train ",
        ),
        (["--tune=lora"], "error: tune=lora without init_from: weights that were not trained are "),
        (["--resume=neve"], "error: --resume=neve: expected one of auto, never, must. Did you "),
        (["--lerning_rate=1"], "error: unknown flag --lerning_rate. Did you mean 'learning_rate'?"),
    ],
)
def test_mistyped_flags_are_refused_before_anything_is_loaded(launch, args, message):
    where = ["--data_dir=d", "--workdir=w"] if args else []
    done = launch(*where, *args)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_training_setting_is_a_flag_with_its_help(launch):
    done = launch("--help")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "python -m launch.train --data_dir=runs/tf0/data --workdir=runs/tf0/run" in text
    for field in dataclasses.fields(TrainConfig):
        assert f"--{field.name}: {field.metadata['help']}" in text.replace("--[no]", "--")
    assert "Peak learning rate. Default: 0.0015." in text
    places = [text.index(f"--{name}:") for name in ("data_dir", "set", "steps", "learning_rate")]
    assert places == sorted(places)
    assert "Presets of cnn_attention, for --preset: base " in text
    assert "dense_units=" in text


def test_missing_dataset(launch, tmp_path):
    done = launch(f"--data_dir={tmp_path / 'data'}", f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {tmp_path / 'data'}: no such folder; build_dataset makes datasets\n"
    )
