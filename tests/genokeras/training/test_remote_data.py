"""Training on a dataset in a bucket: the same weights as on a local one, copied or streamed."""

import dataclasses

import numpy as np
import pytest

from genokeras.evaluation.evaluate import evaluate
from genokeras.training import checkpoint, remote_workdir, trainer
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig
from genokeras.training.workdir import CHECKPOINTS, Run
from tfrecords.errors import InputError

SETTINGS = TrainConfig(steps=20, batch_size=32, eval_every=10, jit="off", shuffle_block=16)


def run(data_dir, workdir, **changes):
    lines = []
    training = dataclasses.replace(SETTINGS, **changes)
    options = {"preset": "single_conv_only", "overrides": ["filters=8"]}
    train(data_dir, workdir, training=training, log=lines.append, **options)
    folder = checkpoint.folder(workdir / CHECKPOINTS, SETTINGS.steps)
    return checkpoint.load(folder)[0]["model"], lines


@pytest.fixture
def url(bucket, tmp_path, data_dir):
    (tmp_path / "b").symlink_to(data_dir)
    return "bucket://b"


@pytest.mark.slow
def test_weights_and_scores_are_those_of_local_data(url, bucket, tmp_path, data_dir, monkeypatch):
    weights, lines = run(data_dir, tmp_path / "local")
    bucket.failing, bucket.seconds = 0.1, 0.001
    found = {}
    for limit in ("0", "1"):  # GB; first it is streamed.
        monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", limit)
        remote, found[limit] = run(url, tmp_path / f"run_{limit}")
        assert remote.keys() == weights.keys()
        for name, values in weights.items():
            np.testing.assert_array_equal(remote[name], values, err_msg=name)
    told = f"{url} is larger than the room in the cache, so training reads it over the network as "
    assert [line for line in found["0"] if "network" in line] == [
        told + "it goes, in runs of 16 examples"
    ]
    assert not [line for line in [*found["1"], *lines] if "network" in line]
    scores = [
        evaluate(tmp_path / x, "valid", num_bootstrap=0, baseline=False)["loss"]
        for x in ("local", "run_1")
    ]
    assert scores[0] == scores[1]
    assert str(Run.open(tmp_path / "run_1").data_dir) == url


def test_streaming_a_perfect_shuffle_says_what_it_costs(url, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", "0")
    _, lines = run(url, tmp_path / "run", shuffle_block=1)
    (line,) = [line for line in lines if "network" in line]
    assert line.endswith(
        "every example by itself: --shuffle_block=256 makes that up to 256 times fewer requests; "
        "or give more room (--cache_dir, --cache_limit)"
    )


def test_a_network_that_is_gone_while_training(url, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", "0")
    run(url, tmp_path / "run")
    ask, num_reads = bucket._ask, 0

    def asking(self, what, path):
        nonlocal num_reads
        num_reads += "tfrecord" in path
        if num_reads > 8:
            raise ConnectionResetError("connection reset")
        return ask(self, what, path)

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "_ask", asking)
        with pytest.raises(InputError, match=r"^bucket://b/.*: connection reset; tried 8 times in"):
            run(url, tmp_path / "other")
    # The same command goes on.
    ours, theirs = (run(url, tmp_path / name)[0] for name in ("other", "run"))
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


def test_run_in_a_bucket_goes_on_on_another_machine(data_dir, bucket, tmp_path, monkeypatch):
    """Killed after its first checkpoint, it ends with the weights of a run that was not."""
    weights, _ = run(data_dir, tmp_path / "local")
    workdir, lines = "bucket://b/run", []
    options = {"preset": "single_conv_only", "overrides": ["filters=8"], "log": lines.append}

    class Killed(BaseException):
        pass

    after_steps = trainer.Trainer._after_steps

    def killed_at_15(self, *arguments):
        if self.step == 15:
            raise Killed
        return after_steps(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_after_steps", killed_at_15)
        first = dataclasses.replace(SETTINGS, checkpoint_every=10)
        with pytest.raises(Killed):
            train(data_dir, workdir, training=first, **options)
    saved = tmp_path / "b" / "run" / "checkpoints"
    assert checkpoint.steps(saved) == [10]
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "another machine"))
    bucket.failing = 0.05
    result = train(data_dir, workdir, training=first, **options)
    assert str(result.workdir) == workdir
    assert f"--workdir={workdir}\n" in (tmp_path / "b" / "run" / "flags.txt").read_text()
    assert "Going on from step 10" in lines
    for name, values in checkpoint.load(saved / "step-20")[0]["model"].items():
        np.testing.assert_array_equal(values, weights[name], err_msg=name)
    again = train(data_dir, workdir, training=first, **options)
    assert again.already_finished
    assert str(again.workdir) == workdir
    assert Run.open(workdir).best_step == result.best_step


def test_run_whose_end_could_not_be_pushed_is_pushed_by_the_same_command(
    data_dir, bucket, tmp_path, monkeypatch
):
    options = {"training": SETTINGS, "preset": "single_conv_only", "overrides": ["filters=8"]}

    def broken(*_):
        raise InputError("connection reset")

    with monkeypatch.context() as patch:
        patch.setattr(remote_workdir, "push", broken)
        with pytest.raises(InputError, match="connection reset"):
            train(data_dir, "bucket://b/run", **options)
    result = tmp_path / "b" / "run" / "result.json"
    assert not result.exists()
    assert train(data_dir, "bucket://b/run", **options).already_finished
    assert result.exists()
