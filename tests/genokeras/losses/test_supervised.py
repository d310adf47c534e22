import numpy as np
import pytest
import tensorflow as tf

from genokeras.losses.supervised import binary_cross_entropy, smoothed, squared_error


def test_a_logit_of_zero_costs_log_2():
    losses = binary_cross_entropy(tf.constant([[0.0, 1.0, 0.5]]), tf.zeros((1, 3)))
    np.testing.assert_allclose(losses, np.full((1, 3), np.log(2)), rtol=1e-6)


def test_equals_the_formula_with_probabilities():
    logits = np.linspace(-6, 6, 25)
    targets = np.random.default_rng(0).random(25)
    p = 1 / (1 + np.exp(-logits))
    expected = -targets * np.log(p) - (1 - targets) * np.log(1 - p)
    ours = binary_cross_entropy(tf.constant(targets), tf.constant(logits))
    np.testing.assert_allclose(ours, expected, rtol=1e-10)


def test_huge_logits_neither_overflow_nor_round_to_zero():
    logits = tf.constant([[-1000.0, 1000.0, 1000.0, -20.0]])
    losses = binary_cross_entropy(tf.constant([[1.0, 0.0, 1.0, 0.0]]), logits)
    np.testing.assert_allclose(losses, [[1000, 1000, 0, np.exp(-20)]], rtol=1e-6)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_gradient_is_probability_minus_target(target):
    logits = tf.constant(np.linspace(-30, 30, 13))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_sum(binary_cross_entropy(tf.fill(13, target), logits))
    expected = 1 / (1 + np.exp(-logits.numpy())) - target
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-9)


def test_squared_error_is_per_example_and_task():
    losses = squared_error(tf.constant([[1.0, -2.0]]), tf.constant([[4.0, -2.5]]))
    np.testing.assert_array_equal(losses, [[9.0, 0.25]])


def test_smoothed_targets_have_a_loss_of_their_entropy_at_best():
    """A rate of .1 makes .95 of 1 and .05 of 0; the best logit is that of .95, log 19."""
    targets = smoothed(np.array([[1.0], [0.0], [1.0]], np.float32), 0.1)
    np.testing.assert_allclose(targets[:, 0], [0.95, 0.05, 0.95], rtol=1e-6)
    entropy = -(0.95 * np.log(0.95) + 0.05 * np.log(0.05))
    best = np.array([[np.log(19)], [-np.log(19)], [np.log(19) + 0.5]], np.float32)
    losses = np.asarray(binary_cross_entropy(targets, best))[:, 0]
    np.testing.assert_allclose(losses[:2], entropy, rtol=1e-5)
    assert losses[2] > entropy + 1e-3
    assert smoothed(targets, 0.0) is targets
