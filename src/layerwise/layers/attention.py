"""Attention: what a place of a sequence takes from others, there or in another sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import whole_number
from layerwise.arrays import Array, as_floating
from layerwise.forms import place_of_each, same_form
from layerwise.initializers import glorot_uniform
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.layers.dot_product import attend, attention_weights, bars
from layerwise.layers.masks import Mask, with_mask
from layerwise.layers.memory import Kept, told_apart
from layerwise.layers.time_distributed import TimeDistributed

Sequences = Array | tuple[Array, Mask] | tuple[Array, Array] | tuple[Array, Array, Mask]


class MultiHeadAttention(Layer[Sequences, Array]):
    """Y = [A₁ … Aₕ] Wₒ + bₒ, in each head A = softmax(Q Kᵀ / √d) V, with Q, K, V Dense of X.

    X and Y have shape (n, t, features). Each of h = `heads` heads has d = features / h columns of
    Q, K and V. With `causal=True` a place looks at itself and earlier ones only.

    X may be (X, memory): then K and V are Dense of a memory (n, s, features). A boolean array that
    comes last, (n, t) in (X, mask) and (n, s) in (X, memory, mask), has False for each place that
    may not be looked at, such as padding. A place that may look at none has A = 0 and Y = bₒ.

    K has no bias: it would add one number to all scores of a row, which softmax takes away.
    Weights start as `glorot_uniform` gives them. X is converted to `dtype`, float64 or float32.

    Raises ValueError for heads that do not divide the features, for a memory where causal, and for
    an X or a gradient that does not fit, TypeError for other tuples. Source: Vaswani et al. 2017,
    arXiv:1706.03762, section 3.2.

    >>> attention = MultiHeadAttention(4, 2, causal=True, rng=0)
    >>> attention.weights(np.zeros((1, 2, 4)))[0, 0]
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    takes_mask = True

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        causal: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        features = whole_number("MultiHeadAttention", "features", features)
        self.heads = whole_number("MultiHeadAttention", "heads", heads)
        if features % heads:
            raise ValueError(
                f"MultiHeadAttention: heads={heads} came, expected a divisor of features={features}"
            )
        rng = np.random.default_rng(rng)

        def new(*, bias: bool = True) -> Dense:
            options: Any = {"bias": bias, "rng": rng, "dtype": dtype, "W_init": glorot_uniform}
            return Dense(features, features, **options)

        self.query, self.key, self.value, self.output = new(), new(bias=False), new(), new()
        self.features, self.causal = features, causal

    def forward(self, X: Sequences, /) -> tuple[Array, Callable[[Array], Any]]:
        """Y = [A₁ … Aₕ] Wₒ + bₒ; back: to A, to Q, K and V, and to what these are of."""
        own, memory, mask = self._read(X)
        seen = own if memory is None else memory
        Q, back_from_Q = TimeDistributed(self.query).forward(own)
        K, back_from_K = TimeDistributed(self.key).forward(seen)
        V, back_from_V = TimeDistributed(self.value).forward(seen)
        A, back_from_A = attend(Q, K, V, self.heads, bars(K, mask, causal=self.causal))
        Y, back_from_Y = TimeDistributed(self.output).forward(A)
        shape, dtype = Y.shape, Y.dtype

        def backward(grad: Array) -> Any:
            same_form("MultiHeadAttention", grad, shape, dtype)
            dQ, dK, dV = back_from_A(back_from_Y(grad))
            d_own, d_seen = back_from_Q(dQ), back_from_K(dK) + back_from_V(dV)
            if memory is None:
                return with_mask(d_own + d_seen, mask)
            return (d_own, d_seen) if mask is None else (d_own, d_seen, np.zeros_like(mask))

        return Y, backward

    def weights(self, X: Sequences, /) -> Array:
        """softmax(Q Kᵀ / √d), (n, heads, t, s): how much each place takes of each it looks at."""
        own, memory, mask = self._read(X)
        Q = TimeDistributed(self.query)(own)
        K = TimeDistributed(self.key)(own if memory is None else memory)
        return attention_weights(Q, K, self.heads, bars(K, mask, causal=self.causal))

    def stepper(self) -> Callable[[Array], Array]:
        """Keep keys and values, so that a step costs one look at each place so far.

        Raises TypeError where not causal; the step itself ValueError for an x that does not fit, or
        of another number of sequences.
        """
        if not self.causal:
            raise TypeError(
                "MultiHeadAttention: it has no stepper, for its places look at later ones too: "
                "make it with causal=True"
            )
        keys, values, n = Kept(), Kept(), None

        def step(x: Array) -> Array:
            nonlocal n
            x = as_floating(x, "MultiHeadAttention: x")
            n = place_of_each("MultiHeadAttention", x.shape, n, self.features)
            Q, K, V = self.query(x), keys.add(self.key(x)), values.add(self.value(x))
            A, _ = attend(Q[:, np.newaxis], K, V, self.heads)
            return self.output(A[:, 0])

        return step

    def _read(self, X: Sequences) -> tuple[Array, Array | None, Mask | None]:
        own, memory, mask = told_apart(X, self.features)
        if self.causal and memory is not None:
            raise ValueError(
                "MultiHeadAttention: a memory came, expected none where causal=True: no place of "
                "it is earlier or later than one of X"
            )
        return own, memory, mask

    def __repr__(self) -> str:
        causal = ", causal=True" if self.causal else ""
        return f"MultiHeadAttention({self.features}, {self.heads}{causal})"
