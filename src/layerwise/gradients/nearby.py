"""The same layer at the entries of X in another order, or at the first of them along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.gradients.jacobian import Jacobians, large
from layerwise.gradients.point import Point

SHORT = "with few indices"


def shuffled_as(point: Point) -> Jacobians | None:
    """Those with the entries of X in another order, if the layer takes that."""
    rng = np.random.default_rng(0)
    inputs = [
        rng.permuted(A.ravel()).reshape(A.shape) if A.dtype.kind == "f" else A
        for A in point.function.inputs
    ]
    other = _at(point, inputs, point.label)
    return Jacobians(other) if other else None


def shortened(point: Point, axis: int, length: int) -> Point | None:
    """A run with only so many indices along an axis of the inputs, if the layer takes that."""
    function = point.function
    n = function.inputs[0].shape[axis]
    inputs = [
        A.take(range(length), axis=axis) if A.ndim > axis and A.shape[axis] == n else A
        for A in function.inputs
    ]
    return _at(point, inputs, SHORT)


def reaches(jacobians: Jacobians, axis: int) -> bool:
    """Whether the first index of X along an axis reaches the last answers, as over time."""
    function = jacobians.point.function
    names = [name for name in function.named_inputs() if name in function.base]
    for J in [J for J in map(jacobians.of, names) if J.x.ndim > axis]:
        start = np.unravel_index(J.x_at, J.x.shape)[axis] == 0
        along = min(axis, J.Y.ndim - 1)
        end = np.unravel_index(J.y_at, J.Y.shape)[along] == J.Y.shape[along] - 1
        if np.any(large(J.J, J.tolerance)[np.ix_(start, end)]):
            return True
    return not names


def _at(point: Point, inputs: list[NDArray[Any]], label: str) -> Point | None:
    """The point with other inputs, if the layer takes them and all is finite there."""
    values = {path: point.function.base[path] for path in point.function.parameters}
    try:
        other = Point(label, point.function.at(inputs, values), np.random.default_rng(0))
    except Exception:  # the layer does not take such an X
        return None
    base, G = other.function.base, other.G[0]
    finite = all(np.all(np.isfinite(A)) for A in (other.F, *G.values()))
    shaped = all(G[name].shape == A.shape for name, A in base.items())
    return other if finite and shaped and other.F.size else None
