"""A layer of one's own inside a grid search.

Run `python examples/sklearn_custom_layer.py`. It takes some seconds. The layer is a cosine with
frequencies that are learned; the search chooses how many, and how fast they start. `build` is a
dataclass, so that the search reaches its fields as `build__waves`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GridSearchCV, train_test_split

from layerwise import Adam, Array, Dense, Layer, Matrix, Parameter, Sequential, check_layer
from layerwise.estimators import MLPRegressor, NetworkRegressor


class Waves(Layer[Matrix, Matrix]):
    """Y = cos(X F + p), with frequencies F and phases p that are learned."""

    def __init__(
        self, inputs: int, waves: int, *, frequency: float, rng: np.random.Generator
    ) -> None:
        self.F = Parameter(rng.normal(0, frequency, (inputs, waves)))
        self.p = Parameter(rng.uniform(0, 2 * np.pi, waves))

    def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = cos(A), A = X F + p; back: dL/dA = −grad sin(A), and from there as in Dense."""
        A: Matrix = X @ self.F.value + self.p.value

        def backward(grad: Matrix) -> Matrix:
            dA = -grad * np.sin(A)
            self.F.add_grad(X.T @ dA)
            self.p.add_grad(dA.sum(axis=0))
            dX: Matrix = dA @ self.F.value.T
            return dX

        Y: Matrix = np.cos(A)
        return Y, backward


@dataclass(frozen=True)
class WaveNetwork:
    """What makes the network: waves, and a weight for each of them."""

    waves: int = 32
    frequency: float = 1.0

    def __call__(self, inputs: int, outputs: int, rng: np.random.Generator) -> Sequential[Array]:
        """A network for tables of so many columns."""
        waves = Waves(inputs, self.waves, frequency=self.frequency, rng=rng)
        return Sequential(waves, Dense(self.waves, outputs, rng=rng))


def main() -> None:
    """Prove the layer, search, and compare with a network of ReLUs."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2))
    y = np.sin(9 * X[:, 0]) * np.cos(7 * X[:, 1]) + rng.normal(0, 0.1, 600)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    layer = Waves(2, 5, frequency=1.0, rng=rng)
    print(check_layer(layer, X[:6]))

    grid = {"build__waves": [32, 128], "build__frequency": [1.0, 5.0, 25.0]}
    network = NetworkRegressor(
        WaveNetwork(), optimizer=Adam, learning_rate=0.01, tol=1e-3, max_iter=1000, random_state=0
    )
    search = GridSearchCV(network, grid, cv=3).fit(X, y)
    print(f"The search chose {search.best_params_}.")
    waves = search.score(X_test, y_test)
    usual = MLPRegressor(
        hidden_layer_sizes=(128,), learning_rate_init=0.01, max_iter=1000, random_state=0
    ).fit(X, y)
    relus = usual.score(X_test, y_test)
    print(f"Shown: R² {waves:.3f} on test rows, with 128 ReLUs {relus:.3f}; the best possible is")
    print(f"{1 - 0.01 / y_test.var():.3f}, because of the noise.")


if __name__ == "__main__":
    main()
