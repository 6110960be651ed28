"""Noise while training, against learning the training rows by heart; a call adds none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.arguments import fraction, positive
from layerwise.arrays import Array, as_floating, chain_rule
from layerwise.forms import same_form
from layerwise.layers.base import Layer


class Dropout(Layer[Array, Array]):
    """Y = X M / (1 − rate), each entry of M drawn as 0 with probability `rate`, else 1.

    `rate` is the probability to drop, as in PyTorch and Keras, not to keep. Divided by 1 − rate
    while training ("inverted"), the expected answer is X, which is what a call returns: it drops
    nothing. dL/dX = grad M / (1 − rate), with the M of this forward. X is of any shape. `rng` is
    whatever `numpy.random.default_rng` takes; a Generator that others draw from as well makes the
    layer depend on them, so give each its own, or a seed.

    Raises ValueError for a rate below 0, or of 1 or more. Source: Srivastava et al. 2014, JMLR 15,
    section 10; course part 4.4.

    >>> Dropout(0.5, rng=0).forward(np.ones((1, 4)))[0]
    array([[2., 2., 2., 0.]])
    """

    by_position = True

    def __init__(self, rate: float, *, rng: np.random.Generator | int | None = None) -> None:
        self.rate = fraction("Dropout", "rate", rate)
        self.rng = np.random.default_rng(rng)

    def __call__(self, X: Array, /) -> Array:
        """Return X, of which nothing is dropped."""
        return as_floating(X, "Dropout: X")

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X M / (1 − rate); back: grad M / (1 − rate)."""
        X = as_floating(X, "Dropout: X")
        kept = self.rng.random(X.shape, np.float32) >= self.rate
        M: Array = np.multiply(kept, 1 / (1 - self.rate), dtype=X.dtype)
        Y: Array = X * M

        def backward(grad: Array) -> Array:
            return chain_rule(grad, M)

        return Y, backward

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


class GaussianNoise(Layer[Array, Array]):
    """Y = X + N, each entry of N drawn from a normal distribution; dL/dX = grad.

    The distribution has mean 0 and the standard deviation `deviation`, in units of X. A call
    returns X. X is of any shape; `rng` is whatever `numpy.random.default_rng` takes.

    Raises ValueError for a deviation that is not positive. Source: Bishop 1995, Neural Computation
    7, 108-116.

    >>> GaussianNoise(0.1, rng=0).forward(np.ones((1, 2)))[0].round(3)
    array([[1.112, 0.861]])
    """

    by_position = True

    def __init__(self, deviation: float, *, rng: np.random.Generator | int | None = None) -> None:
        self.deviation = positive("GaussianNoise", "deviation", deviation)
        self.rng = np.random.default_rng(rng)

    def __call__(self, X: Array, /) -> Array:
        """Return X, to which nothing is added."""
        return as_floating(X, "GaussianNoise: X")

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + N; back: grad."""
        X = as_floating(X, "GaussianNoise: X")
        N = self.rng.standard_normal(X.shape, np.float32).astype(X.dtype)
        Y: Array = X + self.deviation * N
        shape = Y.shape

        def backward(grad: Array) -> Array:
            same_form("GaussianNoise", grad, shape)
            return grad

        return Y, backward

    def __repr__(self) -> str:
        return f"GaussianNoise({self.deviation:g})"
