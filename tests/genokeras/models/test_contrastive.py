"""The contrastive model: its loss over halves, temperatures, padding, views of evaluations."""

import dataclasses

import keras
import numpy as np
import pytest

from genokeras.layers import keyed_random
from genokeras.losses.contrastive import temperature_for
from genokeras.models import contrastive
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

SPEC = Spec(41, (), "unlabelled", shift_bp=2)
TINY = contrastive.PRESETS["tiny"]


@pytest.fixture
def windows(random_dna, tensors):
    """Makes batches of the source of windows, by default 100 bp apart."""

    def make(size, **more):
        batch = {
            "sequence": random_dna(size, 45),
            "chrom_id": np.zeros(size, np.int32),
            "start": np.arange(size) * 100,
            "key": np.arange(size, dtype=np.uint32) * 977,
            "weight": np.ones(size, np.float32),
        }
        return tensors(batch | more)

    return make


def encoded(batch, config=TINY, spec=SPEC, training=True):
    keras.utils.set_random_seed(0)
    model = contrastive.build(config, spec)
    batch = contrastive.prepare(config, spec, batch, training)
    with keyed_random.scope(batch["key"]):
        return contrastive.encode(config, model, batch, training), batch


def cost(config, own, everyone, first_row=0):
    terms, outputs = contrastive.loss(config, own, {}, True, everyone, first_row)
    (term,) = terms.values()
    return np.asarray(term), outputs


@pytest.mark.parametrize("name", ["nt_xent", "info_nce"])
def test_a_half_of_the_batch_has_its_part_of_the_loss(name, windows):
    config = dataclasses.replace(TINY, loss=name)
    whole, _ = encoded(windows(12), config)
    half = {key: values[8:] for key, values in whole.items()}
    np.testing.assert_allclose(cost(config, half, whole, 8)[0], cost(config, whole, whole)[0][8:])


def test_supervised_needs_labels_and_finds_all_of_a_kind(windows):
    config = dataclasses.replace(TINY, loss="supervised")
    spec = dataclasses.replace(SPEC, tasks=("bound",), task_type="binary")
    different = windows(4, targets=np.zeros((4, 1), np.float32) + [[0], [1], [0], [1]])
    found, _ = encoded(different, config, spec)
    plain, _ = encoded(different)
    assert (np.abs(cost(config, found, found)[0] - cost(TINY, plain, plain)[0]) > 1e-4).all()
    with pytest.raises(InputError, match="loss=supervised needs binary labels, these data are unl"):
        contrastive.build(config, SPEC)


def test_windows_that_overlap_are_no_negatives(windows):
    """Of four windows at one place every one finds its pair among none but its own."""
    together, _ = encoded(windows(4, start=np.arange(4) * 40))
    apart, _ = encoded(windows(4, start=np.arange(4) * 41))
    assert (cost(TINY, apart, apart)[0] > cost(TINY, together, together)[0] + 0.1).all()
    same, _ = encoded(windows(4, start=np.zeros(4, np.int64)))
    np.testing.assert_allclose(cost(TINY, same, same)[0], 0, atol=1e-6)


def test_padding_is_no_negative(windows):
    batch = windows(6)
    padded = batch | {"weight": keras.ops.convert_to_tensor([1.0, 1, 1, 1, 0, 0])}
    few = {name: values[:4] for name, values in batch.items()}
    (whole, _), (part, _) = encoded(padded), encoded(few)
    np.testing.assert_allclose(
        cost(TINY, whole, whole)[0][:4], cost(TINY, part, part)[0], rtol=1e-5
    )


