import numpy as np
import pytest

from genokeras.layers.rotary import frequencies
from genokeras.layers.self_attention import SelfAttention


def features(length=5, channels=8, seed=0):
    return np.random.default_rng(seed).normal(size=(3, length, channels))


def built(length=5, channels=8, **options):
    layer = SelfAttention(2, dtype="float64", **options)
    layer.build((None, length, channels))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def numpy_attention(layer, x, allowed=None, turn=lambda heads: heads):
    """The textbook: one head, one pair of positions at a time."""
    weights = {w.path.split("/")[-2] + "_" + w.name: np.asarray(w) for w in layer.weights}
    parts = [x @ weights[f"{n}_kernel"] + weights[f"{n}_bias"] for n in ("query", "key", "value")]
    query, key, value = (part.reshape(*x.shape[:2], 2, -1) for part in parts)
    query, key = turn(query), turn(key)
    mixed = np.zeros_like(value)
    for b, i, h in np.ndindex(*value.shape[:3]):
        scores = np.array([query[b, i, h] @ key[b, j, h] for j in range(x.shape[1])])
        shares = np.exp(scores / np.sqrt(query.shape[-1]))
        shares *= 1 if allowed is None else allowed[b]
        mixed[b, i, h] = (shares / shares.sum()) @ value[b, :, h]
    return mixed.reshape(x.shape) @ weights["output_kernel"] + weights["output_bias"]


def complex_turn(heads):
    """Rotary positions as multiplication by exp(i w t), pairs (c, c + D/2)."""
    half = heads.shape[-1] // 2
    numbers = heads[..., :half] + 1j * heads[..., half:]
    turns = np.exp(1j * np.outer(np.arange(heads.shape[1]), frequencies(half)))
    numbers = numbers * turns[None, :, None]
    return np.concatenate([numbers.real, numbers.imag], axis=-1)


@pytest.mark.parametrize("use_rotary", [False, True])
def test_equals_the_textbook(use_rotary):
    layer, x = built(use_rotary=use_rotary), features()
    turn = complex_turn if use_rotary else lambda heads: heads
    np.testing.assert_allclose(layer(x), numpy_attention(layer, x, turn=turn), rtol=1e-12)


def test_masked_positions_are_not_attended_to():
    layer, x = built(use_rotary=True), features()
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1]], bool)
    ours = np.asarray(layer(x, padding_mask=mask))
    np.testing.assert_allclose(ours, numpy_attention(layer, x, mask, complex_turn), rtol=1e-12)
    other = np.where(mask[..., None], x, 100.0)
    np.testing.assert_allclose(layer(other, padding_mask=mask)[mask], ours[mask], rtol=1e-12)


def test_nothing_but_padding_gives_finite_numbers():
    assert np.isfinite(built()(features(), padding_mask=np.zeros((3, 5), bool))).all()


def test_without_positions_order_does_not_matter():
    layer, x = built(), features()
    order = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(np.asarray(layer(x))[:, order], layer(x[:, order]), rtol=1e-12)
    rotary = built(use_rotary=True)
    assert np.abs(np.asarray(rotary(x))[:, order] - rotary(x[:, order])).max() > 1e-2


def test_rotary_attention_moves_with_its_input():
    """Shifted within padding, features come out shifted: only distances count."""
    x = np.zeros((1, 12, 8))
    x[:, 2:7] = features()[:1]
    mask = np.zeros((1, 12), bool)
    mask[:, 2:7] = True
    layer = built(12, use_rotary=True)
    here = np.asarray(layer(x, padding_mask=mask))[:, 2:7]
    there = layer(np.roll(x, 4, axis=1), padding_mask=np.roll(mask, 4, axis=1))
    np.testing.assert_allclose(np.asarray(there)[:, 6:11], here, rtol=1e-12)


@pytest.mark.parametrize(
    ("channels", "use_rotary", "message"),
    [
        (9, False, "9 channels cannot be shared out to 2 heads with whole channels each"),
        (6, True, "6 channels cannot be shared out to 2 heads with an even number of whole chan"),
    ],
)
def test_channels_must_fit_the_heads(channels, use_rotary, message):
    with pytest.raises(ValueError, match=message):
        SelfAttention(2, use_rotary).build((None, 5, channels))


def test_config_is_complete(assert_config_complete):
    assert_config_complete(SelfAttention(2, True, (10.5,), "interleaved", name="attention"))


def test_scores_of_equal_queries_and_keys_repeat_with_the_period_asked_for():
    """With one pair of channels of period 10.5, attention to 21 positions on is that to itself."""
    layer = SelfAttention(1, True, periods=(10.5,), dtype="float64")
    layer.build((None, 43, 2))
    kernels = {"query": np.zeros((2, 2)), "key": np.zeros((2, 2)), "value": np.eye(2)}
    for name, kernel in kernels.items():
        dense = getattr(layer, f"{name}_dense")
        dense.set_weights([kernel, np.zeros(2) if name == "value" else np.array([3.0, 0.0])])
    layer.output_dense.set_weights([np.eye(2), np.zeros(2)])
    x = np.eye(43)[None, :, :1].repeat(2, axis=-1)  # Only position 0 says anything.
    to_first = np.asarray(layer(x))[0, :, 0]
    np.testing.assert_allclose(to_first[[21, 42]], to_first[0], rtol=0.03)
    assert to_first[5] < 0.01 * to_first[0]


def test_periods_are_of_rotary_positions():
    with pytest.raises(ValueError, match=r"periods=\(10.5,\) are those of rotary positions"):
        SelfAttention(2, periods=(10.5,))
