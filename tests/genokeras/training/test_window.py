import math

from genokeras.training.window import Window


def add(window, **losses):
    for name, loss in losses.items():
        window.add(int(name.removeprefix("step_")), {"loss": loss, "gradient_norm": 2.0}, 0.0)


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
    window.add(9, {"loss": 1.0, "gradient_norm": math.inf}, 0.0)
    assert window.fold() == "gradient_norm of step 9"


def test_goes_on_within_a_row():
    first, second = Window(), Window()
    add(first, step_1=1.0, step_2=3.0)
    first.fold()
    second.load_state(first.state())
    add(second, step_3=8.0)
    second.fold()
    assert second.means(8, 0.0)["loss"] == 4.0
