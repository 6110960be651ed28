"""The mean that every loss ends in."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, ones, scalar
from layerwise.forms import weight_of_each
from layerwise.layers.base import Out

Loss = Callable[[Out, NDArray[Any]], tuple[float, Out]]
Weight = NDArray[Any] | None


def weighted_mean(who: str, terms: Array, slopes: Array, weight: Weight) -> tuple[float, Array]:
    """L = Σ wᵢ ℓᵢ / Σ wᵢ, over all terms ℓ; dL/dY = wᵢ ∂ℓᵢ/∂Y / Σ wᵢ. Without w, each wᵢ is 1.

    A term depends on as many entries of Y as `slopes` has for it: on one, or on a row of them.
    `slopes` is the caller's own array: it is written into.

    >>> weighted_mean("Loss", np.array([1.0, 4.0]), np.array([2.0, 8.0]), np.array([3, 1]))
    (1.75, array([1.5, 2. ]))
    """
    if weight is None:
        n = terms.size
        slopes /= scalar(n, slopes.dtype)
        return float(ones(n, terms.dtype).dot(terms.reshape(-1))) / n, slopes
    w = weight_of_each(f"{who}: weight", weight, terms.shape)
    share = (w / w.sum()).astype(terms.dtype)
    each = (..., *[np.newaxis] * (slopes.ndim - terms.ndim))
    # Where the weight is 0 nothing counts, not even what is infinite: 0 times that is nan.
    value = np.vdot(share, np.where(w > 0, terms, 0))
    return float(value), np.where(w[each] > 0, slopes, 0) * share[each]
