import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view

from genokeras.config import override
from genokeras.layers import keyed_random
from genokeras.models import cnn_attention, spec
from genokeras.training import precision
from genokeras.training.train_config import TrainConfig
from tfrecords import sequence
from tfrecords.errors import InputError

PRESETS, TINY = cnn_attention.PRESETS, cnn_attention.PRESETS["tiny"]


def build(preset, length=200, tasks=("bound",), **changes):
    config = dataclasses.replace(PRESETS[preset], **changes)
    return cnn_attention.build(config, spec.Spec(length, tasks))


@pytest.mark.parametrize(
    ("preset", "trainable"),
    [
        ("conv", 461_697),
        ("conv_v2", 461_953),
        ("baseline", 461_953),
        ("single_conv_only", 9_153),
        ("fewer_conv_channels", 60_657),
        ("remove_mlp", 47_105),
        ("add_one_transformer_block", 487_169),
        ("add_two_transformer_blocks", 512_385),
    ],
)
def test_the_chapters_networks_have_its_numbers_of_parameters(preset, trainable):
    assert sum(int(np.prod(w.shape)) for w in build(preset).trainable_weights) == trainable


def test_conv_has_the_chapters_kernels():
    kernels = [tuple(w.shape) for w in build("conv").weights if w.name == "kernel"]
    assert kernels == [(10, 4, 64), (10, 64, 64), (3200, 128), (128, 64), (64, 1)]


def test_conv_v2_normalises_before_gelu_and_then_after_it():
    names = [layer.name for layer in build("conv_v2").layers]
    assert names.index("block_1_norm") < names.index("block_1_gelu")
    assert names.index("block_2_gelu") < names.index("block_2_norm") < names.index("block_2_pool")
    norm = build("conv_v2").get_layer("block_1_norm")
    assert (norm.momentum, norm.epsilon) == (0.99, 1e-5)
    assert build("conv_v2").get_layer("dense_1_dropout").rate == 0.2


