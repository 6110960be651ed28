"""Normalization of each row by itself, whatever the batch: alike in training and in a call."""

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import positive, whole_number
from layerwise.arrays import Array, as_floating, ones, sum_rows
from layerwise.forms import features_last, same_form
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter


class LayerNorm(Layer[Array, Array]):
    """Y = γ (X − μ) / √(v + ε) + β, with the mean μ and variance v of the features in each place.

    X has shape (n, …, features), and μ and v are taken over the last axis. `gamma` starts as ones
    and `beta` as zeros, of shape (features,). X is converted to `dtype`, float64 or float32.

    Raises ValueError for a size or an epsilon that is not positive, and for an X or a gradient
    that does not fit. Source: Ba et al. 2016, arXiv:1607.06450, equation 4.

    >>> LayerNorm(2)(np.array([[1.0, 3.0]])).round(3)
    array([[-1.,  1.]])
    """

    by_position = True

    def __init__(
        self, features: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        shape = (whole_number("LayerNorm", "features", features),)
        self.epsilon = positive("LayerNorm", "epsilon", epsilon)
        self.gamma, self.beta = Parameter(np.ones(shape, dtype)), Parameter(np.zeros(shape, dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = γ Z + β; back: dL/dX = (γ grad − mean(γ grad) − Z mean(γ grad Z)) / √(v + ε)."""
        gamma, beta = self.gamma.value, self.beta.value
        X = as_floating(X, "LayerNorm: X", gamma.dtype)
        shape = X.shape
        features_last("LayerNorm", shape, len(gamma))
        A = X.reshape(-1, len(gamma))
        Z: Array = A - _mean(A)
        Y = Z * Z  # for the variance; to use its memory again saves a sixth of the time
        s = 1 / np.sqrt(_mean(Y) + self.epsilon)
        Z *= s
        np.multiply(Z, gamma, out=Y)
        Y += beta

        def backward(grad: Array) -> Array:
            same_form("LayerNorm", grad, shape, gamma.dtype)
            G: Array = grad.reshape(Z.shape)
            GZ = G * Z
            self.gamma.add_grad(sum_rows(GZ))
            self.beta.add_grad(sum_rows(G))
            dA = G * gamma
            dA -= _mean(G, gamma)
            dA -= np.multiply(Z, _mean(GZ, gamma), out=GZ)
            dA *= s
            return dA.reshape(shape)

        return Y.reshape(shape), backward

    def __repr__(self) -> str:
        return f"LayerNorm({len(self.gamma.value)})"


class RMSNorm(Layer[Array, Array]):
    """Y = γ X / √(mean(X²) + ε), the mean over the features in each place.

    X has shape (n, …, features). `gamma`, of shape (features,), starts as ones. X is converted to
    `dtype`, float64 or float32.

    Raises ValueError for a size or an epsilon that is not positive, and for an X or a gradient
    that does not fit. Source: Zhang and Sennrich 2019, arXiv:1910.07467, equation 4.

    >>> RMSNorm(2)(np.array([[1.0, 7.0]])).round(3)
    array([[0.2, 1.4]])
    """

    by_position = True

    def __init__(
        self, features: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        shape = (whole_number("RMSNorm", "features", features),)
        self.epsilon = positive("RMSNorm", "epsilon", epsilon)
        self.gamma = Parameter(np.ones(shape, dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = γ Z; back: dL/dX = (γ grad − Z mean(γ grad Z)) / √(mean(X²) + ε)."""
        gamma = self.gamma.value
        X = as_floating(X, "RMSNorm: X", gamma.dtype)
        shape = X.shape
        features_last("RMSNorm", shape, len(gamma))
        A = X.reshape(-1, len(gamma))
        s = 1 / np.sqrt(_mean(A * A) + self.epsilon)
        Z = A * s
        Y = Z * gamma

        def backward(grad: Array) -> Array:
            same_form("RMSNorm", grad, shape, gamma.dtype)
            G: Array = grad.reshape(Z.shape)
            GZ = G * Z
            self.gamma.add_grad(sum_rows(GZ))
            dA = G * gamma
            dA -= np.multiply(Z, _mean(GZ, gamma), out=GZ)
            dA *= s
            return dA.reshape(shape)

        return Y.reshape(shape), backward

    def __repr__(self) -> str:
        return f"RMSNorm({len(self.gamma.value)})"


class GroupNorm(Layer[Array, Array]):
    """Y = γ (X − μ) / √(v + ε) + β, with the mean μ and variance v of each group in each row.

    X has shape (n, …, features); a group is features / groups neighbors along the last axis, and
    μ and v are taken over them and over all positions between. One group normalizes a whole row,
    as many groups as features each feature by itself ("instance normalization"). `gamma` starts
    as ones and `beta` as zeros, of shape (features,). X is converted to `dtype`, float64 or
    float32.

    Raises ValueError for sizes or an epsilon that are not positive, for groups that do not divide
    the features, and for an X or a gradient that does not fit. Source: Wu and He 2018,
    arXiv:1803.08494, equations 1 to 7.

    >>> GroupNorm(2, 4)(np.array([[1.0, 3.0, 10.0, 30.0]])).round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    def __init__(
        self, groups: int, features: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        self.groups = whole_number("GroupNorm", "groups", groups)
        shape = (whole_number("GroupNorm", "features", features),)
        if features % groups:
            raise ValueError(
                f"GroupNorm: groups={groups} came for {features} features, expected a divisor"
            )
        self.epsilon = positive("GroupNorm", "epsilon", epsilon)
        self.gamma, self.beta = Parameter(np.ones(shape, dtype)), Parameter(np.zeros(shape, dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = γ Z + β; back: D = γ grad, dL/dX = (D − mean(D) − Z mean(D Z)) / √(v + ε)."""
        gamma, beta = self.gamma.value, self.beta.value
        X = as_floating(X, "GroupNorm: X", gamma.dtype)
        shape = X.shape
        features_last("GroupNorm", shape, len(gamma))
        A = X.reshape(len(X), prod(X.shape[1:-1]), len(gamma))
        C = A - self._mean(A)
        s = 1 / np.sqrt(self._mean(C * C) + self.epsilon)
        Z = C * s
        Y = Z * gamma + beta

        def backward(grad: Array) -> Array:
            same_form("GroupNorm", grad, shape, gamma.dtype)
            G: Array = grad.reshape(Z.shape)
            self.gamma.add_grad(sum_rows((G * Z).reshape(-1, len(gamma))))
            self.beta.add_grad(sum_rows(G.reshape(-1, len(gamma))))
            D = G * gamma
            dA: Array = (D - self._mean(D) - Z * self._mean(D * Z)) * s
            return dA.reshape(shape)

        return Y.reshape(shape), backward

    def _mean(self, A: Array) -> Array:
        """The mean over the positions and features of each group, once for each of its features."""
        n, positions, features = A.shape
        size = features // self.groups
        sums: Array = (
            np.matmul(ones(positions, A.dtype), A).reshape(n, self.groups, size).sum(axis=-1)
        )
        mean: Array = np.repeat(sums / (positions * size), size, axis=-1).reshape(n, 1, features)
        return mean

    def __repr__(self) -> str:
        return f"GroupNorm({self.groups}, {len(self.gamma.value)})"


def _mean(A: Array, gamma: Array | None = None) -> Array:
    """The mean of each row, or of each row times γ, as a column, by a product.

    It takes half the time of `A.mean`, and writes no A γ.
    """
    weights = ones(A.shape[1], A.dtype) if gamma is None else gamma
    mean: Array = A.dot(weights)[:, np.newaxis] / A.shape[1]
    return mean
