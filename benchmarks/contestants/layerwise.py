"""Layerwise, through its public API, as the README shows it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import layerwise
from benchmarks.contestants import OURS, Contestant
from benchmarks.workloads import Array, Inference, Pass, Training
from layerwise import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    MultiHeadAttention,
    Optimizer,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    TransformerBlock,
    fit,
)


def network_of(weights: list[Array], kernels: Sequence[Array] = ()) -> Sequential[Any]:
    """Dense layers that begin at these weights, ReLU between them; before them convolutions."""
    layers: list[Layer[Any, Any]] = []
    for W in kernels:
        layers += [convolution_of(W, padding="same"), ReLU(), MaxPool2D(2)]
    layers += [Flatten()] if kernels else []
    for W in weights:
        layers += [Dense(*W.shape, dtype=np.float32, W_init=partial(_given, W)), ReLU()]
    first, *others = layers[:-1]
    return Sequential(first, *others)


def convolution_of(W: Array, **options: Any) -> Conv2D:
    """A convolution that begins at these weights."""
    *size, inputs, outputs = W.shape
    options |= {"dtype": np.float32, "W_init": partial(_given, W)}
    return Conv2D(inputs, outputs, tuple(size), **options)


def _given(W: Array, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """An initializer that gives W."""
    return W


def optimizer_of(workload: Training, network: Layer[Any, Any]) -> Optimizer:
    """The optimizer that the workload names."""
    if workload.optimizer == "Adam":
        return Adam(network.parameters(), learning_rate=workload.learning_rate)
    return SGD(network.parameters(), workload.learning_rate, momentum=0.9)


def training(workload: Training) -> Callable[[], list[float]]:
    """A call of `fit`."""
    network = network_of(workload.weights, workload.kernels)
    optimizer = optimizer_of(workload, network)

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


def layer(workload: Pass) -> Callable[[], list[Array]]:
    """A layer's forward and its backward, then zeroed gradients, as a step of training has them."""
    layer = layer_of(workload)
    parameters = layer.parameters()
    shown = matrices_of(layer) if workload.weights else parameters

    def run() -> list[Array]:
        for parameter in parameters:
            parameter.zero_grad()
        Y, backward = layer.forward(workload.X)
        return [Y, backward(workload.grad), *(parameter.grad for parameter in shown)]

    return run


def layer_of(workload: Pass) -> Layer[Any, Array]:
    """The layer of this name."""
    if workload.weights:
        return with_weights_of(workload)
    if workload.U is not None:
        return recurrent_of(workload)
    if workload.W is not None:
        options = {"stride": workload.stride, "padding": workload.padding}
        return convolution_of(workload.W, **options)
    if workload.layer == "MaxPool2D":
        return MaxPool2D(2)
    features = workload.X.shape[-1]
    norm: Layer[Array, Array] = getattr(layerwise, workload.layer)(features, dtype=np.float32)
    return norm


def recurrent_of(workload: Pass) -> Layer[Any, Array]:
    """The recurrent layer of this name, which begins at the workload's weights."""
    inputs, units = workload.X.shape[-1], workload.grad.shape[-1]
    recurrent = getattr(layerwise, workload.layer)(inputs, units, dtype=np.float32)
    recurrent.W.value, recurrent.U.value = workload.W, workload.U
    made: Layer[Any, Array] = recurrent
    return made


def with_weights_of(workload: Pass) -> Layer[Any, Array]:
    """An embedding, or what has attention, whose matrices begin at the workload's weights."""
    first, size = workload.weights[0].shape
    made: Layer[Any, Array]
    if workload.layer == "Embedding":
        made = Embedding(first, size, dtype=np.float32)
    elif workload.layer == "MultiHeadAttention":
        made = MultiHeadAttention(size, workload.heads, causal=True, dtype=np.float32)
    else:
        made = TransformerBlock(size, workload.heads, dtype=np.float32)
    for parameter, W in zip(matrices_of(made), workload.weights, strict=True):
        parameter.value = W
    return made


def matrices_of(layer: Layer[Any, Array]) -> list[Parameter]:
    """The parameters of two axes: of vectors beside them not everybody has the same."""
    return [parameter for parameter in layer.parameters() if len(parameter.shape) == 2]


CONTESTANTS = {OURS: Contestant(training, inference, layer, takes="both")}
