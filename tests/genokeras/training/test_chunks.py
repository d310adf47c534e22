"""Calls of several steps end where something is due."""

import itertools

import pytest

from genokeras.training.chunks import chunk_sizes
from genokeras.training.train_config import Plan, TrainConfig, plan


def make_plan(**changes):
    usual = {"steps": 23, "steps_per_epoch": 10, "warmup_steps": 0}
    return Plan(**usual | {"log_every": 5, "eval_every": 10, "checkpoint_every": 10} | changes)


def ends(step, most, alone=False, **changes):
    sizes = chunk_sizes(step, make_plan(**changes), most, alone=alone)
    return list(itertools.accumulate(sizes, initial=step))[1:]


def test_one_step_at_a_time_is_the_default():
    assert ends(0, 1) == list(range(1, 24))


def test_calls_are_whole_unless_something_is_due_within():
    assert ends(0, 5) == [5, 10, 15, 20, 21, 22, 23]
    assert ends(0, 4) == [4, 5, 9, 10, 14, 15, 19, 20, 21, 22, 23]


@pytest.mark.parametrize("most", [2, 3, 5, 7])
def test_a_call_never_goes_past_a_row_an_evaluation_a_checkpoint_or_the_end(most):
    due = {5, 10, 15, 20, 23, 12}
    for step in (0, 3, 11, 22):
        reached = ends(step, most, checkpoint_every=12)
        assert {end for end in due if end > step} <= set(reached)
        assert reached[-1] == 23


def test_histograms_need_the_step_before_an_evaluation_alone():
    reached = ends(0, 5, alone=True, log_every=100)
    assert {9, 10, 19, 20, 22, 23} <= set(reached)
    assert ends(0, 5, log_every=100) == [5, 10, 15, 20, 21, 22, 23]


def test_steps_in_a_call_change_nothing_of_what_is_evaluated():
    assert plan(TrainConfig(steps=60, steps_per_execution=20), 6400) == plan(
        TrainConfig(steps=60), 6400
    )
