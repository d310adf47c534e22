"""`launch.compare` as people call it; how it makes runs is tested in test_compare_runs.py."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]

COMMON = ("--", "--preset=tiny", "--steps=2", "--jit=off")


@pytest.fixture
def configs(tmp_path):
    """Writes a file of configurations."""

    def write(text):
        (tmp_path / "configs.txt").write_text(text)
        return f"--configs={tmp_path / 'configs.txt'}"

    return write


@pytest.mark.slow
def test_a_configuration_that_fails_is_a_row_and_the_other_is_scored(
    launch, tiny_run, configs, tmp_path
):
    """What fails here is known to an evaluation alone, so the check before all runs passes it."""
    file = configs("plain\nwrong --best_metric=aurok\n")
    where = f"--data_dir=tf={tiny_run.data_dir}", f"--output={tmp_path / 'out'}", "--seeds=7"
    done = launch(file, *where, *COMMON)
    assert done.returncode == 2
    assert done.stderr.startswith("error: 1 of 2 runs are done, 1 failed; tf, wrong, seed 7: ")
    assert len(done.stderr.splitlines()) == 1
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("[1/2] tf, plain, seed 7: auroc 0.")
    assert second.startswith("[2/2] tf, wrong, seed 7: failed: ")
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    plain, wrong = found["rows"]
    scores = json.loads(
        (tmp_path / "out/runs/tf/plain/seed-7/evaluation/test.json").read_text()
    )  # fmt: skip
    assert plain["scores"]["auroc"] == scores["auroc"]
    assert plain["parameters"] > 1000
    assert plain["cpu_minutes"] > 0
    assert wrong["reason"] in done.stderr
    [line] = [line for line in found["lines"] if line["configuration"] == "plain"]
    assert line["score"]["covers"] == "examples"
    low, high = scores["auroc_ci"]  # Of the same resamples, by percentiles.
    assert line["score"]["ci"] == pytest.approx([low, high], abs=0.1 * (high - low))
    for ending in ("md", "tsv", "png", "svg"):
        assert (tmp_path / "out" / f"comparison.{ending}").stat().st_size > 0
    assert "report.html" not in os.listdir(tmp_path / "out/runs/tf/plain/seed-7")
    assert f"Tables and pictures: {tmp_path / 'out'}/comparison.*" in done.stdout


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        (
            "a\n",
            ["--seeds=0,0"],
            "--seeds=0,0: expected different whole numbers from 0 to 21474836",
        ),
        ("a\n", ["--split=tset"], "has no split 'tset'. Did you mean 'test'?"),
        ("a\n", ["--reference=b"], "--reference: no configuration 'b'. Configurations: a"),
        ("a\n", ["--", "--workdir=x"], "after --: --workdir is set for every run"),
        ("a\nb --presett=x\n", [], "configs.txt:2: unknown flag --presett. Did you mean 'preset'?"),
        ("a --preset=bse\n", [], "configs.txt:1: cnn_attention has no preset 'bse'. Did you mean"),
        ("a --set=filtres={8,9}\n", [], "configs.txt:1: Config has no field 'filtres'. Did you me"),
    ],
)
def test_mistakes_are_refused_before_keras_is_loaded(
    launch, tiny_run, configs, tmp_path, monkeypatch, text, args, message
):
    monkeypatch.setenv("KERAS_BACKEND", "none that exists")
    where = f"--data_dir={tiny_run.data_dir}", f"--output={tmp_path / 'out'}"
    done = launch(configs(text), *where, *args)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("data_dirs", "output", "message"),
    [
        ("{0},{0}", "out", "are both called tiny; give one another name: NAME="),
        ("nowhere", "out", "nowhere"),
        ("{0}", "{0}", "holds 'dataset_info.json' but no comparison; give a new or empty folder"),
    ],
)
def test_datasets_and_folders_that_will_not_do(
    launch, tiny_run, configs, tmp_path, data_dirs, output, message
):
    data_dirs, output = (text.format(tiny_run.data_dir) for text in (data_dirs, output))
    done = launch(configs("a"), f"--data_dir={data_dirs}", f"--output={tmp_path / output}")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.slow
def test_a_value_that_a_model_refuses_is_found_before_the_first_run(
    launch, tiny_run, configs, tmp_path
):
    where = f"--data_dir={tiny_run.data_dir}", f"--output={tmp_path / 'out'}"
    done = launch(configs("a\nb --set=dropout={0.1,2}"), *where, *COMMON)
    assert done.returncode == 2
    assert "configs.txt:2: dropout must be in [0, 1), got 2" in done.stderr
    done = launch(configs("a\nb --model=mlm\nc --model=track --preset=tiny"), *where, *COMMON)
    assert "configs.txt:3: this model learns from coverage data, these are binary" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_sigterm_ends_in_order_and_two_of_the_same_do_not_differ(tiny_run, configs, tmp_path):
    """The null control with real runs: the same configuration twice, and twice the same numbers."""
    command = [
        sys.executable, "-m", "launch.compare", configs("a\nb"),
        f"--data_dir={tiny_run.data_dir}", f"--output={tmp_path / 'out'}", "--seeds=0",
        "--metric=loss", *COMMON,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE)
    second = tmp_path / "out/runs/tiny/b/seed-0/config.json"
    while process.poll() is None and not second.exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=200)[1]
    assert process.returncode == 75, said
    assert said.splitlines()[-1].endswith("of 2 runs are done; the same command goes on")
    rows = json.loads((tmp_path / "out/comparison.json").read_text())["rows"]
    assert [row["state"] for row in rows] == ["done", "missing"]
    assert rows[1]["reason"] == "stopped before its end"
    trained = (tmp_path / "out/runs/tiny/a/seed-0/result.json").stat().st_mtime_ns
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/runs/tiny/a/seed-0/result.json").stat().st_mtime_ns == trained
    lines = json.loads((tmp_path / "out/comparison.json").read_text())["lines"]
    same = lines[1]["difference"]
    assert (same["mean"], same["ci"], same["p"]) == (0.0, [0.0, 0.0], 1.0)
