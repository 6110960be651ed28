"""Layers of rows: Dense, norms, other shapes, and what only training has."""

from __future__ import annotations

from math import prod

import numpy as np

from layerwise.layers.dense import Dense
from layerwise.layers.dropout import Dropout, GaussianNoise
from layerwise.layers.normalization import BatchNorm
from layerwise.layers.row_normalization import GroupNorm, LayerNorm, RMSNorm
from layerwise.layers.shape import Flatten, Reshape
from layerwise.layers.standardize import Standardize
from layerwise.onnx.table import entry
from layerwise.onnx.tensor import Tensor, node


@entry.register
def _(layer: Dense, X: Tensor) -> Tensor:
    Y = X.astype(layer.W.dtype) @ layer.W.value
    return Y + layer.b.value if layer.bias else Y


@entry.register
def _(layer: Standardize, X: Tensor) -> Tensor:
    varies = layer.deviation > 0
    scale = varies / np.where(varies, layer.deviation, 1)
    return (X.astype(layer.mean.dtype) - layer.mean) * scale


@entry.register
def _(layer: BatchNorm, X: Tensor) -> Tensor:
    scale = layer.gamma.value / np.sqrt(layer.running_variance + layer.epsilon)
    return (X.astype(layer.gamma.dtype) - layer.running_mean) * scale + layer.beta.value


@entry.register
def _(layer: LayerNorm, X: Tensor) -> Tensor:
    X = X.astype(layer.gamma.dtype)
    C = X - X.mean(-1)
    return C / node("Sqrt", (C * C).mean(-1) + layer.epsilon) * layer.gamma.value + layer.beta.value


@entry.register
def _(layer: RMSNorm, X: Tensor) -> Tensor:
    X = X.astype(layer.gamma.dtype)
    return X / node("Sqrt", (X * X).mean(-1) + layer.epsilon) * layer.gamma.value


@entry.register
def _(layer: GroupNorm, X: Tensor) -> Tensor:
    *positions, features = X.row
    A = X.astype(layer.gamma.dtype).reshape(prod(positions), layer.groups, features // layer.groups)
    C = A - A.mean(1, 3)
    Z = C / node("Sqrt", (C * C).mean(1, 3) + layer.epsilon)
    return Z.reshape(*X.row) * layer.gamma.value + layer.beta.value


@entry.register
def _(layer: Flatten, X: Tensor) -> Tensor:
    return X.reshape(prod(X.row))


@entry.register
def _(layer: Reshape, X: Tensor) -> Tensor:
    return X.reshape(*layer.shape)


@entry.register(Dropout)
@entry.register(GaussianNoise)
def _(layer: Dropout | GaussianNoise, X: Tensor) -> Tensor:
    return X.floating()
