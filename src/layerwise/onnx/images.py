"""Windows over images and sequences: convolutions, poolings, and the way up again.

ONNX Runtime has Conv and AveragePool of float32 only. In float64, windows are gathered along one
axis after the other, and what they see is multiplied or added up.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from layerwise.layers.convolution import Conv1D, Conv2D
from layerwise.layers.patches import framed, window_sums
from layerwise.layers.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D, UpSample2D
from layerwise.layers.windows import Placed, placed
from layerwise.onnx.table import entry
from layerwise.onnx.tensor import Tensor, Value, node


def padding(at: Placed) -> tuple[list[int], list[int]]:
    """How many entries are padded before and after X, along each axis."""
    along = list(zip(at.inside[1:], at.frame[1:-1], strict=True))
    return [part.start for part, _ in along], [frame - part.stop for part, frame in along]


def slid(op: str, X: Tensor, at: Placed, *weights: Value, **attributes: Any) -> Tensor:
    """An operator that slides windows over X, for which ONNX has channels in front."""
    size, stride, dilation, _ = at.windows
    before, after = padding(at)
    last = len(size) + 1
    attributes |= {"kernel_shape": size, "strides": stride, "dilations": dilation}
    front = X.transpose(0, last, *range(1, last))
    return node(op, front, *weights, pads=before + after, **attributes).transpose(
        0, *range(2, last + 1), 1
    )


def gathered(X: Tensor, at: Placed) -> Tensor:
    """What windows see: behind each axis of theirs comes that of the entries of a window."""
    before, after = padding(at)
    if any(before + after):
        X = node("Pad", X, [0, *before, 0, 0, *after, 0], 0.0)
    size, stride, dilation, _ = at.windows
    for i in reversed(range(len(size))):
        starts = np.arange(at.counts[i])[:, np.newaxis] * stride[i]
        X = node("Gather", X, starts + np.arange(size[i]) * dilation[i], axis=1 + i)
    return X


@entry.register(Conv1D)
@entry.register(Conv2D)
def _(layer: Conv1D | Conv2D, X: Tensor) -> Tensor:
    W, axes = layer.W.value, layer.AXES
    X = X.astype(W.dtype)
    at = placed(type(layer).__name__, layer.windows, (1, *X.row))
    if W.dtype == np.float32:
        b = [layer.b.value] if layer.bias else []
        return slid("Conv", X, at, W.transpose(axes + 1, axes, *range(axes)), *b)
    windows, entries = range(1, 2 * axes, 2), range(2, 2 * axes + 1, 2)
    P = gathered(X, at).transpose(0, *windows, *entries, 2 * axes + 1)
    Y = P.reshape(*at.counts, prod(W.shape[:-1])) @ W.reshape(-1, W.shape[-1])
    return Y + layer.b.value if layer.bias else Y


@entry.register
def _(layer: MaxPool2D, X: Tensor) -> Tensor:
    X = X.floating()
    return slid("MaxPool", X, placed("MaxPool2D", layer.windows, (1, *X.row)))


@entry.register
def _(layer: AveragePool2D, X: Tensor) -> Tensor:
    X = X.floating()
    at = placed("AveragePool2D", layer.windows, (1, *X.row))
    one = placed("AveragePool2D", layer.windows, (1, *X.row[:2], 1))
    count = window_sums(framed(np.ones((1, *X.row[:2], 1), X.dtype), one), one)
    return gathered(X, at).sum(2, 4).reshape(*at.counts, X.row[-1]) * (1 / count)


@entry.register
def _(layer: GlobalAveragePool2D, X: Tensor) -> Tensor:
    return X.floating().mean(1, 2).reshape(X.row[-1])


@entry.register
def _(layer: UpSample2D, X: Tensor) -> Tensor:
    X = X.floating()
    for axis, size in enumerate(layer.size, 1):
        X = node("Gather", X, np.repeat(np.arange(X.row[axis - 1]), size), axis=axis)
    return X
