"""Tokens as vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import whole_number
from layerwise.arrays import Array, Indices
from layerwise.forms import same_form, tokens_below
from layerwise.initializers import Initializer, first_values, normal
from layerwise.layers.base import Layer
from layerwise.layers.masks import Mask, apart, with_mask


class Embedding(Layer[Indices | tuple[Indices, Mask], Array]):
    """Y[i, j] = W[X[i, j]]: the row of W that belongs to a token.

    X has integers from 0 to below `tokens`, of any shape, such as (n, t), and Y one more axis, of
    `features`. `W`, of shape (tokens, features), starts as `W_init(shape, rng)` gives it: normal
    with deviation 1, the size of answer that the weights of the next layer are drawn for. X may
    be (X, mask), with a mask of the shape of X: where that is False, Y is 0 whatever the token.

    Raises ValueError for a token out of this range, named with its place, for sizes that are not
    positive and for what does not fit, TypeError for floats. Source: Bengio et al. 2003, JMLR 3,
    section 2, where W is C.

    >>> embedding = Embedding(3, 2, W_init=normal(0.1), rng=0)
    >>> bool((embedding(np.array([[2, 2, 0]]))[0, 1] == embedding.W.value[2]).all())
    True
    """

    takes_mask = by_position = True

    def __init__(
        self,
        tokens: int,
        features: int,
        *,
        W_init: Initializer = normal(1.0),  # noqa: B008  # it keeps nothing
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        counts = {"tokens": tokens, "features": features}
        shape = tuple(whole_number("Embedding", name, n) for name, n in counts.items())
        self.W = first_values("Embedding", W_init, shape, rng, dtype)

    def forward(
        self, X: Indices | tuple[Indices, Mask], /
    ) -> tuple[Array, Callable[[Array], Indices | tuple[Indices, Mask]]]:
        """Y = W[X]; back: dL/dW[k] = Σ grad over the places of token k. X has no gradient."""
        W = self.W.value
        given, mask = apart(self, X)
        tokens = tokens_below("Embedding", given, len(W), mask)
        Y: Array = W.take(tokens, axis=0)
        if mask is not None:
            Y *= mask[..., np.newaxis]
        shape = Y.shape

        def backward(grad: Array) -> Indices | tuple[Indices, Mask]:
            same_form("Embedding", grad, shape, W.dtype)
            seen = grad if mask is None else grad * mask[..., np.newaxis]
            self.W.add_grad_at(tokens, seen)
            nothing: Indices | tuple[Indices, Mask] = with_mask(np.zeros_like(tokens), mask)
            return nothing

        return Y, backward

    def __repr__(self) -> str:
        tokens, features = self.W.shape
        return f"Embedding({tokens}, {features})"
