"""Matrix product, transpose, dot product: part 1.2 of the course, worked through.

Run `python examples/matrix_operations.py`. It starts from a batch of rows times weights and ends
with X.T @ grad, the gradient of a Dense layer's weights, found in four ways.
"""

import numpy as np

from layerwise import Array, Dense, MeanSquaredError, matrix_multiply, numerical_gradient


def show(title: str, result: Array | float) -> None:
    """Print a result under its title."""
    print(f"{title}\n{result}\n")


def main() -> None:
    """Work through part 1.2, one printed result at a time."""
    np.set_printoptions(precision=4, suppress=True)

    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    W = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    show("X W: four rows of two numbers become four rows of three", matrix_multiply(X, W))

    A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    B = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    AB = matrix_multiply(A, B)
    show("A B: each entry is a row of A times a column of B", AB)
    by_hand = 4 * 0.2 + 5 * 0.4 + 6 * 0.6
    print(f"Its last entry is 4*0.2 + 5*0.4 + 6*0.6 = {by_hand:.1f} (the course prints 6.2)\n")

    C = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    XC = matrix_multiply(X[:3], C)
    show(f"(3, 2) times (2, 4) has shape {XC.shape}, and its first row is", XC[0])

    # A has 3 columns and 2 rows: it does not fit itself, but it fits its transpose.
    try:
        matrix_multiply(A, A)
    except ValueError as error:
        print(f"A A is refused:\n{error}\n")
    show("A A.T: every row of A times every row of A", matrix_multiply(A, A.T))

    # A dot product is a row times a column: the smallest matrix product.
    u, v = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    show("u v, as a row times a column", matrix_multiply(u.reshape(1, -1), v.reshape(-1, 1)))
    show("u v, as a dot product", np.dot(u, v))
    ramp = np.array([1.0, 2.0, 3.0, 4.0])
    show("[1 2 3 4] times [.1 .2 .3 .4], as a dot product", np.dot(ramp, ramp / 10))

    # What all of this is for. Let Y = X W, and grad = dL/dY. In every row i, W[j, k] enters Y[i, k]
    # with the factor X[i, j]. So dL/dW[j, k] is the sum of X[i, j] grad[i, k] over i: column j of X
    # times column k of grad, a dot product. All of them at once are X.T @ grad.
    loss, target = MeanSquaredError(), np.ones((4, 3))
    dense = Dense(2, 3, bias=False)
    dense.W.value = W
    Y, backward = dense.forward(X)
    value, grad = loss(Y, target)
    backward(grad)
    entries = np.array([[np.dot(X[:, j], grad[:, k]) for k in range(3)] for j in range(2)])
    product = matrix_multiply(X.T, grad)
    slopes = numerical_gradient(lambda W: loss(matrix_multiply(X, W), target)[0], W)
    show("dL/dW, each entry by hand", entries)
    show("dL/dW, as one product, X.T @ grad", product)
    show("dL/dW, as Dense has it in dense.W.grad after its backward", dense.W.grad)
    show(f"dL/dW, by trying how the loss {value:.4f} changes (numerical_gradient)", slopes)

    apart = max(np.abs(way - product).max() for way in (entries, dense.W.grad, slopes))
    print(f"Shown: A B ends in {AB[1, 1]:.1f}, and four ways to the gradient of W give the same,")
    print(f"X.T @ grad. They are at most {apart:.0e} apart.")


if __name__ == "__main__":
    main()
