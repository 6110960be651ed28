"""Layerwise, through its public API, as the README shows it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contestants import OURS, Contestant
from benchmarks.workloads import Array, Inference, Training
from layerwise import SGD, Adam, Dense, Optimizer, ReLU, Sequential, SoftmaxCrossEntropy, fit


def network_of(weights: list[Array]) -> Sequential[Any]:
    """Dense layers that begin at these weights, ReLU between them."""
    layers: list[Dense | ReLU] = []
    for W in weights:
        layers += [Dense(*W.shape, dtype=np.float32, W_init=partial(_given, W)), ReLU()]
    first, *others = layers[:-1]
    return Sequential(first, *others)


def _given(W: Array, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """An initializer that gives W."""
    return W


def training(workload: Training) -> Callable[[], list[float]]:
    """A call of `fit`."""
    network = network_of(workload.weights)
    optimizer: Optimizer
    if workload.optimizer == "Adam":
        optimizer = Adam(network.parameters(), learning_rate=workload.learning_rate)
    else:
        optimizer = SGD(network.parameters(), workload.learning_rate, momentum=0.9)

    def run() -> list[float]:
        history = fit(
            network,
            workload.X,
            workload.y,
            loss=SoftmaxCrossEntropy(),
            optimizer=optimizer,
            epochs=workload.epochs,
            batch_size=workload.batch_size,
            rng=workload.seed,
        )
        return history.loss

    return run


def inference(workload: Inference) -> Callable[[], Array]:
    """A call of the network."""
    return partial(network_of(workload.weights), workload.X)


CONTESTANTS = {OURS: Contestant(training, inference)}
