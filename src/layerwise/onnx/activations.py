"""Activations, with the formulas of the layers: they keep their digits at both ends.

ONNX has operators for some of them. ONNX Runtime's Sigmoid loses them in its tail, and it has no
float64 of Erf, Softplus, Elu and others.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from layerwise.arrays import Array
from layerwise.layers.activations import ReLU, Sigmoid, Tanh
from layerwise.layers.erfcx import DOUBLE, SINGLE
from layerwise.layers.exponential_units import ELU, SELU, SELU_ALPHA, SELU_SCALE
from layerwise.layers.rectifiers import HardSigmoid, LeakyReLU, PReLU
from layerwise.layers.smooth_activations import GELU, SiLU, Softplus
from layerwise.layers.softmax import LogSoftmax, Softmax
from layerwise.onnx.table import entry
from layerwise.onnx.tensor import Tensor, node


def sigmoid(X: Tensor) -> Tensor:
    """exp(min(X, 0)) / (1 + exp(−|X|))."""
    return node("Exp", node("Min", X, 0.0)) / (1 + node("Exp", -node("Abs", X)))


def softmax(X: Tensor, axis: int = -1) -> Tensor:
    """exp(X − max X) / its sum."""
    E = node("Exp", X - X.max(axis))
    return E / E.sum(axis)


def expm1(X: Tensor) -> Tensor:
    """exp(X) − 1 = 2T / (1 − T) with T = tanh(X / 2): for X ≤ 0, with all digits near 0."""
    T = node("Tanh", X * 0.5)
    return (T + T) / (1 - T)


def log1p(X: Tensor) -> Tensor:
    """ln(1 + X) = ln(U) X / (U − 1), with U = 1 + X as it is rounded.

    Source: Kahan, as in Goldberg 1991, ACM Computing Surveys 23, theorem 4.
    """
    U = 1 + X
    return node("Where", node("Equal", U, 1.0), X, node("Log", U) * X / (U - 1))


def erfcx(Z: Tensor) -> Tensor:
    """exp(z²) erfc(z), as `layers/erfcx.py` has it."""
    first, *others = DOUBLE if Z.dtype == np.float64 else SINGLE
    U = (Z - 3.5) / (Z + 3.5)
    P = U * first
    for coefficient in others[:-1]:
        P = (P + coefficient) * U
    return (P + others[-1]) / (1 + 2 * Z)


def pieces(X: Tensor, below: Array | float) -> Tensor:
    """X where X > 0, else `below` X."""
    return node("Max", X, 0.0) + below * node("Min", X, 0.0)


@entry.register
def _(layer: ReLU, X: Tensor) -> Tensor:
    return node("Relu", X.floating())


@entry.register
def _(layer: Sigmoid, X: Tensor) -> Tensor:
    return sigmoid(X.floating())


@entry.register
def _(layer: Tanh, X: Tensor) -> Tensor:
    return node("Tanh", X.floating())


@entry.register
def _(layer: LeakyReLU, X: Tensor) -> Tensor:
    return pieces(X.floating(), layer.negative_slope)


@entry.register
def _(layer: PReLU, X: Tensor) -> Tensor:
    return pieces(X.astype(layer.alpha.dtype), layer.alpha.value)


@entry.register
def _(layer: HardSigmoid, X: Tensor) -> Tensor:
    return (node("Clip", X.floating(), -3.0, 3.0) + 3) / 6


@entry.register
def _(layer: ELU, X: Tensor) -> Tensor:
    X = X.floating()
    return node("Max", X, 0.0) + layer.alpha * expm1(node("Min", X, 0.0))


@entry.register
def _(layer: SELU, X: Tensor) -> Tensor:
    X = X.floating()
    return SELU_SCALE * (node("Max", X, 0.0) + SELU_ALPHA * expm1(node("Min", X, 0.0)))


@entry.register
def _(layer: SiLU, X: Tensor) -> Tensor:
    X = X.floating()
    return X * sigmoid(X)


@entry.register
def _(layer: Softplus, X: Tensor) -> Tensor:
    X = X.floating()
    return node("Max", X, 0.0) + log1p(node("Exp", -node("Abs", X)))


@entry.register
def _(layer: GELU, X: Tensor) -> Tensor:
    X = X.floating()
    if layer.approximate == "tanh":
        C = node("Clip", X, -30.0, 30.0)
        return X * sigmoid(2 * sqrt(2 / pi) * (C + 0.044715 * C * C * C))
    Z = node("Min", node("Abs", X) * sqrt(0.5), 40.0)
    tail = 0.5 * node("Exp", -(Z * Z)) * erfcx(Z)
    return X * node("Where", node("Greater", X, 0.0), 1 - tail, tail)


@entry.register
def _(layer: Softmax, X: Tensor) -> Tensor:
    return softmax(X.floating(), layer.axis)


@entry.register
def _(layer: LogSoftmax, X: Tensor) -> Tensor:
    X = X.floating()
    S = X - X.max(layer.axis)
    return S - node("Log", node("Exp", S).sum(layer.axis))
