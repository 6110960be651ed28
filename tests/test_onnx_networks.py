"""Two hundred random networks, as ONNX Runtime answers them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from layerwise import (
    ELU,
    GELU,
    GRU,
    LSTM,
    RNN,
    SELU,
    AveragePool2D,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePool2D,
    GroupNorm,
    HardSigmoid,
    LayerNorm,
    LeakyReLU,
    LogSoftmax,
    MaxPool2D,
    MultiHeadAttention,
    Parallel,
    PositionalEncoding,
    PositionEmbedding,
    PReLU,
    ReLU,
    Reshape,
    Residual,
    RMSNorm,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Standardize,
    Tanh,
    TimeDistributed,
    TransformerBlock,
    UpSample2D,
)
from layerwise.onnx import to_onnx
from tests.in_onnx_runtime import Loaded, ulps
from tests.layer_cases import AnyLayer
from tests.test_onnx import as_after_training

BOUND = 32  # ulps of the largest number; nine in ten are below 4
# A norm makes the rounding of features that are nearly equal up to 1/√ε times as large, 300 times
# by default: that is in the layer, whoever computes it.
EPSILON = 0.1


def activation(rng: np.random.Generator, features: int, t: DTypeLike) -> AnyLayer:
    """Any layer that takes each number, or each place, by itself."""
    choices: list[Callable[[], AnyLayer]] = [
        ReLU,
        Sigmoid,
        Tanh,
        ELU,
        SELU,
        GELU,
        lambda: GELU("tanh"),
        SiLU,
        Softplus,
        HardSigmoid,
        lambda: LeakyReLU(0.1),
        lambda: PReLU(features, dtype=t),
        lambda: Dropout(0.3, rng=0),
        lambda: GaussianNoise(0.3, rng=0),
        lambda: BatchNorm(features, dtype=t),
        lambda: LayerNorm(features, epsilon=EPSILON, dtype=t),
        lambda: RMSNorm(features, epsilon=EPSILON, dtype=t),
    ]
    return choices[rng.integers(len(choices))]()


def of_rows(rng: np.random.Generator, t: DTypeLike) -> tuple[AnyLayer, tuple[int, ...]]:
    width = int(rng.integers(2, 9))
    inputs, layers = width, list[AnyLayer]()
    if rng.random() < 0.5:
        layers.append(Standardize.of(rng.normal(3, 2, (9, width)).astype(t)))
    for _ in range(rng.integers(1, 4)):
        outputs = int(rng.integers(2, 9))
        both: list[AnyLayer] = [Dense(width, outputs, rng=rng, dtype=t) for _ in range(2)]
        kind = rng.integers(4)
        if kind == 0:
            layers.append(Parallel(both[0], Sequential(both[1], activation(rng, outputs, t))))
        elif kind == 1:
            layers.append(Parallel(*both, join="concatenate"))
            outputs *= 2
        elif kind == 2:
            inner = Dense(width, width, rng=rng, dtype=t), activation(rng, width, t)
            layers += [Residual(Sequential(*inner)), both[0]]
        else:
            layers.append(both[0])
        width = outputs
        layers.append(activation(rng, width, t))
    ends: list[list[AnyLayer]] = [[Softmax()], [LogSoftmax()], []]
    layers += ends[rng.integers(3)]
    return Sequential(*layers), (inputs,)


def of_images(rng: np.random.Generator, t: DTypeLike) -> tuple[AnyLayer, tuple[int, ...]]:
    height, width, channels = map(int, rng.integers((6, 6, 1), (10, 10, 5)))
    layers, inputs = list[AnyLayer](), channels
    for _ in range(rng.integers(1, 3)):
        outputs = 2 * int(rng.integers(1, 4))
        settings: list[dict[str, Any]] = [
            {"padding": "same", "stride": int(rng.integers(1, 3))},
            {"padding": (1, 2), "dilation": 2},
            {"bias": False},
        ]
        own = settings[rng.integers(3)]
        layers.append(Conv2D(channels, outputs, (2, 3), rng=rng, dtype=t, **own))
        layers.append(activation(rng, outputs, t))
        channels = outputs
    choices: list[AnyLayer] = [
        MaxPool2D(3, stride=2, padding="same"),
        AveragePool2D(3, stride=1, padding=1),
        UpSample2D((2, 1)),
        GroupNorm(2, channels, epsilon=EPSILON, dtype=t),
        Residual(Conv2D(channels, channels, 3, padding="same", rng=rng, dtype=t)),
    ]
    layers.append(choices[rng.integers(len(choices))])
    layers.append([Flatten(), GlobalAveragePool2D()][rng.integers(2)])
    return Sequential(*layers), (height, width, inputs)


def of_sequences(rng: np.random.Generator, t: DTypeLike) -> tuple[AnyLayer, tuple[int, ...]]:
    steps, features = int(rng.integers(1, 7)), 2 * int(rng.integers(1, 4))
    layers: list[AnyLayer] = [TimeDistributed(Dense(3, features, rng=rng, dtype=t))]
    if tokens := rng.random() < 0.5:
        layers = [Embedding(9, features, rng=rng, dtype=t)]
    positions = PositionalEncoding(features), PositionEmbedding(9, features, rng=rng, dtype=t)
    layers.append(positions[rng.integers(2)])
    for _ in range(rng.integers(1, 3)):
        settings: dict[str, Any] = {"learn_state": bool(rng.integers(2)), "rng": rng, "dtype": t}
        block = TransformerBlock(features, 2, causal=bool(rng.integers(2)), rng=rng, dtype=t)
        block.norm.epsilon = block.mlp_norm.epsilon = EPSILON
        both = GRU(features, 2, **settings), RNN(features, 2, reverse=True, **settings)
        choices: list[AnyLayer] = [
            RNN(features, features, reverse=bool(rng.integers(2)), **settings),
            LSTM(features, features, reverse=bool(rng.integers(2)), **settings),
            GRU(features, features, reverse=bool(rng.integers(2)), **settings),
            Sequential(Bidirectional(*both), TimeDistributed(Dense(4, features, rng=0, dtype=t))),
            Residual(MultiHeadAttention(features, 2, rng=rng, dtype=t)),
            block,
            Conv1D(features, features, 3, padding="same", rng=rng, dtype=t),
        ]
        layers += [choices[rng.integers(len(choices))], activation(rng, features, t)]
    ends: list[list[AnyLayer]] = [
        [GRU(features, 3, return_sequences=False, rng=rng, dtype=t)],
        [Reshape(features, steps), Softmax(axis=1)],
        [Flatten(), Dense(steps * features, 3, rng=rng, dtype=t)],
    ]
    layers += ends[rng.integers(3)]
    return Sequential(*layers), (steps,) if tokens else (steps, 3)


@pytest.mark.parametrize("seed", range(200))
def test_onnx_runtime_gives_the_answers_of_a_random_network(seed: int) -> None:
    rng, dtype = np.random.default_rng(seed), (np.float32, np.float64)[seed % 2]
    network, row = (of_rows, of_images, of_sequences)[seed % 3](rng, dtype)
    as_after_training(network, rng)
    tokens = len(row) == 1 and seed % 3 == 2
    mask = [rng.random((33, row[0])) < 0.7] if network.takes_mask and seed % 4 < 2 else []
    X: NDArray[Any] = rng.standard_normal((33, *row)).astype(dtype)
    if tokens:
        X = rng.integers(9, size=(33, *row))
    loaded = Loaded(to_onnx(network, row, mask=bool(mask)))
    for n in (1, 33):
        given = [array[:n] for array in (X, *mask)]
        (Y,) = loaded(*given)
        assert ulps(Y, network(tuple(given) if mask else X[:n])) <= BOUND
