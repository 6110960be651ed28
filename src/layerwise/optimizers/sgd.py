"""Gradient descent, plain and with momentum."""

from collections.abc import Iterable

import numpy as np

from layerwise.arguments import fraction
from layerwise.arrays import Vector
from layerwise.optimizers.base import LearningRate, Optimizer
from layerwise.parameter import Parameter


class SGD(Optimizer):
    """θ ← θ − η g; with momentum μ: v ← μ v − η g and θ ← θ + v; Nesterov: θ ← θ + μ v − η g.

    g is the gradient, η `learning_rate` and v starts from zero. Nesterov's formula uses the new v.
    `learning_rate` and `clip_norm` are as Optimizer has them.

    Raises ValueError for a momentum beyond [0, 1), and for Nesterov without momentum. Source:
    course part 2.2, momentum part 4.5; Nesterov as in Sutskever et al. 2013, in the form of
    Bengio et al. 2012, arXiv:1212.0901, equation 7.

    >>> p = Parameter(np.array([1.0])); sgd = SGD([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); sgd.step(); p.value
    array([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        clip_norm: float | None = None,
    ) -> None:
        self._momentum, self._nesterov = fraction("SGD", "momentum", momentum), nesterov
        if nesterov and not self._momentum:
            raise ValueError(
                "SGD: nesterov=True without momentum came, expected one, as in momentum=0.9"
            )
        moments = 1 if momentum else 0
        super().__init__(parameters, learning_rate, moments=moments, clip_norm=clip_norm)

    @property
    def momentum(self) -> float:
        """The share of the velocity that is kept from step to step; fixed."""
        return self._momentum

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        grad *= self.learning_rate
        if not moments:
            value -= grad
            return
        (v,) = moments
        v *= self.momentum
        v -= grad
        if self._nesterov:
            value -= grad
            np.multiply(v, self.momentum, out=grad)
            value += grad
        else:
            value += v
