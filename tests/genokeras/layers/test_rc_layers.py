"""Turning what goes into an equivariant layer turns what comes out, to the last bits of float64."""

import keras
import numpy as np
import pytest

from genokeras.layers import keyed_random, rc_irreps
from genokeras.layers.norm import norm
from genokeras.layers.rc_conv import RcConv1D, RcDense
from genokeras.layers.rc_dropout import RcDropout
from genokeras.layers.rc_embedding import RcEmbedding
from genokeras.layers.rc_head import RcHead, TiedTasks
from genokeras.layers.rc_max_pool import RcMaxPool1D
from genokeras.layers.rc_strands import JoinStrands, PerStrand, SplitStrands

EXACT = {"dtype": "float64"}
EQUIVARIANT = {
    "conv_same": (lambda: RcConv1D(6, 5, padding="same", **EXACT), 11),
    "conv_valid_even": (lambda: RcConv1D(6, 4, **EXACT), 12),
    "conv_dilated": (lambda: RcConv1D(6, 3, padding="same", dilation_rate=3, **EXACT), 12),
    "conv_stride_same": (lambda: RcConv1D(6, 5, 2, "same", **EXACT), 11),
    "conv_stride_valid": (lambda: RcConv1D(6, 4, 3, **EXACT), 10),
    "dense": (lambda: RcDense(10, "tanh", **EXACT), 11),
    "layer_norm": (lambda: PerStrand(norm("layer", **EXACT), **EXACT), 11),
    "group_norm": (lambda: PerStrand(norm("group", **EXACT), **EXACT), 12),
    "batch_norm": (lambda: PerStrand(norm("batch", **EXACT), **EXACT), 11),
    "rms_norm": (lambda: PerStrand(keras.layers.RMSNormalization(**EXACT), **EXACT), 12),
    "pool": (lambda: RcMaxPool1D(3, **EXACT), 12),
    "dropout": (lambda: RcDropout(0.4, name="drop", **EXACT), 11),
}


def randomised(layer, x, seed=0):
    """The layer, built, with weights that no symmetry has made."""
    layer.build(x.shape)
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape) + 2 * ("variance" in weight.name) * 2)
    return layer


def normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def turned(x):
    return np.flip(x, tuple(range(1, np.ndim(x))))


def error(layer, x, **options):
    """Difference of `layer(turned(x))` and `turned(layer(x))`, and how much outputs differ."""
    with keyed_random.scope(keras.ops.convert_to_tensor(np.arange(len(x), dtype=np.uint32))):
        given, opposite = (np.asarray(layer(y, **options)) for y in (x, turned(x)))
    return np.abs(opposite - turned(given)).max(), np.std(given)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", EQUIVARIANT)
def test_layers_are_equivariant(name, training, seed):
    make, length = EQUIVARIANT[name]
    x = normal(3, length, 8)
    layer = randomised(make(), x, seed)
    takes_training = name in ("dropout", "batch_norm", "group_norm", "layer_norm", "rms_norm")
    options = {"training": training} if takes_training else {}
    worst, spread = error(layer, x, **options)
    assert worst <= 1e-12
    assert spread > 0.1


@pytest.mark.parametrize(
    ("layer", "length"),
    [
        (keras.layers.Conv1D(6, 5, padding="same", **EXACT), 11),
        (keras.layers.Dense(6, **EXACT), 11),
        (keras.layers.LayerNormalization(**EXACT), 11),
        (keras.layers.Dropout(0.4, **EXACT), 11),
    ],
)
def test_ordinary_layers_are_not(layer, length):
    """The control: what the test above says of them is that they are not equivariant."""
    x = normal(3, length, 8)
    worst, _ = error(randomised(layer, x), x, **{"training": True} if "Drop" in str(layer) else {})
    assert worst > 0.1


@pytest.mark.parametrize(("kernel_size", "length", "strides"), [(4, 12, 1), (3, 12, 2)])
def test_what_is_refused_would_not_be_equivariant(kernel_size, length, strides):
    """Even kernels with zeros around, and strides that leave a position over at one end."""
    x = normal(2, length, 8)
    w = normal(kernel_size, 8, 3, seed=2)
    kernel = np.concatenate([w, w[::-1, ::-1, ::-1]], axis=2)
    conv = keras.layers.Conv1D(6, kernel_size, strides, padding="same", use_bias=False, **EXACT)
    conv.build(x.shape)
    conv.set_weights([kernel])
    assert error(conv, x)[0] > 0.1
    with pytest.raises(ValueError, match="which breaks equivariance"):
        RcConv1D(6, kernel_size, strides, "same").build(x.shape)