def test_temperatures(windows):
    batch = windows(8)
    learned = dataclasses.replace(TINY, temperature="learned", first_temperature=0.2)
    found, _ = encoded(batch, learned)
    np.testing.assert_allclose(cost(learned, found, found)[1]["temperature"], 0.2, rtol=1e-6)
    by_size = dataclasses.replace(TINY, temperature="batch_size", p0=0.7)
    found, _ = encoded(batch, by_size)
    expected = temperature_for(0.8, 0.0, 14, 0.7)
    half = {name: values[:4] for name, values in found.items()}
    np.testing.assert_allclose(cost(by_size, half, found)[1]["temperature"], expected, rtol=1e-6)
    too_few = dataclasses.replace(TINY, temperature="batch_size", p0=0.05)
    with pytest.raises(InputError, match=r"in batches of 4: pairs among 6 negatives .* got 0.05"):
        cost(too_few, *({name: values[:4] for name, values in found.items()},) * 2)


def test_evaluations_vary_a_window_always_in_the_same_way(windows):
    batch = windows(8)
    first = contrastive.prepare(TINY, SPEC, batch, False)
    other_keys = batch | {"key": batch["key"] + 1}
    again = contrastive.prepare(TINY, SPEC, other_keys, False)
    np.testing.assert_array_equal(again["view"], first["view"])
    assert np.any(np.asarray(first["view"]) != np.asarray(first["sequence"]), axis=1).all()
    trained = contrastive.prepare(TINY, SPEC, batch, True)
    np.testing.assert_array_equal(trained["sequence"], first["sequence"])
    assert np.any(np.asarray(trained["view"]) != np.asarray(first["view"]), axis=1).all()


def test_noise_is_in_the_views_of_training_only(windows):
    config = dataclasses.replace(TINY, noise=0.3)
    batch = windows(4)
    for training in (True, False):
        (noisy, _), (plain, _) = (encoded(batch, c, training=training) for c in (config, TINY))
        differs = np.abs(np.asarray(noisy["first"]) - np.asarray(plain["first"])).max()
        assert (differs > 1e-3) == training


@pytest.mark.parametrize("rc", ["average", "equivariant"])
def test_views_of_the_opposite_strand_say_nothing_to_an_encoder_that_is_blind_to_it(rc, random_dna):
    blind = dataclasses.replace(TINY, rc=rc)
    windows = random_dna(6, 41)
    opposite = sequence.reverse_complement(windows, 41)
    for config, is_blind in ((blind, True), (TINY, False)):
        model = contrastive.build(config, SPEC)
        distance = np.abs(np.asarray(model(windows)) - np.asarray(model(opposite))).max()
        assert (distance < 1e-5) == is_blind
        assert bool(contrastive.notes(config, SPEC)) == is_blind
    (note,) = contrastive.notes(blind, SPEC)
    assert note.startswith(f"Note: with rc={rc} both strands of a window have one embedding")
    assert not contrastive.notes(dataclasses.replace(blind, reverse_complement_rate=0.0), SPEC)
    nothing = {"mutation_rate": 0.0, "deletion_rate": 0.0, "insertion_rate": 0.0, "mask_rate": 0.0}
    (note,) = contrastive.notes(dataclasses.replace(blind, **nothing), SPEC)
    assert "and bases do not change otherwise" in note


def test_without_strands_no_view_is_turned(windows):
    still = {"mutation_rate": 0.0, "deletion_rate": 0.0, "insertion_rate": 0.0, "mask_rate": 0.0}
    config = dataclasses.replace(TINY, max_shift_bp=0, rc="none", **still)
    prepared = contrastive.prepare(config, SPEC, windows(20), True)
    np.testing.assert_array_equal(prepared["view"], prepared["sequence"])
    turned = contrastive.prepare(dataclasses.replace(config, rc="augment"), SPEC, windows(20), True)
    differ = np.any(np.asarray(turned["view"]) != np.asarray(turned["sequence"]), axis=1)
    assert 0.1 < differ.mean() < 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_temperature": 0.0}, "first_temperature must be at least 0.01, got 0"),
        ({"projection": 0}, "projection must be at least 1, got 0"),
        ({"mutation_rate": 1.0}, r"mutation_rate must be in \[0, 1\)"),
        ({"channels": 7}, "channels=7 must be a multiple of"),
        ({"temperature": "batch_size", "negative_similarity": 0.9}, "positives must be more simil"),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(TINY, **changes)
