"""Columns brought to mean 0 and deviation 1, by numbers that stay with the network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.arrays import Array, as_floating
from layerwise.forms import same_form
from layerwise.layers.base import Layer


class Standardize(Layer[Array, Array]):
    """Y = (X − mean) / deviation, column by column, and 0 where the deviation is 0.

    Make it with `Standardize.of(X)` from the rows to train on and put it in front of the network:
    the same numbers then serve the rows to test on, and are saved and loaded with the rest, in
    `state()`. They are not learned. `mean` and `deviation` have the shape of one row; where
    theirs is float32, X is converted to it, else to float64.

    Raises ValueError for a mean and a deviation of two shapes, for numbers that are not finite, a
    deviation below 0, and for an X or a gradient that does not fit. Source: `normalize` of
    course part 1.1, which takes the statistics of whatever rows it is given.

    >>> Standardize.of(np.array([[1.0, 5.0], [3.0, 5.0]]))(np.array([[4.0, 5.0]]))
    array([[2., 0.]])
    """

    def __init__(self, mean: Array, deviation: Array) -> None:
        single = np.asarray(mean).dtype == np.float32
        dtype = np.dtype(np.float32 if single else np.float64)
        self.mean = np.array(as_floating(mean, "Standardize: mean", dtype))
        self.deviation = np.array(as_floating(deviation, "Standardize: deviation", dtype))
        if self.mean.shape != self.deviation.shape:
            raise ValueError(
                f"Standardize: mean {self.mean.shape} and deviation {self.deviation.shape} do not "
                "fit, expected one shape, that of a row"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.deviation).all()):
            raise ValueError(
                "Standardize: mean or deviation has numbers that are not finite: make it from "
                "rows that are, with Standardize.of(X)"
            )
        if (self.deviation < 0).any():
            raise ValueError("Standardize: a deviation below 0 came, expected at least 0")
        self.input_shape = self.mean.shape

    @classmethod
    def of(cls, X: Array) -> Standardize:
        """The layer that brings the columns of X to mean 0 and deviation 1, and constant ones to 0.

        The deviation is that of the rows themselves, divided by their number n. Raises ValueError
        for an X without rows and for numbers that are not finite, TypeError for other numbers.
        """
        X = as_floating(X, "Standardize.of: X")
        if X.ndim == 0 or len(X) == 0:
            raise ValueError(f"Standardize.of: X {X.shape} has no rows, expected at least one")
        if not np.isfinite(X).all():
            raise ValueError(
                "Standardize.of: X has numbers that are not finite: remove or replace them first"
            )
        # From the first row on: the mean of equal numbers may differ from them by its rounding.
        away = X.astype(np.float64) - X[0]
        mean, deviation = X[0] + away.mean(axis=0), away.std(axis=0)
        dtype = X.dtype if X.dtype == np.float32 else np.dtype(np.float64)
        return cls(mean.astype(dtype), deviation.astype(dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = (X − mean) · scale; back: grad · scale."""
        X = as_floating(X, "Standardize: X", self.mean.dtype)
        if X.shape[1:] != self.mean.shape:
            raise ValueError(
                f"Standardize: X {X.shape} came, expected (n, …) with rows {self.mean.shape}, as "
                "the mean has them"
            )
        varies = self.deviation > 0
        scale: Array = varies / np.where(varies, self.deviation, 1)
        Y: Array = (X - self.mean) * scale
        shape = Y.shape

        def backward(grad: Array) -> Array:
            same_form("Standardize", grad, shape)
            dX: Array = grad * scale
            return dX

        return Y, backward
