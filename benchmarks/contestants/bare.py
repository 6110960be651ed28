"""The limit: the matrix products that training cannot do without, and nothing else.

For each layer, forward X.dot(W), back X.T.dot(grad) and, but for the first layer, grad.dot(W.T).
All arrays are made beforehand, and the sizes, first weights and batches are those of the workload.
"""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.contestants import BARE, Contestant
from benchmarks.workloads import Array, Inference, Pass, Training

Product = tuple[Callable[[Any, Any], Any], Array, Array]  # X.dot, W and the array to write into


def training(workload: Training) -> Callable[[], list[float]]:
    """The products of every step of a run. No loss: nothing is learned."""
    if workload.kernels:
        return images(workload)
    X, n, weights = workload.X, workload.batch_size, workload.weights
    outputs = [np.empty((n, W.shape[1]), np.float32) for W in weights]
    by_W = [np.empty_like(W) for W in weights]
    grads = [np.full_like(output, 1 / n) for output in outputs]
    steps = []
    for start in range(0, len(X), n):
        batch = X[start : start + n]
        rows = slice(len(batch))
        products, inputs = forward(batch, weights, [output[rows] for output in outputs])
        for i in reversed(range(len(weights))):
            grad = grads[i][rows]
            products.append((inputs[i].T.dot, grad, by_W[i]))
            if i > 0:
                products.append((grad.dot, weights[i].T, grads[i - 1][rows]))
        steps.append(products)

    def run() -> list[float]:
        for _ in range(workload.epochs):
            for products in steps:
                for dot, other, out in products:
                    dot(other, out)
        return []

    return run


def images(workload: Training) -> Callable[[], list[float]]:
    """The products of every step of a run, the patches of each convolution made beforehand."""
    n, side, products = workload.batch_size, workload.X.shape[1], list[Product]()
    for i, kernel in enumerate(workload.kernels):
        products += _products(n * side * side, kernel, data=i == 0)
        side //= 2
    for W in workload.weights:
        products += _products(n, W, data=False)

    def run() -> list[float]:
        for _ in range(workload.steps):
            for dot, other, out in products:
                dot(other, out)
        return []

    return run


def _products(rows: int, W: Array, *, data: bool) -> list[Product]:
    """Those of a product with W, on as many rows: forward, for W, and for X if that is no data."""
    W = W.reshape(-1, W.shape[-1])
    X, Y = np.full((rows, len(W)), 0.5, np.float32), np.full((rows, W.shape[1]), 0.5, np.float32)
    products: list[Product] = [(X.dot, W, np.empty_like(Y)), (X.T.dot, Y, np.empty_like(W))]
    return products if data else [*products, (Y.dot, W.T, np.empty_like(X))]


def layer(workload: Pass) -> Callable[[], None]:
    """The products of a layer."""
    rows, W = workload.grad.size // workload.grad.shape[-1], workload.W
    products = [] if W is None else _products(rows, W, data=False)
    if workload.U is not None:
        products += _through_time(workload.X.shape[:2], workload.U)
    if workload.weights:
        products += _of_heads(workload)

    def run() -> None:
        for dot, other, out in products:
            dot(other, out)

    return run


def _through_time(shape: tuple[int, ...], U: Array) -> list[Product]:
    """Those with U: forward and back step by step, and one for U's gradient."""
    n, t = shape
    H, A = (np.full((t * n, columns), 0.5, np.float32) for columns in U.shape)
    h, a = np.empty((n, len(U)), np.float32), np.empty((n, U.shape[1]), np.float32)
    steps: list[Product] = [(rows.dot, U, a) for rows in H.reshape(t, n, -1)]
    steps += [(rows.dot, U.T, h) for rows in A.reshape(t, n, -1)]
    return [*steps, (H.T.dot, A, np.empty_like(U))]


def _of_heads(workload: Pass) -> list[Product]:
    """Those with the four matrices, and in each head two forward and four back."""
    (n, t, d), h = workload.X.shape, workload.heads
    Q = np.full((n, t, h, d // h), 0.5, np.float32).swapaxes(1, 2)
    S = np.full((n, h, t, t), 0.5, np.float32)
    to_Q, to_S = np.empty(Q.shape, np.float32), np.empty_like(S)
    scores: Product = (partial(np.matmul, Q), Q.swapaxes(2, 3), to_S)
    answers: Product = (partial(np.matmul, S), Q, to_Q)
    turned: Product = (partial(np.matmul, S.swapaxes(2, 3)), Q, to_Q)
    of_rows = [_products(n * t, W, data=False) for W in workload.weights]
    return [*chain(*of_rows), scores, answers, scores, answers, turned, turned]


def inference(workload: Inference) -> Callable[[], Array]:
    """The forward products of one call."""
    weights = workload.weights
    outputs = [np.empty((len(workload.X), W.shape[1]), np.float32) for W in weights]
    products, _ = forward(workload.X, weights, outputs)

    def run() -> Array:
        for dot, other, out in products:
            dot(other, out)
        return outputs[-1]

    return run


def forward(
    X: Array, weights: list[Array], outputs: list[Array]
) -> tuple[list[Product], list[Array]]:
    """The forward products, into `outputs`, and what each layer reads."""
    inputs = [X, *outputs[:-1]]
    parts = zip(inputs, weights, outputs, strict=True)
    return [(H.dot, W, output) for H, W, output in parts], inputs


CONTESTANTS = {BARE: Contestant(training, inference, layer, takes="both", gives="nothing")}
