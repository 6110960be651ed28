"""Activations without corners, and the functions they apply."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from layerwise.arguments import one_of
from layerwise.arrays import Array, as_floating, chain_rule
from layerwise.layers.activations import sigmoid
from layerwise.layers.base import Layer
from layerwise.layers.erfcx import erfcx

APPROXIMATIONS = "none", "tanh"
BLOCK = 16384  # numbers that stay in the cache through the fifty steps of erfc


def gelu(X: Array, approximate: str = "none") -> Array:
    """X Φ(X), Φ the normal distribution function, entry by entry; the dtype is kept.

    With `approximate="tanh"`, X (1 + tanh(√(2/π) (X + 0.044715 X³))) / 2, as in PyTorch. Integers
    become float64. Raises ValueError for another approximation. Source: Hendrycks and Gimpel 2016,
    arXiv:1606.08415, section 2.

    >>> gelu(np.array([-1.0, 1.0])).round(6)
    array([-0.158655,  0.841345])
    """
    return GELU(approximate)(as_floating(X, "gelu: X"))


def silu(X: Array) -> Array:
    """X σ(X), entry by entry, also called swish; the dtype is kept.

    Integers become float64. Raises TypeError for an X that is not of real numbers. Source:
    Hendrycks and Gimpel 2016, arXiv:1606.08415.

    >>> silu(np.array([0.0, 1000.0]))
    array([   0., 1000.])
    """
    X = as_floating(X, "silu: X")
    return X * sigmoid(X)


def softplus(X: Array) -> Array:
    """ln(1 + exp(X)), entry by entry; the dtype is kept.

    Integers become float64. Computed as max(X, 0) + ln(1 + exp(−|X|)), which never overflows.
    Raises TypeError for an X that is not of real numbers. Source: Dugas et al. 2001, NIPS 13.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    X = as_floating(X, "softplus: X")
    Y: Array = np.maximum(X, 0) + np.log1p(np.exp(-np.abs(X)))
    return Y


class GELU(Layer[Array, Array]):
    """Y = X Φ(X), Φ the normal distribution function; dL/dX = grad (Φ(X) + X φ(X)).

    φ is its density, exp(−X²/2) / √(2π). With `approximate="tanh"`, as in PyTorch,
    Y = X (1 + tanh(√(2/π) (X + 0.044715 X³))) / 2, which differs by up to 5e-4. X is of any shape.
    Raises ValueError for another approximation. Source: Hendrycks and Gimpel 2016,
    arXiv:1606.08415, section 2.

    >>> GELU()(np.array([1.0])).round(6)
    array([0.841345])
    """

    by_position = True

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = one_of("GELU", "approximate", approximate, APPROXIMATIONS)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X Φ(X); back: grad (Φ(X) + X Φ'(X)), with the Φ that was chosen."""
        X = as_floating(X, "GELU: X")
        distribution = _normal if self.approximate == "none" else _nearly_normal
        P, density = distribution(X)
        Y: Array = X * P

        def backward(grad: Array) -> Array:
            return chain_rule(grad, P + X * density)

        return Y, backward

    def __repr__(self) -> str:
        return "GELU()" if self.approximate == "none" else 'GELU(approximate="tanh")'


def _normal(X: Array) -> tuple[Array, Array]:
    """Φ(X), and its derivative, the density.

    Φ(−|X|) = erfc(z) / 2 with z = |X| / √2 keeps its digits in the tail, where 1 + erf would leave
    none. At z = 40, exp(−z²) is 0 in every dtype.
    """
    P, density = np.empty(X.shape, X.dtype), np.empty(X.shape, X.dtype)
    flat = X.reshape(-1), P.reshape(-1), density.reshape(-1)
    for start in range(0, X.size, BLOCK):
        x, p, d = (A[start : start + BLOCK] for A in flat)
        z: Array = np.minimum(np.abs(x) * sqrt(0.5), 40)
        e = np.exp(-z * z)
        tail = 0.5 * e * erfcx(z)
        np.abs((x > 0) - tail, out=p)  # tail where x ≤ 0, else 1 − tail; faster than np.where
        np.multiply(e, 1 / sqrt(2 * pi), out=d)
    return P, density


def _nearly_normal(X: Array) -> tuple[Array, Array]:
    """(1 + tanh U) / 2 = σ(2U) with U = √(2/π) (X + 0.044715 X³), and its derivative.

    Beyond ±30 it is 0 and 1 in every dtype.
    """
    c = 2 * sqrt(2 / pi)
    X = np.clip(X, -30, 30)
    P = sigmoid(c * (X + 0.044715 * X * X * X))
    return P, P * (1 - P) * c * (1 + 3 * 0.044715 * X * X)


class SiLU(Layer[Array, Array]):
    """Y = X σ(X); dL/dX = grad (σ(X) + Y (1 − σ(X))).

    X is of any shape. Raises TypeError for an X that is not of real numbers, ValueError for a
    gradient of another shape. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415; called swish by
    Ramachandran et al. 2017, arXiv:1710.05941.

    >>> SiLU()(np.array([0.0, 1000.0]))
    array([   0., 1000.])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X σ(X); back: grad (σ(X) + Y (1 − σ(X)))."""
        S = sigmoid(X)
        Y = X * S

        def backward(grad: Array) -> Array:
            return chain_rule(grad, S + Y * (1 - S))

        return Y, backward


class Softplus(Layer[Array, Array]):
    """Y = ln(1 + exp(X)); dL/dX = grad σ(X).

    X is of any shape. Raises TypeError for an X that is not of real numbers, ValueError for a
    gradient of another shape. Source: Dugas et al. 2001, NIPS 13.

    >>> Softplus()(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = ln(1 + exp(X)); back: grad σ(X)."""
        X = as_floating(X, "Softplus: X")
        Y = softplus(X)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, sigmoid(X))

        return Y, backward
