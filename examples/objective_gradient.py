"""No layer at all: the gradient of a scipy.optimize objective, its mistake found and mended.

Run `python examples/objective_gradient.py`. The objective is logistic regression on the breast
cancer data of scikit-learn with a penalty on the weights w and none on the intercept b.
"""

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from layerwise import Matrix, Vector, check_gradient, sigmoid

PENALTY = 1e-2


def objective(x: Vector, X: Matrix, t: Vector) -> tuple[float, Vector]:
    """Mean log(1 + exp(-t (X w + b))) + c |w|²/2 for labels t = ±1 and x = (w, b); its gradient."""
    w, b = x[:-1], x[-1]
    margin = t * (X @ w + b)
    slope = -t * sigmoid(-margin) / len(t)
    value = np.logaddexp(0, -margin).mean() + PENALTY / 2 * (w @ w)
    return float(value), np.append(slope @ X + PENALTY * w, slope.sum())


def wrong_objective(x: Vector, X: Matrix, t: Vector) -> tuple[float, Vector]:
    """The same with a slip at the end: the intercept's gradient is a mean once too often."""
    value, gradient = objective(x, X, t)
    gradient[-1] /= len(t)
    return value, gradient


def main() -> None:
    """Check both, and minimize both."""
    data = load_breast_cancer()
    X, t = scale(data.data), np.where(data.target == 1, 1.0, -1.0)
    x = np.random.default_rng(0).normal(size=X.shape[1] + 1)
    wrong = check_gradient(wrong_objective, x, args=(X, t))
    right = check_gradient(objective, x, args=(X, t))
    print(f"{wrong}\n\n{right}\n")

    found: list[OptimizeResult] = [
        minimize(f, np.zeros_like(x), args=(X, t), jac=True, method="BFGS")
        for f in (wrong_objective, objective)
    ]
    for name, result in zip(("wrong", "right"), found, strict=True):
        slope = np.abs(objective(result.x, X, t)[1]).max()
        print(f"With the {name} gradient: {result.fun:.6f}, where the slope is {slope:.0e}")
    accuracy = float(np.mean((X @ found[1].x[:-1] + found[1].x[-1] > 0) == (t > 0)))
    print(
        f"\nShown: the checker names the wrong entry of {len(x)}, the intercept's, and the mended"
    )
    print(
        f"gradient is {right.verdict}; its minimum is lower, and classifies {accuracy:.3f} rightly."
    )


if __name__ == "__main__":
    main()
