"""Normalization by the statistics of a batch."""

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import fraction, positive, whole_number
from layerwise.arrays import Array, Matrix, as_floating
from layerwise.forms import features_last, same_form
from layerwise.layers.base import Layer
from layerwise.layers.long_rows import merge_rows, repeat_to, sum_merged
from layerwise.parameter import Parameter


class BatchNorm(Layer[Array, Array]):
    """Y = γ (X − μ) / √(v + ε) + β, with the mean μ and variance v of each feature in the batch.

    X has shape (n, …, features), and μ and v are taken over all axes but the last: of images, over
    their positions too. `gamma` starts as ones and `beta` as zeros, of shape (features,). A call
    uses `running_mean` and `running_variance` instead, so each row is answered by itself; every
    forward moves them: running = momentum · running + (1 − momentum) · batch, as in Keras
    (PyTorch's momentum is 1 minus this one). Both variances are biased, divided by the count.

    A batch of one row (1, features) is its own mean, so Y = β, and nothing is learned from it but
    β: let no batch be that short. X is converted to `dtype`, float64 or float32.

    Raises ValueError for sizes, an epsilon or a momentum out of range, for an X without rows, and
    for an X or a gradient that does not fit. Source: Ioffe and Szegedy 2015, arXiv:1502.03167,
    algorithm 1; the way back, section 3.

    >>> BatchNorm(1).forward(np.array([[1.0], [3.0]]))[0].round(3)
    array([[-1.], [ 1.]])
    """

    by_position = True  # when it is called

    def __init__(
        self,
        features: int,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        dtype: DTypeLike = np.float64,
    ) -> None:
        shape = (whole_number("BatchNorm", "features", features),)
        self.momentum = fraction("BatchNorm", "momentum", momentum)
        self.epsilon = positive("BatchNorm", "epsilon", epsilon)
        self.gamma, self.beta = Parameter(np.ones(shape, dtype)), Parameter(np.zeros(shape, dtype))
        self.running_mean, self.running_variance = np.zeros(shape, dtype), np.ones(shape, dtype)

    def __call__(self, X: Array, /) -> Array:
        """Y = γ (X − μ) / √(v + ε) + β, with the running μ and v."""
        X = self._of_features(X)
        scale = self.gamma.value / np.sqrt(self.running_variance + self.epsilon)
        Y: Array = (X - self.running_mean) * scale + self.beta.value
        return Y

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = γ Z + β; back: dL/dX = γ (grad − mean(grad) − Z mean(grad Z)) / √(v + ε)."""
        gamma, beta = self.gamma.value, self.beta.value
        X = self._of_features(X)
        if X.size == 0:
            raise ValueError(f"BatchNorm: X {X.shape} has no rows, expected at least one")
        features, n, shape = len(gamma), X.size // len(gamma), X.shape
        A = merge_rows(X)
        mean = sum_merged(A, features) / n
        C: Matrix = A - repeat_to(mean, A)
        Y = C * C  # for the variance; then its memory is used again
        variance = sum_merged(Y, features) / n
        s = 1 / np.sqrt(variance + self.epsilon)
        np.multiply(C, repeat_to(gamma * s, A), out=Y)
        Y += repeat_to(beta, A)
        self.running_mean += (1 - self.momentum) * (mean - self.running_mean)
        self.running_variance += (1 - self.momentum) * (variance - self.running_variance)

        def backward(grad: Array) -> Array:
            same_form("BatchNorm", grad, shape, gamma.dtype)
            G = grad.reshape(C.shape)
            dA = G * C  # for the sum; then its memory is used again
            dbeta, dgamma = sum_merged(G, features), s * sum_merged(dA, features)
            self.beta.add_grad(dbeta)
            self.gamma.add_grad(dgamma)
            np.multiply(C, repeat_to(-s * dgamma / n, C), out=dA)
            dA += G
            dA -= repeat_to(dbeta / n, C)
            dA *= repeat_to(gamma * s, C)
            return dA.reshape(shape)

        return Y.reshape(shape), backward

    def _of_features(self, X: Array) -> Array:
        X = as_floating(X, "BatchNorm: X", self.gamma.dtype)
        features_last("BatchNorm", X.shape, len(self.gamma.value))
        return X

    def __repr__(self) -> str:
        return f"BatchNorm({len(self.gamma.value)})"
