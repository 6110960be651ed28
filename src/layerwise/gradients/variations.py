"""Where a layer is checked: at the given X, and where a mistake cannot hide behind its values.

A batch of one row hides a missing sum, a bias of zeros a missing product, positive inputs the
wrong half of a function, distinct indices a lost addition. So a layer is also run with N(0, 1)
inputs and moved parameters, on a single row, and on one row more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array, Indices
from layerwise.gradients.contract import shape_faults
from layerwise.gradients.function import AnyLayer, Function, flat, parts, rms, shaped
from layerwise.gradients.point import Point


def variations(layer: AnyLayer, X: Any, rng: np.random.Generator) -> Iterator[Point | str]:
    """The points beside the given one that the layer takes; or what it does wrong there.

    Before each of them one more forward runs, so that a state left by it would show. A point is
    left out where the layer raises an error, gives numbers that are not finite, or does not give
    one row for each row it got.
    """
    base = Function(layer, X)
    n = base.inputs[0].shape[0] if base.inputs[0].ndim else 0
    shapes = [np.shape(y) for y in parts(base.forward()[0])]
    values = {path: _moved(p.value, rng) for path, p in base.parameters.items()}
    for label, rows in (
        ("N(0, 1) inputs and moved parameters", n),
        ("one row", 1),
        (f"{n + 2} rows", n + 2),
    ):
        chosen = np.arange(rows) % max(n, 1)
        expected = [(rows, *shape[1:]) if shape[:1] == (n,) else shape for shape in shapes]
        normal = [
            _normal(A, chosen, n, rng, mask=mask)
            for A, mask in zip(base.inputs, _masks(base.inputs), strict=True)
        ]
        given = [_rows(A, chosen, n) for A in base.inputs]
        for inputs, moved, known in (normal, values, False), (given, {}, True):
            base.forward_here(base.inputs)
            function = Function(base.layer, tuple(inputs) if base.is_tuple else inputs[0], moved)
            point = _point(label, function, expected, rng, known=known)
            if point is not None:
                yield point
                break


def _point(
    label: str,
    function: Function,
    expected: list[tuple[int, ...]],
    rng: np.random.Generator,
    known: bool,
) -> Point | str | None:
    """The point, what is wrong there, or None where the layer cannot be run there.

    `known` says that its rows are given ones, at which a gradient must be finite.
    """
    try:
        Y, backward = function.forward()
    except Exception:  # the layer does not take this input: nothing is learned here
        return None
    answers = parts(Y)
    if [np.shape(y) for y in answers] != expected or not np.all(np.isfinite(flat(Y))):
        return None
    try:
        dX = backward(shaped(rng.standard_normal(flat(Y).size), Y))
    except Exception as error:
        return f"with {label}, backward raised {type(error).__name__}: {error}"
    for fault in shape_faults(dX, function.X, Y):
        return f"with {label}, {fault.text}"
    point = _finite(label, function, rng)
    if point is None and known:
        return f"with {label}, of the given ones, a gradient is not finite"
    return point


def beside(point: Point) -> Point | None:
    """A point a hundredth of each tensor's size away, where no exact tie or zero is left."""
    function, rng = point.function, point.rng
    near = {
        name: x + 1e-2 * rms(x) * rng.standard_normal(x.shape) for name, x in function.base.items()
    }
    X = tuple(near.get(function.name(i), A) for i, A in enumerate(function.inputs))
    values = {path: near[path] for path in function.parameters}
    function.restore()
    try:
        moved = Function(function.layer, X if function.is_tuple else X[0], values)
        return _finite("close by", moved, rng)
    except Exception:  # the layer does not take this point
        return None


def _finite(label: str, function: Function, rng: np.random.Generator) -> Point | None:
    """The point, unless something is not finite there: then it is out of the layer's reach."""
    point = Point(label, function, rng)
    arrays = [point.F, *(g for G in point.G for g in G.values())]
    return point if all(np.all(np.isfinite(array)) for array in arrays) else None


def _rows(A: NDArray[Any], chosen: Indices, n: int) -> NDArray[Any]:
    """The chosen rows of A, where it has the batch's n rows."""
    rows: NDArray[Any] = A[chosen] if A.ndim and A.shape[0] == n else A
    return rows


def _masks(inputs: list[NDArray[Any]]) -> list[bool]:
    """Which inputs only select among the others: those of zeros and ones, if not all are."""
    masks = [bool(np.all((A == 0) | (A == 1))) for A in inputs]
    floats = [mask for A, mask in zip(inputs, masks, strict=True) if A.dtype.kind == "f"]
    return [False] * len(masks) if all(floats) else masks


def _normal(
    A: NDArray[Any], chosen: Indices, n: int, rng: np.random.Generator, *, mask: bool
) -> NDArray[Any]:
    """N(0, 1) numbers for floats; integers are drawn from A's own, and masks stay as they are."""
    rows = _rows(A, chosen, n)
    if mask:
        return rows
    if A.dtype.kind == "f":
        return rng.standard_normal(rows.shape)
    return rng.choice(A.ravel(), rows.shape) if A.size else rows


def _moved(value: Array, rng: np.random.Generator) -> Array:
    """Values of the same signs and size, none of them special such as 0 or 1."""
    factor = rng.uniform(0.7, 1.4, value.shape)
    return np.where(value == 0, 0.3 * rms(value) * rng.standard_normal(value.shape), value * factor)