@pytest.mark.parametrize(("kernel_size", "padding"), [(5, "same"), (5, "valid"), (4, "valid")])
def test_the_convolution_is_one_with_a_kernel_beside_its_reverse_complement(kernel_size, padding):
    """The kernel in NumPy, the convolution by Keras."""
    x = normal(2, 12, 8)
    layer = randomised(RcConv1D(6, kernel_size, padding=padding, **EXACT), x)
    w, b = (np.asarray(weight) for weight in (layer.kernel, layer.bias))
    plain = keras.layers.Conv1D(6, kernel_size, padding=padding, **EXACT)
    plain.build(x.shape)
    plain.set_weights(
        [np.concatenate([w, w[::-1, ::-1, ::-1]], axis=2), np.concatenate([b, b[::-1]])]
    )
    np.testing.assert_allclose(layer(x), plain(x), atol=1e-13)
    assert 2 * layer.count_params() == plain.count_params()


def test_a_dense_layer_is_a_convolution_of_one_position():
    x = normal(2, 5, 8)
    conv = randomised(RcConv1D(6, 1, **EXACT), x)
    dense = randomised(RcDense(6, **EXACT), x)
    dense.set_weights([conv.get_weights()[0][0], conv.get_weights()[1]])
    np.testing.assert_allclose(conv(x), dense(x), atol=1e-13)
    assert 2 * dense.count_params() == 8 * 6 + 6


@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (1, 2), (3, 1)])
def test_shifts_move_what_is_in_the_middle(strides, dilation):
    """With padding `valid`, all shifts by a multiple of the stride; one in between is another."""
    x = normal(1, 40, 4)
    options = {"strides": strides, "dilation_rate": dilation} | EXACT
    layer = randomised(RcConv1D(6, 4, **options), x[:, :31])
    still = np.asarray(layer(x[:, :31]))
    for shift in range(1, 9):
        moved = np.asarray(layer(x[:, shift : shift + 31]))
        if shift % strides:
            assert np.abs(moved - still).max() > 0.1
        else:
            steps = shift // strides
            np.testing.assert_allclose(moved[:, :-steps], still[:, steps:], atol=1e-12)


def test_splitting_the_strands_swaps_them_and_joining_undoes_it():
    x = normal(3, 7, 8)
    split, mask = SplitStrands(**EXACT), np.arange(7)[None] < 5
    given, opposite = (np.asarray(split(y)) for y in (x, turned(x)))
    np.testing.assert_array_equal(opposite, np.roll(given, 3, axis=0))
    np.testing.assert_array_equal(JoinStrands(**EXACT)(given), x)
    np.testing.assert_array_equal(split(mask), np.concatenate([mask, mask[:, ::-1]]))


def test_tokens_and_their_opposites():
    """Tokens of a language model: A, C, G, T, and one that is special."""
    opposites = (3, 2, 1, 0, 4)
    tokens = np.random.default_rng(0).integers(0, 5, (2, 9))
    turned_tokens = np.array(opposites)[tokens[:, ::-1]]
    embed = randomised(RcEmbedding(opposites, 6, **EXACT), tokens)
    given, opposite = (np.asarray(embed(t)) for t in (tokens, turned_tokens))
    np.testing.assert_array_equal(opposite, turned(given))
    assert 2 * embed.count_params() == 5 * 6
    head = randomised(RcHead(5, opposites, **EXACT), given)
    logits, opposite_logits = np.asarray(head(given)), np.asarray(head(opposite))
    np.testing.assert_allclose(opposite_logits, logits[:, ::-1, opposites], atol=1e-12)
    assert np.abs(opposite_logits - logits[:, ::-1]).max() > 0.1


