"""W8: layers of sequences, forward and back, in the sizes that small models have."""

from math import sqrt

import numpy as np

from benchmarks.workloads import Array, Pass, Workload, drawn

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def passes() -> list[Workload]:
    """The three recurrent layers."""
    return [
        recurrent("LSTM", (32, 50, 64), 128, calls=3),
        recurrent("GRU", (32, 50, 64), 128, calls=3),
        recurrent("RNN", (16, 100, 32), 64, calls=20),
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
