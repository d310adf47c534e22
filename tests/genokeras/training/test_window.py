import math

import numpy as np

from genokeras.training.window import Window


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
    assert window.fold() == "loss of step 5"
    window = Window()
    window.add(range(9, 10), {"loss": 1.0, "gradient_norm": math.inf}, 0.0)
    assert window.fold() == "gradient_norm of step 9"


def test_steps_of_one_call_count_one_by_one():
    window, apart = Window(), Window()
    losses = {"loss": np.array([1.0, 5.0, 3.0]), "gradient_norm": np.array([2.0, 2.0, 2.0])}
    window.add(range(1, 4), losses, 0.0)
    add(apart, step_1=1.0, step_2=5.0, step_3=3.0)
    assert window.fold() is apart.fold() is None
    assert (
        window.state()
        == apart.state()
        == {
            "sums": {"loss": 9.0, "gradient_norm": 6.0},
            "count": 3,
        }
    )
    window.add(range(4, 6), {"loss": np.array([1.0, math.nan])}, 0.0)
    assert window.fold() == "loss of step 5"


def test_goes_on_within_a_row():
    first, second = Window(), Window()
    add(first, step_1=1.0, step_2=3.0)
    first.fold()
    second.load_state(first.state())
    add(second, step_3=8.0)
    second.fold()
    assert second.means(8, 0.0)["loss"] == 4.0
