"""Examples, taken row by row: X is an array, or a tuple of arrays with equally many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import described
from layerwise.arrays import Indices

Data = TypeVar("Data")


class Examples(Generic[Data]):
    """X and y, with one row for each example; a list or a data frame is an array from here on.

    Raises ValueError, which begins with `who`, where rows are missing on one side or on both.
    """

    def __init__(self, who: str, X: Data, y: NDArray[Any]) -> None:
        arrays: Any = tuple(map(np.asarray, X)) if isinstance(X, tuple) else np.asarray(X)
        self.X: Data = arrays
        self.y: NDArray[Any] = np.asarray(y)
        lengths = {len(A) if A.ndim else 0 for A in (*parts(self.X), self.y)}
        if len(lengths) != 1 or 0 in lengths:
            shapes = " and ".join(str(A.shape) for A in (*parts(self.X), self.y))
            raise ValueError(
                f"{who} have shapes {shapes}, expected one row for each example, equally many in "
                "all and at least one"
            )

    @classmethod
    def of_pair(cls, who: str, pair: tuple[Data, NDArray[Any]]) -> Examples[Data]:
        """The examples of a pair (X, y) of finite numbers.

        Raises TypeError, which begins with `who`, for what is no pair, ValueError for numbers
        that are not finite.
        """
        given: object = pair
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise TypeError(f"{who} is {described(given)}, expected a pair (X, y)")
        examples = cls(who, *pair)
        if examples.not_finite():
            raise ValueError(
                f"{who}: {examples.not_finite()} has numbers that are not finite: remove or "
                "replace them first"
            )
        return examples

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Indices) -> tuple[Data, NDArray[Any]]:
        """X and y of these rows."""
        X: Any = self.X
        X = tuple(A.take(rows, 0) for A in X) if isinstance(X, tuple) else X.take(rows, 0)
        return X, self.y[rows]

    def in_order(self, size: int) -> Iterator[tuple[Data, NDArray[Any]]]:
        """X and y of `size` rows at a time, the last ones fewer."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))

    def not_finite(self) -> str:
        """Which of X and y has numbers that are not finite; "" where none has."""
        for name, arrays in ("X", parts(self.X)), ("y", (self.y,)):
            if not all(map(is_finite, arrays)):
                return name
        return ""


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
