"""Tokens, places, and attention among them."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from layerwise.layers.attention import MultiHeadAttention
from layerwise.layers.embedding import Embedding
from layerwise.layers.masks import apart, paired
from layerwise.layers.positions import PositionalEncoding, PositionEmbedding, waves
from layerwise.layers.transformer import TransformerBlock
from layerwise.onnx.table import apply, entry
from layerwise.onnx.tensor import Tensor, node


@entry.register
def _(layer: Embedding, X: Any) -> Tensor:
    X, mask = apart(layer, X)
    if mask is None:
        return node("Gather", layer.W.value, X)
    Y = node("Gather", layer.W.value, node("Where", mask, X, 0))
    return Y * node("Unsqueeze", mask, [-1]).astype(Y.dtype)


@entry.register
def _(layer: PositionalEncoding, X: Tensor) -> Tensor:
    X = X.floating()
    return X + waves(0, X.row[0], layer.features, X.dtype)


@entry.register
def _(layer: PositionEmbedding, X: Tensor) -> Tensor:
    W = layer.embedding.W.value
    return X.astype(W.dtype) + W[: X.row[0]]


@entry.register
def _(layer: MultiHeadAttention, X: Any) -> Tensor:
    own, *others = X if isinstance(X, tuple) else (X,)
    mask = others.pop() if others and others[-1].dtype == np.bool_ else None
    seen = others.pop() if others else own
    Q, K, V = apply(layer.query, own), apply(layer.key, seen), apply(layer.value, seen)
    Q = Q * (1 / sqrt(layer.features // layer.heads))
    S = heads(Q, layer) @ heads(K, layer).transpose(0, 1, 3, 2)
    if layer.causal:
        S = S + np.triu(np.full((S.row[-1],) * 2, -inf), 1)
    if mask is not None:
        S = node("Where", node("Unsqueeze", mask, [1, 2]), S, -inf)
    # Where all are barred the maximum is −∞, and what is taken away has to be finite.
    E = node("Exp", S - node("Max", S.max(-1), float(np.finfo(S.dtype).min)))
    A = E @ heads(V, layer) / node("Max", E.sum(-1), 1.0)
    return apply(layer.output, A.transpose(0, 2, 1, 3).reshape(*own.row))


def heads(A: Tensor, layer: MultiHeadAttention) -> Tensor:
    """(n, t, heads · d) as (n, heads, t, d)."""
    places, features = A.row
    return A.reshape(places, layer.heads, features // layer.heads).transpose(0, 2, 1, 3)


@entry.register
def _(layer: TransformerBlock, X: Any) -> Tensor:
    X, mask = apart(layer, X)
    X = X.astype(layer.norm.gamma.dtype)
    H = X + apply(layer.attention, paired(layer.attention, apply(layer.norm, X), mask))
    Y: Tensor = H + apply(layer.mlp, apply(layer.mlp_norm, H))
    return Y
