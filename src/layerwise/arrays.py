"""The arrays every other file speaks of, and the one product they are built on.

The rank is in the type: a `Vector` has one axis, a `Matrix` two, an `Array` any number. An
`NDArray`, whose rank mypy does not know, is accepted as each of them. Give arrays to functions
through variables: of an inline `np.ones(3)` mypy knows too little to refuse it as a matrix.
"""

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Vector = np.ndarray[tuple[int], np.dtype[np.floating[Any]]]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.floating[Any]]]
Indices = NDArray[np.integer[Any]]

F = TypeVar("F", bound=np.floating[Any])
A = TypeVar("A", bound=NDArray[Any])


def matrix_multiply(
    X: np.ndarray[tuple[int, int], np.dtype[F]],
    W: np.ndarray[tuple[int, int], np.dtype[F]],
) -> np.ndarray[tuple[int, int], np.dtype[F]]:
    """Y = X W: Y[i, k] = Σⱼ X[i, j] W[j, k].

    X has shape (m, n), W (n, p), and Y (m, p); any of m, n, p may be zero. The dtype is kept;
    integers and booleans become float64, as in `numpy.linalg`. Memory in C order, in Fortran
    order and transposed is read where it lies.

    Raises TypeError for complex numbers, objects and strings, and ValueError where a rank is not
    2 or the shapes do not fit. Source: part 1.2 of the course.

    >>> matrix_multiply(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    arrays = isinstance(X, np.ndarray) and isinstance(W, np.ndarray)
    if not (arrays and X.dtype.kind == W.dtype.kind == "f"):
        X, W = as_floating(X, "matrix_multiply: X"), as_floating(W, "matrix_multiply: W")
    if X.ndim == W.ndim == 2:
        try:
            # For two matrices this is np.matmul(X, W), at half its overhead.
            Y: np.ndarray[tuple[int, int], np.dtype[F]] = X.dot(W)
            return Y
        except ValueError:
            if X.shape[1] == W.shape[0]:  # something else, such as a product too large
                raise
    raise ValueError(_misfit(X.shape, W.shape))


@lru_cache(maxsize=8)
def ones(n: int, dtype: np.dtype[Any]) -> Vector:
    """(1, 1, …, 1), n ones, made once and read-only: `ones(n, dtype).dot(A)` sums A's rows.

    A product is faster than `A.sum(axis=0)`.

    >>> ones(2, np.dtype(np.float32))
    array([1., 1.], dtype=float32)
    """
    vector: Vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


def as_floating(X: A, who: str, dtype: np.dtype[Any] | None = None) -> A:
    """X itself where it has floating numbers of `dtype` (None: any), else X converted to it.

    Integers and booleans are converted, to float64 where no dtype is given.

    Raises TypeError, which begins with `who`, for complex numbers, objects and strings.

    >>> as_floating(np.array([1, 2]), "X")
    array([1., 2.])
    """
    if isinstance(X, np.ndarray) and (X.dtype is dtype or (dtype is None and X.dtype.kind == "f")):
        return X
    given: Any = np.asarray(X)
    if given.dtype.kind not in "fiub":
        raise TypeError(f"{who} has dtype {given.dtype}, expected real numbers: convert it first")
    if dtype is None:
        dtype = given.dtype if given.dtype.kind == "f" else np.dtype(np.float64)
    converted: A = given.astype(dtype, copy=False)
    return converted


def _misfit(X: tuple[int, ...], W: tuple[int, ...]) -> str:
    """What is wrong with these two shapes, and what to do."""
    message = f"matrix_multiply: X {X} and W {W} do not fit: "
    for name, shape in ("X", X), ("W", W):
        if len(shape) == 1:
            n = shape[0]
            return message + (
                f"{name} is a vector, expected a matrix: {name}.reshape(1, -1) makes it a row of "
                f"shape (1, {n}), {name}.reshape(-1, 1) a column of shape ({n}, 1)"
            )
        if len(shape) != 2:
            return message + (
                f"{name} has {len(shape)} axes, expected 2: reshape it to (rows, columns)"
            )
    message += f"X has {X[1]} columns, W has {W[0]} rows"
    if X[0] == W[0]:
        return message + "; X.T has as many columns as W has rows"
    if X[1] == W[1]:
        return message + "; W.T has as many rows as X has columns"
    return message
