"""`launch.evaluate` as people call it; what it computes is tested in genokeras/evaluation."""

import json
import shutil

import pytest


def test_table_and_files(launch, tiny_run):
    done = launch(f"--workdir={tiny_run.workdir}", "--split=test", "--num_bootstrap=50",
                  "--symmetry")  # fmt: skip
    assert done.returncode == 0, done.stderr
    title, _, header, _, auroc = done.stdout.splitlines()[:5]
    assert title.startswith("tiny, test split: 50 examples, both strands, checkpoint best (step ")
    assert header.split() == ["cnn_attention", "6-mer", "baseline", "difference"]
    result = json.loads((tiny_run.workdir / "evaluation" / "test.json").read_text())
    assert auroc.split()[:2] == ["auroc", f"{result['auroc']:.4f}"]
    assert "evaluation/test.*" in done.stdout
    found = json.loads((tiny_run.workdir / "evaluation" / "test.symmetry.json").read_text())
    assert found["layers"][-1]["layer"] == "logits"
    assert found["layers"][-1]["reverse_complement"] < 1e-4
    assert done.stdout.splitlines()[-1].startswith("logits ")
    assert f"Report: {tiny_run.workdir}/report.html" in done.stdout
    assert result["verdict"].split(":")[0] in (tiny_run.workdir / "report.html").read_text()
    assert "Predicting test: 50/50" in done.stderr
    assert "oneDNN" not in done.stderr
    assert "I0000" not in done.stderr


def test_options_and_a_dataset_that_has_moved(launch, tiny_run, tmp_path):
    shutil.copytree(tiny_run.data_dir, tmp_path / "data")
    shutil.copytree(tiny_run.workdir, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["data_dir"] = str(tmp_path / "old")
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    done = launch(f"--workdir={tmp_path / 'run'}", f"--data_dir={tmp_path / 'data'}",
                  "--nobaseline", "--num_bootstrap=0", "--checkpoint=last", "--split=valid",
                  "--noreverse_complement")  # fmt: skip
    assert done.returncode == 0, done.stderr
    # The model averages both strands by itself, whatever is asked for.
    assert "valid split: 40 examples, both strands, checkpoint last (step 2)" in done.stdout
    assert "chosen on the valid split itself" in done.stdout
    assert "baseline" not in done.stdout


@pytest.mark.slow
def test_a_run_and_its_data_at_urls(launch, tiny_run, tmp_path):
    """What is written is beside the run; the machine has a copy in its cache."""
    run = shutil.copytree(tiny_run.workdir, tmp_path / "bucket" / "run")
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    done = launch(f"--workdir=file://{run}", f"--data_dir=file://{tiny_run.data_dir}",
                  f"--cache_dir={tmp_path / 'cache'}", "--nobaseline", "--num_bootstrap=0",
                  "--split=valid")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Copied to file://{run}\n")
    scores = [json.loads((folder / "evaluation" / "valid.json").read_text())
              for folder in (run, *tmp_path.glob("cache/runs/*-read"))]  # fmt: skip
    assert len(scores) == 2
    assert scores[0] == scores[1]
    assert list(tmp_path.glob("cache/*/tiny-valid*"))


def test_an_ensemble_and_its_members(launch, tiny_run, tmp_path):
    """Of two copies of one run, so that the spread over members is zero."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        shutil.copytree(tiny_run.workdir, folder)
    done = launch(f"--workdir={folders[0]},{folders[1]}", f"--output={tmp_path / 'both'}",
                  "--num_bootstrap=20", "--probe=AP1:TGASTCA")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ensemble of 2" in done.stdout
    assert f"{tmp_path / 'both'}/test.*" in done.stdout
    result = json.loads((tmp_path / "both" / "test.json").read_text())
    assert result["auroc"] == result["members"][0]["auroc"] == result["members"][1]["auroc"]
    assert result["probes"]["motifs"][-1]["word"] == "TGASTCA"
    refused = launch(f"--workdir={tmp_path}/[ab]", "--num_bootstrap=20")
    assert refused.returncode == 2
    assert "--output is missing: an ensemble of 2 runs has no folder of its own" in refused.stderr
    refused = launch(f"--workdir={tmp_path}/[ab]", f"--output={tmp_path}", "--symmetry")
    assert refused.returncode == 2
    assert "--symmetry is of one network, got 2 runs: name one" in refused.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "--workdir"),
        (["--workdir=x", "--num_bootstrap=-1"], "flag --num_bootstrap=-1"),
        (["--workdir=x", "--batchsize=3"], "unknown flag --batchsize. Did you mean 'batch_size'?"),
        (["--workdir=x,y"], "x: no run here"),
        (["--workdir=x*"], "--workdir=x*: no folder of a run matches this pattern"),
        (["--workdir=x"], "x: no run here, it has no config.json; launch.train makes one"),
    ],
)
def test_mistakes_are_refused_before_tensorflow_is_loaded(launch, args, message, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "none that exists")
    done = launch(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
