"""The masked language model: what it is asked, what it costs, and what it may know."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.layers.kmer_tokens import mask_token
from genokeras.models import mlm
from genokeras.models.spec import Spec
from genokeras.training.weighting import mean_of, total_of, total_weights, weighted_sum
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 32
SPEC = Spec(LENGTH, (), "unlabelled", base_composition=(0.3, 0.2, 0.2, 0.3))
TINY = mlm.PRESETS["tiny"]
# A Markov chain of which the entropies are known.
TRANSITIONS = np.array(
    [[0.5, 0.2, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.1, 0.5, 0.2], [0.25, 0.25, 0.1, 0.4]]
)
STATIONARY = np.array([0.255, 0.305, 0.26, 0.18])


def chains(count, length=LENGTH, seed=0):
    """Bases `[count, length]` of the chain."""
    rng = np.random.default_rng(seed)
    bases = np.zeros((count, length), np.int64)
    bases[:, 0] = rng.choice(4, count, p=STATIONARY / STATIONARY.sum())
    sums = TRANSITIONS.cumsum(axis=1)
    for place in range(1, length):
        draws = rng.random(count)[:, None]
        bases[:, place] = np.minimum((draws > sums[bases[:, place - 1]]).sum(axis=1), 3)
    return bases


def packed(bases):
    return sequence.encode(["".join("ACGT"[b] for b in row) for row in bases], bases.shape[1])


def batch_of(bases, seed=0, **more):
    keys = np.random.default_rng(seed).integers(0, 2**32, len(bases), dtype=np.uint32)
    given = {"sequence": packed(bases), "key": keys, "weight": np.ones(len(bases), np.float32)}
    return {name: keras.ops.convert_to_tensor(x) for name, x in (given | more).items()}


def built(spec=SPEC, **changes):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY, **changes)
    return config, mlm.build(config, spec)


def scored(config, model, batch):
    prepared = mlm.prepare(config, SPEC, batch, False)
    terms, outputs = mlm.loss(config, model, prepared, False)
    return prepared, np.asarray(terms["cross_entropy"]), outputs


def loss_of(config, model, batch, training=True):
    prepared = mlm.prepare(config, SPEC, batch, training)
    with keyed_random.scope(prepared["key"]):
        terms, _ = mlm.loss(config, model, prepared, training)
    term, weight = terms["cross_entropy"], prepared["weight"]
    return mean_of(weighted_sum(term, weight), total_of(term, total_weights(weight)))


def posterior(corrupted):
    """Probabilities of every base of a chain given those that are visible, by forward-backward."""
    seen = np.array([[list("ACGT").index(b) if b != "N" else -1 for b in t] for t in corrupted])
    evidence = np.where((seen < 0)[..., None], 1.0, np.eye(4)[np.maximum(seen, 0)])
    count, length = seen.shape
    forward, backward = np.ones((count, length, 4)), np.ones((count, length, 4))
    forward[:, 0] = STATIONARY
    for place in range(1, length):
        step = (forward[:, place - 1] * evidence[:, place - 1]) @ TRANSITIONS
        forward[:, place] = step / step.sum(axis=1, keepdims=True)
        there = length - 1 - place
        step = (backward[:, there + 1] * evidence[:, there + 1]) @ TRANSITIONS.T
        backward[:, there] = step / step.sum(axis=1, keepdims=True)
    both = forward * backward
    return both / both.sum(axis=-1, keepdims=True)


def test_the_chain_has_the_entropies_that_are_known():
    """The bound 1.04356 of one masked base between two visible ones, by two ways."""
    np.testing.assert_allclose(STATIONARY @ TRANSITIONS, STATIONARY, atol=1e-12)
    pairs = STATIONARY[:, None, None] * TRANSITIONS[:, :, None] * TRANSITIONS[None]
    middle = pairs / pairs.sum(axis=1, keepdims=True)
    assert -(pairs * np.log(middle)).sum() == pytest.approx(1.04356, abs=5e-6)
    assert -(STATIONARY * np.log(STATIONARY)).sum() == pytest.approx(1.36953, abs=5e-6)
    bases = chains(4000)
    texts = sequence.decode(packed(bases), LENGTH)
    texts = [t[:10] + "N" + t[11:] for t in texts]
    told = posterior(texts)[np.arange(4000), 10, bases[:, 10]]
    error = np.log(told).std() / np.sqrt(4000)
    assert abs(-np.log(told).mean() - 1.04356) < 3 * error


@pytest.mark.parametrize(
    ("preset", "million", "channels", "blocks", "units"),
    [("base", 4.8, 256, 6, 704), ("100m", 99.2, 768, 14, 2048), ("500m", 499.8, 1280, 24, 3712)],
)
def test_presets_have_the_parameters_of_arithmetic(preset, million, channels, blocks, units):
    """One block is built, of the others there are as many: the large ones fit in no test."""
    block = (
        4 * (channels**2 + channels) + 3 * channels * units + 2 * units + channels + 2 * channels
    )
    outside = 5 * channels + channels + 4 * channels + 4
    config = mlm.PRESETS[preset]
    assert (config.channels, config.blocks, config.feedforward_units) == (channels, blocks, units)
    one = mlm.build(dataclasses.replace(config, blocks=1), SPEC)
    assert one.count_params() == outside + block
    assert (outside + blocks * block) / 1e6 == pytest.approx(million, rel=1e-2)


def test_an_untrained_head_of_zeros_costs_ln_four():
    config, model = built()
    model.get_layer("head").set_weights([np.zeros((16, 4)), np.zeros(4)])
    _, _, outputs = scored(config, model, batch_of(chains(64)))
    scores = mlm.running_scores(SPEC)
    scores.add({name: np.asarray(x) for name, x in outputs.items()}, None, np.ones(64))
    found = scores.result()
    assert found["cross_entropy"] == pytest.approx(np.log(4), rel=1e-6)
    assert found["expected_loss"] == pytest.approx(0.20794, abs=1e-5)
    assert found["perplexity"] == pytest.approx(4, rel=1e-6)


def test_the_loss_is_that_of_an_independent_cross_entropy_of_selected_bases():
    config, model = built(corruption="mixed")
    batch = batch_of(chains(16))
    prepared = mlm.prepare(config, SPEC, batch, True)
    logits = np.asarray(model(prepared["sequence"]))
    chosen, bases = np.asarray(prepared["selected"]), np.asarray(prepared["bases"])
    np.testing.assert_array_equal(bases, chains(16))
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(
        bases[chosen], logits[chosen]
    )
    np.testing.assert_allclose(loss_of(config, model, batch), theirs, rtol=1e-5)
    # The control: that of all bases, most of which can be seen, is another one.
    everything = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(bases, logits)
    assert abs(everything - theirs) > 1e-3


def test_a_repeat_of_weight_zero_has_no_gradient_and_is_scored_apart():
    bits = np.zeros((8, LENGTH), bool)
    bits[:, :16] = True
    batch = batch_of(chains(8), repeat=np.packbits(bits, axis=1))
    config, model = built(repeat_weight=0.0, mask_rate=0.4)
    prepared = mlm.prepare(config, SPEC, batch, True)
    np.testing.assert_array_equal(np.asarray(prepared["repeat"]), bits)
    logits = tf.Variable(np.random.default_rng(0).normal(size=(8, LENGTH, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        terms, _ = mlm.loss(config, lambda x, training: logits, prepared, True)
        total = weighted_sum(terms["cross_entropy"], prepared["weight"])
    gradient = np.abs(tape.gradient(total, logits)).max(axis=-1)
    expected = np.asarray(prepared["selected"]) & ~bits
    np.testing.assert_array_equal(gradient > 0, expected)
    _, terms, outputs = scored(config, model, batch)
    selected = np.asarray(mlm.prepare(config, SPEC, batch, False)["selected"])
    sums = np.asarray(outputs["cross_entropy"])
    np.testing.assert_allclose(sums[:, 0], (terms * selected)[:, 16:].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(sums[:, 1], (terms * selected)[:, :16].sum(axis=1), rtol=1e-5)


def test_repeats_move_with_the_window():
    spec = dataclasses.replace(SPEC, shift_bp=5)
    bases = chains(64, LENGTH + 10)
    bits = bases == 2
    batch = batch_of(bases, repeat=np.packbits(bits, axis=1))
    prepared = mlm.prepare(dataclasses.replace(TINY, repeat_weight=0.1), spec, batch, True)
    np.testing.assert_array_equal(prepared["repeat"], np.asarray(prepared["bases"]) == 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"kmer": 3},
        {"kmer": 4, "overlapping": False},
        {"stem_kernel_size": 3, "stem_stride": 4, "recompute": True, "dropout": 0.1},
        {"norm": "layer", "gated": False, "pairing": "interleaved", "mask_span_bp": 3},
    ],
    ids=["overlapping", "side_by_side", "stem", "layer_norm"],
)
def test_every_kind_has_a_logit_per_base_and_a_gradient(changes):
    config, model = built(**changes)
    assert model.output_shape == (None, LENGTH, 4)
    batch = batch_of(chains(8))
    with tf.GradientTape() as tape:
        loss = loss_of(config, model, batch)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients)


def test_hidden_bases_do_not_reach_the_network_as_kmers():
    """Two windows that differ in hidden bases only are one to it."""
    config, _ = built(kmer=6)
    bases = chains(32)
    prepared = mlm.prepare(config, SPEC, batch_of(bases), True)
    other = np.where(np.asarray(prepared["selected"]), (bases + 1) % 4, bases)
    again = mlm.prepare(config, SPEC, batch_of(other), True)
    np.testing.assert_array_equal(prepared["sequence"], again["sequence"])
    assert (other != bases).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kmer": 9}, "kmer=9, expected 1 to 8"),
        ({"mask_rate": 0.0}, "mask_rate=0 leaves nothing to predict, expected more than 0"),
        ({"mixed_shares": (0.8, 0.1)}, "mixed_shares=0.8,0.1, expected the shares of masked, ran"),
        ({"kmer": 3, "stem_kernel_size": 5}, "kmer=3 and stem_kernel_size=5: a stem reads bases"),
        ({"repeat_weight": -1.0}, "repeat_weight must be at least 0, got -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize(
    ("changes", "spec", "message"),
    [
        ({"kmer": 5, "overlapping": False}, {}, "windows of 32 bp are not whole tokens of 5 bp"),
        ({"mask_span_bp": 40}, {}, "windows of 32 bp are shorter than mask_span_bp=40"),
        ({"corruption": "random"}, {"base_composition": None}, "corruption=random draws bases as"),
        ({"max_shift_bp": 3}, {}, "windows are to be shifted by up to 3 bp, but the dataset stor"),
    ],
)
def test_data_that_do_not_fit_are_refused(changes, spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        built(dataclasses.replace(SPEC, **spec), **changes)


def test_weights_of_repeats_need_repeats():
    config, _ = built(repeat_weight=0.1)
    with pytest.raises(InputError, match="repeat_weight=0.1, but the dataset does not say what is"):
        mlm.prepare(config, SPEC, batch_of(chains(4)), True)


def trained(config, model, steps, size=256, forward=None, dna=chains):
    """Trains on windows never seen before; `forward` maps a batch to what the loss is of."""
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, steps))
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            loss = (forward or loss_of)(config, model, batch)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply([tf.convert_to_tensor(g) for g in gradients], model.trainable_variables)
        return loss

    for seed in range(steps):
        loss = step(batch_of(dna(size, seed=seed + 1), seed))
    return float(loss)


@pytest.mark.parametrize("rc", ["equivariant", "augment"])
def test_both_strands_have_one_loss_where_the_network_turns_with_them(rc):
    """Also after 50 steps on one strand of a chain whose opposite strand is another chain."""
    config, model = built(rc=rc, kmer=2)
    trained(config, model, 50, size=32)
    prepared = mlm.prepare(config, SPEC, batch_of(chains(64, seed=99)), False)
    given = {name: np.asarray(values) for name, values in prepared.items()}
    turned = {name: given[name][:, ::-1] for name in ("selected", "repeat", "weight")}
    turned["bases"] = 3 - given["bases"][:, ::-1]
    turned["sequence"] = sequence.reverse_complement(given["sequence"], LENGTH)
    costs = []
    for batch in (given, given | turned):
        terms, _ = mlm.loss(config, model, batch, False)
        costs.append(np.asarray(terms["cross_entropy"] * batch["weight"]).sum(axis=1))
    here, there = (np.asarray(model(x["sequence"])) for x in (given, turned))
    error = np.abs(here - there[:, ::-1, ::-1]).max()
    assert np.std(here) > 0.05
    if rc == "equivariant":
        np.testing.assert_allclose(*costs, rtol=1e-5)
        assert error <= 1e-5
    else:
        assert np.abs(costs[0] - costs[1]).max() > 0.1
        assert error > 1e-2


def uniform_dna(count, length=LENGTH, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (count, length))


@pytest.mark.slow
@pytest.mark.parametrize("corruption", ["mask", "random", "mixed"])
def test_of_uniform_dna_nothing_can_be_known_but_what_corruption_leaves(corruption):
    """ln 4 at best, neither more nor less; where bases are kept (the control) by so much less.

    How much they give away is the mutual information of a base and what takes its place.
    """
    config, model = built(corruption=corruption)
    _, random, kept = config.actions
    shown = random * np.array(SPEC.base_composition) + kept * np.eye(4)
    shown_at_all = np.maximum(shown.mean(axis=0), 1e-300)
    given_away = (shown * np.log(np.maximum(shown, 1e-300) / shown_at_all)).sum() / 4
    assert (given_away > 0.06) == (corruption == "mixed")
    trained(config, model, 200, dna=uniform_dna)
    prepared, terms, _ = scored(config, model, batch_of(uniform_dna(20_000, seed=10**6), 10**6))
    terms = terms[np.asarray(prepared["selected"])]
    excess = terms - (np.log(4) - given_away)
    assert excess.mean() > -3 * excess.std() / np.sqrt(excess.size)
    assert excess.mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "steps", "share"),
    [({"stem_kernel_size": 3}, 600, 0.01), ({"kmer": 2}, 600, 0.08)],
    ids=["bases", "2-mers"],
)
def test_it_comes_near_what_can_be_known_and_not_below(changes, steps, share):
    """Against the exact posterior of the same hidden bases: bases within a percent of it.

    2-mers have to learn first which tokens are their neighbours: 5.7% in as many steps.
    """
    config, model = built(channels=32, feedforward_units=48, **changes)
    trained(config, model, steps)
    bases = chains(4000, seed=10**6)
    prepared, terms, _ = scored(config, model, batch_of(bases, 10**6))
    chosen = np.asarray(prepared["selected"])
    exact = posterior(sequence.decode(np.asarray(prepared["sequence"]), LENGTH))
    best = -np.log(np.take_along_axis(exact, bases[..., None], axis=-1)[..., 0])
    excess = (terms - best)[chosen]
    assert excess.mean() < share * best[chosen].mean()
    assert excess.mean() > -3 * excess.std() / np.sqrt(chosen.sum())
    assert best[chosen].mean() > 1.04356


@pytest.mark.slow
def test_masking_overlapping_kmers_one_by_one_goes_below_what_can_be_known():
    """The control: neighbours of a masked 2-mer tell its bases, so the loss ends below 1.04356."""
    config, model = built(channels=32, feedforward_units=48, kmer=2)
    tokenise = model.get_layer("tokens")
    rest = keras.Model(tokenise.output, model.output)

    def naive_loss(config, model, batch):
        tokens, mask = tokenise(*model.get_layer("one_hot")(batch["sequence"]))
        positions = tokens.shape[1]
        masked = keyed_random.bernoulli(batch["key"], (positions,), 1, config.mask_rate)
        logits = rest([tf.where(masked, mask_token(2), tokens), mask])[:, 1:]
        # The second base of a token is the first one of the next.
        bases = tokens % 4
        terms = keras.ops.sparse_categorical_crossentropy(bases, logits, from_logits=True)
        return tf.reduce_mean(terms[masked])

    trained(config, model, 400, forward=naive_loss)
    assert float(naive_loss(config, model, batch_of(chains(2000, seed=10**6)))) < 0.9
