import dataclasses

import pytest

from genokeras.training.fields import value_type
from genokeras.training.train_config import Plan, TrainConfig, plan
from tfrecords.errors import InputError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps=0: expected a number of 1 or more"),
        ({"batch_size": -4}, "batch_size=-4: expected a number of 1 or more"),
        ({"batch_size": 1.5}, "batch_size=1.5: expected a number of 1 or more"),
        ({"learning_rate": -0.1}, "learning_rate=-0.1: expected a number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate=inf: expected a number above 0"),
        ({"epochs": True}, "epochs=True: expected a number above 0"),
        ({"ema": 1.0}, "ema=1.0: expected a number from 0 up to, not including, 1"),
        ({"clipnorm": None}, "clipnorm=None: expected a number of 0 or more"),
        ({"optimizer": "lamb"}, "optimizer='lamb': expected one of adamw, adam, sgd"),
        ({"precision": "fp8"}, "precision='fp8': expected one of float32, mixed_bfloat16, float64"),
        ({"jit": "yes"}, "jit='yes': expected one of auto, on, off"),
        ({"seed": 2**31}, "seed=2147483648: expected an integer from 0 to 2147483647"),
        ({"steps": 10, "epochs": 2}, "steps=10 and epochs=2 were both given: leave one out"),
        (
            {"best_metric": "last", "patience": 3},
            "patience=3 with best_metric=last: every evaluation is the best until the next one, so "
            "there is nothing to wait for; leave one out",
        ),
        (
            {"optimizer": "adam", "weight_decay": 0.1},
            "weight_decay=0.1 with optimizer=adam: decoupled decay is what adamw adds to adam; "
            "use optimizer=adamw",
        ),
        (
            {"tune": "lora"},
            "tune=lora without init_from: weights that were not trained are not worth keeping; "
            "give init_from, or leave tune out",
        ),
        (
            {"init_from": "run", "tune": "frozen", "lora_rank": 4},
            "lora_rank=4 with tune=frozen: only tune=lora has adapters; leave it out",
        ),
        (
            {"lora_alpha": 4.5},
            "lora_alpha=4.5 with tune=full: only tune=lora has adapters; leave it out",
        ),
        (
            {"init_from": "run", "tune": "lora", "precision": "float64"},
            "tune=lora with precision=float64: Keras computes adapters in float32; use another "
            "precision",
        ),
        ({"init_from": ""}, "init_from='': expected the folder of a run"),
    ],
)
def test_value_that_cannot_work_is_refused(values, message):
    with pytest.raises(InputError) as error:
        TrainConfig(**values)
    assert str(error.value) == message


def test_plan_of_the_recipe():
    """Eight epochs of 506 whole batches; a tenth of warm-up, ten evaluations, a hundred rows."""
    assert plan(TrainConfig(), num_examples=32_378 + 37) == Plan(
        steps=4048,
        steps_per_epoch=506,
        warmup_steps=404,
        log_every=40,
        eval_every=405,
        checkpoint_every=405,
    )


def test_long_runs_are_evaluated_every_epoch_and_short_ones_ten_times():
    assert plan(TrainConfig(epochs=50), 640).eval_every == 10
    assert plan(TrainConfig(steps=25), 64_000).eval_every == 3
    assert plan(TrainConfig(steps=1, batch_size=2), 2).eval_every == 1


def test_evaluations_of_very_short_epochs_are_at_most_fifty():
    assert plan(TrainConfig(steps=1000), 640).eval_every == 20


def test_an_epoch_is_of_the_share_that_is_learned_from():
    half = TrainConfig(train_fraction=0.5, epochs=4)
    assert plan(half, 640) == plan(dataclasses.replace(half, train_fraction=1.0), 320)
    with pytest.raises(InputError) as error:
        plan(TrainConfig(train_fraction=0.01), 640)
    assert str(error.value) == (
        "batch_size=64 is more than the 6 examples of the train split that train_fraction=0.01 "
        "leaves; use 6 or fewer"
    )


def test_a_small_table_gets_the_fewest_steps_that_there_may_be():
    assert plan(TrainConfig(min_steps=300), 640).steps == 300
    assert plan(TrainConfig(min_steps=300, epochs=4), 6400).steps == 400
    assert plan(TrainConfig(min_steps=300, steps=9), 640).steps == 9


def test_given_counts_stay():
    given = {"steps": 90, "warmup_steps": 0, "log_every": 7, "eval_every": 8, "checkpoint_every": 9}
    assert plan(TrainConfig(**given), 6400) == Plan(steps_per_epoch=100, **given)


def test_epochs_may_be_broken():
    assert plan(TrainConfig(epochs=0.25, batch_size=10), 400).steps == 10


def test_one_batch_takes_200_steps_unless_told():
    assert plan(TrainConfig(overfit_one_batch=True), 6400).steps == 200
    assert plan(TrainConfig(overfit_one_batch=True, steps=30), 6400).steps == 30
    assert plan(TrainConfig(overfit_one_batch=True, epochs=1), 6400).steps == 100


def test_batch_must_fit_into_the_split():
    with pytest.raises(InputError) as error:
        plan(TrainConfig(batch_size=128), 100)
    assert str(error.value) == (
        "batch_size=128 is more than the 100 examples of the train split; use 100 or fewer"
    )


def test_warmup_must_leave_something():
    with pytest.raises(InputError) as error:
        plan(TrainConfig(steps=10, warmup_steps=10), 6400)
    assert str(error.value) == (
        "warmup_steps=10 leaves nothing of the run's 10 steps; use fewer, or more steps"
    )


def test_every_field_says_what_it_is_for():
    for field in dataclasses.fields(TrainConfig):
        assert field.metadata["help"].endswith("."), field.name
        assert value_type(field) in (int, float, str, bool), field.name
