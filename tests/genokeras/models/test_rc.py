"""What models make of the two strands: `rc` of their configurations."""

import dataclasses

import keras
import numpy as np
import pytest

from genokeras import config as configs
from genokeras.layers import keyed_random
from genokeras.models import cnn_attention, contrastive, mlm, spec, track, transformer
from tfrecords import sequence
from tfrecords.errors import InputError

PAIRED = spec.Spec(48, ("plus", "minus", "both"), strand_pairs=(1, 0, 2))
COVERAGE = spec.Spec(
    *(60, ("plus", "minus", "open"), "coverage"), strand_pairs=(1, 0, 2), bin_bp=6, crop_bp=6
)
UNLABELLED = spec.Spec(48, (), "unlabelled")
SIDE_BY_SIDE = {"kmer": 4, "overlapping": False, "norm": "layer", "gated": False}
EQUIVARIANT = {
    "tiny": (cnn_attention, PAIRED, "tiny", {}),
    "odd": (cnn_attention, dataclasses.replace(PAIRED, length=44), "tiny", {"norm": "layer"}),
    "group": (cnn_attention, PAIRED, "tiny", {"norm": "group", "positions": "none"}),
    "plain": (cnn_attention, PAIRED, "add_one_transformer_block", {"kernel_size": 9}),
    "track": (track, COVERAGE, "tiny", {}),
    "one_base": (track, dataclasses.replace(COVERAGE, length=33, bin_bp=1), "tiny", {}),
    "profile": (track, COVERAGE, "tiny", {"loss": "profile_counts", "norm": "none"}),
    "mlm": (mlm, UNLABELLED, "tiny", {"stem_kernel_size": 5, "stem_stride": 4, "dropout": 0.2}),
    "kmers": (mlm, dataclasses.replace(UNLABELLED, length=33), "tiny", {"kmer": 3}),
    "even_kmers": (mlm, UNLABELLED, "tiny", {"kmer": 4, "pairing": "interleaved"}),
    "side_by_side": (mlm, UNLABELLED, "tiny", SIDE_BY_SIDE),
    "contrastive": (contrastive, UNLABELLED, "tiny", {"recompute": True}),
    "transformer": (transformer, PAIRED, "tiny", {"pooling": "attention", "dense_units": (4,)}),
}


@pytest.fixture
def exact():
    """Networks of float64."""
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before[0])
    keras.config.set_floatx(before[1])


def build(module, data, preset, seed=0, **changes):
    """A network whose weights, those that start at zero or one among them, are random."""
    keras.utils.set_random_seed(seed)
    config = dataclasses.replace(module.PRESETS[preset], **changes)
    model = module.build(config, data)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        noise = 0.1 * rng.normal(size=weight.shape)
        weight.assign(weight + (np.abs(noise) if "variance" in weight.path else noise))
    return model


def both_strands(model, data, packed, **options):
    """Outputs, and what those of the opposite strand say of the given one."""
    opposite = sequence.reverse_complement(packed, data.length)
    keys = keras.ops.convert_to_tensor(np.arange(len(packed), dtype=np.uint32))
    with keyed_random.scope(keys):
        given, turned = (np.asarray(model(x, **options)) for x in (packed, opposite))
    bases = (3, 2, 1, 0) if model.name == "mlm" else None
    turned = turned[..., list(data.strand_pairs or bases or range(turned.shape[-1]))]
    return given, turned[:, ::-1] if turned.ndim == 3 else turned


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", EQUIVARIANT)
def test_equivariant_networks_are(name, training, exact, random_dna):
    """In training as well: what is dropped, and the statistics of batch norm, are symmetric."""
    module, data, preset, changes = EQUIVARIANT[name]
    model = build(module, data, preset, rc="equivariant", **changes)
    packed = random_dna(4, data.length)
    packed[0, -3:], packed[1, :3] = 0, 0xFF  # Padding at one end, and bases that are hidden.
    given, turned = both_strands(model, data, packed, training=training)
    assert np.abs(given - turned).max() <= 1e-12
    assert np.std(given[..., 0]) > 1e-4
    assert np.abs(given[..., 0] - given[..., 1]).max() > 1e-4
    assert "both_strands" not in [layer.name for layer in model.layers]


@pytest.mark.parametrize("name", ["tiny", "track", "even_kmers", "contrastive"])
def test_others_are_not_but_their_mean_is(name, exact, random_dna):
    """The control, and what averages outside of the network, on data in pairs or without a pair."""
    module, data, preset, changes = EQUIVARIANT[name]
    packed = random_dna(4, data.length)
    for rc in ("augment", "none"):
        given, turned = both_strands(build(module, data, preset, rc=rc, **changes), data, packed)
        assert np.abs(given - turned).max() > 1e-2
    average = build(module, data, preset, rc="average", **changes)
    given, turned = both_strands(average, data, packed)
    assert np.abs(given - turned).max() <= 1e-12
    given, turned = both_strands(average, data, packed, training=True)
    assert np.abs(given - turned).max() > 1e-2


