"""Activations: a function applied to each entry, and its derivative."""

from collections.abc import Callable

import numpy as np

from layerwise.arrays import Array, as_floating, chain_rule, scalar
from layerwise.layers.base import Layer


def relu(X: Array) -> Array:
    """max(X, 0), entry by entry, of any shape; the dtype is kept.

    Integers become float64. Raises TypeError for an X that is not of real numbers. Source: course
    part 3.2.

    >>> relu(np.array([[-1.0, 2.0], [0.0, -3.0]]))
    array([[0., 2.], [0., 0.]])
    """
    X = as_floating(X, "relu: X")
    Y: Array = np.maximum(X, scalar(0, X.dtype))
    return Y


def sigmoid(X: Array) -> Array:
    """σ(X) = 1 / (1 + exp(−X)), entry by entry, of any shape; the dtype is kept.

    Integers become float64. Computed as exp(min(X, 0)) / (1 + exp(−|X|)), which is the same, never
    overflows, and is exact to rounding at both ends. Raises TypeError for an X that is not of real
    numbers. Source: course part 1.3.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    X = as_floating(X, "sigmoid: X")
    Y: Array = np.exp(np.minimum(X, 0)) / (1 + np.exp(-np.abs(X)))
    return Y


def softmax(X: Array, axis: int = -1) -> Array:
    """exp(X) / Σ exp(X), the sum along `axis`; the dtype is kept.

    Integers become float64. Shifted by the maximum first, which changes nothing and never
    overflows. Raises TypeError for an X that is not of real numbers. Source: course part 3.2.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    X = as_floating(X, "softmax: X")
    E: Array = np.exp(X - np.max(X, axis=axis, keepdims=True))
    Y: Array = E / E.sum(axis=axis, keepdims=True)
    return Y


class ReLU(Layer[Array, Array]):
    """Y = max(X, 0), entry by entry; dL/dX = grad where X > 0, else 0.

    At exactly 0, where the slope jumps from 0 to 1, the gradient is 0. X is of any shape. Raises
    TypeError for an X that is not of real numbers, ValueError for a gradient of another shape.
    Source: course part 3.2.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = max(X, 0); back: grad where Y > 0."""
        Y = relu(X)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, np.sign(Y))  # 1 where Y > 0, else 0; faster than the mask

        return Y, backward


class Sigmoid(Layer[Array, Array]):
    """Y = σ(X) = 1 / (1 + exp(−X)), entry by entry; dL/dX = grad Y (1 − Y).

    X is of any shape. Raises TypeError for an X that is not of real numbers, ValueError for a
    gradient of another shape. Source: course part 1.3.

    >>> Sigmoid()(np.array([0.0]))
    array([0.5])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = σ(X); back: grad Y (1 − Y)."""
        Y = sigmoid(X)

        def backward(grad: Array) -> Array:
            return chain_rule(grad, Y * (1 - Y))

        return Y, backward


class Tanh(Layer[Array, Array]):
    """Y = tanh(X), entry by entry; dL/dX = grad (1 − Y²).

    X is of any shape. Raises TypeError for an X that is not of real numbers, ValueError for a
    gradient of another shape. Source: course part 3.2.

    >>> Tanh()(np.array([0.0]))
    array([0.])
    """

    by_position = True

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = tanh(X); back: grad (1 − Y²)."""
        Y: Array = np.tanh(as_floating(X, "Tanh: X"))

        def backward(grad: Array) -> Array:
            return chain_rule(grad, 1 - Y * Y)

        return Y, backward
