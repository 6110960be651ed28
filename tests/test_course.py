"""The numbers of the course "Learn Deep Learning with NumPy", part by part.

Where the course's text prints another number than these, the text is wrong: these follow from
its own data and formulas.
"""

from math import log
from typing import Any

import numpy as np
import pytest

from layerwise import (
    SGD,
    Array,
    Dense,
    History,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    fit,
    matrix_multiply,
    numerical_gradient,
    relu,
    sigmoid,
    softmax,
)


def close(actual: Any, expected: Any, rtol: float = 1e-13) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol)


def column(*numbers: float) -> Array:
    return np.array(numbers, float).reshape(-1, 1)


def from_zero(inputs: int, outputs: int) -> Dense:
    return Dense(inputs, outputs, W_init=lambda shape, rng: np.zeros(shape))


def test_part_1_2_matrices() -> None:
    X, W = (
        np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]]),
        np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    )
    close(matrix_multiply(X, W), [[0.9, 1.2, 1.5], [1.9, 2.6, 3.3], [2.9, 4, 5.1], [3.9, 5.4, 6.9]])

    A = np.array([[1.0, 2, 3], [4, 5, 6]])
    W = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    close(matrix_multiply(A, W), [[2.2, 2.8], [4.9, 6.4]])  # the text prints 6.2

    W = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    Y = matrix_multiply(X[:3], W)
    assert Y.shape == (3, 4)
    close(Y[0], [1.1, 1.4, 1.7, 2.0])

    close(matrix_multiply(A, A.T), [[14, 32], [32, 77]])
    a, b = np.array([[1.0, 2, 3]]), np.array([[4.0, 5, 6]])
    close(matrix_multiply(a, b.T), [[32]])
    x, w = np.array([[1.0, 2, 3, 4]]), np.array([[0.1, 0.2, 0.3, 0.4]])
    close(matrix_multiply(x, w.T), [[3.0]])


def test_part_1_3_functions() -> None:
    Z = np.array([[1.0, 2.0], [3.0, -1.0]])
    np.testing.assert_array_equal(
        sigmoid(Z).round(8), [[0.73105858, 0.88079708], [0.95257413, 0.26894142]]
    )


def test_part_2_1_losses() -> None:
    value, _ = MeanSquaredError()(np.array([1.5, 2.5, 3.5]), np.array([2.0, 3.5, 5.0]))
    close(value, 1.1666666666666667)
    logits, yes = np.array([2.0, -1.0, 3.0, -2.0]), np.array([1.0, 0.0, 1.0, 0.0])
    close(SigmoidCrossEntropy()(logits, yes)[0], 0.15392626529447745)  # the text prints .1731


def test_part_2_2_gradient_descent() -> None:
    """The course steps by half the gradient at rate .1: the gradient itself, at rate .05."""
    x = column(1, 2, 3, 4, 5)
    line = from_zero(1, 1)
    optimizer = SGD(line.parameters(), 0.05)
    history = fit(line, x, 2 * x + 1, loss=MeanSquaredError(), optimizer=optimizer, epochs=100)
    close(history.loss[:5], [57.0, 1.94, 0.0932, 0.030344, 0.02732432])
    close(line.W.value, [[2.02085811]], rtol=1e-8)
    close(line.b.value, [0.924695598884797])


def test_part_2_3_mini_batches() -> None:
    """Half the gradient at rate .01 again; the loss is measured after each epoch."""
    x = column(1, 2, 3, 4, 5, 6, 7, 8)
    line = from_zero(1, 1)
    history: History = fit(
        line,
        x,
        2 * x,
        loss=MeanSquaredError(),
        optimizer=SGD(line.parameters(), 0.005),
        epochs=10,
        batch_size=2,
        shuffle=False,
        validation_data=(x, 2 * x),
    )
    expected = [5.981976984791412, 0.34469191354721096, 0.037678699520893616]
    close(history.validation_loss[:3], expected, rtol=1e-12)
    close(line.W.value, [[1.94760446]], rtol=1e-8)
    close(line.b.value, [0.3425396378185872])


def test_part_2_4_debugging() -> None:
    """The text prints -5 and -1.5: the difference quotient says what backward says."""
    x, line, loss = column(1, 2, 3, 4), from_zero(1, 1), MeanSquaredError()
    line.W.value, line.b.value = column(1), np.array([0.5])
    Y, backward = line.forward(x)
    backward(loss(Y, 2 * x + 1)[1])
    close(line.W.grad, [[-17.5]])
    close(line.b.grad, [-6.0])

    def of_W(W: Array) -> float:
        return loss(x * W + 0.5, 2 * x + 1)[0]

    def of_b(b: Array) -> float:
        return loss(x + b, 2 * x + 1)[0]

    close(numerical_gradient(of_W, line.W.value), [[-17.5]], rtol=1e-9)
    close(numerical_gradient(of_b, line.b.value), [-6.0], rtol=1e-9)


@pytest.mark.parametrize(
    ("gate", "epochs", "expected"),
    [
        ([0, 0, 0, 1], 10_000, 0.0174433068729574),
        ([0, 1, 1, 1], 10_000, 0.009304633558853725),
        ([0, 1, 1, 0], 100, 0.6931471805599433),  # XOR: zero is where its gradient is zero
    ],
    ids=["AND", "OR", "XOR"],
)
def test_part_3_1_perceptron(gate: list[float], epochs: int, expected: float) -> None:
    X, T = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), column(*gate)
    neuron, loss = from_zero(2, 1), SigmoidCrossEntropy()
    optimizer = SGD(neuron.parameters(), 0.1)
    for _ in range(epochs):
        Y, backward = neuron.forward(X)
        backward(loss(Y, T)[1])
        optimizer.step()
    close(loss(neuron(X), T)[0], expected, rtol=1e-12)


def test_part_3_2_activations() -> None:
    X = np.array([[-1.0, 2.0], [0.0, -3.0], [4.0, -0.5]])
    assert relu(X).tolist() == [[0.0, 2.0], [0.0, 0.0], [4.0, 0.0]]
    for size in 0.0, 1000.0, -1000.0:
        close(softmax(np.full(3, size)), [1 / 3] * 3)


def test_part_3_3_an_untrained_network_knows_nothing() -> None:
    """Of ten classes: ln 10, and ten probabilities of a tenth."""
    value, grad = SoftmaxCrossEntropy()(np.zeros((1, 10)), np.array([3]))
    close(value, log(10))
    close(grad, [[0.1] * 3 + [-0.9] + [0.1] * 6])
