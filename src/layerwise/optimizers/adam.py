"""Steps by the running mean of the gradient over the root of that of its square."""

from collections.abc import Iterable
from math import sqrt

import numpy as np

from layerwise.arguments import at_least_zero, fraction, positive
from layerwise.arrays import Vector
from layerwise.optimizers.base import LearningRate, Optimizer
from layerwise.parameter import Parameter


class Adam(Optimizer):
    """θ ← θ − η m̂ / (√v̂ + ε), m̂ and v̂ the running means of g and g², corrected for their start.

    In full: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
    at step t, η `learning_rate`, and m and v from zero. Kept here are the sums m / (1 − β₁) and
    v / (1 − β₂), which need two products fewer; the factors go into the step size and ε.
    `learning_rate` and `clip_norm` are as Optimizer has them.

    Raises ValueError for a β beyond [0, 1) or an ε that is not positive. Source: Kingma and Ba
    2015, arXiv:1412.6980, algorithm 1.

    >>> p = Parameter(np.array([1.0])); adam = Adam([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); adam.step(); p.value.round(6)
    array([0.9])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        clip_norm: float | None = None,
    ) -> None:
        name = type(self).__name__
        self._betas = fraction(name, "beta1", beta1), fraction(name, "beta2", beta2)
        super().__init__(parameters, learning_rate, moments=2, clip_norm=clip_norm)
        dtype = self.vector.value.dtype
        self._epsilon = positive(name, "epsilon", epsilon, least=float(np.finfo(dtype).tiny))
        self._decays = tuple(np.array(beta, dtype) for beta in self._betas)

    @property
    def betas(self) -> tuple[float, float]:
        """β₁ and β₂; fixed, because the sums are kept with them."""
        return self._betas

    @property
    def epsilon(self) -> float:
        """ε; fixed."""
        return self._epsilon

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        (beta1, beta2), (decay1, decay2), (m, v) = self._betas, self._decays, moments
        m_scale = (1 - beta1) / (1 - beta1**self.steps)
        v_scale = sqrt((1 - beta2) / (1 - beta2**self.steps))
        # Arrays without axes, because NumPy takes half the time for them that it takes for numbers.
        epsilon = np.array(self._epsilon / v_scale, grad.dtype)
        rate = np.array(self.learning_rate * m_scale / v_scale, grad.dtype)
        m *= decay1
        m += grad
        np.square(grad, out=grad)
        v *= decay2
        v += grad
        np.sqrt(v, out=grad)
        grad += epsilon
        np.divide(m, grad, out=grad)
        grad *= rate
        value -= grad


class AdamW(Adam):
    """θ ← (1 − η λ) θ − η m̂ / (√v̂ + ε), the rest as Adam's: Adam with decoupled weight decay.

    λ is `weight_decay`. It shrinks parameters of two or more axes only, weights and not biases or
    gains; PyTorch shrinks all that it is given.

    Raises ValueError for a negative λ. Source: Loshchilov and Hutter 2019, arXiv:1711.05101,
    algorithm 2, with the schedule's multiplier in η, as in PyTorch.

    >>> p = Parameter(np.array([[1.0]])); adamw = AdamW([p], learning_rate=0.1, weight_decay=0.5)
    >>> p.add_grad(np.array([[2.0]])); adamw.step(); p.value.round(6)
    array([[0.85]])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
    ) -> None:
        self._weight_decay = at_least_zero("AdamW", "weight_decay", weight_decay)
        super().__init__(
            parameters,
            learning_rate,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            clip_norm=clip_norm,
        )