@pytest.mark.parametrize("name", ["tiny", "track", "mlm", "even_kmers", "contrastive"])
def test_equivariant_networks_are_saved_and_loaded(name, random_dna, tmp_path):
    module, data, preset, changes = EQUIVARIANT[name]
    model = build(module, data, preset, rc="equivariant", **changes)
    model.save(tmp_path / "model.keras")
    packed = random_dna(4, data.length)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(packed), model(packed))


def test_of_tasks_without_pairs_both_strands_have_the_same(exact, random_dna):
    data = spec.Spec(48, ("bound",))
    model = build(cnn_attention, data, "tiny", rc="equivariant")
    given, turned = both_strands(model, data, random_dna(8, 48))
    assert np.abs(given - turned).max() <= 1e-12
    assert np.std(given) > 1e-3


def test_an_equivariant_network_has_half_of_the_weights():
    """Every kernel and bias, with one task and no k-mers, which know of strands already."""
    data, options = spec.Spec(48, ("bound",)), {"kmer": 0, "norm": "layer", "positions": "none"}
    whole, half = (
        cnn_attention.build(
            dataclasses.replace(cnn_attention.PRESETS["tiny"], rc=rc, **options), data
        )
        for rc in ("augment", "equivariant")
    )
    # The bias of the head is that of its task, and the scores of the attention pool come in pairs.
    heads = sum(bool(w.path.endswith("head/bias")) for w in whole.weights)
    assert heads == 2
    assert whole.count_params() - heads == 2 * (half.count_params() - heads)


@pytest.mark.parametrize(
    ("module", "assignments", "message"),
    [
        (
            cnn_attention,
            ["kernel_size=10"],
            "rc=equivariant needs an odd kernel_size, got 10: an even kernel reaches further to "
            "one side; change it, or use rc=average",
        ),
        (cnn_attention, ["residual_kernel_size=4"], "needs an odd residual_kernel_size, got 4"),
        (
            cnn_attention,
            ["attention_blocks=0", "filters=7"],
            "rc=equivariant needs an even filters, got 7: half belong to",
        ),
        (cnn_attention, ["dense_units=8,5"], "rc=equivariant needs an even dense_units, got 5"),
        (cnn_attention, ["num_heads=1"], "rc=equivariant needs an even num_heads, got 1"),
        (
            cnn_attention,
            ["positions=learned"],
            "rc=equivariant, but positions=learned count from one end of a window; use posi",
        ),
        (track, ["tower_kernel_size=4"], "rc=equivariant needs an odd tower_kernel_size, got 4"),
        (track, ["head_units=5"], "rc=equivariant needs an even head_units, got 5"),
        (mlm, ["num_heads=1"], "rc=equivariant needs an even num_heads, got 1"),
        (contrastive, ["feedforward_units=5"], "needs an even feedforward_units, got 5"),
        (transformer, ["dense_units=4,3"], "rc=equivariant needs an even dense_units, got 3"),
    ],
)
def test_networks_that_cannot_be_equivariant_are_refused(module, assignments, message):
    with pytest.raises(InputError, match=message):
        configs.override(module.PRESETS["tiny"], ["rc=equivariant", *assignments])
    more = ["attention_blocks=0"] * hasattr(module.PRESETS["tiny"], "attention_blocks")
    configs.override(module.PRESETS["tiny"], ["rc=average", *more, *assignments])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            dataclasses.replace(PAIRED, length=45),
            "rc=equivariant pools runs of 4 bp, and windows of 45 bp leave some over at one end: "
            "use windows of a multiple of 4 bp, or rc=average",
        ),
        (
            dataclasses.replace(PAIRED, stranded=True),
            "rc=equivariant, but the dataset was built with --reverse_complement=none: its label",
        ),
        (
            dataclasses.replace(COVERAGE, bin_bp=1, cut_sites=(0, 1)),
            "rc=equivariant, but the dataset has cut sites, which move by one base on the opposite",
        ),
        (
            dataclasses.replace(UNLABELLED, stranded=True),
            "rc=equivariant, but the dataset was built with --reverse_complement=none",
        ),
    ],
)
def test_data_without_that_symmetry_are_refused(data, message):
    module = {"coverage": track, "unlabelled": mlm}.get(data.task_type, cnn_attention)
    config = dataclasses.replace(module.PRESETS["tiny"], rc="equivariant")
    with pytest.raises(InputError, match=message):
        module.build(config, data)
