"""Convolutional towers: from the one-hot matrix to features of stretches of DNA.

Functions on Keras tensors, for building functional models, of whose layers all names begin with
`prefix`. Convolutions and norms do not look at the mask. Padding is zeros to the first convolution;
what norms and biases make of it is seen by bases within reach of a kernel, and counts in the
statistics of batch norm. Pooling and attention behind a tower leave it out.
`equivariant` ones are of layers on features that hold both strands (`rc_strands`).

Shapes: features `[B, L, C]` and mask bool `[B, L]` (true where there is DNA) in and out, shorter by
the pooling.
"""

from collections.abc import Sequence
from typing import Any

from keras import layers

from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.norm import Norm
from genokeras.layers.residual_conv import ResidualConv


def plain_tower(
    x: Any,
    mask: Any,
    *,
    blocks: int,
    filters: int,
    kernel_size: int,
    normalization: Norm,
    equivariant: bool = False,
    norm_after_gelu: Sequence[int] = (),
    prefix: str = "",
) -> tuple[Any, Any]:
    """Applies blocks, numbered from 1, of convolution, norm, GELU and halving.

    In the blocks of `norm_after_gelu` the norm comes after GELU. Returns features and mask.
    """
    for block in range(1, blocks + 1):
        name = f"{prefix}block_{block}"
        conv = {"padding": "same", "kernel_initializer": "lecun_normal", "name": f"{name}_conv"}
        x = kinds(equivariant).conv(filters, kernel_size, **conv)(x)
        steps = [kinds(equivariant).norm(normalization, name=f"{name}_norm"), _gelu(f"{name}_gelu")]
        for step in reversed(steps) if block in norm_after_gelu else steps:
            x = step(x)
        x, mask = _halve(x, mask, name, equivariant)
    return x, mask


def stem(
    x: Any,
    mask: Any,
    *,
    filters: int,
    kernel_size: int,
    normalization: Norm,
    equivariant: bool = False,
    prefix: str = "",
) -> tuple[Any, Any]:
    """Applies one wide convolution, halving, norm and GELU: halving first halves their cost.

    Under a norm the size of a kernel does not matter but slows its learning, so these start small.
    """
    conv = kinds(equivariant).conv(
        filters,
        kernel_size,
        padding="same",
        use_bias=False,
        kernel_initializer="glorot_uniform",
        name=f"{prefix}stem_conv",
    )
    x, mask = _halve(conv(x), mask, f"{prefix}stem", equivariant)
    x = kinds(equivariant).norm(normalization, name=f"{prefix}stem_norm")(x)
    return _gelu(f"{prefix}stem_gelu")(x), mask


def residual_tower(
    x: Any,
    mask: Any,
    *,
    blocks: int,
    kernel_size: int,
    normalization: Norm,
    dropout: float,
    equivariant: bool = False,
    prefix: str = "",
) -> tuple[Any, Any]:
    """Applies residual blocks, numbered from 1, halving after the first.

    The dilation is 1 in the first two blocks and doubles from there.
    """
    for block in range(1, blocks + 1):
        if block == 2:
            x, mask = _halve(x, mask, f"{prefix}residual_1", equivariant)
        dilation = max(1, 2 ** (block - 2))
        name = f"{prefix}residual_{block}"
        x = ResidualConv(kernel_size, dilation, normalization, dropout, equivariant, name=name)(x)
    return x, mask


def _gelu(name: str) -> layers.Layer:
    return layers.Activation(gelu, name=name)


def _halve(x: Any, mask: Any, name: str, equivariant: bool) -> tuple[Any, Any]:
    pool = kinds(equivariant).pool(2, name=f"{name}_pool")
    return pool(x), MaxPool1D(2, name=f"{name}_mask")(mask)
