"""Bins where they should be, strands that agree, losses and targets in the unit of the data."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.models import spec as specs
from genokeras.models import track
from genokeras.models.track import PRESETS
from genokeras.training import precision
from tfrecords import sequence
from tfrecords.errors import InputError

TINY = PRESETS["tiny"]
PLAIN = dataclasses.replace(TINY, norm="none", attention_blocks=0, recompute=False)


def coverage(length, bin_bp, crop_bp=0, tasks=("a", "b"), **more):
    return specs.Spec(length, tasks, "coverage", bin_bp=bin_bp, crop_bp=crop_bp, **more)


def build(spec, config=PLAIN, **changes):
    keras.utils.set_random_seed(0)
    return track.build(dataclasses.replace(config, **changes), spec)


@pytest.mark.parametrize(
    ("preset", "length", "bin_bp", "crop_bp", "bins"),
    [
        ("base", 1000, 10, 100, 80),
        ("base", 4096, 32, 64, 124),
        ("base", 1050, 25, 0, 42),
        ("profile", 1024, 1, 12, 1000),
        ("long", 131072, 128, 8192, 896),
    ],
)
def test_windows_and_bins_of_any_size(preset, length, bin_bp, crop_bp, bins):
    model = build(coverage(length, bin_bp, crop_bp), PRESETS[preset])
    assert model.output_shape == (None, bins, 2)
    assert model.output_names == ["coverage"]


@pytest.mark.parametrize("bin_bp", [1, 4, 6, 7])
def test_a_base_changes_the_bins_around_it(bin_bp, random_dna):
    """Without residual blocks: what the stem, 7 bp, and the tower, 5 positions each, can reach."""
    length, crop_bp = 42 * bin_bp, 3 * bin_bp
    model = build(coverage(length, bin_bp, crop_bp), blocks=0, rc="augment")
    packed = random_dna(1, length)
    text = sequence.decode(packed, length)[0]
    at = 20 * bin_bp
    other = sequence.encode([text[:at] + "ACGT"["CGTA".index(text[at])] + text[at + 1 :]], length)
    moved = np.abs(np.asarray(model(packed) - model(other)))[0].max(axis=1) > 0
    bins = np.flatnonzero(moved) + 3
    reach = 3 + 2 * 2 * bin_bp
    assert bins.min() <= at // bin_bp <= bins.max()
    assert bins.min() * bin_bp >= at - reach - bin_bp
    assert bins.max() * bin_bp <= at + reach + bin_bp


def test_cropping_leaves_the_bins_in_the_middle_as_they_are(random_dna):
    whole, inner = (build(coverage(96, 4, crop_bp)) for crop_bp in (0, 16))
    inner.set_weights(whole.get_weights())
    packed = random_dna(3, 96)
    np.testing.assert_allclose(inner(packed), whole(packed)[:, 4:-4], atol=1e-6)


@pytest.mark.parametrize("loss", ["poisson", "profile_counts"])
def test_both_strands_get_one_prediction_read_from_either_end(loss, random_dna):
    """Tracks 0 and 1 are the two strands of one assay, track 2 has no strand."""
    spec = coverage(95, 5, 10, ("plus", "minus", "open"), strand_pairs=(1, 0, 2))
    model = build(spec, TINY, loss=loss)
    packed = random_dna(4, 95)
    given, opposite = (
        np.asarray(model(x)) for x in (packed, sequence.reverse_complement(packed, 95))
    )
    np.testing.assert_allclose(opposite[:, ::-1, [1, 0, 2]], given, rtol=1e-4)
    assert np.abs(opposite - given).max() > 1e-3


@pytest.mark.parametrize("spec", [coverage(96, 4, stranded=True), coverage(96, 4)])
def test_stranded_data_are_not_averaged(spec, random_dna):
    model = build(spec)
    packed = random_dna(2, 96)
    apart = np.abs(
        np.asarray(model(sequence.reverse_complement(packed, 96)))[:, ::-1] - model(packed)
    ).max()
    assert (apart > 1e-3) == spec.stranded


def test_coverage_is_never_below_zero_and_rates_start_near_one(random_dna):
    found = np.asarray(build(coverage(960, 8), PRESETS["base"])(random_dna(4, 960)))
    assert (found >= 0).all()
    assert 0.2 < found.mean() < 2


def test_profile_and_total_are_told_apart(random_dna):
    model = build(coverage(96, 4), loss="profile_counts", rc="augment")
    packed = random_dna(3, 96)
    total = keras.Model(model.input, model.get_layer("total").output)(packed)
    np.testing.assert_allclose(np.sum(model(packed), axis=1), total[:, 0], rtol=1e-5)


def stored(random_dna, spec, targets):
    batch = {"sequence": random_dna(len(targets), spec.length), "targets": targets}
    batch["weight"] = np.ones((len(targets), targets.shape[2]), np.float32)
    return batch | {"key": np.arange(len(targets), dtype=np.uint32)}


def test_targets_are_scaled_and_weigh_as_much_as_is_known(random_dna):
    spec = coverage(32, 8, target_scale=(0.5, 2.0))
    targets = np.array([[[1, 1], [2, 2], [np.nan, 3], [np.nan, 4]]], np.float16)
    prepared = track.prepare(PLAIN, spec, stored(random_dna, spec, targets), False)
    np.testing.assert_array_equal(
        prepared["targets"], [[[0.5, 2], [1, 4], [np.nan, 6], [np.nan, 8]]]
    )
    np.testing.assert_array_equal(prepared["weight"], [[0.5, 1.0]])
    assert prepared["targets"].dtype == "float32"


def gradients(model, config, spec, batch):
    batch = {name: tf.constant(values) for name, values in batch.items()}
    with tf.GradientTape() as tape:
        prepared = track.prepare(config, spec, batch, True)
        with keyed_random.scope(prepared["key"]):
            terms, outputs = track.loss(config, model, prepared, True)
        loss = tf.add_n([tf.reduce_sum(term * prepared["weight"]) for term in terms.values()])
    return terms, outputs, tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize("loss", ["poisson", "poisson_multinomial", "profile_counts", "mse_log"])
def test_missing_targets_spoil_no_gradient(loss, random_dna):
    spec, config = coverage(48, 8), dataclasses.replace(TINY, loss=loss)
    targets = np.random.default_rng(0).poisson(3, (4, 6, 2)).astype(np.float16)
    targets[0, 2:5, 0], targets[1, :, 1], targets[2] = np.nan, np.nan, np.nan
    terms, outputs, found = gradients(
        build(spec, config), config, spec, stored(random_dna, spec, targets)
    )
    assert all(term.shape == (4, 2) and np.isfinite(term).all() for term in terms.values())
    assert outputs["coverage"].shape == (4, 6, 2)
    assert all(np.isfinite(gradient).all() for gradient in found)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_recomputing_changes_no_gradient(normalization, random_dna):
    """Of tower, residual and transformer blocks, with dropout; moving statistics move once."""
    spec, results = coverage(96, 4), []
    targets = np.random.default_rng(0).poisson(3, (4, 24, 2)).astype(np.float16)
    for recompute in (False, True):
        config = dataclasses.replace(TINY, norm=normalization, recompute=recompute, dropout=0.3)
        model = build(spec, config)
        names = {layer.name for layer in model.layers}
        assert ("recompute_attention_1" in names) == recompute
        terms, _, found = gradients(model, config, spec, stored(random_dna, spec, targets))
        moved = [v for v in model.non_trainable_variables if v.dtype == "float32"]
        results.append([*terms.values(), *found, *moved])
    for expected, again in zip(*results, strict=True):
        np.testing.assert_allclose(again, expected, rtol=1e-3, atol=1e-4)


def test_predictions_are_whole_precision_where_the_network_is_not():
    with precision.scope("mixed_bfloat16"):
        model = build(coverage(96, 4), TINY)
    assert model.output.dtype == "float32"
    assert model.get_layer("head").compute_dtype == "float32"
    assert model.get_layer("stem_conv").compute_dtype == "bfloat16"


def test_dilations_double_and_start_again_at_the_end_of_the_window():
    model = build(coverage(64, 4), blocks=5)
    dilations = [model.get_layer(f"residual_{n}").dilation for n in range(1, 6)]
    assert dilations == [1, 2, 4, 1, 2]


def test_scores_are_in_the_unit_of_the_data():
    scores = track.running_scores(coverage(32, 8, target_scale=(0.5, 2.0)))
    true = np.random.default_rng(0).poisson(9, (5, 4, 2)).astype(np.float32)
    scores.add({"coverage": true}, true / [0.5, 2], np.ones((5, 2)))
    assert scores.result()["r2"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention_blocks": 1}, "filters=24 must be a multiple of 16: 8 heads, and pairs of ch"),
        ({"stem_filters": 0}, "stem_filters must be at least 1, got 0"),
        ({"blocks": -1}, "blocks must be at least 0, got -1"),
        ({"total_weight": -0.5}, "total_weight must be at least 0, got -0.5"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_sizes_that_make_no_sense(changes, message):
    with pytest.raises(InputError, match=message):
        track.Config(**{"filters": 24} | changes)


def test_windows_are_not_shifted_by_a_bin():
    build(coverage(96, 4, shift_bp=8), max_shift_bp=3)
    build(coverage(96, 1))
    build(coverage(96, 1, shift_bp=8), max_shift_bp=0)
    with pytest.raises(
        InputError, match="by up to 8 bp, and .* bins of 1 bp .*: set max_shift_bp=0$"
    ):
        build(coverage(96, 1, shift_bp=8))
    with pytest.raises(InputError) as error:
        build(coverage(96, 4, shift_bp=8))
    assert str(error.value) == (
        "windows are shifted by up to 8 bp, and their bins of 4 bp are not: set max_shift_bp=3 or "
        "less"
    )


def test_labels_of_whole_sequences_are_refused():
    message = "learns from coverage data, these are binary; models for them: cnn_attention"
    with pytest.raises(InputError, match=message):
        build(specs.Spec(100, ("bound",)))
    with pytest.raises(InputError, match="learns from coverage data, these are unlabelled"):
        build(specs.Spec(100, (), "unlabelled"))
