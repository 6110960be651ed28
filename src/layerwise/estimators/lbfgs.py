"""The solver that takes all rows at once: scipy's L-BFGS-B on one flat vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from layerwise.arrays import Vector
from layerwise.estimators.objective import Objective
from layerwise.layers.base import Layer


def lbfgs(
    network: Layer[Any, Any],
    X: Any,
    targets: Sequence[NDArray[Any]],
    objective: Objective,
    iterated: Callable[[float], None],
    **options: float,
) -> OptimizeResult:
    """θ ← argmin objective(θ), in place: θ is the objective's vector, of the network's parameters.

    `iterated` is called with the loss after each iteration; `options` are those of
    scipy.optimize.minimize. Source: Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for
    bound constrained optimization", 1995.
    """
    vector = objective.vector

    def loss(theta: Vector) -> tuple[float, Vector]:
        vector.value[...] = theta
        vector.zero_grad()
        Y, backward = network.forward_from_data(X)
        value, grad = objective(Y, *targets)
        backward(grad)
        value += objective.penalty(vector.parameters)
        return value, vector.grad.astype(np.float64)  # a copy: scipy keeps it

    def callback(intermediate_result: OptimizeResult) -> None:
        iterated(float(intermediate_result.fun))

    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            loss, vector.value, jac=True, method="L-BFGS-B", callback=callback, options=options
        )
    vector.value[...] = result.x
    vector.zero_grad()
    return result