def numpy_forward(weights, packed, length, norms=("", "")):
    """The chapter's first two networks, written down again in NumPy."""

    def gelu(x):
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    def conv(x, block):
        kernel = weights[f"{block}_conv/kernel"]
        low, high = (len(kernel) - 1) // 2, len(kernel) // 2
        padded = np.pad(x, ((0, 0), (low, high), (0, 0)))
        windows = sliding_window_view(padded, len(kernel), axis=1)
        return np.einsum("blck,kcf->blf", windows, kernel) + weights[f"{block}_conv/bias"]

    def batch_norm(x, block):
        gamma, beta, mean, variance = (
            weights[f"{block}_norm/{name}"]
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    def pool(x):
        return np.maximum(x[:, 0 : x.shape[1] // 2 * 2 : 2], x[:, 1::2])

    def dense(x, name):
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    x = sequence.unpack(packed, length, ambiguous="one").astype(np.float64)
    for block, place in zip(("block_1", "block_2"), norms, strict=True):
        x = conv(x, block)
        x = batch_norm(x, block) if place == "before GELU" else x
        x = gelu(x)
        x = pool(batch_norm(x, block) if place == "after GELU" else x)
    x = gelu(dense(x.reshape(len(x), -1), "dense_1"))
    return dense(gelu(dense(x, "dense_2")), "head")


@pytest.mark.parametrize("length", [40, 43])
@pytest.mark.parametrize(
    ("preset", "norms"), [("conv", ("", "")), ("conv_v2", ("before GELU", "after GELU"))]
)
def test_the_chapters_networks_equal_an_independent_forward_pass(preset, norms, length):
    """Also for odd lengths, and with Flax's padding of even kernels: 4 before, 5 after."""
    rng = np.random.default_rng(0)
    with precision.scope("float64"):
        model = build(preset, length)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.2, weight.shape) + (weight.name == "moving_variance"))
    weights = {weight.path: np.asarray(weight) for weight in model.weights}
    packed = sequence.encode(
        ["".join(rng.choice(list("ACGTNR-"), length)) for _ in range(8)], length
    )
    expected = numpy_forward(weights, packed, length, norms)
    np.testing.assert_allclose(model(packed), expected, rtol=1e-5, atol=1e-6)
    assert np.std(expected) > 0.01


def test_conv_starts_as_the_chapter_reports(random_dna):
    """A fresh network knows nothing: a cross-entropy near log 2 = .693 (.698 is reported)."""
    keras.utils.set_random_seed(0)
    packed, targets = random_dna(64, 200), np.arange(64)[:, None] % 2
    logits = np.asarray(build("conv")(packed))
    loss = np.mean(np.logaddexp(0, logits) - targets * logits)
    assert loss == pytest.approx(np.log(2), abs=0.03)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_its_training(preset):
    training = dataclasses.replace(TrainConfig(), **cnn_attention.TRAINING[preset])
    assert training.batch_size == (64 if preset in ("base", "fast", "tiny") else 32)


def test_the_chapters_training():
    conv, baseline = (cnn_attention.TRAINING[name] for name in ("conv", "baseline"))
    assert (conv["optimizer"], conv["steps"], conv["schedule"]) == ("adam", 500, "constant")
    assert (baseline["optimizer"], baseline["steps"], baseline["schedule"]) == (
        *("adamw", 1000, "cosine"),
    )
    for training in (conv, baseline):
        assert training["learning_rate"] == 1e-3
        assert training["warmup_steps"] == training["clipnorm"] == training["ema"] == 0


@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("norm", ["none", "batch", "slow_batch", "layer", "group", "rms"])
def test_positions_and_norms_can_be_chosen(positions, norm, random_dna):
    model = build("tiny", 30, positions=positions, norm=norm)
    learned = [w.path for w in model.weights if w.path.startswith("positions/")]
    assert len(learned) == (positions == "learned")
    assert np.isfinite(model(random_dna(4, 30))).all()


def test_predictions_are_those_of_both_strands(random_dna):
    packed = random_dna(6, 31)
    opposite = sequence.reverse_complement(packed, 31)
    model = build("tiny", 31)
    np.testing.assert_allclose(model(packed), model(opposite), atol=1e-6)
    assert np.std(np.asarray(model(packed))) > 1e-3
    one_strand = build("tiny", 31, rc="augment", kmer=0)
    assert np.abs(one_strand(packed) - one_strand(opposite)).max() > 1e-3


@pytest.mark.parametrize("kmer", [0, 3])
def test_strand_pairs_swap_on_the_opposite_strand(kmer, random_dna):
    """Also with k-mers, which alone cannot tell the strands apart."""
    paired = spec.Spec(31, ("plus", "minus", "both"), strand_pairs=(1, 0, 2))
    model = cnn_attention.build(dataclasses.replace(TINY, kmer=kmer), paired)
    if kmer:
        weights = np.random.default_rng(0).normal(size=(32, 3))
        model.get_layer("kmer_linear").set_weights([weights])
    packed = random_dna(6, 31)
    opposite = np.asarray(model(sequence.reverse_complement(packed, 31)))
    logits = np.asarray(model(packed))
    np.testing.assert_allclose(logits[:, [1, 0, 2]], opposite, rtol=1e-5, atol=1e-5)
    assert np.abs(logits - opposite)[:, :2].max() > 1e-3


def test_stranded_data_keep_their_strands_apart():
    """A k-mer weight of AAA alone: +1 for every AAA, and nothing for TTT, its opposite."""
    stranded = spec.Spec(31, ("signal",), stranded=True)
    one_view = dataclasses.replace(TINY, members=1, average_shift_bp=0)
    model = cnn_attention.build(one_view, stranded)
    assert not {"both_strands", "mean_of_strands"} & {layer.name for layer in model.layers}
    packed = sequence.encode(["ACAAAGAAACC".ljust(31, "C")], 31)
    opposite = sequence.reverse_complement(packed, 31)
    before = [float(model(strand)[0, 0]) for strand in (packed, opposite)]
    assert abs(before[0] - before[1]) > 1e-4
    model.get_layer("kmer_linear").set_weights([np.eye(64)[:, :1]])
    after = [float(model(strand)[0, 0]) for strand in (packed, opposite)]
    np.testing.assert_allclose(np.subtract(after, before), [2, 0], atol=1e-5)


def test_kmers_join_in_at_the_logit(random_dna):
    model = build("tiny", 30, members=1, average_shift_bp=0)
    packed = random_dna(5, 30)
    before = np.asarray(model(packed))
    kmers = model.get_layer("kmer_linear")
    kmers.set_weights([np.full((32, 1), 0.5)])
    np.testing.assert_allclose(model(packed), before + 0.5 * 28, rtol=1e-5)
    assert kmers.undecayed


def test_members_are_networks_of_their_own_and_predict_their_mean(tensors, planted, random_dna):
    two = build("tiny", 30, members=2)
    one = build("tiny", 30, members=1)
    assert two.count_params() == 2 * one.count_params()
    packed = random_dna(6, 30)
    alone = []
    for prefix in ("", "member_2_"):
        for layer in one.layers:
            if layer.weights:
                layer.set_weights(two.get_layer(prefix + layer.name).get_weights())
        alone.append(np.asarray(one(packed)))
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    np.testing.assert_allclose(two(packed), np.mean(alone, axis=0), rtol=1e-4, atol=1e-6)


def test_each_member_answers_for_its_own_loss(tensors, planted):
    """Were the loss that of their mean, a change of one would change the gradient of the other."""
    config = dataclasses.replace(TINY, members=2, dropout=0.0, block_dropout=0.0)
    batch = tensors(planted(8, 30))
    model = cnn_attention.build(config, spec.Spec(30, ("bound",)))

    def gradient_of_the_first():
        with tf.GradientTape() as tape:
            terms, outputs = cnn_attention.loss(config, model, batch, True)
            total = tf.reduce_sum(terms["cross_entropy"])
        assert terms["cross_entropy"].shape == outputs["logits"].shape == (8, 1)
        return tape.gradient(total, model.get_layer("head").kernel).numpy()

    before = gradient_of_the_first()
    assert np.abs(before).max() > 1e-3
    second = model.get_layer("member_2_head")
    second.bias.assign(second.bias + 3.0)
    np.testing.assert_allclose(gradient_of_the_first(), before, rtol=1e-5)


def test_predictions_are_means_over_shifts_of_the_window():
    """One base to either side, zeros moving in: the mean of three predictions without averaging."""
    mean = build("tiny", 30, average_shift_bp=1)
    plain = build("tiny", 30, average_shift_bp=0)
    plain.set_weights(mean.get_weights())
    letters = "ACGTTGCAAGCTTACGGATCCATTGACCTG"
    shifted = [letters, letters[1:] + "-", "-" + letters[:-1]]
    logits = np.asarray(plain(sequence.encode(shifted, 30)))
    assert np.ptp(logits) > 1e-4
    np.testing.assert_allclose(
        mean(sequence.encode([letters], 30))[0], logits.mean(axis=0), rtol=1e-4
    )


def test_how_much_padding_follows_does_not_matter():
    """Beyond the reach of the convolutions (30 bp here) it is neither pooled nor attended to."""
    dna = "".join(np.random.default_rng(0).choice(list("ACGT"), 32))
    short, long = (build("tiny", length, rc="augment") for length in (96, 128))
    long.set_weights(short.get_weights())
    logits = np.asarray(short(sequence.encode([dna + "-" * 64], 96)))
    np.testing.assert_allclose(long(sequence.encode([dna + "-" * 96], 128)), logits, rtol=1e-4)
    assert np.abs(short(sequence.encode([dna + "A" * 64], 96)) - logits) > 1e-3


def test_heads_of_several_tasks_and_of_a_regression(tensors, planted):
    batch = tensors(planted(8, 30))
    batch["targets"] = tf.constant(np.random.default_rng(0).normal(size=(8, 3)), tf.float32)
    for task_type, term in (("binary", "cross_entropy"), ("regression", "squared_error")):
        model = cnn_attention.build(TINY, spec.Spec(30, tuple("abc"), task_type))
        terms, outputs = cnn_attention.loss(TINY, model, batch, False)
        assert list(terms) == [term]
        assert terms[term].shape == outputs["logits"].shape == (8, 3)
    expected = (outputs["logits"] - batch["targets"]) ** 2
    np.testing.assert_allclose(terms["squared_error"], expected, rtol=1e-6)


def test_a_saved_model_remembers_what_it_predicts(tmp_path, tensors, planted):
    batch = tensors(planted(8, 30))
    model = cnn_attention.build(TINY, spec.Spec(30, ("signal",), "regression"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    terms, _ = cnn_attention.loss(TINY, loaded, batch, False)
    assert list(terms) == ["squared_error"]


def test_mutation_only_in_training(tensors, planted):
    batch = tensors(planted(8, 30))
    windows = spec.Spec(30, ("bound",))
    unchanged = cnn_attention.prepare(TINY, windows, batch, training=False)
    np.testing.assert_array_equal(unchanged["sequence"], batch["sequence"])
    mutated = cnn_attention.prepare(TINY, windows, batch, training=True)["sequence"]
    changed = np.mean(np.unpackbits(mutated.numpy() ^ batch["sequence"].numpy(), axis=1))
    assert 0 < changed < 0.1
    without = dataclasses.replace(TINY, mutation_rate=0.0)
    assert cnn_attention.prepare(without, windows, batch, training=True) == batch


def test_shifted_in_training_and_centred_in_evaluation(tensors, planted):
    stored = tensors(planted(8, 40))
    shifts = spec.Spec(30, ("bound",), shift_bp=5)
    middle = sequence.crop(stored["sequence"].numpy(), 40, 5, 30)
    config = dataclasses.replace(TINY, mutation_rate=0.0)
    windows = cnn_attention.prepare(config, shifts, stored, training=False)["sequence"]
    np.testing.assert_array_equal(windows, middle)
    shifted = cnn_attention.prepare(config, shifts, stored, training=True)["sequence"]
    assert (shifted.numpy() != middle).any(axis=1).sum() > 4
    config = dataclasses.replace(config, max_shift_bp=0)
    still = cnn_attention.prepare(config, shifts, stored, training=True)["sequence"]
    np.testing.assert_array_equal(still, middle)


def test_labels_are_smoothed_in_training_only(tensors, planted):
    """For a rate of .2 the loss of a target of 1 is 9 parts of 1's loss and 1 part of 0's."""
    batch = tensors(planted(8, 30))
    config = dataclasses.replace(TINY, label_smoothing=0.2, dropout=0.0, block_dropout=0.0)
    model = cnn_attention.build(config, spec.Spec(30, ("bound",)))

    def losses(targets, config, training):
        terms, _ = cnn_attention.loss(config, model, batch | {"targets": targets}, training)
        return terms["cross_entropy"].numpy()

    hard = dataclasses.replace(config, label_smoothing=0.0)
    zero, one = np.zeros((8, 1), np.float32), np.ones((8, 1), np.float32)
    for training in (False, True):
        of_one, of_zero = losses(one, hard, training), losses(zero, hard, training)
        expected = 0.9 * of_one + 0.1 * of_zero if training else of_one
        np.testing.assert_allclose(losses(one, config, training), expected, rtol=1e-5)
    regression = spec.Spec(30, ("signal",), "regression")
    with pytest.raises(InputError, match="label_smoothing is for binary tasks, these are regress"):
        cnn_attention.build(config, regression)


def test_what_the_data_do_not_allow_is_refused(random_dna):
    with pytest.raises(InputError, match="max_shift_bp=3, but the dataset stores 0 bp beside its"):
        build("tiny", max_shift_bp=3)
    with pytest.raises(InputError, match="average_shift_bp=30 shifts windows of 30 bp out of"):
        build("tiny", 30, average_shift_bp=30)
    assert np.isfinite(build("tiny", 30, average_shift_bp=29)(random_dna(2, 30))).all()


@pytest.mark.parametrize(
    ("policy", "inside", "logits"),
    [("mixed_bfloat16", "bfloat16", tf.float32), ("float64", "float64", tf.float64)],
)
def test_logits_are_never_of_16_bits(policy, inside, logits, tensors, planted):
    batch = tensors(planted(8, 30))
    with precision.scope(policy):
        model = cnn_attention.build(TINY, spec.Spec(30, ("bound",)))
    with keyed_random.scope(batch["key"]):
        terms, outputs = cnn_attention.loss(TINY, model, batch, True)
    assert model.get_layer("stem_conv").compute_dtype == inside
    assert outputs["logits"].dtype == terms["cross_entropy"].dtype == logits
    assert np.isfinite(terms["cross_entropy"]).all()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("filters=0", "filters must be at least 1, got 0"),
        ("blocks=0", "blocks must be at least 1, got 0"),
        ("members=0", "members must be at least 1, got 0"),
        ("average_shift_bp=-1", "average_shift_bp must be at least 0, got -1"),
        ("attention_blocks=-1", "attention_blocks must be at least 0, got -1"),
        ("dropout=1", r"dropout must be in \[0, 1\), got 1.0"),
        ("label_smoothing=1", r"label_smoothing must be in \[0, 1\), got 1.0"),
        ("mutation_rate=-0.1", r"mutation_rate must be in \[0, 1\), got -0.1"),
        ("kmer=1", "kmer must be 2 to 8, or 0 for no k-mer branch, got 1"),
        (
            "filters=20",
            "filters=20 must be a multiple of 16: 8 heads, and pairs of channels for ro",
        ),
        ("dense_units=64,0", r"dense_units must be at least 1 each, got \(64, 0\)"),
        (
            "norm=groups",
            "Config.norm must be one of none, batch, slow_batch, layer, group, rms, got 'groups'",
        ),
        (
            "rc=both",
            "Config.rc must be one of equivariant, average, augment, none, got 'both'",
        ),
    ],
)
def test_impossible_networks_are_refused(assignment, message):
    with pytest.raises(InputError, match=message):
        override(dataclasses.replace(PRESETS["base"], attention_blocks=1), [assignment])


@pytest.mark.parametrize(
    ("preset", "length", "shortest"), [("base", 5, 6), ("conv", 3, 4), ("single_conv_only", 1, 2)]
)
def test_too_short_sequences_are_refused(preset, length, shortest, random_dna):
    with pytest.raises(InputError, match=f"needs at least {shortest} bp, the data have {length}"):
        build(preset, length)
    assert np.isfinite(build(preset, shortest)(random_dna(2, shortest))).all()
