"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arrays import Matrix, as_floating, matrix_multiply, ones
from layerwise.initializers import Initializer, he_normal
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
    and for an X that does not fit, TypeError for another dtype. Source: parts 1.2 and 3.3 of the
    course.

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
        if inputs < 1 or outputs < 1:
            raise ValueError(
                f"Dense: inputs={inputs} and outputs={outputs} came, expected at least 1 of each"
            )
        shape = (inputs, outputs)
        W = np.asarray(W_init(shape, np.random.default_rng(rng)))
        if W.shape != shape:
            raise ValueError(
                f"Dense: W_init gave shape {W.shape}, expected {shape}: "
                "an initializer returns an array of the shape it is given"
            )
        self.W = Parameter(W.astype(dtype))
        self.bias = bias
        if bias:
            self.b = Parameter(np.zeros(outputs, dtype))
        self.input_shape = (inputs,)

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

        def backward(grad: Matrix) -> Matrix:
            self.W.add_product(X.T, grad)  # X.T @ grad
            if self.bias:
                self.b.add_product(ones(len(grad), grad.dtype), grad)  # grad.sum(axis=0)
            return grad if from_data else matrix_multiply(grad, W.T)

        return Y, backward

    def __repr__(self) -> str:
        inputs, outputs = self.W.shape
        return f"Dense({inputs}, {outputs}{'' if self.bias else ', bias=False'})"
