"""Rows that are mostly zeros, kept as scipy.sparse has them, for a network that begins with Dense.

The network stays as it is. Two layers go before it while it reads such rows: `Rows`, which takes a
batch of them, and `SparseDense`, which does the work of the first Dense on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np
from scipy.sparse import issparse

from layerwise.arrays import Indices, Matrix, matrix_multiply, sum_rows
from layerwise.forms import same_form
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.network import Sequential

SparseMatrix: TypeAlias = Any  # scipy publishes no types


class Rows(Layer[Indices, SparseMatrix]):
    """Y = X[rows], of a matrix X in the CSR format; rows are integers, which have no gradient.

    X is data, not a state that a snapshot had to copy: so it is kept where no walk looks for it.

    >>> from scipy.sparse import csr_array
    >>> Rows(csr_array(np.eye(3)))(np.array([2])).toarray()
    array([[0., 0., 1.]])
    """

    def __init__(self, X: SparseMatrix) -> None:
        self.X = X

    def forward(self, rows: Indices, /) -> tuple[SparseMatrix, Callable[[SparseMatrix], Indices]]:
        """Y = X[rows]; back: zeros."""

        def backward(grad: SparseMatrix) -> Indices:
            return np.zeros_like(rows)

        return self.X[rows], backward


@final
class SparseDense(Layer[SparseMatrix, Matrix]):
    """Y = X W + b, with the W and b of a Dense, for rows X of scipy.sparse.

    dL/dW = Xᵀ grad is as dense as W, but costs only what the numbers in X that are not zero cost.
    """

    def __init__(self, dense: Dense) -> None:
        self.dense = dense
        self.output_shape = dense.W.shape[1:]

    def forward(self, X: SparseMatrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = X W + b; back: dL/dW = Xᵀ grad, dL/db = Σ grad over rows, dL/dX = grad Wᵀ."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: SparseMatrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """`forward` without dL/dX, which would have no zeros."""
        return self._forward(X, from_data=True)

    def _forward(
        self, X: SparseMatrix, *, from_data: bool
    ) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        W = self.dense.W.value
        X = X.astype(W.dtype, copy=False)
        Y: Matrix = X @ W
        if self.dense.bias:
            Y += self.dense.b.value
        shape = Y.shape

        def backward(grad: Matrix) -> Matrix:
            same_form("SparseDense", grad, shape, W.dtype)
            self.dense.W.add_grad(X.T @ grad)
            if self.dense.bias:
                self.dense.b.add_grad(sum_rows(grad))
            return grad if from_data else matrix_multiply(grad, W.T)

        return Y, backward

    def __repr__(self) -> str:
        return f"SparseDense({self.dense!r})"


def for_sparse(network: Layer[Any, Any]) -> list[Layer[Any, Any]]:
    """The layers of this network, the first of them for sparse rows.

    Raises ValueError for a network that does not begin with Dense.

    >>> from layerwise import ReLU; for_sparse(Sequential(Dense(3, 2), ReLU()))
    [SparseDense(Dense(3, 2)), ReLU()]
    """
    first, *others = network.layers if isinstance(network, Sequential) else (network,)
    if isinstance(first, Sequential):
        return [*for_sparse(first), *others]
    if not isinstance(first, Dense):
        raise ValueError(
            f"sparse X needs a network that begins with Dense, and this one begins with {first!r}: "
            "give X.toarray()"
        )
    return [SparseDense(first), *others]


def by_rows(network: Layer[Any, Any], X: Any) -> tuple[Layer[Any, Any], Any]:
    """A network and the rows that it takes: where X is sparse, the numbers of its rows."""
    if not issparse(X):
        return network, X
    return Sequential(Rows(X), *for_sparse(network)), np.arange(X.shape[0])
