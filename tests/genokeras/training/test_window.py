import math

import numpy as np

from genokeras.training.window import MOST_SKIPPED, Failure, Window


def add(window, **losses):
    for name, loss in losses.items():
        step = int(name.removeprefix("step_"))
        window.add(range(step, step + 1), {"loss": loss, "gradient_norm": 2.0}, 0.0)


def test_means_over_the_steps_since_the_last_row():
    window = Window()
    add(window, step_1=1.0, step_2=4.0)
    window.fold()
    row = window.means(batch_size=8, seconds_waited=0.0)
    assert (row["loss"], row["gradient_norm"]) == (2.5, 2.0)
    assert window.means(8, 0.0)["loss"] == 2.5
    window.clear()
    add(window, step_3=7.0)
    window.fold()
    assert window.means(8, 0.0)["loss"] == 7.0


def test_first_step_which_compiles_has_no_speed():
    window = Window()
    add(window, step_1=1.0)
    window.fold()
    assert "examples_per_second" not in window.means(8, 0.0)
    add(window, step_2=1.0)
    window.fold()
    row = window.means(8, 0.0)
    assert row["examples_per_second"] > 0
    assert row["input_wait_fraction"] == 0


def test_first_number_that_is_not_finite_is_named():
    window = Window()
    add(window, step_4=1.0, step_5=math.nan, step_6=math.inf)
    assert window.fold() == ([], Failure("loss", 5))
    window = Window()
    window.add(range(9, 10), {"loss": 1.0, "gradient_norm": math.inf}, 0.0)
    assert window.fold() == ([], Failure("gradient_norm", 9))


def test_steps_of_one_call_count_one_by_one():
    window, apart = Window(), Window()
    losses = {"loss": np.array([1.0, 5.0, 3.0]), "gradient_norm": np.array([2.0, 2.0, 2.0])}
    window.add(range(1, 4), losses, 0.0)
    add(apart, step_1=1.0, step_2=5.0, step_3=3.0)
    assert window.fold() == apart.fold() == ([], None)
    assert window.state() == apart.state()
    assert window.state()["sums"] == {"loss": 9.0, "gradient_norm": 6.0}
    assert window.state()["count"] == 3
    window.add(range(4, 6), {"loss": np.array([1.0, math.nan])}, 0.0)
    assert window.fold() == ([], Failure("loss", 5))


def test_goes_on_within_a_row():
    first, second = Window(), Window()
    add(first, step_1=1.0, step_2=3.0)
    first.fold()
    second.load_state(first.state())
    add(second, step_3=8.0)
    second.fold()
    assert second.means(8, 0.0)["loss"] == 4.0


def left_out(window, step, *losses):
    """Steps of one call, of an engine that leaves out those whose loss is not finite."""
    losses = np.array(losses)
    skipped = 1.0 - np.isfinite(losses)
    window.add(range(step, step + len(losses)), {"loss": losses, "skipped": skipped}, 0.0)


def means(window):
    """Without the speed."""
    names = ("loss", "skipped_steps")
    return {name: value for name, value in window.means(8, 0.0).items() if name in names}


def test_steps_that_were_left_out_are_counted_and_in_no_mean():
    window = Window()
    left_out(window, 1, 1.0, math.nan, 3.0)
    left_out(window, 4, math.inf)
    assert window.fold() == ([2, 4], None)
    assert means(window) == {"loss": 2.0, "skipped_steps": 2}
    window.clear()
    left_out(window, 5, 6.0)
    assert window.fold() == ([], None)
    assert means(window) == {"loss": 6.0, "skipped_steps": 0}


def test_a_row_of_nothing_but_left_out_steps_has_no_means():
    window = Window()
    left_out(window, 1, math.nan)
    window.fold()
    assert means(window) == {"skipped_steps": 1}


def test_ten_in_a_row_are_too_many_also_over_rows_and_resumptions():
    first, second = Window(), Window()
    left_out(first, 1, math.nan, 1.0, *[math.nan] * 6)
    assert first.fold()[1] is None
    first.clear()
    second.load_state(first.state())
    left_out(second, 9, *[math.nan] * 3)
    assert second.fold() == ([9, 10, 11], None)
    left_out(second, 12, math.nan, math.nan)
    assert second.fold() == ([12], Failure("loss", 12, skipped=MOST_SKIPPED))


def test_a_good_step_ends_the_row():
    window = Window()
    left_out(window, 1, *[math.nan] * 9, 1.0, *[math.nan] * 9)
    assert window.fold()[1] is None
