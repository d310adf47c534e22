"""The comparison of training speeds: operations counted, contestants held to the same loss."""

import io
import json
import sys

import pytest


def test_operations_of_eight_bases_counted_by_hand(benchmark):
    """Two per weight that is used: 8 positions, then 4, then 2 x 64 inputs of the dense layers."""
    first, second = 2 * 8 * (10 * 4 * 64), 2 * 4 * (10 * 64 * 64)
    dense = 2 * (128 * 128 + 128 * 64 + 64 * 1)
    assert benchmark.flops_per_example(8) == 2 * first + 3 * (second + dense)


def said(parameters=5, losses=(0.7, 0.6)):
    return {"parameters": parameters, "losses": list(losses)}


def test_contestants_that_lose_the_same_may_take_part(benchmark):
    benchmark.check_same({"genokeras": said(), "torch_eager": said(losses=(0.70005, 0.6))})


def test_another_loss_is_found(benchmark):
    with pytest.raises(RuntimeError, match=r"torch_eager loses \[0.7, 0.6002\], not \[0.7, 0.6\]"):
        benchmark.check_same({"genokeras": said(), "torch_eager": said(losses=(0.7, 0.6002))})


def test_another_network_is_found(benchmark):
    with pytest.raises(RuntimeError, match="torch_eager has another network"):
        benchmark.check_same({"genokeras": said(), "torch_eager": said(parameters=6)})


def test_a_contestant_that_fails_is_quoted(benchmark):
    with (
        benchmark.contestant([sys.executable, "-c", "raise ValueError('no luck')"]) as process,
        pytest.raises(RuntimeError, match="no luck"),
    ):
        benchmark.listen(process)


def test_an_environment_that_is_not_there(benchmark, tmp_path):
    with pytest.raises(SystemExit, match="no such environment; `make bench-peers` makes it"):
        benchmark.interpreter(str(tmp_path), "torch_eager")


def test_rounds_are_reported_and_waited_for(benchmark, tmp_path, monkeypatch, capsys):
    from peers.rounds import Rounds, Task

    rounds = Rounds(Task(tmp_path, batch_size=4, round_steps=3, rounds=2))
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n"))
    rounds.ready(7, [0.5], ["numpy"])
    finished = []
    for _ in range(6):
        assert not rounds.are_over
        rounds.step(finish=lambda: finished.append(1))
    assert rounds.are_over
    assert len(finished) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["parameters"] == 7
    assert [set(line) for line in lines[1:]] == [{"seconds", "cpu_seconds"}] * 2


def test_batches_hold_every_row_once_an_epoch(benchmark, tmp_path):
    from peers.rounds import Task

    batches = Task(tmp_path, batch_size=4, round_steps=1, rounds=1).batch_rows(8)
    for _ in range(2):
        assert sorted([*next(batches), *next(batches)]) == list(range(8))


@pytest.mark.slow
def test_small_run(small_run):
    """With the two contestants that need no environment of their own."""
    sizes = ["--examples=256", "--rounds=1", "--steps=2", "--only", "101", "32"]
    (setting,) = small_run("--peers=", *sizes)["settings"]
    assert setting["contestants"]["keras_fit"]["parameters"] == 257_153
    assert list(setting["times_as_fast_as"]) == ["keras_fit"]
    assert 0 <= setting["input_wait_fraction"]["median"] < 1