@pytest.mark.parametrize("shape", [(4, 9, 6), (4, 6)])
def test_heads_are_invariant_or_swap_their_tasks(shape):
    x = normal(*shape)
    positions = (slice(None), slice(None, None, -1))[: len(shape) - 1]
    for opposites in (None, (1, 0, 2)):
        head = randomised(RcHead(3, opposites, **EXACT), x)
        given, opposite = np.asarray(head(x)), np.asarray(head(turned(x)))
        same = given[positions][..., opposites or (0, 1, 2)]
        np.testing.assert_allclose(opposite, same, atol=1e-12)
        assert np.std(given) > 0.1
        assert head.kernel.shape == (3, 3)
        assert head.bias.shape == ((2,) if opposites else (3,))
    tied = np.asarray(TiedTasks((1, 0, 2), **EXACT)(given))
    np.testing.assert_allclose(tied, given @ [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])


def test_dropout_drops_both_of_a_pair_and_as_many_as_it_says():
    x = np.ones((64, 50, 8))
    kept = np.asarray(RcDropout(0.25, seed=0, **EXACT)(x, training=True))
    np.testing.assert_array_equal(kept, turned(kept))
    np.testing.assert_allclose(np.mean(kept == 0), 0.25, atol=0.02)
    np.testing.assert_allclose(kept[kept > 0], 1 / 0.75)


def test_irreps_and_regular_features_are_two_bases():
    x = normal(3, 9, 8)
    irreps = np.asarray(rc_irreps.regular_to_irreps(x))
    np.testing.assert_allclose(rc_irreps.irreps_to_regular(irreps), x, atol=1e-14)
    np.testing.assert_allclose(np.square(irreps).sum(), np.square(x).sum())
    signs = np.repeat([1, -1], 4)
    opposite = np.asarray(rc_irreps.regular_to_irreps(turned(x)))
    np.testing.assert_allclose(opposite, irreps[:, ::-1] * signs, atol=1e-14)


def test_convolution_of_irreps():
    """Between changes of basis it is a regular convolution, so every kernel has its image there."""
    x = normal(3, 9, 8)
    layer = rc_irreps.IrrepConv1D(4, 3, 3, 5, **EXACT)
    randomised(layer, x)

    def regular(x):
        return rc_irreps.irreps_to_regular(layer(rc_irreps.regular_to_irreps(x)))

    worst, spread = error(regular, x)
    assert worst <= 1e-12
    assert spread > 0.1
    assert 2 * (layer.count_params() - 3) == 5 * 8 * 6
    impulse = np.zeros((8, 9, 8))
    impulse[np.arange(8), 4, np.arange(8)] = 1
    kernel = np.asarray(regular(impulse) - regular(0 * impulse))[:, 2:7].transpose(1, 0, 2)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RcConv1D(5, 3), "filters must be even, got 5: half of the channels belong to ei"),
        (
            lambda: RcConv1D(4, 4, padding="same"),
            "kernel_size=4 with padding 'same' puts one position more behind a sequence than befo",
        ),
        (lambda: RcConv1D(4, 3, padding="causal"), "padding must be valid or same, got 'causal'"),
        (lambda: RcConv1D(4, 4, 3).build((None, 11, 4)), "a stride of 3 over 11 positions .kernel"),
        (lambda: RcConv1D(4, 4, 3).build((None, None, 4)), "strides > 1 need a length that is kno"),
        (lambda: RcConv1D(4, 3).build((None, 9, 3)), "channels must be even, got 3"),
        (lambda: RcDense(3), "units must be even, got 3"),
        (lambda: RcMaxPool1D(2).build((None, 9, 4)), "pooling 9 positions by 2 leaves some over"),
        (lambda: RcEmbedding((1, 2, 0), 4), r"opposites must swap numbers .* got \(1, 2, 0\)"),
        (lambda: RcHead(2, (0, 5)), r"opposites must swap numbers from 0 in pairs, got \(0, 5\)"),
        (lambda: RcHead(3, (1, 0)), r"expected an opposite of each of 3, got \(1, 0\)"),
        (lambda: rc_irreps.IrrepConv1D(2, 2, 2, 4), "kernel_size=4 with padding 'same' puts one"),
    ],
)
def test_refusals_say_why(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_configs_are_complete(assert_config_complete):
    for layer in (
        RcConv1D(4, 3, padding="same", dilation_rate=2),
        RcDense(4, "gelu"),
        RcEmbedding((1, 0), 4),
        RcHead(2, (1, 0)),
        TiedTasks((1, 0)),
        RcDropout(0.1, name="drop"),
        RcMaxPool1D(2),
        rc_irreps.IrrepConv1D(2, 2, 2, 3),
    ):
        assert_config_complete(layer)
