"""Layers around and beside layers; a mask goes to those that take one."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from layerwise.layers.composition import Parallel, Residual
from layerwise.layers.masks import apart, paired
from layerwise.layers.time_distributed import TimeDistributed
from layerwise.network import Sequential
from layerwise.onnx.table import apply, entry
from layerwise.onnx.tensor import Tensor, node


@entry.register(Sequential)
def _(layer: Sequential[Any], X: Any) -> Tensor:
    Y, mask = apart(layer, X)
    for inner in layer.layers:
        Y = apply(inner, paired(inner, Y, mask))
    answer: Tensor = Y
    return answer


@entry.register
def _(layer: Residual, X: Any) -> Tensor:
    X, mask = apart(layer, X)
    inside = apply(layer.layer, paired(layer.layer, X, mask))
    Y: Tensor = inside + X.astype(inside.dtype)
    return Y


@entry.register
def _(layer: Parallel, X: Any) -> Tensor:
    X, mask = apart(layer, X)
    X = X.astype(layer.dtype) if layer.dtype is not None and X.dtype.kind == "f" else X
    answers = [apply(inner, paired(inner, X, mask)) for inner in layer.layers]
    return reduce(add, answers) if layer.join == "add" else node("Concat", *answers, axis=-1)


@entry.register
def _(layer: TimeDistributed, X: Tensor) -> Tensor:
    *places, features = X.row
    Y = apply(layer.layer, X.floating().reshape(features))
    return Y.reshape(*places, *Y.row)
