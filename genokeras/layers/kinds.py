"""The layers that blocks are made of: ordinary ones, or equivariant ones in their place."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from genokeras.layers.dropout import KeyedDropout
from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.norm import Norm, norm
from genokeras.layers.rc_attention import RcSelfAttention
from genokeras.layers.rc_conv import RcConv1D, RcDense
from genokeras.layers.rc_dropout import RcDropout
from genokeras.layers.rc_embedding import RcEmbedding
from genokeras.layers.rc_head import RcHead
from genokeras.layers.rc_max_pool import RcMaxPool1D
from genokeras.layers.rc_strands import PerStrand
from genokeras.layers.self_attention import SelfAttention


class Kinds(NamedTuple):
    """What makes a layer of each kind; those of one kind take the same arguments."""

    conv: Callable[..., keras.layers.Layer]
    embedding: Callable[..., keras.layers.Layer]
    dense: Callable[..., keras.layers.Layer]
    dropout: Callable[..., keras.layers.Layer]
    pool: Callable[..., keras.layers.Layer]
    attention: Callable[..., keras.layers.Layer]
    norm: Callable[..., keras.layers.Layer]
    head: Callable[..., keras.layers.Layer]


def kinds(equivariant: bool) -> Kinds:
    """Returns ordinary kinds of layers, or those of features that hold both strands."""
    if equivariant:
        return Kinds(
            conv=RcConv1D,
            embedding=RcEmbedding,
            dense=RcDense,
            dropout=RcDropout,
            pool=RcMaxPool1D,
            attention=RcSelfAttention,
            norm=_rc_norm,
            head=RcHead,
        )
    return Kinds(
        conv=keras.layers.Conv1D,
        embedding=_embedding,
        dense=keras.layers.Dense,
        dropout=KeyedDropout,
        pool=MaxPool1D,
        attention=SelfAttention,
        norm=norm,
        head=_head,
    )


def _embedding(opposites: Sequence[int], units: int, **options: Any) -> keras.layers.Layer:
    """Returns a vector per token, which knows of no opposites."""
    return keras.layers.Embedding(len(opposites), units, **options)


def _head(units: int, opposites: Sequence[int] | None, **options: Any) -> keras.layers.Layer:
    """Returns a dense layer, which knows of no opposites."""
    return keras.layers.Dense(units, **options)


def _rc_norm(kind: Norm, **options: Any) -> keras.layers.Layer:
    return PerStrand(norm(kind, **options), **options)
