"""Finding a wrong gradient: part 2.4 of the course.

Run `python examples/wrong_gradient.py`. First by the definition of a derivative, as the course does
it; then by check_layer, which also says how sure it is, where the mistake is, and what it may be.
"""

from collections.abc import Callable

import numpy as np

from layerwise import (
    Array,
    Dense,
    Layer,
    Matrix,
    MeanSquaredError,
    Parameter,
    check_layer,
    numerical_gradient,
)


class Line(Layer[Matrix, Matrix]):
    """Y = X W + b, with the mistake that one makes: the bias's gradient without its sum."""

    def __init__(self, W: float, b: float) -> None:
        self.W, self.b = Parameter(np.array([[W]])), Parameter(np.array([b]))

    def forward(self, X: Matrix, /) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Y = X W + b; back: dL/dW = Xᵀ grad, and for b the first row alone."""
        W = self.W.value
        Y: Matrix = X @ W + self.b.value

        def backward(grad: Matrix) -> Matrix:
            self.W.add_grad(X.T @ grad)
            self.b.add_grad(grad[0])  # a mistake: it should be grad.sum(axis=0)
            return grad @ W.T

        return Y, backward


def main() -> None:
    """Hold the gradient of a line against differences, by hand and by check_layer."""
    x = np.arange(1.0, 5.0).reshape(-1, 1)
    y = 2 * x + 1

    def loss(parameters: Array) -> float:
        W, b = parameters
        return MeanSquaredError()(x * W + b, y)[0]

    print("Gradient of W and b at W = 1, b = 0.5, by differences (the course prints -5 and -1.5):")
    print(numerical_gradient(loss, np.array([1.0, 0.5])).round(6))
    line = Line(1.0, 0.5)
    Y, backward = line.forward(x)
    backward(MeanSquaredError()(Y, y)[1])
    print("and by a backward with a mistake in it:")
    print(np.append(line.W.grad, line.b.grad), "\n")

    wrong, right = check_layer(line, x), check_layer(Dense(1, 1, rng=0), x)
    print(f"{wrong}\n\n{right}\n")
    places = sorted({tensor.name for tensor in wrong.tensors if tensor.verdict == "wrong"})
    print(f"Shown: the line is {wrong.verdict}, in {' and '.join(places)} and nowhere else;")
    print(f"Dense is {right.verdict}.")


if __name__ == "__main__":
    main()
