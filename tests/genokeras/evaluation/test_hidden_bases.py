"""A stand-in that knows a Markov chain: what it expects of a hidden base is known by arithmetic."""

import dataclasses
import types

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax

from genokeras.evaluation.hidden_bases import HiddenBases
from genokeras.layers.one_hot import OneHot
from genokeras.models import mlm
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 13
SPEC = Spec(LENGTH, (), "unlabelled")
CHAIN = np.array(
    [[0.5, 0.2, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.1, 0.5, 0.2], [0.25, 0.25, 0.1, 0.4]]
)


def stand_in(own=0.0):
    """Logits ln P(base | left) + ln P(right | base); `own` of them for the base that is shown."""
    packed = keras.Input((SPEC.packed_width,), dtype="uint8", name="sequence")
    x, _ = OneHot(LENGTH, name="one_hot")(packed)
    chain = np.log(CHAIN).astype(np.float32)
    left = ops.pad(ops.matmul(x[:, :-1], chain), ((0, 0), (1, 0), (0, 0)))
    right = ops.pad(ops.matmul(x[:, 1:], chain.T), ((0, 0), (0, 1), (0, 0)))
    return keras.Model(packed, left + right + own * x)


def by_hand(bases, place):
    """`[4]` of one strand, bases 0 to 3, or 4 where there is none."""
    logits = np.zeros(4)
    if place and bases[place - 1] < 4:
        logits += np.log(CHAIN[bases[place - 1]])
    if place < len(bases) - 1 and bases[place + 1] < 4:
        logits += np.log(CHAIN[:, bases[place + 1]])
    return log_softmax(logits)


def both_by_hand(bases, place):
    opposite = np.where(bases < 4, 3 - bases, 4)[::-1]
    return (by_hand(bases, place) + by_hand(opposite, len(bases) - 1 - place)[::-1]) / 2


def drawn(count, seed=0):
    bases = np.random.default_rng(seed).integers(0, 4, (count, LENGTH))
    bases[0, 4] = 4  # An N.
    texts = ["".join("ACGTN"[base] for base in row) for row in bases]
    texts[1] = texts[1][:-3] + "---"
    bases[1, -3:] = 4
    return bases, sequence.encode(texts, LENGTH)


@pytest.mark.parametrize("averages_strands", [False, True])
def test_probabilities_of_a_hidden_base_are_those_of_its_neighbours(averages_strands):
    """What the model makes of a base that is shown does not matter: it is not shown."""
    bases, packed = drawn(6)
    place = np.array([0, 3, 12, 5, 7, 1])
    expected = both_by_hand if averages_strands else by_hand
    expected = [expected(row, at) for row, at in zip(bases, place, strict=True)]
    for own in (0.0, 3.0):
        options = {"batch_size": 4, "averages_strands": averages_strands}
        hidden = HiddenBases(stand_in(own), SPEC, **options)
        np.testing.assert_allclose(hidden.log_probabilities(packed, place), expected, atol=1e-5)
    # The control: shown, the base would count.
    shown = np.asarray(stand_in(3.0)(packed))[np.arange(6), place]
    assert np.abs(log_softmax(shown, axis=1) - expected).max() > 0.5
    assert hidden.log_probabilities(packed[:0], place[:0]).shape == (0, 4)


def test_pseudo_log_likelihood_hides_every_base_once():
    bases, packed = drawn(5)
    total, count = HiddenBases(stand_in(3.0), SPEC, batch_size=7).pseudo_log_likelihood(packed)
    assert count.tolist() == [12, 10, 13, 13, 13]
    expected = [
        sum(both_by_hand(row, at)[row[at]] for at in range(LENGTH) if row[at] < 4) for row in bases
    ]
    np.testing.assert_allclose(total, expected, atol=1e-4)


def test_both_strands_have_one_likelihood():
    _, packed = drawn(5)
    opposite = sequence.reverse_complement(packed, LENGTH)
    for averages_strands in (True, False):
        hidden = HiddenBases(stand_in(), SPEC, averages_strands=averages_strands)
        given, turned = (hidden.pseudo_log_likelihood(x)[0] for x in (packed, opposite))
        assert (np.abs(given - turned).max() < 1e-4) == averages_strands


def run_of(**changes):
    config = dataclasses.replace(mlm.PRESETS["tiny"], **changes)
    training = types.SimpleNamespace(jit="off")
    options = {"workdir": "runs/it", "model_name": "mlm", "config": config, "training": training}
    return types.SimpleNamespace(
        spec=SPEC, model=lambda checkpoint: mlm.build(config, SPEC), **options
    )


@pytest.mark.parametrize("rc", ["equivariant", "average", "augment"])
def test_a_run_of_any_kind_has_one_likelihood_for_both_strands(rc):
    """Where the model is blind to the strand by itself, nothing is computed twice."""
    _, packed = drawn(3)
    keras.utils.set_random_seed(0)
    hidden = HiddenBases.load(run_of(rc=rc), batch_size=8)
    calls = []
    forward = hidden._forward
    hidden._forward = lambda batch: calls.append(0) or forward(batch)
    given = hidden.log_probabilities(packed, np.array([2, 3, 4]))
    assert len(calls) == (2 if rc == "augment" else 1)
    opposite = sequence.reverse_complement(packed, LENGTH)
    turned = hidden.log_probabilities(opposite, LENGTH - 1 - np.array([2, 3, 4]))
    np.testing.assert_allclose(given, turned[:, ::-1], atol=1e-5)


def test_models_that_were_never_hidden_anything_are_refused():
    with pytest.raises(InputError, match="runs/it: with corruption=random no base was ever hidden"):
        HiddenBases.load(run_of(corruption="random"))
    other = run_of()
    other.model_name = "contrastive"
    with pytest.raises(
        InputError, match="the model contrastive has no probabilities of bases; tho"
    ):
        HiddenBases.load(other)
