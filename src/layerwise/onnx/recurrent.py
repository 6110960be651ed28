"""Recurrent layers: a step, and the loop over it, which ONNX calls Scan.

ONNX has operators for whole layers. ONNX Runtime has none of them in float64, and their masks are
lengths: a mask with a hole in it could not be said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from layerwise.layers.base import Layer
from layerwise.layers.bidirectional import Bidirectional
from layerwise.layers.gru import GRU
from layerwise.layers.lstm import LSTM
from layerwise.layers.masks import apart
from layerwise.layers.recurrent import Recurrent
from layerwise.layers.rnn import RNN
from layerwise.onnx.graph import Graph
from layerwise.onnx.table import apply, entry
from layerwise.onnx.tensor import Tensor, given, node, nodes

Step = Callable[[Tensor, list[Tensor]], list[Tensor]]  # of Xₜ W + b and the states before


def through_time(layer: Recurrent, X: Any, step: Step) -> Tensor:
    """The first kind of state after each step, or the last one; a masked step keeps all states."""
    X, mask = apart(layer, X)
    units, dtype = len(layer.U.value), layer.W.dtype
    A = X.astype(dtype) @ layer.W.value + layer.b.value
    firsts = [state.value for state in layer.first_state] or [np.zeros(units, dtype)] * layer.STATES
    shape = node("Concat", node("Shape", X, start=0, end=1), [units], axis=0)
    scanned = [A] if mask is None else [A, node("Unsqueeze", mask, [2])]

    body, name = Graph(outer=A.graph), A.named.name
    before = [given(body, f"{name}.state_{i}", dtype, (units,)) for i in range(layer.STATES)]
    now = [given(body, f"{t.named.name}.now", t.dtype, t.row[1:]) for t in scanned]
    after = step(now[0], before)
    if mask is not None:
        pairs = zip(after, before, strict=True)
        after = [node("Where", now[1], state, kept) for state, kept in pairs]
    outputs = {f"{name}.state_{i}.after": state.named for i, state in enumerate(after)}
    outputs[f"{name}.answer"] = after[0].named

    back = int(layer.reverse)
    last, *_, H = nodes(
        "Scan",
        *(node("Expand", state, shape) for state in firsts),
        *scanned,
        outputs=layer.STATES + 1,
        body=body.proto("step", outputs),
        num_scan_inputs=len(scanned),
        scan_input_axes=[1] * len(scanned),
        scan_input_directions=[back] * len(scanned),
        scan_output_axes=[1],
        scan_output_directions=[back],
    )
    answer: Tensor = H if layer.return_sequences else last
    return answer


def gate(Z: Tensor) -> Tensor:
    """σ(Z) = (1 + tanh(Z / 2)) / 2."""
    return 0.5 * node("Tanh", 0.5 * Z) + 0.5


@entry.register
def _(layer: RNN, X: Any) -> Tensor:
    f = "Tanh" if layer.activation == "tanh" else "Relu"
    return through_time(layer, X, lambda A, states: [node(f, A + states[0] @ layer.U.value)])


@entry.register
def _(layer: LSTM, X: Any) -> Tensor:
    def step(A: Tensor, states: list[Tensor]) -> list[Tensor]:
        H, C = states
        i, f, g, o = (A + H @ layer.U.value).split(4)
        C = gate(f) * C + gate(i) * node("Tanh", g)
        return [gate(o) * node("Tanh", C), C]

    return through_time(layer, X, step)


@entry.register
def _(layer: GRU, X: Any) -> Tensor:
    def step(A: Tensor, states: list[Tensor]) -> list[Tensor]:
        (H,) = states
        (Ar, Az, An), (Hr, Hz, Hn) = A.split(3), (H @ layer.U.value).split(3)
        N = node("Tanh", An + gate(Ar + Hr) * (Hn + layer.c.value))
        return [(H - N) * gate(Az + Hz) + N]

    return through_time(layer, X, step)


@entry.register
def _(layer: Bidirectional, X: Any) -> Tensor:
    both: list[Layer[Any, Any]] = [layer.layer, layer.backward_layer]
    return node("Concat", *(apply(one, X) for one in both), axis=-1)
