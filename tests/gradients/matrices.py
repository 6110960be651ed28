"""Jacobians whose every number a test gives."""

from typing import Any

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.jacobian import Jacobian

Like = tuple[int, ...] | Array


def jacobian(
    A: Any,
    J: Any,
    x: Like | None = None,
    Y: Like | None = None,
    *,
    name: str = "W",
    tolerance: float | None = None,
    x_at: Any = None,
    y_at: Any = None,
) -> Jacobian:
    """A by backward, J right, of x and Y, or of some numbers of these shapes."""
    A, J = np.array(A, np.float64), np.array(J, np.float64)
    x, Y = (_like(like, n) for like, n in zip((x, Y), J.shape, strict=True))
    found = Jacobian(
        name, x, Y, A, J,
        np.arange(len(J)) if x_at is None else np.array(x_at),
        np.arange(J.shape[1]) if y_at is None else np.array(y_at),
        np.zeros(J.shape[1]),
    )  # fmt: skip
    if tolerance is not None:
        found.tolerance = np.full(J.shape[1], tolerance)
    return found


def _like(like: Like | None, size: int) -> Array:
    """Numbers of both signs, no two of them of one size."""
    if isinstance(like, np.ndarray):
        return like
    shape = (size,) if like is None else like
    n = int(np.prod(shape))
    return ((np.arange(n) + 1.3) * (-1.0) ** np.arange(n) / 7).reshape(shape)
