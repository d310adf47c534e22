import json
import re
import shutil

import pytest

from genokeras.training import lock
from genokeras.training.status import Status
from launch.status import describe, duration, table


@pytest.fixture
def stopped(tiny_run, tmp_path):
    """A copy of the run that ended at its last checkpoint."""
    workdir = shutil.copytree(tiny_run.workdir, tmp_path / "stopped")
    (workdir / "result.json").unlink()
    return workdir


def test_finished_run(launch, tiny_run):
    done = launch(f"--workdir={tiny_run.workdir}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tiny_run.workdir}: finished"
    assert lines[1] == "  step 2 of 2 (100%), epoch 1.00"
    assert re.fullmatch(r"  last evaluation: step 2  loss \d.\d{4}  auroc \d.\d{4}", lines[2])
    assert re.fullmatch(r"  best, by loss: step [12]  loss \d.\d{4}  auroc \d.\d{4}", lines[3])
    assert re.fullmatch(r"  checkpoint: step 2, [\d.]+ \w+ ago", lines[4])
    assert len(lines) == 5


def test_several_runs_have_a_line_each(launch, tiny_run, stopped):
    done = launch(f"--workdir={tiny_run.workdir},{stopped.parent}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "run"
    assert [line.split()[:3] for line in lines[1:]] == [
        [str(tiny_run.workdir), "finished", "2/2"],
        [str(stopped), "stopped", "2/2"],
    ]


def test_the_command_that_goes_on_is_one_that_the_run_has_left(stopped):
    from genokeras.training.status import status

    found = describe(status(stopped)).splitlines()
    assert found[0] == f"{stopped}: stopped"
    assert found[-1] == (f"  goes on with: python -m launch.train --flagfile={stopped}/flags.txt")
    flags = (stopped / "flags.txt").read_text().splitlines()
    assert {flag.partition("=")[0] for flag in flags} >= {"--data_dir", "--workdir", "--steps"}


def test_running_run_says_who_and_how_long(tmp_path):
    holder = lock.Holder(pid=12, host="node7", since=0.0, born=None)
    scores = {"loss": 0.5, "auroc": None, "pearson_r": 0.25, "mse": 3.0}
    run = Status(
        tmp_path, "running", holder=holder, step=1500, steps=4000, epoch=2.5, last=(1000, scores),
        steps_per_second=12.345, examples_per_second=1580.2, seconds_left=202.5,
    )  # fmt: skip
    lines = describe(run).splitlines()
    assert re.fullmatch(rf"{tmp_path}: running, process 12 on node7 since 19[67]\d-.*", lines[0])
    assert lines[1:] == [
        "  step 1,500 of 4,000 (37%), epoch 2.50",
        "  last evaluation: step 1,000  loss 0.5000  pearson_r 0.2500",
        "  12.3 steps/s, 1,580 examples/s, about 3 min left",
    ]
    assert table([run]).splitlines()[1].split()[1:3] == ["running", "1,500/4,000"]


def test_problems_stand_below_the_table(tmp_path):
    runs = [Status(tmp_path / name, "damaged", problem=f"{name} is torn") for name in ("a", "b")]
    assert table(runs).splitlines()[-2:] == [
        f"{tmp_path}/a: a is torn", f"{tmp_path}/b: b is torn",
    ]  # fmt: skip
    assert describe(runs[0]).splitlines()[-1] == "  problem: a is torn"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (60, "1 min"), (3500, "58 min"), (5400, "1.5 h"), (1e6, "11.6 d")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_folder_without_runs(launch, tmp_path):
    done = launch(f"--workdir={tmp_path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: {tmp_path}: no run here, nor in the folders in it: none has a config.json\n"
    )


def test_run_with_broken_settings_is_told(launch, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"format_version": 9}))
    done = launch(f"--workdir={tmp_path}")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{tmp_path}: damaged",
        f"  problem: {tmp_path}/config.json: format version 9, this version of genokeras reads 1",
    ]
