"""The block that transformers are rows of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arrays import Array
from layerwise.layers.attention import MultiHeadAttention
from layerwise.layers.base import Layer
from layerwise.layers.composition import Residual
from layerwise.layers.dense import Dense
from layerwise.layers.dropout import Dropout
from layerwise.layers.masks import Mask, apart, paired
from layerwise.layers.row_normalization import LayerNorm
from layerwise.layers.smooth_activations import GELU
from layerwise.layers.time_distributed import TimeDistributed
from layerwise.network import Sequential

Padded = Array | tuple[Array, Mask]


class TransformerBlock(Layer[Padded, Array]):
    """H = X + attention(norm(X)), Y = H + mlp(norm(H)), in each place mlp = Dense, GELU, Dense.

    X and Y have shape (n, t, features); X may be (X, mask), with booleans (n, t), False for
    padding. `heads` and `causal` are those of `MultiHeadAttention`; inside, the mlp has `hidden`
    units, 4 · features unless given. `dropout` is the rate at which each of the two sums loses
    entries of what is added, in training.

    Raises ValueError for what one of these layers refuses, RuntimeError for a second backward of
    one forward. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.1; the norms first, as in
    Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3.

    >>> TransformerBlock(4, 2, rng=0)(np.zeros((1, 3, 4))).shape
    (1, 3, 4)
    """

    takes_mask = True

    def __init__(
        self,
        features: int,
        heads: int,
        *,
        hidden: int | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        rng = np.random.default_rng(rng)
        hidden = 4 * features if hidden is None else hidden
        self.norm = LayerNorm(features, dtype=dtype)
        self.attention = MultiHeadAttention(features, heads, causal=causal, rng=rng, dtype=dtype)
        self.mlp_norm = LayerNorm(features, dtype=dtype)
        self.mlp = Sequential(
            Dense(features, hidden, rng=rng, dtype=dtype),
            GELU(),
            Dense(hidden, features, rng=rng, dtype=dtype),
        )
        seeds = rng.integers(2**63, size=2).tolist() if dropout else []
        self.dropouts = [Dropout(dropout, rng=seed) for seed in seeds]
        first, second = self.dropouts[:1], self.dropouts[1:]
        self._sums: Sequential[Any] = Sequential(
            Residual(Sequential(self.norm, self.attention, *first)),
            Residual(Sequential(self.mlp_norm, TimeDistributed(self.mlp), *second)),
        )

    def __call__(self, X: Padded, /) -> Array:
        """Return Y, the way it is wanted outside training."""
        return self._sums(X)

    def forward(self, X: Padded, /) -> tuple[Array, Callable[[Array], Padded]]:
        """The two sums; back: the other way round."""
        return self._sums.forward(X)

    def weights(self, X: Padded, /) -> Array:
        """How much each place takes of each it looks at, (n, heads, t, t)."""
        own, mask = apart(self, X)
        return self.attention.weights(paired(self.attention, self.norm(own), mask))

    def stepper(self) -> Callable[[Array], Array]:
        """The two sums, place by place, where attention is causal."""
        return self._sums.stepper()

    def parts(self) -> Mapping[str, object]:
        """The layers, each by its name: the sums have the same ones again."""
        return {name: part for name, part in vars(self).items() if name != "_sums"}

    def __repr__(self) -> str:
        return repr(self.attention).replace("MultiHeadAttention", "TransformerBlock")
