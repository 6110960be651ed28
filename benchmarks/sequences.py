"""W8: layers of sequences, forward and back, in the sizes that small models have."""

from math import sqrt

import numpy as np

from benchmarks.workloads import Array, Pass, Workload, drawn

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def passes() -> list[Workload]:
    """The three recurrent layers, attention, a transformer's block, and an embedding."""
    return [
        recurrent("LSTM", (32, 50, 64), 128, calls=3),
        recurrent("GRU", (32, 50, 64), 128, calls=3),
        recurrent("RNN", (16, 100, 32), 64, calls=20),
        attention(64, calls=5),
        attention(256, calls=1),
        block(),
        embedding(),
    ]


def recurrent(layer: str, shape: tuple[int, int, int], units: int, calls: int) -> Pass:
    """A recurrent layer for sequences of this shape; biases begin as usual."""
    n, t, inputs = shape
    X, grad = drawn(shape, (n, t, units))
    W, U = (first_weights(rows, units, GATES[layer]) for rows in (inputs, units))
    return Pass(f"W8 {layer}", f"{layer}, {shape} to {units}", layer, X, grad, calls, W=W, U=U)


def first_weights(inputs: int, units: int, gates: int) -> Array:
    """N(0, 1 / inputs) for each gate: small enough for states to be forgotten."""
    rng = np.random.default_rng(5)
    W = rng.standard_normal((inputs, gates * units), dtype=np.float32)
    return W / np.float32(sqrt(inputs))


def attention(t: int, calls: int) -> Pass:
    """Causal attention over t places of 128 features, with four heads."""
    X, grad, *weights = drawn(*[(16, t, 128)] * 2, *[(128, 128)] * 4)
    small = tuple(W / np.float32(sqrt(128)) for W in weights)
    title = f"causal MultiHeadAttention, {X.shape}, four heads"
    key = f"W8 attention {t}"
    return Pass(key, title, "MultiHeadAttention", X, grad, calls, weights=small)


def block() -> Pass:
    """A transformer's block of 64 features, which sees all places."""
    X, grad, *weights = drawn(*[(16, 32, 64)] * 2, *[(64, 64)] * 4, (64, 256), (256, 64))
    small = tuple(W / np.float32(sqrt(len(W))) for W in weights)
    title = f"TransformerBlock, {X.shape}, four heads"
    return Pass("W8 block", title, "TransformerBlock", X, grad, 5, weights=small)


def embedding() -> Pass:
    """10,000 tokens of 64 features, 32 sequences of 64."""
    W, grad = drawn((10_000, 64), (32, 64, 64))
    X = np.random.default_rng(5).integers(10_000, size=(32, 64))
    title = "Embedding(10000, 64), (32, 64)"
    return Pass("W8 Embedding", title, "Embedding", X, grad, 50, weights=(W,))
