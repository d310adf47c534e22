"""Runs ended at any moment, by signals or troubles, finish like one that nothing happened to."""

import collections
import contextlib
import dataclasses
import functools
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from genokeras.training import checkpoint, evaluations, prefetch, valid_picture
from genokeras.training import train as train_module
from genokeras.training.job import Job
from genokeras.training.lock import holder
from genokeras.training.status import status
from genokeras.training.stopping import Stopped
from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train
from tfrecords.errors import InputError

ROOT = pathlib.Path(__file__).parents[3]
# What depends on the machine, and on what else it does.
TIMED = (
    "examples_per_second", "input_wait_fraction", "flops_per_second", "mfu", "peak_memory_gb",
)  # fmt: skip
NAMED_ONCE = {"_hparams_/session_start_info", "_hparams_/session_end_info", "run/1_command"}
# The loss is least soon after the start, so the count that stops the run outlives kills.
OPTIONS = {
    "preset": "fewer_conv_channels",
    "training": recipe(
        preset="fewer_conv_channels", steps=60, log_every=4, eval_every=4, checkpoint_every=7,
        ema=0.9, clipnorm=0.5, jit="off", best_metric="loss", patience=11, steps_per_execution=2,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def processes():
    """Starts processes from one that has TensorFlow loaded, but not yet used."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["genokeras.training.train", "genokeras.training.tensorflow_engine"]
    )
    return context


@pytest.fixture(scope="module")
def undisturbed(processes, data_dir, tmp_path_factory):
    """A run that nothing happened to."""
    workdir = tmp_path_factory.mktemp("undisturbed") / "run"
    process = start(processes, data_dir, workdir, OPTIONS)
    process.join()
    assert process.exitcode == 0
    return workdir


def start(processes, data_dir, workdir, options):
    process = processes.Process(target=train, args=(data_dir, workdir), kwargs=options)
    process.start()
    return process


def train_with_kills(processes, data_dir, workdir, options, moments):
    """Kills the run at every moment, and then lets it end.

    A moment is `(further, seconds)`: first the run is to save a checkpoint so many steps further
    than before, and then its process to compute for so long, whatever else the machine does.
    Returns the newest checkpoint at every kill, and for how long its process had computed.
    """
    killed_at = []
    for further, seconds in moments:
        step = newest(workdir) + further
        process = start(processes, data_dir, workdir, options)
        wait(process, functools.partial(newest, workdir), step)
        wait(process, functools.partial(cpu_seconds, process), cpu_seconds(process) + seconds)
        killed_at.append((newest(workdir), cpu_seconds(process)))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    process = start(processes, data_dir, workdir, options)
    process.join()
    assert process.exitcode == 0
    return killed_at


def wait(process, value, least):
    while value() < least:
        assert process.is_alive(), "it ended before it was killed"
        time.sleep(0.002)


def cpu_seconds(process):
    """Returns for how long a process has computed."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def newest(workdir):
    """Returns the step of the newest checkpoint, 0 if there is none."""
    return max(checkpoint.steps(workdir / "checkpoints"), default=0)


def without_times(rows):
    return [
        {
            "step": row["step"],
            "valid": row.get("valid"),
            "train": {name: x for name, x in row["train"].items() if name not in TIMED},
        }
        for row in rows
    ]


def shown(workdir):
    """All that TensorBoard is to show, in its order, but for times: steps, tags and values.

    Also without pictures, of which there are as many as a share of the run's time allows.
    """
    return [
        (event.step, value.tag, value.tensor.SerializeToString())
        for path in sorted((workdir / "tensorboard").iterdir())
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.tag.removeprefix("train/") not in TIMED
        # The command names the work folder.
        and not value.tag.startswith("run/")
        and value.tag != valid_picture.TAG
    ]


def assert_same_run(first, second):
    """The same to the bit, but for times; no step twice or missing."""
    saved = [checkpoint.steps(run / "checkpoints") for run in (first, second)]
    assert saved[0] == saved[1]
    for step in saved[0]:
        arrays, states = zip(
            *(checkpoint.load(run / "checkpoints" / f"step-{step}") for run in (first, second)),
            strict=True,
        )
        assert arrays[0].keys() == arrays[1].keys()
        for group, values in arrays[0].items():
            for name, value in values.items():
                np.testing.assert_array_equal(value, arrays[1][group][name], err_msg=name)
        assert states[0]["best"] == states[1]["best"]
    rows = [read_rows(run) for run in (first, second)]
    assert without_times(rows[0]) == without_times(rows[1])
    values = [shown(run) for run in (first, second)]
    assert values[0] == values[1]
    counts = collections.Counter((step, tag) for step, tag, _ in values[1])
    assert set(counts.values()) == {1}, "a step was shown twice"
    results = [json.loads((run / "result.json").read_text()) for run in (first, second)]
    assert [result.pop("seconds") > 0 for result in results] == [True, True]
    assert results[0] == results[1]
    names = [sorted(path.name for path in run.iterdir()) for run in (first, second)]
    assert names[0] == names[1]


def test_killed_run_ends_like_an_undisturbed_one(processes, data_dir, undisturbed, tmp_path):
    moments = [(1, random.Random(seed).uniform(0, 0.03)) for seed in range(3)]
    train_with_kills(processes, data_dir, tmp_path / "run", OPTIONS, moments)
    assert_same_run(undisturbed, tmp_path / "run")
    result = json.loads((undisturbed / "result.json").read_text())
    assert result["steps"] == result["best_step"] + 11 * 4 < 60
    tags = collections.Counter(tag for _, tag, _ in shown(undisturbed))
    assert tags["train/loss"] == len(read_rows(undisturbed)) - 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_at_any_moment(processes, data_dir, undisturbed, tmp_path):
    """Five from the very start of the process on, before it gets any further, and five after that.

    In turns: nobody could kill a run ten times that gets further every time.
    """
    training = dataclasses.replace(OPTIONS["training"], steps=600, eval_every=20, patience=None)
    options, whole = OPTIONS | {"training": training}, tmp_path / "whole"
    process = start(processes, data_dir, whole, options)
    wait(process, functools.partial(newest, whole), 1)
    until_saved = cpu_seconds(process)
    process.join()
    numbers, moments = random.Random(5), []
    for _ in range(5):
        moments.append((0, numbers.uniform(0, until_saved)))
        moments.append((numbers.randint(1, 40), numbers.uniform(0, 0.1)))
    killed_at = train_with_kills(processes, data_dir, tmp_path / "run", options, moments)
    assert len(set(killed_at)) == 10
    assert len({step for step, _ in killed_at}) >= 5
    assert_same_run(whole, tmp_path / "run")


def stopping_at(moment):
    """A log that sends SIGTERM to this very process when a line begins so."""

    def log(line):
        if line.startswith(moment):
            os.kill(os.getpid(), signal.SIGTERM)

    return log


def test_sigterm_saves_and_the_same_command_goes_on(data_dir, undisturbed, tmp_path):
    """It comes while a step that no checkpoint is due at is looked at."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped) as stopped:
        train(data_dir, tmp_path / "run", **OPTIONS, log=stopping_at("step 12 "))
    assert str(stopped.value) == ("stopped by SIGTERM at step 12, saved; the same command goes on")
    assert signal.getsignal(signal.SIGTERM) is before
    assert checkpoint.steps(tmp_path / "run" / "checkpoints")[-1] == 12
    assert holder(tmp_path / "run") is None
    found = status(tmp_path / "run")
    assert (found.state, found.step, found.steps) == ("stopped", 12, 60)
    assert [row["step"] for row in read_rows(tmp_path / "run")] == [0, 4, 8, 12]
    lines = []
    train(data_dir, tmp_path / "run", **OPTIONS, resume="must", log=lines.append)
    assert "Going on from step 12" in lines
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.mark.slow
def test_sigterm_does_not_wait_for_a_long_evaluation(data_dir, undisturbed, tmp_path, monkeypatch):
    """The steps before it are saved, and it is made anew when the run goes on."""
    evaluate, calls, moments = evaluations.evaluate, [], {1, 7}

    def signalled(*arguments, **options):
        calls.append(1)
        # After the one that was stopped, two before the first step, then two for each evaluation:
        # of the valid split, and of a part of the training split.
        if len(calls) in moments:
            os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(*arguments, **options)

    monkeypatch.setattr(evaluations, "evaluate", signalled)
    with pytest.raises(Stopped) as stopped:
        train(data_dir, tmp_path / "run", **OPTIONS)
    assert str(stopped.value) == (
        "stopped by SIGTERM before the first step; the same command starts again"
    )
    with pytest.raises(Stopped) as stopped:
        train(data_dir, tmp_path / "run", **OPTIONS)
    assert str(stopped.value).startswith("stopped by SIGTERM at step 8, saved")
    assert [row["step"] for row in read_rows(tmp_path / "run")] == [0, 4]
    train(data_dir, tmp_path / "run", **OPTIONS)
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.mark.slow
def test_sigterm_does_not_wait_for_a_batch_that_never_comes(
    data_dir, undisturbed, tmp_path, monkeypatch
):
    """A network is gone, and its reader tries again and again."""
    batches, is_over = Job.batches, threading.Event()

    def hanging(job, step):
        yield from itertools.islice(batches(job, step), 10)
        is_over.wait(2)  # The steps of what was read ahead are made meanwhile.
        os.kill(os.getpid(), signal.SIGTERM)
        is_over.wait(60)

    with monkeypatch.context() as patched:
        patched.setattr(Job, "batches", hanging)
        patched.setattr(prefetch, "_SECONDS_TO_END", 0.1)
        with pytest.raises(Stopped, match="^stopped by SIGTERM at step [0-9]+, saved") as stopped:
            train(data_dir, tmp_path / "run", **OPTIONS)
    assert not is_over.is_set()
    is_over.set()
    saved = checkpoint.steps(tmp_path / "run" / "checkpoints")[-1]
    assert f"at step {saved}, " in str(stopped.value)
    train(data_dir, tmp_path / "run", **OPTIONS)
    assert_same_run(undisturbed, tmp_path / "run")


def test_sigterm_before_anything_is_there(data_dir, tmp_path, monkeypatch):
    """While the model is built."""
    prepare = train_module._prepare

    def signalled(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return prepare(*arguments)

    monkeypatch.setattr(train_module, "_prepare", signalled)
    with pytest.raises(Stopped, match="^stopped by SIGTERM before the first step; the same comm"):
        train(data_dir, tmp_path / "run", **OPTIONS)
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == []


@pytest.mark.slow
def test_sigterm_at_the_last_moment_does_not_undo_the_end(data_dir, undisturbed, tmp_path):
    last = json.loads((undisturbed / "result.json").read_text())["steps"]
    result = train(data_dir, tmp_path / "run", **OPTIONS, log=stopping_at(f"step {last} "))
    assert result.steps == last
    assert_same_run(undisturbed, tmp_path / "run")


def test_full_disk_ends_the_run_which_goes_on_when_there_is_room(
    data_dir, undisturbed, tmp_path, file_size_limit
):
    """No file may become longer than 1000 bytes, from the evaluation after step 8 on."""
    with contextlib.ExitStack() as until_then:

        def log(line):
            if line.startswith("step 8 "):
                until_then.enter_context(file_size_limit(1000))

        with pytest.raises(InputError) as error:
            train(data_dir, tmp_path / "run", **OPTIONS, log=log)
    assert re.fullmatch(
        rf"{tmp_path}/run/.*: File too large, while step \d+ was saved; mend this, and the same "
        r"command goes on with the run: its last checkpoint is of step [4-7]",
        str(error.value),
    )
    train(data_dir, tmp_path / "run", **OPTIONS, resume="must")
    assert_same_run(undisturbed, tmp_path / "run")


def test_shard_that_is_cut_short_ends_the_run_which_goes_on_with_a_whole_one(
    data_dir, undisturbed, tmp_path
):
    """Batches that had been read by then are still trained on."""
    copied = shutil.copytree(data_dir, tmp_path / "data")
    (shard,) = copied.glob("*train*")
    content = shard.read_bytes()

    def log(line):
        if line.startswith("step 8 "):
            os.truncate(shard, 1000)

    with pytest.raises(InputError, match=rf"^{shard}: was cut short while it was read, to 1000 by"):
        train(copied, tmp_path / "run", **OPTIONS, log=log)
    assert checkpoint.steps(tmp_path / "run" / "checkpoints")[-1] >= 8
    assert holder(tmp_path / "run") is None
    shard.write_bytes(content)
    train(copied, tmp_path / "run", **OPTIONS)
    assert_same_run(undisturbed, tmp_path / "run")


@pytest.fixture
def start_two_hosts(data_dir):
    """Starts two processes on this machine, which take themselves for two machines."""
    started = []
    command = [
        *(sys.executable, "-m", "launch.train", f"--data_dir={data_dir}", "--strategy=multiworker"),
        *("--preset=single_conv_only", "--set=filters=8", "--batch_size=32", "--steps=600"),
        *("--eval_every=100", "--log_every=10", "--checkpoint_every=20"),
    ]

    def start(workdir, backend):
        with contextlib.ExitStack() as until_then:
            probes = [until_then.enter_context(socket.socket()) for _ in range(2)]
            for probe in probes:
                probe.bind(("127.0.0.1", 0))
            addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
        for number in range(2):
            task = {"type": "worker", "index": number}
            config = json.dumps({"cluster": {"worker": addresses}, "task": task})
            told, flags = {"TF_CONFIG": config}, ["--jit=off"]
            if backend == "jax":
                told, flags = {}, [f"--coordinator={addresses[0]}", "--num_processes=2"]
                flags.append(f"--process_id={number}")
            process = subprocess.Popen(
                [*command, f"--workdir={workdir}", *flags],
                env=os.environ | told | {"KERAS_BACKEND": backend}, cwd=ROOT,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            started.append(process)
        return started[-2:]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(processes):
    """Their exit codes, and the last lines that are not those of a framework."""
    texts = [process.communicate(timeout=280)[0] for process in processes]
    lines = [re.findall("^(?:error: |stopped by ).*", text, re.MULTILINE) for text in texts]
    return [
        (p.returncode, said[-1] if said else "") for p, said in zip(processes, lines, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_one_of_two_hosts_is_killed(start_two_hosts, tmp_path, backend):
    """The other one ends with 75, start me again; whichever it is, the run goes on."""
    undisturbed = ended(start_two_hosts(tmp_path / "undisturbed", backend))
    assert [code for code, _ in undisturbed] == [0, 0]
    lost = (
        "error: another host of this run has ended; start all of them again with the same command"
    )
    delays, newest_at = random.Random(5), []
    for number, sent in enumerate([*[signal.SIGKILL] * 10, signal.SIGTERM]):
        victim, before = (number + 1) % 2, newest(tmp_path / "run")
        hosts = start_two_hosts(tmp_path / "run", backend)
        while newest(tmp_path / "run") == before:
            assert [host.poll() for host in hosts] == [None, None]
            time.sleep(0.01)
        time.sleep(delays.uniform(0, 0.1))
        assert [host.poll() for host in hosts] == [None, None]
        hosts[victim].send_signal(sent)
        found = ended(hosts)
        newest_at.append(newest(tmp_path / "run"))
        if sent == signal.SIGKILL:
            assert found[victim][0] == -signal.SIGKILL
            assert found[1 - victim] == (75, lost)
        else:
            said = f"stopped by SIGTERM at step {newest_at[-1]}, saved; the same command goes on"
            assert found == [(75, said)] * 2
    assert len(set(newest_at)) == 11
    assert [code for code, _ in ended(start_two_hosts(tmp_path / "run", backend))] == [0, 0]
    assert_same_run(tmp_path / "undisturbed", tmp_path / "run")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("preset", ["baseline", "base"])
def test_killed_run_on_real_data(processes, more_data, write_dataset, tmp_path, preset):
    """Human ChIP-seq (GUE tf2); attention and k-mers are in `base`, compiled code in both."""
    import csv
    import gzip

    rows = {}
    for split, name in [("train", "train"), ("valid", "dev")]:
        with gzip.open(more_data("tf_binding/gue/tf2") / f"{name}.csv.gz", "rt") as file:
            rows[split] = list(csv.DictReader(file))
    everything = [row for split in rows.values() for row in split]
    data_dir = write_dataset(
        tmp_path / "data",
        [row["sequence"] for row in everything],
        np.array([[float(row["label"])] for row in everything]),
        splits={split: len(part) for split, part in rows.items()},
    )
    training = recipe(preset=preset, steps=600, checkpoint_every=50, eval_every=200, jit="on")
    options = {"preset": preset, "training": training}
    process = start(processes, data_dir, tmp_path / "undisturbed", options)
    process.join()
    moments = [(1, random.Random(seed).uniform(0, 1)) for seed in range(6)]
    train_with_kills(processes, data_dir, tmp_path / "killed", options, moments)
    assert_same_run(tmp_path / "undisturbed", tmp_path / "killed")
