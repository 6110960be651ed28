"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import whole_number
from layerwise.arrays import Matrix, as_floating, matrix_multiply, sum_rows
from layerwise.forms import same_form
from layerwise.initializers import Initializer, first_values, he_normal
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter


@final
class Dense(Layer[Matrix, Matrix]):
    """Y = X W + b.

    X has shape (n, inputs) and Y (n, outputs), for a batch of n rows. `W`, of shape
    (inputs, outputs), starts as `W_init(shape, rng)` gives it; `b`, of shape (outputs,), as zeros.
    With `bias=False` there is no `b`. `rng` is whatever `numpy.random.default_rng` takes, and
    `dtype` float64 or float32; X is converted to it.

    Raises ValueError for sizes that are not positive, for an initializer that gives another shape
    or no finite numbers, and for an X or a gradient that does not fit, TypeError for another dtype.
    Source: parts 1.2 and 3.3 of the course.

    >>> dense = Dense(2, 1); dense.W.value = np.array([[3.0], [4.0]])
    >>> dense(np.array([[1.0, 2.0]]))
    array([[11.]])
    """

    W: Parameter
    b: Parameter

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
        bias: bool = True,
        W_init: Initializer = he_normal,
    ) -> None:
        shape = whole_number("Dense", "inputs", inputs), whole_number("Dense", "outputs", outputs)
        self.W = first_values("Dense", W_init, shape, rng, dtype)
        self.bias = bias
        if bias:
            self.b = Parameter(np.zeros(shape[1], dtype))
        self.input_shape = shape[:1]

    def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = X W + b; back: dL/dW = Xᵀ grad, dL/db = Σ grad over rows, dL/dX = grad Wᵀ."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """`forward` without the product for dL/dX, which no one needs of data."""
        return self._forward(X, from_data=True)

    def _forward(self, X: Matrix, *, from_data: bool) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        W = self.W.value
        X = as_floating(X, "Dense: X", W.dtype)
        Y = matrix_multiply(X, W)
        if self.bias:
            Y += self.b.value
        shape = Y.shape

        def backward(grad: Matrix) -> Matrix:
            same_form("Dense", grad, shape, W.dtype)
            self.W.add_grad(X.T @ grad)
            if self.bias:
                self.b.add_grad(sum_rows(grad))
            return grad if from_data else matrix_multiply(grad, W.T)

        return Y, backward

    def __repr__(self) -> str:
        inputs, outputs = self.W.shape
        return f"Dense({inputs}, {outputs}{'' if self.bias else ', bias=False'})"
