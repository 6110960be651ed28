"""Every public layer, as ONNX Runtime answers it: within the ulps that docs/onnx.md states."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

import layerwise
from layerwise import (
    GRU,
    LSTM,
    RNN,
    AveragePool2D,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    GlobalAveragePool2D,
    GroupNorm,
    Layer,
    LayerNorm,
    LogSoftmax,
    MultiHeadAttention,
    Parallel,
    PositionalEncoding,
    ReLU,
    Residual,
    RMSNorm,
    Sequential,
    Softmax,
    TimeDistributed,
    TransformerBlock,
)
from layerwise.layers.base import arrays
from layerwise.onnx import to_onnx
from tests.in_onnx_runtime import Loaded, ulps
from tests.layer_cases import LAYERS, AnyLayer, LayerCase

TEXT = (Path(__file__).parent.parent / "docs" / "onnx.md").read_text(encoding="utf-8")
# By layer: the bound, and whether it is one of each number or of the largest.
BOUNDS = {
    name: (float(bound), of.startswith("each"))
    for names, bound, of in re.findall(r"^\| (`.+`) \| (\d+) \| (.+) \|$", TEXT, re.M)
    for name in re.findall(r"`(\w+)`", names)
}

# Sums of more terms, and longer sequences, than those of the table of layers.
LARGE = [
    LayerCase("Dense, large", lambda t: Dense(512, 64, rng=1, dtype=t), (5, 512)),
    LayerCase(
        "TimeDistributed, large",
        lambda t: TimeDistributed(Dense(64, 64, rng=1, dtype=t)),
        (5, 10, 64),
    ),
    LayerCase(
        "Conv2D, large",
        lambda t: Conv2D(16, 16, 3, padding="same", rng=1, dtype=t),
        (5, 8, 8, 16),
    ),
    LayerCase(
        "Conv1D, large", lambda t: Conv1D(16, 16, 5, padding="same", rng=1, dtype=t), (5, 20, 16)
    ),
    LayerCase("AveragePool2D, large", lambda t: AveragePool2D(4), (5, 16, 16, 8)),
    LayerCase("GlobalAveragePool2D, large", lambda t: GlobalAveragePool2D(), (5, 16, 16, 8)),
    LayerCase("Softmax, large", lambda t: Softmax(), (5, 100)),
    LayerCase("LogSoftmax, large", lambda t: LogSoftmax(), (5, 100)),
    LayerCase("LayerNorm, large", lambda t: LayerNorm(128, dtype=t), (5, 128)),
    LayerCase("RMSNorm, large", lambda t: RMSNorm(128, dtype=t), (5, 128)),
    LayerCase("GroupNorm, large", lambda t: GroupNorm(4, 16, dtype=t), (5, 8, 8, 16)),
    LayerCase("RNN, large", lambda t: RNN(16, 32, rng=1, dtype=t), (5, 20, 16)),
    LayerCase("LSTM, large", lambda t: LSTM(16, 32, rng=1, dtype=t), (5, 20, 16)),
    LayerCase("GRU, large", lambda t: GRU(16, 32, rng=1, dtype=t), (5, 20, 16)),
    LayerCase(
        "Bidirectional, large",
        lambda t: Bidirectional(
            GRU(16, 32, rng=1, dtype=t), LSTM(16, 32, reverse=True, rng=2, dtype=t)
        ),
        (5, 20, 16),
    ),
    LayerCase(
        "MultiHeadAttention, large",
        lambda t: MultiHeadAttention(32, 4, rng=1, dtype=t),
        (5, 20, 32),
    ),
    LayerCase(
        "TransformerBlock, large", lambda t: TransformerBlock(32, 4, rng=1, dtype=t), (5, 20, 32)
    ),
]
ENTRY_BY_ENTRY = [
    case
    for case in LAYERS
    if BOUNDS[type(case.make(float)).__name__][1] and len(case.shape) == 2 and not case.tokens
]

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["single", "double"])


def as_after_training(layer: AnyLayer, rng: np.random.Generator) -> AnyLayer:
    """The layer with no numbers left as they began: no γ of 1, no b of 0, no variance of 1."""
    for parameter in layer.parameters():
        scale = 0.3 / np.sqrt(max(1, *parameter.shape[:-1], 1))
        noise = scale * rng.standard_normal(parameter.shape)
        parameter.value = parameter.value + noise.astype(parameter.dtype)
    for path, array in arrays(layer).items():
        if path.endswith("running_mean"):
            array[...] = rng.normal(size=array.shape)
        if path.endswith("running_variance"):
            array[...] = rng.uniform(0.1, 3, size=array.shape)
    return layer


@each_dtype
@pytest.mark.parametrize("case", LAYERS + LARGE, ids=lambda case: case.name)
def test_onnx_runtime_gives_the_answers_of_the_layer(case: LayerCase, dtype: DTypeLike) -> None:
    rng = np.random.default_rng(0)
    layer, row = as_after_training(case.make(dtype), rng), case.shape[1:]
    bound, each = BOUNDS[type(layer).__name__]
    loaded = Loaded(to_onnx(layer, row, dtype=dtype))
    for n in (1, 33):
        for scale in (0.1, 1, 5):
            X: NDArray[Any] = (scale * rng.standard_normal((n, *row))).astype(dtype)
            if case.tokens:
                X = rng.integers(case.tokens, size=(n, *row))
            (Y,) = loaded(X)
            assert ulps(Y, layer(X), each=each) <= bound


@each_dtype
@pytest.mark.parametrize("case", ENTRY_BY_ENTRY, ids=lambda case: case.name)
def test_activations_keep_their_digits_at_both_ends(case: LayerCase, dtype: DTypeLike) -> None:
    layer, features = case.make(dtype), case.shape[1]
    bound, _ = BOUNDS[type(layer).__name__]
    ends = [0, 1e-30, 1e-12, 1e-3, 17, 19, 38, 88, 90, 104, 200, 745, 1e4, 1e30]
    X = np.concatenate([ends, np.negative(ends), np.linspace(-120, 120, 2001), np.linspace(-1, 1)])
    X = np.repeat(X[:, np.newaxis], features, axis=1).astype(dtype)
    (Y,) = Loaded(to_onnx(layer, (features,), dtype=dtype))(X)
    assert ulps(Y, layer(X), each=True) <= bound


def test_the_page_bounds_every_public_layer() -> None:
    public = {name: getattr(layerwise, name) for name in layerwise.__all__}
    layers = {
        name
        for name, item in public.items()
        if isinstance(item, type) and issubclass(item, Layer) and item is not Layer
    }
    assert BOUNDS.keys() == layers
    assert {type(case.make(float)).__name__ for case in LAYERS} == layers


def masked(layer: AnyLayer, t: DTypeLike) -> list[AnyLayer]:
    """The layer, alone and inside each container."""
    return [
        layer,
        Sequential(TimeDistributed(Dense(4, 4, rng=5, dtype=t)), layer, ReLU()),
        Residual(layer),
        Parallel(layer, TimeDistributed(Dense(4, 4, rng=5, dtype=t)), join="concatenate"),
        Parallel(layer, ReLU()),
    ]


@each_dtype
@pytest.mark.parametrize("inside", range(5), ids=["alone", "row", "sum", "beside", "added"])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "both", "attention", "causal", "block"])
def test_masks_with_holes_and_with_nothing_but_padding(
    kind: str, inside: int, dtype: DTypeLike
) -> None:
    t, rng = dtype, np.random.default_rng(0)
    made: dict[str, AnyLayer] = {
        "rnn": RNN(4, 4, learn_state=True, reverse=True, rng=1, dtype=t),
        "lstm": LSTM(4, 4, learn_state=True, rng=1, dtype=t),
        "gru": GRU(4, 4, reverse=True, rng=1, dtype=t),
        "both": Bidirectional(GRU(4, 1, rng=1, dtype=t), LSTM(4, 3, reverse=True, rng=2, dtype=t)),
        "attention": MultiHeadAttention(4, 2, rng=1, dtype=t),
        "causal": MultiHeadAttention(4, 2, causal=True, rng=1, dtype=t),
        "block": TransformerBlock(4, 2, rng=1, dtype=t),
    }
    layer = as_after_training(masked(made[kind], t)[inside], rng)
    loaded = Loaded(to_onnx(layer, (6, 4), mask=True))
    for n in (1, 33):
        X, mask = rng.standard_normal((n, 6, 4)).astype(t), rng.random((n, 6)) < 0.6
        mask[0] = False
        (Y,) = loaded(X, mask)
        assert ulps(Y, layer((X, mask))) <= 32


@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_state_of_a_padded_sequence(layer: type[Any], reverse: bool) -> None:
    rng = np.random.default_rng(0)
    last = layer(3, 2, return_sequences=False, reverse=reverse, rng=1)
    X, mask = rng.standard_normal((9, 5, 3)), rng.random((9, 5)) < 0.5
    (Y,) = Loaded(to_onnx(last, (5, 3), mask=True))(X, mask)
    assert Y.shape == (9, 2)
    assert ulps(Y, last((X, mask))) <= 32


@each_dtype
def test_tokens_and_their_mask(dtype: DTypeLike) -> None:
    rng = np.random.default_rng(0)
    network: Sequential[Any] = Sequential(
        Embedding(7, 4, rng=1, dtype=dtype),
        PositionalEncoding(4),
        TransformerBlock(4, 2, rng=2, dtype=dtype),
    )
    tokens, mask = rng.integers(7, size=(33, 5)), rng.random((33, 5)) < 0.7
    tokens[~mask] = 99  # padding may be any number
    (Y,) = Loaded(to_onnx(network, (5,), mask=True))(tokens, mask)
    assert ulps(Y, network((tokens, mask))) <= 32


@each_dtype
@pytest.mark.parametrize("with_mask", [False, True])
def test_attention_to_a_memory(with_mask: bool, dtype: DTypeLike) -> None:
    rng = np.random.default_rng(0)
    attention = MultiHeadAttention(4, 2, rng=1, dtype=dtype)
    loaded = Loaded(to_onnx(attention, ((3, 4), (6, 4)), mask=with_mask))
    assert [given.name for given in loaded.session.get_inputs()][:2] == ["X0", "X1"]
    for n in (1, 33):
        X, memory = (rng.standard_normal((n, t, 4)).astype(dtype) for t in (3, 6))
        mask = rng.random((n, 6)) < 0.5
        given: Any = (X, memory, mask) if with_mask else (X, memory)
        (Y,) = loaded(*given)
        assert ulps(Y, attention(given)) <= 16
