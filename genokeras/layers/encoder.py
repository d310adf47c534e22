"""The encoder that models without labels share: from DNA to features of its positions.

An embedding of bases, or a convolutional stem that takes several of them together, then transformer
blocks with rotary positions. Functions on Keras tensors, for building functional models, of whose
layers all names begin with `prefix`. A window's own embedding is `mean_over` the last features.

Shapes: `B` windows of `L` bp, `P` positions, `D` channels; one-hot `[B, L, 4]`, mask bool (false at
padding). With rc=equivariant features are regular (`rc_strands`).
"""

import dataclasses
from typing import Any, Literal

import keras
from keras import layers

from genokeras import strand_symmetry
from genokeras.config import require_at_least, require_rates
from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.pooling import MeanPool1D
from genokeras.layers.rc_strands import StrandMean
from genokeras.layers.recompute import Recompute
from genokeras.layers.transformer_block import TransformerBlock
from genokeras.strand_symmetry import Rc
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Sizes of an encoder; configurations of models inherit them."""

    channels: int = 256  # Of every position.
    blocks: int = 6  # Transformer blocks.
    num_heads: int = 8  # Of each of them.
    feedforward_units: int = 704  # Between the dense layers of a block.
    gated: bool = True  # Whether these are multiplied with a gate: half as many weights again.
    norm: Literal["layer", "rms"] = "rms"  # Before attention and dense layers, and at the end.
    periods: tuple[float, ...] = (10.5,)  # In bp, that positions can tell apart beside the usual.
    pairing: Literal["half", "interleaved"] = "half"  # Of the channels that positions turn.
    stem_kernel_size: int = 0  # In bp, odd, of a convolution before the blocks; 0: none.
    stem_stride: int = 1  # Bases that its maximum makes one position.
    dropout: float = 0.0  # Within blocks.
    recompute: bool = False  # Keep less in memory for the gradient; steps take longer.
    rc: Rc = "augment"  # Both strands: equivariant, average, augment or none; docs/symmetry.md.

    def __post_init__(self):
        sizes = ("channels", "blocks", "num_heads", "feedforward_units", "stem_stride")
        require_at_least(self, 1, *sizes)
        require_at_least(self, 0, "stem_kernel_size")
        require_rates(self, "dropout")
        pairs, rest = divmod(self.channels, 2 * self.num_heads)
        if rest:
            raise InputError(
                f"channels={self.channels} must be a multiple of {2 * self.num_heads}: "
                f"{self.num_heads} heads, and pairs of channels for rotary positions"
            )
        if len(self.periods) > pairs:
            raise InputError(
                f"periods: {len(self.periods)} of them, but a head of {2 * pairs} channels has "
                f"{pairs} pairs, one for each"
            )
        if self.stem_kernel_size and self.stem_kernel_size % 2 == 0:
            raise InputError(
                f"stem_kernel_size={self.stem_kernel_size} must be odd, so that a base sees as far "
                "to either side"
            )
        strand_symmetry.check_sizes(self, odd=(), even=("num_heads", "feedforward_units"))
        if self.stem_stride > 1 and not self.stem_kernel_size:
            raise InputError(
                f"stem_stride={self.stem_stride} without a stem: set stem_kernel_size as well"
            )


def encode(one_hot: Any, mask: Any, config: EncoderConfig, prefix: str = "") -> tuple[Any, Any]:
    """Returns features `[B, P, D]` and mask `[B, P]`, `P = L / stem_stride`."""
    x, mask = embed(one_hot, mask, config, prefix)
    return transform(x, mask, config, config.stem_stride, prefix), mask


def embed(one_hot: Any, mask: Any, config: EncoderConfig, prefix: str = "") -> tuple[Any, Any]:
    """Returns the features before the first block, and their mask.

    A base that is not known is zeros, and so has an embedding of its own, the bias.

    Raises:
        InputError: The window is not whole strides.
    """
    width, layer = config.stem_kernel_size or 1, kinds(config.rc == "equivariant")
    kernel = {"padding": "same", "kernel_initializer": "lecun_normal"}
    x = layer.conv(config.channels, width, name=f"{prefix}stem_conv", **kernel)(one_hot)
    if not config.stem_kernel_size:
        return x, mask
    x, stride = layers.Activation(gelu, name=f"{prefix}stem_gelu")(x), config.stem_stride
    if x.shape[1] % stride:
        raise InputError(
            f"windows of {x.shape[1]} bp are not whole strides of {stride}: change stem_stride"
        )
    if stride == 1:
        return x, mask
    x = layer.pool(stride, name=f"{prefix}stem_pool")(x)
    return x, MaxPool1D(stride, name=f"{prefix}stem_mask")(mask)


def transform(x: Any, mask: Any, config: EncoderConfig, stride_bp: int, prefix: str = "") -> Any:
    """Returns features `[B, P, D]` that know of one another.

    Args:
        x: Features before the first block, `[B, P, D]`.
        mask: Which of them are not padding, `[B, P]`.
        config: Sizes.
        stride_bp: Bases from one position to the next.
        prefix: Of the names of layers.

    Raises:
        InputError: A period is too short for positions so far apart.
    """
    for period in config.periods:
        if period < 2 * stride_bp:
            raise InputError(
                f"a period of {period:g} bp cannot be told at positions {stride_bp} bp apart, "
                f"expected at least {2 * stride_bp} bp: change periods"
            )
    rotary = {"periods": tuple(period / stride_bp for period in config.periods)}
    rotary |= {"use_rotary": True, "pairing": config.pairing}
    equivariant = config.rc == "equivariant"
    for number in range(1, config.blocks + 1):
        block = TransformerBlock(
            config.num_heads,
            config.feedforward_units,
            config.dropout,
            normalization=config.norm,
            gated=config.gated,
            equivariant=equivariant,
            name=f"{prefix}block_{number}",
            **rotary,
        )
        if config.recompute:
            block = Recompute(block, name=f"recompute_{block.name}")
        x = block(x, mask)
    return kinds(equivariant).norm(config.norm, name=f"{prefix}encoder_norm")(x)


def mean_over(features: Any, mask: Any, prefix: str = "", equivariant: bool = False) -> Any:
    """Returns embeddings of windows `[B, D]`: means over what is not padding, never in 16 bits.

    Of `equivariant` features they are means over strands as well, `[B, D / 2]`, the same for both.
    """
    exact = keras.config.dtype_policy().variable_dtype
    x = MeanPool1D(dtype=exact, name=f"{prefix}mean")(features, mask)
    return StrandMean(dtype=exact, name=f"{prefix}mean_of_strands")(x) if equivariant else x
