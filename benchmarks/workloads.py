"""The work: data, first weights, batches and hyperparameters, the same for every contestant.

Everything is float32, and everything is drawn from fixed seeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Array = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Training:
    """A classifier: Dense layers of `weights`, ReLU between them, softmax cross-entropy.

    Of images, (n, height, width, channels), first comes for each of `kernels` a convolution that
    keeps the size, ReLU, and max-pooling that halves it.
    """

    key: str
    title: str
    X: Array
    y: Indices
    weights: list[Array]
    batch_size: int
    epochs: int
    optimizer: str  # "Adam", or "SGD" with momentum 0.9
    learning_rate: float
    rounds: int
    seed: int = 1
    kernels: list[Array] = field(default_factory=list)  # each (height, width, inputs, outputs)

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of outputs of each layer."""
        return [len(self.weights[0]), *(W.shape[1] for W in self.weights)]

    @property
    def steps(self) -> int:
        """How many batches a run trains on, short ones included."""
        return self.epochs * -(-len(self.X) // self.batch_size)

    def orders(self) -> Iterator[Indices]:
        """The order of the rows in each epoch: as `fit` draws it from the same seed.

        Every contestant draws its own and gathers each batch by it, so that all pay for it.
        """
        rng = np.random.default_rng(self.seed)
        for _ in range(self.epochs):
            yield rng.permutation(len(self.X))


@dataclass(frozen=True)
class Inference:
    """The same network, called on X `calls` times a run."""

    key: str
    title: str
    X: Array
    weights: list[Array]
    calls: int
    rounds: int


@dataclass(frozen=True)
class Pass:
    """One layer, forward and back: Y, then from dL/dY the gradients of X and of the parameters."""

    key: str
    title: str
    layer: str  # its name in Layerwise
    X: NDArray[Any]
    grad: Array
    calls: int
    rounds: int = 21
    W: Array | None = None  # of a layer with products; biases, gains and shifts begin as usual
    U: Array | None = None  # of a recurrent layer, for its states
    weights: tuple[Array, ...] = ()  # those of a layer with several, or the table of an embedding
    heads: int = 4  # of attention
    stride: int = 1
    padding: int = 0  # zeros at both ends


Workload = Training | Inference | Pass


def first_weights(*sizes: int, seed: int = 0) -> list[Array]:
    """W ~ N(0, 2 / inputs) for each layer; all biases begin at zero."""
    rng = np.random.default_rng(seed)
    weights = []
    for inputs, outputs in pairwise(sizes):
        W = rng.standard_normal((inputs, outputs), dtype=np.float32)
        W *= np.float32(sqrt(2 / inputs))
        weights.append(W)
    return weights


def made_up(rows: int, columns: int, classes: int = 10) -> tuple[Array, Indices]:
    """Normal data, labelled by a linear rule with noise, so that no loss comes near to zero."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    rule = rng.standard_normal((columns, classes), dtype=np.float32)
    noise = rng.standard_normal((rows, classes), dtype=np.float32)
    return X, (X @ rule + sqrt(columns) * noise).argmax(axis=1)


def two_moons(rows: int) -> tuple[Array, Indices]:
    """Two half circles, one in the other's hollow, with noise."""
    rng = np.random.default_rng(3)
    y = rng.integers(2, size=rows)
    angle = rng.uniform(0, np.pi, rows) + np.pi * y
    X = np.stack([np.cos(angle) + y, np.sin(angle) + y / 2], axis=1)
    return (X + rng.normal(0, 0.2, X.shape)).astype(np.float32), y


def digits() -> Training:
    """W1: where Python's work per step and the products are of one size."""
    X, y = load_digits(return_X_y=True)
    return Training(
        key="W1",
        title="digits, 64-64-64-10, batch 32, Adam",
        X=(X / 16).astype(np.float32),
        y=y.astype(np.intp),
        weights=first_weights(64, 64, 64, 10),
        batch_size=32,
        epochs=8,
        optimizer="Adam",
        learning_rate=1e-3,
        rounds=21,
    )


def mnist_sized() -> Training:
    """W2: as large as MNIST, a third of its rows."""
    X, y = made_up(20_000, 784)
    return Training(
        key="W2",
        title="MNIST-sized, 784-256-128-10, batch 128, SGD",
        X=X,
        y=y,
        weights=first_weights(784, 256, 128, 10),
        batch_size=128,
        epochs=1,
        optimizer="SGD",
        learning_rate=0.01,
        rounds=11,
    )


def wide() -> Training:
    """W3: where the products are nearly everything."""
    X, y = made_up(3072, 2048)
    return Training(
        key="W3",
        title="wide, 2048-2048-2048-10, batch 512, Adam",
        X=X,
        y=y,
        weights=first_weights(2048, 2048, 2048, 10),
        batch_size=512,
        epochs=2,
        optimizer="Adam",
        learning_rate=1e-4,
        rounds=3,
    )


def tiny() -> Training:
    """W4: where Python's work per step is nearly everything."""
    X, y = two_moons(1000)
    return Training(
        key="W4",
        title="two moons, 2-16-16-2, batch 16, Adam",
        X=X,
        y=y,
        weights=first_weights(2, 16, 16, 2),
        batch_size=16,
        epochs=8,
        optimizer="Adam",
        learning_rate=1e-3,
        rounds=21,
    )


def one_row() -> Inference:
    """W5, first half: what a single answer costs."""
    return Inference(
        key="W5 one row",
        title="inference, 1 row, 64-64-10",
        X=made_up(1, 64)[0],
        weights=first_weights(64, 64, 10),
        calls=1000,
        rounds=21,
    )


def many_rows() -> Inference:
    """W5, second half: what many answers at once cost."""
    return Inference(
        key="W5 10,000 rows",
        title="inference, 10,000 rows, 784-256-128-10",
        X=made_up(10_000, 784)[0],
        weights=first_weights(784, 256, 128, 10),
        calls=3,
        rounds=11,
    )


def small_cnn() -> Training:
    """W7: a small convolutional network, a whole step of training."""
    X, y = made_up(1024, 256)
    return Training(
        key="W7 CNN",
        title="16x16x1, 3x3x16, pool, 3x3x32, pool, Dense, batch 32, Adam",
        X=X.reshape(-1, 16, 16, 1),
        y=y,
        weights=first_weights(4 * 4 * 32, 10),
        kernels=[first_kernel(3, 1, 16), first_kernel(3, 16, 32)],
        batch_size=32,
        epochs=1,
        optimizer="Adam",
        learning_rate=1e-3,
        rounds=21,
    )


def first_kernel(size: int, inputs: int, outputs: int) -> Array:
    """W ~ N(0, 2 / fan_in), as (size, size, inputs, outputs)."""
    (W,) = first_weights(size * size * inputs, outputs)
    return W.reshape(size, size, inputs, outputs)


def passes() -> list[Pass]:
    """W7, layer by layer: five convolutions, max-pooling, and two normalizations."""
    images, sequences = (32, 28, 28, 32), (64, 64, 128)
    return [
        convolution("3x3 same", (8, 32, 32, 3), 3, 16, padding=1, calls=20),
        convolution("3x3 wide", (32, 14, 14, 32), 3, 64, padding=1, calls=2),
        convolution("5x5", (64, 28, 28, 1), 5, 8, calls=10),
        convolution("3x3 stride 2", (32, 28, 28, 16), 3, 32, stride=2, padding=1, calls=5),
        convolution("1x1", (32, 14, 14, 64), 1, 128, calls=4),
        of_layer("MaxPool2D", images, (32, 14, 14, 32), calls=10),
        of_layer("BatchNorm", images, images, calls=5),
        of_layer("LayerNorm", sequences, sequences, calls=5),
    ]


def convolution(
    name: str,
    shape: tuple[int, int, int, int],
    size: int,
    outputs: int,
    *,
    calls: int,
    stride: int = 1,
    padding: int = 0,
) -> Pass:
    """A convolution of images of this shape."""
    n, *lengths, inputs = shape
    after = [(length + 2 * padding - size) // stride + 1 for length in lengths]
    X, grad = drawn(shape, (n, *after, outputs))
    title = f"Conv2D {name}, {shape} to {outputs}"
    W = first_kernel(size, inputs, outputs)
    key = f"W7 {name}"
    return Pass(key, title, "Conv2D", X, grad, calls, W=W, stride=stride, padding=padding)


def of_layer(layer: str, shape: tuple[int, ...], after: tuple[int, ...], calls: int) -> Pass:
    """A layer without weights, or with such as begin as usual."""
    X, grad = drawn(shape, after)
    return Pass(f"W7 {layer}", f"{layer}, {shape}", layer, X, grad, calls)


def drawn(*shapes: tuple[int, ...]) -> list[Array]:
    """Normal numbers of each shape."""
    rng = np.random.default_rng(4)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
