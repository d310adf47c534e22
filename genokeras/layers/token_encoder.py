"""The encoder of models that may read k-mers: `encoder`, behind bases, a stem, or tokens.

Shapes: `B` windows of `L` bp, `P` positions, `D` channels; one-hot `[B, L, 4]`, mask bool (false at
padding).
"""

import dataclasses
from typing import Any

from genokeras.config import require_at_least
from genokeras.layers import encoder
from genokeras.layers.encoder import EncoderConfig
from genokeras.layers.kinds import kinds
from genokeras.layers.kmer_tokens import MAX_K, KmerTokens, opposites
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class TokenEncoderConfig(EncoderConfig):
    """Sizes of an encoder, and its tokens; configurations of models inherit them."""

    kmer: int = 1  # Bases of a token, up to 8.
    overlapping: bool = True  # Whether a k-mer begins at every base, or at every k-th.

    def __post_init__(self):
        super().__post_init__()
        require_at_least(self, 1, "kmer")
        if self.kmer > MAX_K:
            raise InputError(f"kmer={self.kmer}, expected 1 to {MAX_K}")
        if self.kmer > 1 and self.stem_kernel_size:
            raise InputError(
                f"kmer={self.kmer} and stem_kernel_size={self.stem_kernel_size}: a stem reads "
                "bases, k-mers have embeddings instead; set one of the two"
            )

    @property
    def tokens(self) -> dict[str, Any]:
        """What a position stands for, as `KmerTokens` and `BasesOfTokens` take it."""
        if self.kmer == 1:
            return {"k": self.stem_stride, "overlapping": False}
        return {"k": self.kmer, "overlapping": self.overlapping}


def check(config: TokenEncoderConfig, length: int) -> None:
    """Raises `InputError` if windows of `length` bp are not whole tokens."""
    if length < config.kmer:
        raise InputError(
            f"windows of {length} bp are shorter than kmer={config.kmer}: set a smaller kmer"
        )
    if config.kmer > 1 and not config.overlapping and length % config.kmer:
        raise InputError(
            f"windows of {length} bp are not whole tokens of {config.kmer} bp: change kmer, or set "
            "overlapping=true"
        )


def encode(one_hot: Any, mask: Any, config: TokenEncoderConfig) -> tuple[Any, Any]:
    """Returns features `[B, P, D]` and mask `[B, P]`."""
    if config.kmer == 1:
        return encoder.encode(one_hot, mask, config)
    tokens, mask = KmerTokens(**config.tokens, name="tokens")(one_hot, mask)
    embedding = kinds(config.rc == "equivariant").embedding
    x = embedding(opposites(config.kmer), config.channels, name="embedding")(tokens)
    return encoder.transform(x, mask, config, 1 if config.overlapping else config.kmer), mask
