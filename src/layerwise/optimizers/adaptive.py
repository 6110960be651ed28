"""Steps by the gradient over the root of its square: the running mean of it, or the sum."""

from collections.abc import Iterable

import numpy as np

from layerwise.arguments import fraction, positive
from layerwise.arrays import Vector
from layerwise.optimizers.base import LearningRate, Optimizer
from layerwise.parameter import Parameter


class RMSprop(Optimizer):
    """θ ← θ − η g / (√v + ε), v ← α v + (1 − α) g²: v is the running mean of g², from zero.

    `learning_rate` and `clip_norm` are as Optimizer has them.

    Raises ValueError for an α beyond [0, 1) or an ε that is not positive. Source: Tieleman and
    Hinton 2012, lecture 6.5 of "Neural networks for machine learning"; ε beside the root and the
    defaults as in PyTorch.

    >>> p = Parameter(np.array([1.0])); rms = RMSprop([p], learning_rate=0.1, alpha=0.75)
    >>> p.add_grad(np.array([2.0])); rms.step(); p.value.round(6)
    array([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 0.01,
        *,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        clip_norm: float | None = None,
    ) -> None:
        self._alpha = fraction("RMSprop", "alpha", alpha)
        super().__init__(parameters, learning_rate, moments=1, clip_norm=clip_norm)
        self._epsilon = positive("RMSprop", "epsilon", epsilon, least=_tiny(self.vector.value))

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        (v,) = moments
        square = grad * grad
        square *= 1 - self._alpha
        v *= self._alpha
        v += square
        root = np.sqrt(v, out=square)
        root += self._epsilon
        grad /= root
        grad *= self.learning_rate
        value -= grad


class Adagrad(Optimizer):
    """θ ← θ − η g / (√s + ε), s ← s + g²: s is the sum of g² so far, from zero.

    `learning_rate` and `clip_norm` are as Optimizer has them.

    Raises ValueError for an ε that is not positive. Source: Duchi et al. 2011, JMLR 12, figure 1
    with diagonal matrices; the defaults as in PyTorch.

    >>> p = Parameter(np.array([1.0])); adagrad = Adagrad([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); adagrad.step(); p.value.round(6)
    array([0.9])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 0.01,
        *,
        epsilon: float = 1e-10,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, moments=1, clip_norm=clip_norm)
        self._epsilon = positive("Adagrad", "epsilon", epsilon, least=_tiny(self.vector.value))

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        (s,) = moments
        s += grad * grad
        root = np.sqrt(s)
        root += self._epsilon
        grad /= root
        grad *= self.learning_rate
        value -= grad


def _tiny(like: Vector) -> float:
    """The smallest number of this dtype that keeps its digits: a smaller ε would be 0, or near."""
    return float(np.finfo(like.dtype).tiny)
