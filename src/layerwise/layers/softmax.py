"""Softmax and its logarithm as layers, along any axis.

In front of a loss neither is wanted: `SoftmaxCrossEntropy` takes logits and does the work once.
"""

from collections.abc import Callable

import numpy as np

from layerwise.arrays import Array, as_floating
from layerwise.forms import same_form
from layerwise.layers.activations import softmax
from layerwise.layers.base import Layer


def log_softmax(X: Array, axis: int = -1) -> Array:
    """X − ln Σ exp(X), the sum along `axis`; the dtype is kept.

    Integers become float64. Shifted by the maximum first, which changes nothing and never
    overflows. Raises TypeError for an X that is not of real numbers. Source: course part 3.2, the
    logarithm of its softmax.

    >>> log_softmax(np.array([1000.0, -1000.0]))
    array([    0., -2000.])
    """
    X = as_floating(X, "log_softmax: X")
    S: Array = X - np.max(X, axis=axis, keepdims=True)
    S -= np.log(np.exp(S).sum(axis=axis, keepdims=True))
    return S


class Softmax(Layer[Array, Array]):
    """Y = exp(X) / Σ exp(X), the sum along `axis`; dL/dX = Y (grad − Σ grad Y).

    X is of any shape that has the axis; along axis 0 rows depend on one another. Raises TypeError
    for an X that is not of real numbers, ValueError for a gradient of another shape. Source: course
    part 3.2.

    >>> Softmax()(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis
        self.by_position = axis == -1

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = softmax(X); back: Y (grad − Σ grad Y)."""
        Y = softmax(X, self.axis)

        def backward(grad: Array) -> Array:
            same_form("Softmax", grad, Y.shape)
            dX: Array = Y * (grad - (grad * Y).sum(axis=self.axis, keepdims=True))
            return dX

        return Y, backward

    def __repr__(self) -> str:
        return f"Softmax({'' if self.axis == -1 else f'axis={self.axis}'})"


class LogSoftmax(Layer[Array, Array]):
    """Y = X − ln Σ exp(X), the sum along `axis`; dL/dX = grad − exp(Y) Σ grad.

    X is of any shape that has the axis; along axis 0 rows depend on one another. Raises TypeError
    for an X that is not of real numbers, ValueError for a gradient of another shape. Source: course
    part 3.2, the logarithm of its softmax.

    >>> LogSoftmax()(np.array([[1000.0, -1000.0]]))
    array([[    0., -2000.]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis
        self.by_position = axis == -1

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = log_softmax(X); back: grad − exp(Y) Σ grad."""
        Y = log_softmax(X, self.axis)

        def backward(grad: Array) -> Array:
            same_form("LogSoftmax", grad, Y.shape)
            dX: Array = grad - np.exp(Y) * grad.sum(axis=self.axis, keepdims=True)
            return dX

        return Y, backward

    def __repr__(self) -> str:
        return f"LogSoftmax({'' if self.axis == -1 else f'axis={self.axis}'})"
