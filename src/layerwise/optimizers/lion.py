"""Steps of one size by the sign of a mean."""

from collections.abc import Iterable

import numpy as np

from layerwise.arguments import at_least_zero, fraction
from layerwise.arrays import Vector
from layerwise.optimizers.base import LearningRate, Optimizer
from layerwise.parameter import Parameter


class Lion(Optimizer):
    """θ ← (1 − η λ) θ − η sign(β₁ m + (1 − β₁) g), then m ← β₂ m + (1 − β₂) g, m from zero.

    λ is `weight_decay`, for parameters of two or more axes only, weights and not biases or gains.
    Each number moves by η or not at all, so η is three to ten times smaller than Adam's, and λ as
    much larger. `learning_rate` and `clip_norm` are as Optimizer has them.

    Raises ValueError for a β beyond [0, 1) or a negative λ. Source: Chen et al. 2023,
    arXiv:2302.06675, algorithm 2, with λ decoupled as there; η as in its authors' program.

    >>> p = Parameter(np.array([1.0])); lion = Lion([p], learning_rate=0.1)
    >>> p.add_grad(np.array([2.0])); lion.step(); p.value
    array([0.9])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: LearningRate = 1e-4,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        self._betas = fraction("Lion", "beta1", beta1), fraction("Lion", "beta2", beta2)
        self._weight_decay = at_least_zero("Lion", "weight_decay", weight_decay)
        super().__init__(parameters, learning_rate, moments=1, clip_norm=clip_norm)

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change `value` in place; `grad` serves as scratch."""
        (beta1, beta2), (m,) = self._betas, moments
        direction = m * (beta1 / (1 - beta1))
        direction += grad
        np.sign(direction, out=direction)
        direction *= self.learning_rate
        value -= direction
        m *= beta2
        grad *= 1 - beta2
        m += grad
