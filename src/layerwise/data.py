"""Examples, taken row by row: X is an array, or a tuple of arrays with equally many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import described
from layerwise.arrays import Indices
from layerwise.forms import as_plain, weights

Data = TypeVar("Data")
HeldOut = tuple[Data, NDArray[Any]] | tuple[Data, NDArray[Any], NDArray[Any]]


class Examples(Generic[Data]):
    """X and the targets, with one row for each example; a list or a data frame is an array here.

    The targets are y, and the weights where they are given: what a loss takes after an answer. A
    row whose weight is 0 is left out: `rows` has the numbers of the others. What lies in a file
    stays there until a batch asks for its rows.

    Raises ValueError, which begins with `who`, where rows are missing on one side or on both.
    """

    def __init__(self, who: str, X: Data, y: NDArray[Any], weight: object = None) -> None:
        given: Any = tuple([as_plain(A, f"{who}: X") for A in parts(X)])
        self.X: Data = given if isinstance(X, tuple) else given[0]
        self.y = as_plain(y, f"{who}: y")
        self.weight = None if weight is None else weights(f"{who}: weight", weight)
        everything = [*parts(self.X), self.y, *(() if self.weight is None else (self.weight,))]
        lengths = {len(A) if A.ndim else 0 for A in everything}
        if len(lengths) != 1 or 0 in lengths:
            shapes = " and ".join(str(A.shape) for A in everything)
            shapes += "" if self.weight is None else " (the weights)"
            raise ValueError(
                f"{who}: shapes {shapes} came, expected one row for each example, equally many in "
                "all and at least one"
            )
        self._usual = type(X) is not tuple and given[0].flags.c_contiguous and weight is None
        self.rows: Indices = np.arange(len(self.y))
        if self.weight is not None:
            self.rows = np.flatnonzero(self.weight.reshape(len(self.y), -1).any(axis=1))

    @classmethod
    def of_pair(cls, who: str, pair: HeldOut[Data]) -> Examples[Data]:
        """The examples of (X, y) or (X, y, weight), of finite numbers.

        Raises TypeError, which begins with `who`, for what is none of them, ValueError for numbers
        that are not finite.
        """
        given: object = pair
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise TypeError(
                f"{who} is {described(given)}, expected a pair (X, y), or (X, y, weight)"
            )
        examples = cls(who, *pair)
        if examples.not_finite():
            raise ValueError(
                f"{who}: {examples.not_finite()} has numbers that are not finite: remove or "
                "replace them first"
            )
        return examples

    def take(self, rows: Indices) -> tuple[Data, tuple[NDArray[Any], ...]]:
        """X and the targets of these rows."""
        X: Any = self.X
        if self._usual:
            return X.take(rows, 0), (self.y[rows],)
        X = tuple([take(A, rows) for A in X]) if isinstance(X, tuple) else take(X, rows)
        y = self.y[rows]
        return X, (y,) if self.weight is None else (y, self.weight[rows])

    def batches(self, size: int) -> int:
        """How many batches of `size` rows there are, a short last one included."""
        return -(-len(self.rows) // size)

    def in_order(self, size: int) -> Iterator[tuple[Data, tuple[NDArray[Any], ...]]]:
        """X and the targets of `size` rows at a time, the last ones fewer."""
        for start in range(0, len(self.rows), size):
            yield self.take(self.rows[start : start + size])

    def not_finite(self) -> str:
        """Which of X and y has numbers that are not finite; "" where none has."""
        for name, arrays in ("X", parts(self.X)), ("y", (self.y,)):
            if not all(map(is_finite, arrays)):
                return name
        return ""


def total_weight(targets: tuple[NDArray[Any], ...]) -> float:
    """What a mean over these rows counts: the sum of their weights, or how many they are."""
    return float(len(targets[0]) if len(targets) == 1 else targets[1].sum())


def take(A: NDArray[Any], rows: Indices) -> NDArray[Any]:
    """A[rows]. Of an array in C order `take` is faster; of another it would first copy it all."""
    return A.take(rows, 0) if A.flags.c_contiguous else A[rows]


def parts(X: Any) -> tuple[NDArray[Any], ...]:
    """One array or a tuple of arrays, as a tuple."""
    return X if isinstance(X, tuple) else (X,)


def joined(answers: Sequence[Any]) -> Any:
    """Answers for some rows each, as one for all of them."""
    if isinstance(answers[0], tuple):
        return tuple(map(np.concatenate, zip(*answers, strict=True)))
    return np.concatenate(answers)


def is_finite(A: NDArray[Any]) -> bool:
    """Whether all numbers are finite: then their extremes are, which takes no memory to see.

    >>> is_finite(np.array([1.0, np.nan]))
    False
    """
    if A.size == 0 or A.dtype.kind != "f":
        return True
    return bool(np.isfinite(A.min()) and np.isfinite(A.max()))
