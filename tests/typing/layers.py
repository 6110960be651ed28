"""Layers, networks and training: what goes in, what comes out, and what a user's own may be."""

from collections.abc import Callable
from typing import Any, reveal_type

import numpy as np
from numpy.typing import NDArray

from layerwise import (
    SGD,
    Array,
    Dense,
    Embedding,
    Layer,
    Matrix,
    MeanSquaredError,
    MultiHeadAttention,
    Optimizer,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    SoftmaxCrossEntropy,
    TimeDistributed,
    TransformerBlock,
    Vector,
    fit,
)

vector = np.ones(3)
matrix = np.ones((3, 3))
cube = np.ones((3, 3, 3))
single = np.ones((3, 3), np.float32)
integers = np.ones((3, 3), np.int64)
booleans = np.ones((3, 3), bool)
anything: NDArray[Any] = np.ones((3, 3))


class Scale(Layer[Array, Array]):
    """Y = a X: a layer of one's own."""

    def __init__(self) -> None:
        self.a = Parameter(np.ones(1))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = a X."""
        a = self.a.value
        Y = a * X

        def backward(grad: Array) -> Array:
            self.a.add_grad((grad * X).sum(keepdims=True))
            return a * grad

        return Y, backward


class Signs(Optimizer):
    """θ ← θ − η sign(g): an optimizer of one's own."""

    def update(self, value: Vector, grad: Vector, *moments: Vector) -> None:
        """Change the value."""
        value -= self.learning_rate * np.sign(grad)


# Dense takes a matrix of any floating dtype and gives one.
dense = Dense(3, 3, rng=0)
reveal_type(dense(matrix))  # N: "ndarray[tuple[int, int], dtype[floating[Any]]]"
dense(single)
dense(anything)
dense(vector)  # E: to "__call__" of "Layer" has incompatible type
dense(cube)  # E: to "__call__" of "Layer" has incompatible type
dense(integers)  # E: to "__call__" of "Layer" has incompatible type
dense.forward(vector)  # E: to "forward" of "Dense" has incompatible type
Dense("3", 3)  # E: Argument 1 to "Dense" has incompatible type "str"
dense.W.grad = matrix  # E: variable has type "Never"
dense.W.value = matrix


class Own(Dense):  # E: Cannot inherit from final class "Dense"
    """A Dense that changed only forward would train on the other's gradient."""


class OwnNetwork(Sequential[Matrix]):  # E: Cannot inherit from final class "Sequential"
    """The same."""


# A network takes what its first layer takes.
network = Sequential(Dense(3, 3), ReLU(), Scale(), Sequential(Dense(3, 1)))
reveal_type(network)  # N: "Sequential[ndarray[tuple[int, int], dtype[floating[Any]]]]"
network(matrix)
network(anything)
network(vector)  # E: to "__call__" of "Sequential" has incompatible type
network(cube)  # E: to "__call__" of "Sequential" has incompatible type
network.forward(vector)  # E: to "forward" of "Sequential" has incompatible type
Sequential(ReLU(), Scale())(cube)
of_tokens = Sequential(
    Embedding(5, 4), TransformerBlock(4, 2, causal=True), TimeDistributed(Dense(4, 5))
)
of_tokens(integers)
of_tokens((integers, booleans))
of_tokens(matrix)  # E: to "__call__" of "Sequential" has incompatible type
of_tokens((matrix, booleans))  # E: to "__call__" of "Sequential" has incompatible type
Sequential(Dense(3, 3), ReLU)  # E: Argument 2 to "Sequential" has incompatible type "type[ReLU]"
reveal_type(network[0])  # N: "Layer[Any, Any]"
reveal_type(network[:2])  # N: "Sequential[Any]"


# Attention takes sequences, with a mask, a memory or both; masks are booleans, memories are not.
attention = MultiHeadAttention(3, 1)
reveal_type(attention(cube))  # N: "ndarray[tuple[Any, ...], dtype[floating[Any]]]"
attention((cube, booleans))
attention((cube, cube))
attention((cube, cube, booleans))
attention((cube, booleans, cube))  # E: to "__call__" of "Layer" has incompatible type
attention((cube, integers))  # E: to "__call__" of "Layer" has incompatible type
Residual(attention)(cube)


# fit holds network, data, loss and optimizer together.
def mean_error(Y: Array, target: NDArray[Any]) -> tuple[float, Array]:
    """A loss of one's own."""
    return 0.0, Y - target


def without_gradient(Y: Array, target: NDArray[Any]) -> float:
    """Not a loss."""
    return 0.0


def of_one_argument(Y: Array) -> tuple[float, Array]:
    """Not a loss."""
    return 0.0, Y


sgd, signs = SGD(network.parameters()), Signs(network.parameters(), 0.1)
fit(network, matrix, matrix, loss=MeanSquaredError(), optimizer=sgd)
fit(network, anything, integers, loss=SoftmaxCrossEntropy(), optimizer=signs)
tokens, masked = SGD(of_tokens.parameters()), (integers, booleans)
fit(of_tokens, integers, integers, loss=SoftmaxCrossEntropy(ignore=-1), optimizer=tokens)
fit(
    of_tokens,
    masked,
    integers,
    loss=SoftmaxCrossEntropy(),
    optimizer=tokens,
    sample_weight=booleans,
)
fit(of_tokens, matrix, integers, loss=SoftmaxCrossEntropy(), optimizer=tokens)  # E: type parameter
fit(dense, single, matrix, loss=mean_error, optimizer=SGD(dense.parameters()))
fit(network, matrix, matrix, loss=without_gradient, optimizer=sgd)  # E: Argument "loss" to "fit"
fit(network, matrix, matrix, loss=of_one_argument, optimizer=sgd)  # E: Argument "loss" to "fit"
fit(network, matrix, matrix, loss=MeanSquaredError, optimizer=sgd)  # E: Argument "loss" to "fit"
fit(network, vector, vector, loss=mean_error, optimizer=sgd)  # E: type parameter "Data" of "fit"
fit(network, matrix, matrix, loss=mean_error, optimizer=SGD)  # E: Argument "optimizer" to "fit"
fit(network, matrix, matrix, mean_error, sgd)  # E: Too many positional arguments for "fit"
