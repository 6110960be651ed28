"""The network of a multi-layer perceptron, with the first values that scikit-learn gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from layerwise.arrays import Array
from layerwise.initializers import Initializer
from layerwise.layers.activations import ReLU, Sigmoid, Tanh
from layerwise.layers.base import Layer
from layerwise.layers.dense import Dense
from layerwise.layers.dropout import Dropout
from layerwise.layers.normalization import BatchNorm
from layerwise.network import Sequential

Activation: TypeAlias = str | Callable[[], Layer[Any, Any]]
ACTIVATIONS: dict[str, Callable[[], Layer[Any, Any]]] = {
    "logistic": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
}


def multilayer(
    sizes: Sequence[int],
    *,
    activation: Activation | Sequence[Activation],
    dropout: float | Sequence[float] = 0.0,
    batch_norm: bool = False,
    dtype: np.dtype[Any],
    random_state: np.random.RandomState,
) -> Sequential[Any]:
    """X W₁ + b₁, normalized, activated, partly dropped, …, X W + b: sizes are those in between.

    Weights and biases are drawn from U(−a, a), with a² = 6 / (fan_in + fan_out), or 2 instead of 6
    for the sigmoid, in the order of scikit-learn: so the same `random_state` gives the same.

    Raises ValueError for as many activations or rates as there are no hidden layers, and for an
    activation that makes no layer. Source: Glorot and Bengio 2010, equation 16.

    >>> state = np.random.RandomState(0)
    >>> multilayer([2, 3, 1], activation="tanh", dtype=np.dtype(float), random_state=state)[0]
    Dense(2, 3)
    """
    hidden = len(sizes) - 2
    activations = [*for_each("activation", activation, hidden), "identity"]
    rates = [*for_each("dropout", dropout, hidden), 0.0]
    layers: list[Layer[Any, Any]] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        logistic = activations[min(i, hidden - 1)] == "logistic"  # the last as the one before it
        bound = sqrt((2 if logistic else 6) / (fan_in + fan_out))
        dense = Dense(fan_in, fan_out, dtype=dtype, W_init=uniform_by(random_state, bound))
        dense.b.value = random_state.uniform(-bound, bound, fan_out).astype(dtype)
        layers.append(dense)
        if batch_norm and i < hidden:
            layers.append(BatchNorm(fan_out, dtype=dtype))
        if activations[i] != "identity":
            layers.append(activation_layer(activations[i]))
        if rates[i]:
            layers.append(Dropout(rates[i], rng=random_state.randint(2**31 - 1)))
    return Sequential(*layers)


def activation_layer(activation: Activation) -> Layer[Any, Any]:
    """A layer of this name, or that this function makes.

    >>> activation_layer("tanh"), activation_layer(ReLU)
    (Tanh(), ReLU())
    """
    make = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if isinstance(make, Layer) or not callable(make):
        raise ValueError(
            f"activation {activation!r} came, expected one of {['identity', *ACTIVATIONS]}, or a "
            "layer class, or a function that makes a layer, such as GELU"
        )
    return make()


def uniform_by(random_state: np.random.RandomState, bound: float) -> Initializer:
    """W ~ U(−bound, bound), drawn by a RandomState."""

    def draw(shape: tuple[int, ...], _: np.random.Generator) -> Array:
        return random_state.uniform(-bound, bound, shape)

    return draw


def for_each(name: str, given: Any, hidden: int) -> list[Any]:
    """What each hidden layer is given: one for all of them, or a sequence of as many.

    >>> for_each("dropout", 0.5, 2), for_each("dropout", [0.2, 0.5], 2)
    ([0.5, 0.5], [0.2, 0.5])
    """
    if isinstance(given, str) or not hasattr(given, "__len__"):
        return [given] * hidden
    if len(given) != hidden:
        raise ValueError(
            f"{name}={given} has {len(given)} items, expected {hidden}, one for each hidden layer, "
            "or one for all"
        )
    return list(given)
