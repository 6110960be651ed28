"""Scaled dot-product attention: plain functions, the first with its way back."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

from layerwise.arrays import Array, ones
from layerwise.layers.masks import Mask


def attend(
    Q: Array, K: Array, V: Array, heads: int, barred: Array | None = None
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """A = softmax(Q Kᵀ / √d) V in each head; back: dL/dQ, dL/dK and dL/dV.

    Q and A have shape (n, t, heads · d), K and V (n, s, heads · d): the heads lie side by side.
    `barred` has −∞ for each place that may not be looked at, see `bars`. Source: Vaswani et al.
    2017, arXiv:1706.03762, equation 1.
    """
    scale = 1 / sqrt(Q.shape[-1] // heads)
    Q, K, V = _split(Q * scale, heads), _split(K, heads), _split(V, heads)
    E, total = _exponentials(Q, K, barred)
    A = E @ V
    A /= total

    def backward(grad: Array) -> tuple[Array, Array, Array]:
        # Each of P = E / total is dL/dS = P (grad Vᵀ − Σ grad A). Both factors, 1 / total here and
        # 1/√d in Q, are applied where there are t d numbers, not t s.
        G = _split(grad, heads) / total
        D = G @ V.swapaxes(-1, -2)
        D -= (G * A).sum(axis=-1, keepdims=True)
        D *= E
        dQ, dK, dV = D @ K, D.swapaxes(-1, -2) @ Q, E.swapaxes(-1, -2) @ G
        dQ *= scale
        return _merged(dQ), _merged(dK), _merged(dV)

    return _merged(A), backward


def attention_weights(Q: Array, K: Array, heads: int, barred: Array | None = None) -> Array:
    """P = softmax(Q Kᵀ / √d) in each head, of shape (n, heads, t, s)."""
    scale = 1 / sqrt(Q.shape[-1] // heads)
    E, total = _exponentials(_split(Q * scale, heads), _split(K, heads), barred)
    E /= total
    return E


def bars(K: Array, mask: Mask | None, *, causal: bool) -> Array | None:
    """What is added to scores: −∞ where a place may not look at that of a key, else 0.

    >>> bars(np.zeros((1, 2, 4)), None, causal=True)
    array([[  0., -inf],
           [  0.,   0.]])
    """
    barred: Array | None = None
    if causal:
        barred = np.triu(np.full((K.shape[1], K.shape[1]), -np.inf, K.dtype), 1)
    if mask is not None:
        padding: Array = np.where(mask, 0, -np.inf)[:, np.newaxis, np.newaxis].astype(K.dtype)
        barred = padding if barred is None else barred + padding
    return barred


def _exponentials(Q: Array, K: Array, barred: Array | None) -> tuple[Array, Array]:
    """E = exp(S − max S) for the scores S = Q Kᵀ, and the sum of each row of E.

    A sum is at least 1, the exponential of the largest score, but where all are barred: there E is
    0, and its sum is given as 1.
    """
    S = Q @ K.swapaxes(-1, -2)
    if barred is not None:
        S += barred
    S -= S.max(axis=-1, keepdims=True, initial=np.finfo(S.dtype).min)
    E = np.exp(S, out=S)
    total: Array = E.dot(ones(E.shape[-1], E.dtype))[..., np.newaxis]
    return E, np.maximum(total, 1)


def _split(A: Array, heads: int) -> Array:
    """(n, t, heads · d) as (n, heads, t, d); no copy."""
    n, t, features = A.shape
    return A.reshape(n, t, heads, features // heads).swapaxes(1, 2)


def _merged(A: Array) -> Array:
    """(n, heads, t, d) as (n, t, heads · d)."""
    n, heads, t, d = A.shape
    return A.swapaxes(1, 2).reshape(n, t, heads * d)
