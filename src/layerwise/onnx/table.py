"""What a call of each layer gives, as a table by type."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from layerwise.layers.base import Layer
from layerwise.onnx.tensor import Tensor

EXAMPLE = (
    "add one:\n\n"
    "    from layerwise.onnx import Tensor, entry\n\n"
    "    @entry.register\n"
    "    def _(layer: {name}, X: Tensor) -> Tensor:\n"
    '        return ...  # what layer(X) gives, as 2 * X or node("Exp", X)'
)


@singledispatch
def entry(layer: Layer[Any, Any], X: Any) -> Tensor:
    """What `layer(X)` gives, in the graph of X; `entry.register` adds what a type of layer gives.

    X is a Tensor, or a tuple of them for a layer that takes several, such as (X, mask). Raises
    TypeError for a layer without an entry.

    >>> from layerwise import Dense
    >>> entry.dispatch(Dense).__module__
    'layerwise.onnx.rows'
    """
    name = type(layer).__name__
    raise TypeError(
        f"to_onnx: {name} has no entry in the table of layerwise.onnx: " + EXAMPLE.format(name=name)
    )


def apply(layer: Layer[Any, Any], X: Any) -> Tensor:
    """`layer(X)` by the layer's entry: what a layer gives that is inside another one.

    Raises TypeError for a layer without an entry, and for one that inherits an entry but computes
    something else.

    >>> from layerwise import ReLU; from layerwise.onnx.graph import Graph
    >>> from layerwise.onnx.tensor import given
    >>> apply(ReLU(), given(Graph(), "X", "f4", (3,))).row
    (3,)
    """
    own = type(layer)
    base = next(cls for cls in own.__mro__ if cls in entry.registry)
    changed = [
        name
        for name in ("__call__", "forward")
        if getattr(own, name) is not getattr(base, name, None)
    ]
    if base is not object and changed:
        raise TypeError(
            f"to_onnx: {own.__name__} has the entry of {base.__name__}, but its own {changed[0]}: "
            + EXAMPLE.format(name=own.__name__)
        )
    return entry(layer, X)
