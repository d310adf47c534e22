"""`launch.probe` as people call it; what it computes is tested in genokeras/probing."""

import json

import pytest


def test_table_and_files(launch, tiny_run, tmp_path):
    done = launch(f"--workdir={tiny_run.workdir}", f"--data_dir={tiny_run.data_dir}",
                  f"--output={tmp_path / 'probe.json'}", "--fractions=0.1,1", "--draws=2",
                  "--num_bootstrap=20", "--nuisance=gc", "--noise=1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "probe.json").read_text())
    assert len(result["rows"]) == 4 * 2
    assert done.stdout.startswith("tiny, test split; windows: 128 train, 40 valid, 50 test\n")
    assert f"{result['rows'][0]['auroc']:.4f}" in done.stdout
    last = done.stdout.splitlines()[-1]
    files = ", ".join(str(tmp_path / f"probe{end}") for end in (".json", ".png", ".svg"))
    assert last == f"Numbers and pictures: {files}"
    assert "Embedding test: 50/50" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "--workdir"),
        (["--workdir=x", "--data_dir=d", "--output=o.json"], "x: no run here, it has no config.js"),
        (
            ["--workdir={run}", "--data_dir=d", "--output=o.json"],
            "d: no such folder; build_dataset makes datasets",
        ),
        (
            ["--workdir={run}", "--data_dir={data}", "--output=o.json", "--fractions=1%"],
            "--fractions=1%: expected numbers with commas between",
        ),
        (
            ["--workdir={run}", "--data_dir={data}", "--output=o.json", "--fractions=2"],
            "fractions 2: expected shares of the labels, above 0 and up to 1",
        ),
        (
            ["--workdir={run}", "--data_dir={data}", "--output=gone/o.json"],
            "gone/o.json: there is no folder gone; make it first",
        ),
    ],
)
def test_mistakes_are_refused_before_keras_is_loaded(launch, tiny_run, args, message, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "none that exists")
    done = launch(*(arg.format(run=tiny_run.workdir, data=tiny_run.data_dir) for arg in args))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
