import dataclasses

import keras
import numpy as np
import pytest

from genokeras.layers import encoder
from genokeras.layers.encoder import EncoderConfig
from genokeras.layers.one_hot import OneHot
from tfrecords import sequence
from tfrecords.errors import InputError

TINY = EncoderConfig(channels=16, blocks=2, num_heads=2, feedforward_units=12)


def built(config, length=24, prefix=""):
    keras.utils.set_random_seed(0)
    packed = keras.Input(((length + 1) // 2,), dtype="uint8", name="sequence")
    one_hot, mask = OneHot(length, name="one_hot")(packed)
    features, mask = encoder.encode(one_hot, mask, config, prefix)
    return keras.Model(packed, [features, mask, encoder.mean_over(features, mask, prefix)])


def packed(*texts):
    return sequence.encode(texts, len(texts[0]))


@pytest.mark.parametrize(
    ("changes", "positions"),
    [
        ({}, 24),
        ({"stem_kernel_size": 7}, 24),
        ({"stem_kernel_size": 7, "stem_stride": 4, "recompute": True}, 6),
        ({"norm": "layer", "gated": False, "pairing": "interleaved", "periods": ()}, 24),
    ],
)
def test_shapes(changes, positions):
    model = built(dataclasses.replace(TINY, **changes))
    features, mask, mean = model(packed("ACGT" * 6, "ACGT" * 4 + "-" * 8))
    assert features.shape == (2, positions, 16)
    assert np.asarray(mask).sum(axis=1).tolist() == [positions, positions * 2 // 3]
    inside = np.asarray(features)[1, : positions * 2 // 3]
    np.testing.assert_allclose(mean[1], inside.mean(axis=0), atol=1e-6)


def test_padding_is_not_seen():
    alone = built(TINY, 8)(packed("ACGTTGCA"))[2]
    padded = built(TINY)(packed("ACGTTGCA" + "-" * 16))[2]
    np.testing.assert_allclose(alone, padded, atol=1e-6)


def test_an_unknown_base_has_an_embedding_of_its_own():
    features = np.asarray(built(TINY)(packed("N" * 24, "A" * 24))[0])
    assert np.abs(features[0] - features[1]).max() > 1e-3


def test_periods_count_bases_also_behind_a_stem():
    config = dataclasses.replace(TINY, stem_kernel_size=5, stem_stride=3)
    block = built(config).get_layer("block_1")
    assert block.periods == (3.5,)
    assert built(TINY).get_layer("block_1").periods == (10.5,)


def test_layers_have_the_prefix():
    names = [layer.name for layer in built(TINY, prefix="left_").layers]
    assert all(name.startswith("left_") for name in names if name not in ("sequence", "one_hot"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 18}, "channels=18 must be a multiple of 4: 2 heads, and pairs of channels"),
        ({"blocks": 0}, "blocks must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1"),
        ({"periods": (3.0,) * 5}, "5 of them, but a head of 8 channels has 4 pairs, one for each"),
        ({"stem_kernel_size": 4}, "stem_kernel_size=4 must be odd, so that a base sees as far to"),
        ({"stem_stride": 2}, "stem_stride=2 without a stem: set stem_kernel_size as well"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem_stride": 5}, "windows of 24 bp are not whole strides of 5: change stem_stride"),
        (
            {"stem_stride": 6},
            "a period of 10.5 bp cannot be told at positions 6 bp apart, exp",
        ),
    ],
)
def test_a_window_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        built(dataclasses.replace(TINY, stem_kernel_size=7, **changes))
