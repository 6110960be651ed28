"""Where a place is in its sequence, added to what is there: attention alone does not know it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import whole_number
from layerwise.arrays import Array, Matrix, as_floating
from layerwise.forms import same_form, sequences_of
from layerwise.initializers import Initializer, normal
from layerwise.layers.base import Layer
from layerwise.layers.embedding import Embedding


class PositionalEncoding(Layer[Array, Array]):
    """Y[:, i] = X[:, i] + P[i], with P[i, 2j] = sin(i / 10000^(2j/d)) and P[i, 2j+1] its cosine.

    X has shape (n, t, d), n sequences of t places, counted from 0, with d = `features`. Nothing is
    learned, and sequences may be longer than any before. X keeps its dtype.

    Raises ValueError for an X or a gradient that does not fit. Source: Vaswani et al. 2017,
    arXiv:1706.03762, section 3.5.

    >>> PositionalEncoding(2)(np.zeros((1, 2, 2))).round(3)
    array([[[0.   , 1.   ],
            [0.841, 0.54 ]]])
    """

    def __init__(self, features: int) -> None:
        self.features = whole_number("PositionalEncoding", "features", features)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + P; back: grad."""
        Y = self._sum(X, first=0)
        shape = Y.shape

        def backward(grad: Array) -> Array:
            same_form("PositionalEncoding", grad, shape)
            return grad

        return Y, backward

    def stepper(self) -> Callable[[Array], Array]:
        """X + P[i], for i = 0, 1, … as places come."""
        places = count()
        return lambda x: self._sum(x[:, np.newaxis], first=next(places))[:, 0]

    def _sum(self, X: Array, first: int) -> Array:
        X = as_floating(X, "PositionalEncoding: X")
        sequences_of("PositionalEncoding", "X", X.shape, self.features)
        Y: Array = X + waves(first, first + X.shape[1], self.features, X.dtype)
        return Y

    def __repr__(self) -> str:
        return f"PositionalEncoding({self.features})"


class PositionEmbedding(Layer[Array, Array]):
    """Y[:, i] = X[:, i] + P[i], with a learned vector for each place.

    X has shape (n, t, features), n sequences of at most `length` places. P is `embedding.W`, of
    shape (length, features), which starts as `W_init(shape, rng)` gives it: normal with deviation
    1, as vectors of tokens do, so that neither drowns the other. X is converted to `dtype`,
    float64 or float32.

    Raises ValueError for a longer X, and for an X or a gradient that does not fit. Source: Gehring
    et al. 2017, arXiv:1705.03122, section 3.1.

    >>> PositionEmbedding(9, 2, rng=0)(np.zeros((1, 3, 2))).shape
    (1, 3, 2)
    """

    def __init__(
        self,
        length: int,
        features: int,
        *,
        W_init: Initializer = normal(1.0),  # noqa: B008  # it keeps nothing
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        whole_number("PositionEmbedding", "length", length)
        whole_number("PositionEmbedding", "features", features)
        self.embedding = Embedding(length, features, W_init=W_init, rng=rng, dtype=dtype)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + P; back: dL/dP = Σ grad over the sequences, dL/dX = grad."""
        X = self._converted(X)
        P, back_to_P = self.embedding.forward(np.arange(X.shape[1]))
        Y: Array = X + P
        shape, dtype = Y.shape, Y.dtype

        def backward(grad: Array) -> Array:
            same_form("PositionEmbedding", grad, shape, dtype)
            back_to_P(grad.sum(axis=0))
            return grad

        return Y, backward

    def stepper(self) -> Callable[[Array], Array]:
        """X + P[i], for i = 0, 1, … as places come."""
        places = count()

        def step(x: Array) -> Array:
            i = next(places)
            Y: Array = self._converted(x[:, np.newaxis], first=i)[:, 0] + self.embedding.W.value[i]
            return Y

        return step

    def _converted(self, X: Array, first: int = 0) -> Array:
        length, features = self.embedding.W.shape
        X = as_floating(X, "PositionEmbedding: X", self.embedding.W.dtype)
        sequences_of("PositionEmbedding", "X", X.shape, features)
        if first + X.shape[1] > length:
            raise ValueError(
                f"PositionEmbedding: {first + X.shape[1]} places came, expected at most {length}: "
                "make it with a larger length"
            )
        return X

    def __repr__(self) -> str:
        length, features = self.embedding.W.shape
        return f"PositionEmbedding({length}, {features})"


@lru_cache(maxsize=8)
def waves(first: int, end: int, features: int, dtype: np.dtype[Any]) -> Matrix:
    """P for the places from `first` to before `end`, read-only, and kept for the next call.

    Sines and cosines of waves that take from 2π to nearly 10000 · 2π places.
    """
    j = np.arange(features)
    angles = np.arange(first, end)[:, np.newaxis] / 10000 ** (2 * (j // 2) / features)
    P: Matrix = np.where(j % 2, np.cos(angles), np.sin(angles)).astype(dtype)
    P.flags.writeable = False
    return P
