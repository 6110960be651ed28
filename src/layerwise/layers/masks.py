"""How a mask travels through layers around and beside layers.

A padded batch is a pair (X, mask): the mask has a boolean for each place of each sequence, False
where there is padding. One rule: a container takes the pair apart, gives X on from layer to layer,
and the mask beside it to each layer that says `takes_mask`. So what works position by position
never sees it, and a container takes a mask where a layer inside it does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.layers.base import Layer

Mask = NDArray[np.bool_]
Forward = Callable[[Any], tuple[Any, Callable[[Any], Any]]]


def apart(layer: Layer[Any, Any], X: Any) -> tuple[Any, Mask | None]:
    """X and its mask, where the layer takes one and got a pair; else X as it is, and None."""
    pair = layer.takes_mask and isinstance(X, tuple) and len(X) == 2
    return X if pair and getattr(X[1], "dtype", None) == np.bool_ else (X, None)


def paired(layer: Layer[Any, Any], X: Any, mask: Mask | None) -> Any:
    """What a layer is given: (X, mask) where there is a mask and the layer takes one, else X."""
    return X if mask is None or not layer.takes_mask else (X, mask)


def forward_beside(mask: Mask | None, layer: Layer[Any, Any], forward: Forward) -> Forward:
    """A forward of the layer as a function of X alone: what it takes as a mask has no gradient."""
    if mask is None or not layer.takes_mask:
        return forward

    def of_X(X: Any) -> tuple[Any, Callable[[Any], Any]]:
        Y, way_back = forward((X, mask))

        def backward(grad: Any) -> Any:
            return way_back(grad)[0]

        return Y, backward

    return of_X


def with_mask(dX: Any, mask: Mask | None) -> Any:
    """The gradient by what the container got: that by a mask is False everywhere."""
    return dX if mask is None else (dX, np.zeros_like(mask))
