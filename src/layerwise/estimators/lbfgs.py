"""The solver whose steps are of all rows: scipy's L-BFGS-B on one flat vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from scipy.sparse import issparse

from layerwise.arrays import Vector
from layerwise.data import total_weight
from layerwise.estimators.base import ROWS
from layerwise.estimators.objective import Objective
from layerwise.layers.base import Layer


def lbfgs(
    network: Layer[Any, Any],
    X: Any,
    targets: tuple[NDArray[Any], ...],
    objective: Objective,
    iterated: Callable[[float], None],
    **options: float,
) -> OptimizeResult:
    """θ ← argmin objective(θ), in place: θ is the objective's vector, of the network's parameters.

    `iterated` is called with the loss after each iteration; `options` are those of
    scipy.optimize.minimize. The gradients of parts of the rows are added up, each by its share of
    the weights: what a part needs fits into a CPU's cache. So no layer may mix rows. Source: Byrd,
    Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization", 1995.
    """
    vector, total = objective.vector, total_weight(targets)
    # Of sparse rows, a part's gradient is as large as W: so a part has no fewer rows than W.
    n, size = X.shape[0], max(ROWS, X.shape[1]) if issparse(X) else ROWS
    parts = [[A[start : start + size] for A in (X, *targets)] for start in range(0, n, size)]

    def loss(theta: Vector) -> tuple[float, Vector]:
        vector.value[...] = theta
        vector.zero_grad()
        value = 0.0
        for rows, *wanted in parts:
            Y, backward = network.forward_from_data(rows)
            mean, grad = objective(Y, *wanted)
            share = objective.total / total
            value += share * mean
            backward(share * grad)
        objective.total = total  # the penalty is one for all parts
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
