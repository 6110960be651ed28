"""The definition of a derivative, as a check on its formula."""

from collections.abc import Callable

import numpy as np

from layerwise.arguments import positive
from layerwise.arrays import Array, as_floating


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 1e-5) -> Array:
    """df/dxᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, for each entry of x: central differences.

    f takes an array of the shape of x, any shape, and returns a number; x itself is not touched.
    The result is float64 of that shape. The error is about h² f‴/6 from the formula and
    ε |f| / h from rounding, ε = 2.2e-16: h suits an x and an f of about 1. `check_layer` finds
    its own h.

    Raises TypeError for an x that is not of real numbers, ValueError for an h that is not
    positive. Source: course part 2.4.

    >>> numerical_gradient(lambda x: float((x * x).sum()), np.array([1.0, -2.0])).round(6)
    array([ 2., -4.])
    """
    h = positive("numerical_gradient", "h", h)
    x = np.array(as_floating(x, "numerical_gradient: x"), np.float64)
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        before = x[i]
        x[i] = before + h
        above = f(x)
        x[i] = before - h
        below = f(x)
        x[i] = before
        gradient[i] = (above - below) / (2 * h)
    return gradient
