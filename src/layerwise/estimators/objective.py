"""What an estimator makes small."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from layerwise.arguments import pair_from
from layerwise.arrays import Array, add_multiple
from layerwise.losses import Loss
from layerwise.parameter import Parameter, ParameterVector


class Objective:
    """factor · loss(Y, T, w) + α/2 Σ W² / n, where n is the number of rows, or Σ w.

    That is scikit-learn's: its losses add up the outputs of a row, which ours take the mean of, so
    its factor is the number of outputs; and its penalty, over all weights W but no biases, counts
    as one more row of the batch does. With `signs`, the loss gets −1 and 1 for no and yes.

    The penalty is that of the batch last seen: `train` asks for it between backward and step. The
    weights are those of `vector`, the optimizer's, where all of them lie side by side.
    """

    def __init__(
        self,
        loss: Loss[Array],
        vector: ParameterVector,
        *,
        factor: float = 1.0,
        alpha: float = 0.0,
        signs: bool = False,
    ) -> None:
        self.loss, self.vector, self.factor, self.signs = loss, vector, factor, signs
        self.alpha, self.total = alpha, 0.0

    def __call__(self, Y: Array, target: NDArray[Any], *weight: Array) -> tuple[float, Array]:
        """Return the value without the penalty, and its derivative by Y."""
        self.total = float(weight[0].sum()) if weight else len(Y)
        returned = self.loss(Y, 2 * target - 1 if self.signs else target, *weight)
        value, grad = pair_from(self.loss, returned, "(value, gradient)")
        return (value, grad) if self.factor == 1 else (self.factor * value, self.factor * grad)

    def penalty(self, _: Iterable[Parameter]) -> float:
        """Add the penalty's gradient to the vector's and return its value."""
        if not self.alpha:
            return 0.0
        strength, W = self.alpha / self.total, self.vector.weights
        add_multiple(self.vector.grad[: len(W)], strength, W)
        return strength / 2 * float(W.dot(W))
