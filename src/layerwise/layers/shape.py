"""The same numbers in another shape."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from numpy.typing import NDArray

from layerwise.arguments import whole_number
from layerwise.forms import as_plain, same_form
from layerwise.layers.base import Layer

Numbers = NDArray[Any]  # tokens, too, may be reshaped


class Reshape(Layer[Numbers, Numbers]):
    """Y[n] = X[n] in another shape, its numbers in the same order, the last axis fastest.

    X has rows of as many numbers as `shape` has. Raises ValueError for lengths below 1 and for an
    X or a gradient that does not fit.

    >>> import numpy as np
    >>> Reshape(2, 2)(np.array([[1.0, 2.0, 3.0, 4.0]]))
    array([[[1., 2.],
            [3., 4.]]])
    """

    def __init__(self, *shape: int) -> None:
        given: tuple[object, ...] = shape
        if given and isinstance(given[0], tuple | list):
            raise TypeError(
                f"Reshape: {given[0]} came, expected lengths one by one: as in Reshape(4, 2)"
            )
        self.shape = tuple(whole_number("Reshape", "shape", length) for length in shape)

    def forward(self, X: Numbers, /) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
        """Y = X in the new shape; back: grad in the shape of X."""
        who = type(self).__name__
        X = as_plain(X, f"{who}: X")
        if X.ndim == 0 or prod(X.shape[1:]) != prod(self.shape):
            raise ValueError(
                f"{who}: X {X.shape} came, expected rows of {prod(self.shape)} numbers, as "
                f"{self.shape} has"
            )
        return reshaped(who, X, (len(X), *self.shape))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.shape))})"


class Flatten(Layer[Numbers, Numbers]):
    """Y[n] = X[n] as one row, its numbers in the same order, the last axis fastest.

    X has shape (n, ...) and Y (n, product of the others). Raises ValueError for an X without axes
    and for a gradient that does not fit. Source: part 4.3 of the course.

    >>> import numpy as np
    >>> Flatten()(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([[1., 2., 3., 4.]])
    """

    def forward(self, X: Numbers, /) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
        """Y = X in rows; back: grad in the shape of X."""
        who = type(self).__name__
        X = as_plain(X, f"{who}: X")
        if X.ndim == 0:
            raise ValueError(f"{who}: a single number came, expected rows: X[None] makes it one")
        return reshaped(who, X, (len(X), prod(X.shape[1:])))


def reshaped(
    who: str, X: Numbers, shape: tuple[int, ...]
) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
    """Y = a copy of X in this shape, and the way back."""
    Y = X.reshape(shape).copy()

    def backward(grad: Numbers) -> Numbers:
        same_form(who, grad, shape)
        return grad.reshape(X.shape)

    return Y, backward
