"""The same numbers as other libraries give: `references/make.py` wrote theirs to `peers.json`."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from genokeras.evaluation.linear_fit import Labelled, fit
from genokeras.layers.rotary import frequencies, rotate
from genokeras.losses.contrastive import Views, info_nce, nt_xent
from genokeras.metrics import classification
from genokeras.models import mlm
from genokeras.training.weighting import mean_of, total_of, total_weights, weighted_sum

PEERS = json.loads((pathlib.Path(__file__).parent / "references" / "peers.json").read_text())


def peer(name):
    """What the peer was given, and what it made of that."""
    return (PEERS[name][part] for part in ("given", "expected"))


def test_versions_are_known():
    assert {"keras-hub", "torch", "scikit-learn", "numpy"} <= PEERS["versions"].keys()


def test_rotary_positions_are_those_of_keras_hub():
    given, expected = peer("rotary")
    x, start = np.array(given["x"], np.float32), given["start"]
    positions, angles = np.arange(start, start + x.shape[1]), frequencies(x.shape[-1] // 2)
    turned = rotate(tf.constant(x), positions, angles)
    np.testing.assert_allclose(turned, expected["turned"], rtol=0, atol=1e-6)
    # The control.
    other = rotate(tf.constant(x), positions, angles, pairing="interleaved")
    assert np.abs(other - np.array(expected["turned"])).max() > 0.1


def test_masked_cross_entropy_and_its_gradient_are_those_of_pytorch():
    given, expected = peer("cross_entropy")
    logits, selected = tf.Variable(given["logits"], dtype=tf.float64), np.array(given["selected"])
    batch = {"sequence": None, "bases": tf.constant(given["bases"])}
    with tf.GradientTape() as tape:
        terms, _ = mlm.loss(mlm.PRESETS["tiny"], lambda x, training: logits, batch, True)
        term = terms["cross_entropy"]
        loss = mean_of(weighted_sum(term, selected), total_of(term, total_weights(selected)))
    assert float(loss) == pytest.approx(expected["loss"], rel=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, logits), expected["gradient"], atol=1e-6)


@pytest.mark.parametrize(("name", "loss"), [("nt_xent", nt_xent), ("info_nce", info_nce)])
def test_contrastive_losses_and_their_gradients_are_those_of_others(name, loss):
    """NT-Xent by PyTorch's cross-entropy, InfoNCE in plain NumPy."""
    given, expected = peer(name)
    views = tf.Variable(given["views"], dtype=tf.float64)
    with tf.GradientTape() as tape:
        both = Views(views[0], views[1])
        costs = loss(both, both, tf.range(len(given["views"][0])), given["temperature"])
        mean = tf.reduce_mean(costs)
    np.testing.assert_allclose(costs, expected["costs"], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(mean, views), expected["gradient"], atol=1e-6)


def test_scores_are_those_of_scikit_learn_ties_included():
    given, expected = peer("scores")
    targets, logits = np.array(given["targets"]), np.array(given["logits"])
    for name, value in expected.items():
        taken = logits > 0 if name in ("mcc", "accuracy", "f1") else logits
        found = getattr(classification, name)(targets, taken)
        assert found == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize(("task_type", "name"), [("binary", "logistic"), ("regression", "ridge")])
def test_linear_models_are_those_of_scikit_learn(task_type, name):
    given, expected = peer("linear_models")
    examples = Labelled(*(np.array(given[part]) for part in ("x", "targets", "weight")))
    weights, bias, _ = fit(task_type, examples, examples, [given["penalty"]])
    np.testing.assert_allclose(weights, expected[name]["weights"], atol=1e-4)
    assert bias == pytest.approx(expected[name]["bias"], abs=1e-4)
