"""Norms by name."""

import numpy as np
import pytest

from genokeras.layers.norm import norm


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (48, 16), (12, 4), (5, 1)])
def test_group_norm_has_as_many_groups_as_divide_the_channels(channels, groups):
    layer = norm("group", dtype="float64", name="norm")
    x = np.random.default_rng(0).normal(3, 2, (2, 7, channels))
    found = layer(x)
    apart = x.reshape(2, 7, groups, -1)
    mean, variance = (of(axis=(1, 3), keepdims=True) for of in (apart.mean, apart.var))
    expected = ((apart - mean) / np.sqrt(variance + 1e-6)).reshape(x.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_group_norm_of_an_example_does_not_depend_on_others():
    layer = norm("group", dtype="float64", name="norm")
    x = np.random.default_rng(0).normal(size=(4, 7, 8))
    np.testing.assert_allclose(layer(x, training=True)[1:2], layer(x[1:2]), rtol=1e-12)
