"""NumPy as tutorials write it: lists of arrays, a new array for each result, nothing reused.

The gradient of the data is computed too, as by every loop over layers that does not know better.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from benchmarks.contestants import NAIVE, Contestant
from benchmarks.workloads import Array, Inference, Training


def forward(X: Array, weights: list[Array], biases: list[Array]) -> list[Array]:
    """What each layer reads; last, the logits."""
    inputs = [X]
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        Y: Array = inputs[-1] @ W + b
        inputs.append(Y if i == len(weights) - 1 else np.maximum(Y, 0))
    return inputs


def gradients(
    X: Array, y: Any, weights: list[Array], biases: list[Array]
) -> tuple[float, list[Array]]:
    """The loss, and its gradients by each weight and then by each bias."""
    inputs = forward(X, weights, biases)
    E = np.exp(inputs[-1] - inputs[-1].max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    rows = np.arange(len(X))
    loss = -np.log(P[rows, y]).mean()
    P[rows, y] -= 1
    grad = P / len(X)
    by_W: list[Array] = []
    by_b: list[Array] = []
    for i in reversed(range(len(weights))):
        by_W.insert(0, inputs[i].T @ grad)
        by_b.insert(0, grad.sum(axis=0))
        grad = grad @ weights[i].T
        if i > 0:
            grad = grad * (inputs[i] > 0)
    return float(loss), by_W + by_b


def training(workload: Training) -> Callable[[], list[float]]:
    """The loop written out."""
    weights = [W.copy() for W in workload.weights]
    biases = [np.zeros(W.shape[1], np.float32) for W in weights]
    parameters = weights + biases
    m = [np.zeros_like(P) for P in parameters]
    v = [np.zeros_like(P) for P in parameters]
    X, y, n, size = workload.X, workload.y, len(workload.X), workload.batch_size
    rate, t = workload.learning_rate, 0

    def run() -> list[float]:
        nonlocal t
        history = []
        for order in workload.orders():
            total = 0.0
            for start in range(0, n, size):
                rows = order[start : start + size]
                loss, grads = gradients(X[rows], y[rows], weights, biases)
                total += loss * len(rows)
                t += 1
                for i, g in enumerate(grads):
                    if workload.optimizer == "SGD":
                        v[i] = 0.9 * v[i] - rate * g
                        parameters[i] += v[i]
                    else:
                        m[i] = 0.9 * m[i] + 0.1 * g
                        v[i] = 0.999 * v[i] + 0.001 * g**2
                        slow, fast = 1 - 0.9**t, sqrt(1 - 0.999**t)
                        parameters[i] -= rate * (m[i] / slow) / (np.sqrt(v[i]) / fast + 1e-8)
            history.append(total / n)
        return history

    return run


def inference(workload: Inference) -> Callable[[], Array]:
    """The forward pass alone."""
    biases = [np.zeros(W.shape[1], np.float32) for W in workload.weights]
    return lambda: forward(workload.X, workload.weights, biases)[-1]


CONTESTANTS = {NAIVE: Contestant(training, inference)}
