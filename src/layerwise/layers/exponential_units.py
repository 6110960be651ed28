"""Activations that are straight above 0 and exponential below, and the functions they apply."""

from collections.abc import Callable

import numpy as np

from layerwise.arguments import positive
from layerwise.arrays import Array, as_floating, chain_rule
from layerwise.layers.base import Layer
from layerwise.layers.rectifiers import slopes

# Chosen so that mean 0 and variance 1 map to themselves: Klambauer et al. 2017, equation 14.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def elu(X: Array, alpha: float = 1.0) -> Array:
    """X where X > 0, else α (exp(X) − 1), entry by entry; the dtype is kept.

    Integers become float64. Raises TypeError for an X that is not of real numbers. Source: Clevert
    et al. 2015, arXiv:1511.07289, equation 15.

    >>> elu(np.array([-1000.0, 2.0]))
    array([-1.,  2.])
    """
    X = as_floating(X, "elu: X")
    Y: Array = np.maximum(X, 0) + alpha * np.expm1(np.minimum(X, 0))
    return Y


def selu(X: Array) -> Array:
    """λ ELU(X) with α = 1.67326… and λ = 1.05070…, entry by entry; the dtype is kept.

    Integers become float64. Raises TypeError for an X that is not of real numbers. Source:
    Klambauer et al. 2017, arXiv:1706.02515, equations 2 and 14.

    >>> selu(np.array([-1000.0, 1.0])).round(4)
    array([-1.7581,  1.0507])
    """
    return SELU_SCALE * elu(as_floating(X, "selu: X"), SELU_ALPHA)


class ELU(Layer[Array, Array]):
    """Y = X where X > 0, else α (exp(X) − 1); dL/dX = grad times 1 or α exp(X).

    At exactly 0 the slope is α. X is of any shape. Raises ValueError for an α that is not
    positive. Source: Clevert et al. 2015, arXiv:1511.07289, equation 15.

    >>> ELU(2.0)(np.array([-1000.0, 2.0]))
    array([-2.,  2.])
    """

    by_position = True

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = positive("ELU", "alpha", alpha)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = elu(X); back: grad times 1 or α exp(X)."""
        X = as_floating(X, "ELU: X")
        Y = elu(X, self.alpha)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, slopes(X, self.alpha * np.exp(np.minimum(X, 0))))

        return Y, backward

    def __repr__(self) -> str:
        return f"ELU({self.alpha:g})"


class SELU(Layer[Array, Array]):
    """Y = λ ELU(X), α = 1.67326…, λ = 1.05070…; dL/dX = λ grad times 1 or α exp(X).

    Signals keep mean 0 and variance 1 through layers whose weights have variance 1 / fan_in. At
    exactly 0 the slope is λα. X is of any shape. Raises TypeError for an X that is not of real
    numbers, ValueError for a gradient of another shape. Source: Klambauer et al. 2017,
    arXiv:1706.02515, equations 2 and 14.

    >>> SELU()(np.array([-1000.0, 1.0])).round(4)
    array([-1.7581,  1.0507])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = selu(X); back: λ grad times 1 or α exp(X)."""
        X = as_floating(X, "SELU: X")
        Y = selu(X)

        def backward(grad: Array) -> Array:
            slope = slopes(X, SELU_ALPHA * np.exp(np.minimum(X, 0)))
            return chain_rule(grad, SELU_SCALE * slope)

        return Y, backward
