"""The arrays every other file speaks of, and the one product they are built on.

The rank is in the type: a `Vector` has one axis, a `Matrix` two, an `Array` any number. An
`NDArray`, whose rank mypy does not know, is accepted as each of them. Give arrays to functions
through variables: of an inline `np.ones(3)` mypy knows too little to refuse it as a matrix.
"""

from functools import lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from layerwise.forms import as_plain, no_product, same_form

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
    if not (type(X) is np.ndarray is type(W) and X.dtype.kind == "f" == W.dtype.kind):
        X, W = as_floating(X, "matrix_multiply: X"), as_floating(W, "matrix_multiply: W")
    if X.ndim == W.ndim == 2:
        try:
            # For two matrices this is np.matmul(X, W), at half its overhead.
            Y: np.ndarray[tuple[int, int], np.dtype[F]] = X.dot(W)
            return Y
        except ValueError:
            if X.shape[1] == W.shape[0]:  # something else, such as a product too large
                raise
    raise no_product(X.shape, W.shape)


def sum_rows(A: Matrix) -> Vector:
    """Σᵢ A[i]: the sum over the rows, as a product with ones, which is faster than `A.sum(axis=0)`.

    >>> sum_rows(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    n = len(A)
    total: Vector = (_kept_ones if n <= KEPT else _ones)(n, A.dtype).dot(A)
    return total


def add_at(A: Array, rows: Indices, B: Array) -> None:
    """A[rows[i]] += B[i] for each i, one after another: a row named twice gets both.

    `rows` has any shape, B that shape and then the shape of a row of A, which lies in C order.
    Written as flat indices, which `np.add.at` takes five times as fast as rows.

    >>> A = np.zeros((3, 1)); add_at(A, np.array([1, 1, 2]), np.array([[1.0], [2.0], [4.0]])); A
    array([[0.],
           [3.],
           [4.]])
    """
    size = prod(A.shape[1:])
    flat = rows.reshape(-1, 1) * size + np.arange(size)
    np.add.at(A.reshape(-1), flat.reshape(-1), B.reshape(-1))


CHUNK = 65536  # numbers of which a handful of vectors fits into a CPU's cache


def add_multiple(A: Vector, factor: float, B: Vector) -> None:
    """A ← A + factor B, in place: in parts, so that no third vector of their size is made.

    >>> A = np.array([1.0, 2.0]); add_multiple(A, 10.0, np.array([1.0, 1.0])); A
    array([11., 12.])
    """
    for start in range(0, len(A), CHUNK):
        part = slice(start, start + CHUNK)
        A[part] += factor * B[part]


def ones(n: int, dtype: np.dtype[Any]) -> Vector:
    """(1, 1, …, 1), n ones, read-only: `A.dot(ones(k, dtype))` sums the columns of A."""
    return _kept_ones(n, dtype) if n <= KEPT else _ones(n, dtype)


def _ones(n: int, dtype: np.dtype[Any]) -> Vector:
    vector: Vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


KEPT = 32768  # numbers in a vector worth keeping: eight of them take two megabytes
_kept_ones = lru_cache(maxsize=8)(_ones)


@lru_cache(maxsize=64)
def scalar(number: float, dtype: np.dtype[Any]) -> Array:
    """A number as an array without axes, for which NumPy takes half the time."""
    array: Array = np.array(number, dtype)
    array.flags.writeable = False
    return array


def chain_rule(grad: Array, slope: Array) -> Array:
    """dL/dX = dL/dY · dY/dX, entry by entry, for a function applied to each entry.

    Raises ValueError for a gradient of another shape, which is never broadcast, TypeError for
    what is no plain array.

    >>> chain_rule(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([3., 8.])
    """
    if type(grad) is not np.ndarray or grad.shape != slope.shape:
        same_form("backward", grad, slope.shape)
    product: Array = grad * slope
    return product


def as_floating(X: A, who: str, dtype: np.dtype[Any] | None = None) -> A:
    """X itself where it is a plain array of floats of `dtype` (None: any), else X converted to it.

    Integers and booleans are converted, to float64 where no dtype is given.

    Raises TypeError, which begins with `who`, for complex numbers, objects and strings, and for
    what `as_plain` refuses.

    >>> as_floating(np.array([1, 2]), "X")
    array([1., 2.])
    """
    if type(X) is np.ndarray and (X.dtype is dtype or (dtype is None and X.dtype.kind == "f")):
        return X
    given: Any = as_plain(X, who)
    if given.dtype.kind not in "fiub":
        raise TypeError(f"{who} has dtype {given.dtype}, expected real numbers: convert it first")
    if dtype is None:
        dtype = given.dtype if given.dtype.kind == "f" else np.dtype(np.float64)
    converted: A = given.astype(dtype, copy=False)
    return converted
