"""A layer of rows over the places of sequences."""

from collections.abc import Callable
from typing import final

from layerwise.arguments import of_type
from layerwise.arrays import Array, Matrix, as_floating
from layerwise.forms import same_form
from layerwise.layers.base import Layer


@final
class TimeDistributed(Layer[Array, Array]):
    """Y[i, …, j] = f(X[i, …, j]): a layer that takes rows, over the last axis of sequences.

    X has shape (n, …, d), such as (n, steps, d), and Y (n, …, outputs), where the layer makes
    (m, outputs) of (m, d): all leading axes are merged into its rows. As many backwards as the
    layer inside allows.

    Raises ValueError for an X of fewer than two axes, and what the layer raises for (m, d).

    >>> import numpy as np; from layerwise import Dense
    >>> TimeDistributed(Dense(3, 2, rng=0))(np.ones((5, 4, 3))).shape
    (5, 4, 2)
    """

    by_position = True

    def __init__(self, layer: Layer[Matrix, Matrix]) -> None:
        of_type("TimeDistributed", "layer", layer, Layer, "as in TimeDistributed(Dense(3, 3))")
        self.layer = layer

    def __call__(self, X: Array, /) -> Array:
        """Return Y, the way it is wanted outside training."""
        rows, lead = self._rows(X)
        Y = self.layer(rows)
        return Y.reshape(*lead, *Y.shape[1:])

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """The layer's forward for all rows; back: its backward."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """`forward` that goes back into the layer for its parameters only."""
        return self._forward(X, from_data=True)

    def _forward(self, X: Array, *, from_data: bool) -> tuple[Array, Callable[[Array], Array]]:
        rows, lead = self._rows(X)
        forward = self.layer.forward_from_data if from_data else self.layer.forward
        inside, way_back = forward(rows)
        Y = inside.reshape(*lead, *inside.shape[1:])
        before, within, after, dtype = X.shape, inside.shape, Y.shape, Y.dtype

        def backward(grad: Array) -> Array:
            same_form("TimeDistributed", grad, after, dtype)
            dX = way_back(grad.reshape(within))
            return dX if from_data else dX.reshape(before)

        return Y, backward

    def _rows(self, X: Array) -> tuple[Matrix, tuple[int, ...]]:
        X = as_floating(X, "TimeDistributed: X")
        if X.ndim < 2:
            raise ValueError(
                f"TimeDistributed: X {X.shape} came, expected (n, …, d): a row of d numbers in "
                "each place"
            )
        rows: Matrix = X.reshape(-1, X.shape[-1])
        return rows, X.shape[:-1]

    def __repr__(self) -> str:
        return f"TimeDistributed({self.layer!r})"
