"""Activations of straight pieces, and the functions they apply."""

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import positive, whole_number
from layerwise.arrays import Array, as_floating, chain_rule, sum_rows
from layerwise.forms import features_last, same_form
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter


def leaky_relu(X: Array, negative_slope: float = 0.01) -> Array:
    """X where X > 0, else `negative_slope` X, entry by entry; the dtype is kept.

    Integers become float64. Raises TypeError for an X that is not of real numbers. Source: Maas et
    al. 2013, section 2.

    >>> leaky_relu(np.array([-100.0, 2.0]))
    array([-1.,  2.])
    """
    X = as_floating(X, "leaky_relu: X")
    Y: Array = np.maximum(X, 0) + negative_slope * np.minimum(X, 0)
    return Y


def hard_sigmoid(X: Array) -> Array:
    """X / 6 + 1/2, cut off at 0 and 1, entry by entry; the dtype is kept.

    Integers become float64. As in PyTorch and Keras 3; Keras 2 had X / 5 + 1/2. Raises TypeError
    for an X that is not of real numbers. Source: Howard et al. 2019, arXiv:1905.02244, section 5.2.

    >>> hard_sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    X = as_floating(X, "hard_sigmoid: X")
    Y: Array = (np.clip(X, -3, 3) + 3) / 6
    return Y


def slopes(X: Array, below: Array | float) -> Array:
    """1 where X > 0, else `below`.

    >>> slopes(np.array([-1.0, 0.0, 1.0]), 0.5)
    array([0.5, 0.5, 1. ])
    """
    above = X > 0
    slope: Array = above.astype(X.dtype)
    slope += below * ~above  # several times faster than np.where
    return slope


class LeakyReLU(Layer[Array, Array]):
    """Y = X where X > 0, else `negative_slope` X; dL/dX = grad times 1 or `negative_slope`.

    At exactly 0 the slope is that of the negative side. X is of any shape. Raises ValueError for
    a slope that is not positive. Source: Maas et al. 2013, section 2.

    >>> LeakyReLU(0.5)(np.array([-1.0, 2.0]))
    array([-0.5,  2. ])
    """

    by_position = True

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = positive("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = leaky_relu(X); back: grad times the slope."""
        Y = leaky_relu(X, self.negative_slope)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, slopes(Y, self.negative_slope))

        return Y, backward

    def __repr__(self) -> str:
        return f"LeakyReLU({self.negative_slope:g})"


class HardSigmoid(Layer[Array, Array]):
    """Y = X / 6 + 1/2, cut off at 0 and 1; dL/dX = grad / 6 where 0 < Y < 1, else 0.

    X is of any shape. Raises TypeError for an X that is not of real numbers, ValueError for a
    gradient of another shape. Source: Howard et al. 2019, arXiv:1905.02244, section 5.2.

    >>> HardSigmoid()(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = hard_sigmoid(X); back: grad / 6 between the ends."""
        X = as_floating(X, "HardSigmoid: X")
        Y = hard_sigmoid(X)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, (np.abs(X) < 3) / np.asarray(6, X.dtype))

        return Y, backward


class PReLU(Layer[Array, Array]):
    """Y = X where X > 0, else α X, with an α for each feature that is learned.

    X has shape (n, …, features). `alpha`, of shape (features,), starts as `initial`. At exactly 0
    the slope is α.

    Raises ValueError for a number of features that is not positive, for an `initial` that is not
    positive, and for an X or a gradient that does not fit. Source: He et al. 2015,
    arXiv:1502.01852, equation 1.

    >>> PReLU(2, initial=0.5)(np.array([[-1.0, 2.0]]))
    array([[-0.5,  2. ]])
    """

    by_position = True

    def __init__(
        self, features: int, *, initial: float = 0.25, dtype: DTypeLike = np.float64
    ) -> None:
        shape = (whole_number("PReLU", "features", features),)
        self.alpha = Parameter(np.full(shape, positive("PReLU", "initial", initial), dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = max(X, 0) + α min(X, 0); back: dα = Σ grad min(X, 0), dX = grad times 1 or α."""
        alpha = self.alpha.value
        X = as_floating(X, "PReLU: X", alpha.dtype)
        features_last("PReLU", X.shape, len(alpha))
        Y: Array = np.maximum(X, 0) + alpha * np.minimum(X, 0)

        def backward(grad: Array) -> Array:
            same_form("PReLU", grad, X.shape, alpha.dtype)
            through = (grad * np.minimum(X, 0)).reshape(-1, len(alpha))
            self.alpha.add_grad(sum_rows(through))
            return chain_rule(grad, slopes(X, alpha))

        return Y, backward

    def __repr__(self) -> str:
        return f"PReLU({len(self.alpha.value)})"
