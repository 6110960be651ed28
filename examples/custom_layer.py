"""A layer of your own: write it, prove its gradient, see a mistake caught, and train with it.

Run `python examples/custom_layer.py`. The layer is PReLU, a ReLU that learns its slope for
negative numbers (He et al. 2015, arXiv:1502.01852, equation 1).
"""

from collections.abc import Callable

import numpy as np

from layerwise import (
    SGD,
    Dense,
    Layer,
    Matrix,
    MeanSquaredError,
    Parameter,
    Sequential,
    check_layer,
    fit,
)


class PReLU(Layer[Matrix, Matrix]):
    """Y = X where X > 0, else a X; the slope a, one for each column, is learned."""

    def __init__(self, columns: int) -> None:
        self.a = Parameter(np.full(columns, 0.25))
        self.input_shape = (columns,)

    def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = slope X; back: dL/da = sum of grad X over rows where X < 0, dL/dX = grad slope."""
        slope = np.where(X > 0, 1, self.a.value)
        Y: Matrix = X * slope

        def backward(grad: Matrix) -> Matrix:
            self.a.add_grad((grad * np.minimum(X, 0)).sum(axis=0))
            dX: Matrix = grad * slope
            return dX

        return Y, backward


class WrongPReLU(PReLU):
    """PReLU with a typical mistake: the shapes fit, and training would only be slower."""

    def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = slope X; back: the mean over rows, where the sum belongs."""
        slope = np.where(X > 0, 1, self.a.value)
        Y: Matrix = X * slope

        def backward(grad: Matrix) -> Matrix:
            self.a.add_grad((grad * np.minimum(X, 0)).mean(axis=0))
            dX: Matrix = grad * slope
            return dX

        return Y, backward


def main() -> None:
    """Check both layers, then learn y = |x|, which takes one slope of -1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3))
    right, wrong = check_layer(PReLU(3), X), check_layer(WrongPReLU(3), X)
    print(f"{right}\n\n{wrong}\n")

    x = np.linspace(-1, 1, 64).reshape(-1, 1)
    prelu, dense = PReLU(1), Dense(1, 1, rng=rng)
    network = Sequential(prelu, dense)
    print(network)
    sgd = SGD(network.parameters(), learning_rate=0.1, momentum=0.9)
    history = fit(
        network, x, np.abs(x), loss=MeanSquaredError(), optimizer=sgd, epochs=100, rng=rng
    )

    slope, W = prelu.a.value.item(), dense.W.value.item()
    print(f"Loss {history.loss[0]:.4f} in the first epoch, {history.loss[-1]:.0e} in the last\n")
    print(f"Shown: PReLU is {right.verdict}, and with a mean for its sum {wrong.verdict}, by 1/n.")
    print(f"The right one has learned |x| as two slopes, {slope * W:.3f} and {W:.3f}.")


if __name__ == "__main__":
    main()
