"""What is made of embeddings by hand is what the models make of them: their heads are linear."""

import dataclasses

import keras
import numpy as np
import pytest

from genokeras.models import cnn_attention, contrastive, mlm, track, transformer
from genokeras.models.spec import Spec
from tfrecords import sequence

SPEC = Spec(40, ("bound", "open"))
COVERAGE = Spec(48, ("reads",), "coverage", bin_bp=4, crop_bp=4)


def packed_dna(length, count=6):
    rows = np.random.default_rng(0).choice(list("ACGT"), (count, length))
    return sequence.encode(["".join(row) for row in rows], length)


def built(module, spec, preset="tiny", **changes):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(module.PRESETS[preset], **changes)
    model = module.build(config, spec)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        noise = 0.1 * rng.normal(size=weight.shape)
        weight.assign(weight + (np.abs(noise) if "variance" in weight.path else noise))
    packed = packed_dna(spec.length)
    return model, np.asarray(model(packed)), np.asarray(module.embedding(config, model)(packed))


@pytest.mark.parametrize("rc", ["average", "augment"])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("reach", [0, 2])
def test_heads_of_embeddings_give_the_logits(rc, members, reach):
    """Of copies of a window, means come before or after a linear head, all the same."""
    changes = {"rc": rc, "members": members, "average_shift_bp": reach, "kmer": 0}
    model, logits, embeddings = built(cnn_attention, SPEC, **changes)
    heads = [layer for layer in model.layers if layer.name.endswith("head")]
    assert len(heads) == members
    parts = np.split(embeddings, members, axis=1)
    given = [
        part @ np.asarray(head.kernel) + np.asarray(head.bias)
        for part, head in zip(parts, heads, strict=True)
    ]
    np.testing.assert_allclose(np.mean(given, axis=0), logits, atol=1e-5)


def test_of_an_equivariant_network_it_is_the_mean_of_both_halves():
    """Its head adds what either strand's half says, with the same kernel."""
    model, logits, embeddings = built(cnn_attention, SPEC, rc="equivariant", members=1, kmer=0)
    head = model.get_layer("head")
    given = 2 * embeddings @ np.asarray(head.kernel) + np.asarray(head.bias)
    np.testing.assert_allclose(given, logits, atol=1e-5)


def test_of_coverage_it_is_the_mean_over_bins():
    model, _, embeddings = built(track, COVERAGE, loss="profile_counts", rc="augment")
    head = model.get_layer("log_total")
    total = np.asarray(model(packed_dna(COVERAGE.length))).sum(axis=1)
    given = embeddings @ np.asarray(head.kernel) + np.asarray(head.bias)
    np.testing.assert_allclose(given, np.log(total), atol=1e-5)


@pytest.mark.parametrize("rc", ["average", "augment", "equivariant"])
def test_of_views_it_is_what_is_projected(rc):
    model, vectors, embeddings = built(contrastive, SPEC, rc=rc)
    x = model.get_layer("projection_2")(model.get_layer("projection_1")(embeddings))
    x = np.asarray(x)
    np.testing.assert_allclose(x / np.linalg.norm(x, axis=1, keepdims=True), vectors, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stem_kernel_size": 5, "stem_stride": 4},
        {"kmer": 3},
        {"kmer": 4, "overlapping": False},
    ],
)
def test_of_masked_models_it_is_the_mean_over_what_is_no_padding(changes):
    """Of 40 bp of which 16 are padding; a token is padding if all of its bases are."""
    config = dataclasses.replace(mlm.PRESETS["tiny"], **changes)
    model = mlm.build(config, SPEC)
    packed = packed_dna(40)
    packed[:, 12:] = 0
    features = keras.Model(model.input, model.get_layer("encoder_norm").output)(packed)
    stride = config.stem_stride if config.kmer == 1 or config.overlapping else config.kmer
    kept = 24 // stride
    expected = np.asarray(features)[:, :kept].mean(axis=1)
    found = mlm.embedding(config, model)(packed)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The control: the mean over everything is another one.
    assert np.abs(np.asarray(features).mean(axis=1) - expected).max() > 1e-3


@pytest.mark.parametrize(
    ("module", "changes"),
    [
        *((cnn_attention, {}), (track, {}), (mlm, {}), (mlm, {"kmer": 4})),
        *((contrastive, {}), (transformer, {})),
    ],
)
def test_embeddings_are_blind_to_the_strand_where_models_are(module, changes):
    spec = COVERAGE if module is track else SPEC
    for rc, is_blind in (("equivariant", True), ("average", True), ("augment", False)):
        config = dataclasses.replace(module.PRESETS["tiny"], rc=rc, **changes)
        embed = module.embedding(config, module.build(config, spec))
        packed = packed_dna(spec.length)
        packed[0, :4] = 0  # Padding at one end.
        opposite = sequence.reverse_complement(packed, spec.length)
        difference = np.abs(np.asarray(embed(packed)) - np.asarray(embed(opposite))).max()
        assert (difference < 1e-5) == is_blind


def test_it_is_never_rounded_to_16_bits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = mlm.build(mlm.PRESETS["tiny"], SPEC)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("encoder_norm").compute_dtype == "bfloat16"
    found = np.asarray(mlm.embedding(mlm.PRESETS["tiny"], model)(packed_dna(40)))
    assert found.dtype == np.float32
    assert (found.view(np.uint32) & 0xFFFF).any()
