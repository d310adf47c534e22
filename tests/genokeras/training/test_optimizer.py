import math

import keras
import numpy as np
import pytest

from genokeras.training import optimizer
from genokeras.training.train_config import Plan, TrainConfig, plan


def make_plan(steps, warmup_steps=0):
    return Plan(
        steps=steps,
        steps_per_epoch=10,
        warmup_steps=warmup_steps,
        log_every=1,
        eval_every=1,
        checkpoint_every=1,
    )


class Linear(keras.layers.Layer):
    """A matrix and a bias; `undecayed` is set by the test that needs it."""

    def build(self, input_shape):
        self.kernel = self.add_weight((3, 2), initializer="ones", name="kernel")
        self.bias = self.add_weight((2,), initializer="ones", name="bias")

    def call(self, inputs):
        return inputs @ self.kernel + self.bias


def linear_model():
    inputs = keras.Input((3,))
    return keras.Model(inputs, Linear(name="linear")(inputs))


def test_cosine_at_start_middle_and_end():
    """1/2 (1 + cos(pi t / T)) times the peak."""
    rate = optimizer.WarmupSchedule(peak=1e-3, steps=1000)
    for step, share in [(0, 1.0), (250, (1 + math.sqrt(0.5)) / 2), (500, 0.5), (1000, 0.0)]:
        assert float(rate(step)) == pytest.approx(1e-3 * share, abs=1e-9)


def test_cosine_ends_at_the_final_fraction_and_stays():
    rate = optimizer.WarmupSchedule(peak=2.0, steps=100, final_fraction=0.01)
    assert [float(rate(step)) for step in (50, 100, 150)] == pytest.approx([1.01, 0.02, 0.02])


def test_warmup_is_linear_and_meets_the_cosine_at_the_peak():
    rate = optimizer.WarmupSchedule(peak=1.0, steps=110, warmup_steps=10)
    rates = [float(rate(step)) for step in range(11)]
    np.testing.assert_allclose(rates, np.arange(11) / 10, rtol=1e-6)
    assert float(rate(60)) == pytest.approx(0.5)


def test_whole_schedule_is_its_closed_form():
    rate = optimizer.WarmupSchedule(peak=1.5e-3, steps=400, warmup_steps=40, final_fraction=0.005)
    steps = np.arange(401)
    done = (steps - 40) / 360
    cosine = 1.5e-3 * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * done)))
    expected = np.where(steps < 40, 1.5e-3 * steps / 40, cosine)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(steps)), expected, atol=2e-9)


def test_constant_schedule_keeps_the_peak():
    training = TrainConfig(schedule="constant", learning_rate=0.25)
    rate = optimizer.schedule(training, make_plan(steps=50, warmup_steps=2))
    assert [float(rate(step)) for step in (0, 1, 2, 30, 50)] == [0.0, 0.125, 0.25, 0.25, 0.25]


def test_schedule_of_the_recipe_ends_at_half_a_percent():
    training = TrainConfig()
    steps = plan(training, 64_000)
    rate = optimizer.schedule(training, steps)
    assert float(rate(steps.warmup_steps)) == pytest.approx(1.5e-3)
    assert float(rate(steps.steps)) == pytest.approx(7.5e-6)


def test_schedule_can_be_saved():
    rate = optimizer.WarmupSchedule(1.0, 10, 2, 0.5)
    assert optimizer.WarmupSchedule.from_config(rate.get_config()).get_config() == rate.get_config()


def adamw_reference(weights, gradients, training, rate, decay):
    """Loshchilov and Hutter 2019, algorithm 2: decay and step both times the learning rate."""
    moment, square = np.zeros_like(weights), np.zeros_like(weights)
    for step, gradient in enumerate(gradients):
        moment = training.beta_1 * moment + (1 - training.beta_1) * gradient
        square = training.beta_2 * square + (1 - training.beta_2) * gradient**2
        unbiased = moment / (1 - training.beta_1 ** (step + 1))
        unbiased_square = square / (1 - training.beta_2 ** (step + 1))
        weights = weights * (1 - rate(step) * decay)
        weights = weights - rate(step) * unbiased / (np.sqrt(unbiased_square) + 1e-8)
    return weights


def test_adamw_is_the_published_algorithm_and_spares_biases():
    training = TrainConfig(learning_rate=0.1, weight_decay=0.3)
    model = linear_model()
    built = optimizer.build(training, make_plan(steps=20, warmup_steps=2), model)
    rng = np.random.default_rng(0)
    gradients = [[rng.normal(size=(3, 2)), rng.normal(size=2)] for _ in range(6)]
    for gradient in gradients:
        built.apply([keras.ops.cast(values, "float32") for values in gradient])
    rate = optimizer.schedule(training, make_plan(steps=20, warmup_steps=2))
    for index, decay in enumerate([0.3, 0.0]):
        mine = [gradient[index] for gradient in gradients]
        start = np.ones(mine[0].shape)
        expected = adamw_reference(start, mine, training, lambda step: float(rate(step)), decay)
        found = keras.ops.convert_to_numpy(model.trainable_variables[index])
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_sgd_has_momentum():
    """Two steps of gradient 1: the second is 1 + beta_1 times as long."""
    training = TrainConfig(optimizer="sgd", learning_rate=0.5, schedule="constant", beta_1=0.8)
    model = linear_model()
    built = optimizer.build(training, make_plan(steps=10), model)
    for _ in range(2):
        built.apply([keras.ops.ones((3, 2)), keras.ops.ones(2)])
    for weight in model.trainable_variables:
        np.testing.assert_allclose(weight.numpy(), 1 - 0.5 - 0.5 * 1.8, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "weight_decay", "expected"),
    [("adamw", None, 0.02), ("adamw", 0.0, None), ("adam", None, None), ("sgd", 0.1, 0.1)],
)
def test_decay_of_each_optimizer(name, weight_decay, expected):
    training = TrainConfig(optimizer=name, weight_decay=weight_decay)
    assert optimizer.build(training, make_plan(10), linear_model()).weight_decay == expected


def test_layer_marked_undecayed_is_spared():
    model = linear_model()
    kernel, bias = model.trainable_variables
    assert optimizer.undecayed(model) == [bias]
    model.get_layer("linear").undecayed = True
    assert optimizer.undecayed(model) == [kernel, bias]


def test_clipping_by_the_norm_of_all_gradients_together():
    gradients = [np.array([[3.0, 0.0]], np.float32), np.array([4.0], np.float32)]
    norm = optimizer.global_norm(gradients)
    assert float(norm) == 5.0
    clipped = optimizer.clip(gradients, norm, 1.0)
    np.testing.assert_allclose(np.concatenate([np.ravel(x) for x in clipped]), [0.6, 0, 0.8])


@pytest.mark.parametrize("clipnorm", [0.0, 5.0, 100.0])
def test_short_gradients_stay_as_they_are(clipnorm):
    gradients = [np.array([3.0, -4.0], np.float32)]
    clipped = optimizer.clip(gradients, optimizer.global_norm(gradients), clipnorm)
    np.testing.assert_array_equal(clipped[0], gradients[0])


def test_average_rises_to_its_decay():
    """Nothing of the initial weights is left for long: a tenth after the first step."""
    assert float(optimizer.ema_decay(0.995, 0)) == pytest.approx(0.1)
    assert float(optimizer.ema_decay(0.995, 90)) == pytest.approx(0.91)
    assert float(optimizer.ema_decay(0.995, 10_000)) == pytest.approx(0.995)
