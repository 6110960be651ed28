"""What is added to a loss so that weights stay small: `value = penalty(parameters)`.

A penalty is any callable of this form that adds its gradient to the parameters, with add_grad. It
is called between backward and step.
"""

from collections.abc import Callable, Iterable

import numpy as np

from layerwise.arguments import at_least_zero
from layerwise.parameter import Parameter

Penalty = Callable[[Iterable[Parameter]], float]


class L2:
    """λ Σ W², over all parameters of two or more axes; adds 2 λ W to the gradient of each W.

    Weights have two or more axes; biases and gains have one, and are left alone. λ is `strength`.
    Neither the half nor the division by the number of rows that some books have: AdamW, and the
    `weight_decay` of others, of 2 λ is the same for plain gradient descent only.

    Raises ValueError for a negative λ. Source: course part 4.4.

    >>> W, b = Parameter(np.array([[1.0, 2.0]])), Parameter(np.ones(2))
    >>> L2(0.5)([W, b]), W.grad, b.grad
    (2.5, array([[1., 2.]]), array([0., 0.]))
    """

    def __init__(self, strength: float) -> None:
        self.strength = at_least_zero("L2", "strength", strength)

    def __call__(self, parameters: Iterable[Parameter]) -> float:
        """Add the gradient and return the value."""
        value = 0.0
        for parameter in weights(parameters):
            W = parameter.value
            parameter.add_grad(2 * self.strength * W)
            value += self.strength * float(np.vdot(W, W))
        return value


class L1:
    """λ Σ |W|, over all parameters of two or more axes; adds λ sign(W) to the gradient of each W.

    It pulls every weight as hard, so that many come to lie about 0. At exactly 0, where the slope
    jumps from −λ to λ, the gradient is 0. Biases and gains, of one axis, are left alone. λ is
    `strength`.

    Raises ValueError for a negative λ. Source: Tibshirani, "Regression shrinkage and selection via
    the lasso", 1996.

    >>> W, b = Parameter(np.array([[1.0, -2.0, 0.0]])), Parameter(np.ones(3))
    >>> L1(0.5)([W, b]), W.grad, b.grad
    (1.5, array([[ 0.5, -0.5,  0. ]]), array([0., 0., 0.]))
    """

    def __init__(self, strength: float) -> None:
        self.strength = at_least_zero("L1", "strength", strength)

    def __call__(self, parameters: Iterable[Parameter]) -> float:
        """Add the gradient and return the value."""
        value = 0.0
        for parameter in weights(parameters):
            W = parameter.value
            parameter.add_grad(self.strength * np.sign(W))
            value += self.strength * float(np.abs(W).sum())
        return value


def weights(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Those of two or more axes, each once: a weight that two layers share is one weight."""
    return [p for p in dict.fromkeys(parameters) if len(p.shape) >= 2]
