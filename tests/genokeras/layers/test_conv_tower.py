import keras
import numpy as np
import pytest

from genokeras.layers.conv_tower import plain_tower, residual_tower, stem


def model_of(tower, length=40, **options):
    x, mask = keras.Input((length, 4)), keras.Input((length,), dtype="bool")
    return keras.Model([x, mask], tower(x, mask, normalization="layer", **options))


def example(length=40):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, length, 4)).astype(np.float32), np.arange(length)[None] < [
        [10],
        [33],
    ]


@pytest.mark.parametrize(
    ("tower", "options", "stride"),
    [
        (plain_tower, {"blocks": 3, "filters": 6, "kernel_size": 5}, 8),
        (stem, {"filters": 6, "kernel_size": 15}, 2),
        (residual_tower, {"blocks": 1, "kernel_size": 5, "dropout": 0.0}, 1),
        (residual_tower, {"blocks": 4, "kernel_size": 5, "dropout": 0.0}, 2),
    ],
)
def test_features_and_mask_shorten_together(tower, options, stride):
    x, mask = example()
    features, halved = model_of(tower, **options)([x, mask])
    assert features.shape == (2, 40 // stride, options.get("filters", 4))
    np.testing.assert_array_equal(halved, mask.reshape(2, -1, stride).any(axis=2))


def test_dilation_doubles_from_the_third_block_on():
    model = model_of(residual_tower, blocks=5, kernel_size=3, dropout=0.0)
    dilations = [model.get_layer(f"residual_{block}").dilation for block in range(1, 6)]
    assert dilations == [1, 1, 2, 4, 8]


def test_norm_comes_after_gelu_where_that_is_asked_for():
    """After GELU and layer norm the channels of a position have mean 0; after GELU alone not."""
    options = {"blocks": 1, "filters": 16, "kernel_size": 3}
    for after, is_centred in (((1,), True), ((), False)):
        model = model_of(plain_tower, norm_after_gelu=after, **options)
        before_pool = keras.Model(model.inputs, model.get_layer("block_1_pool").input)
        means = np.asarray(before_pool(list(example()))).mean(axis=-1)
        assert (np.abs(means).max() < 1e-5) == is_centred
