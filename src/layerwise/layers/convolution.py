"""Convolutions: one small kernel for every place of an image or a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, final

import numpy as np
from numpy.typing import DTypeLike

from layerwise.arguments import Row, whole_number, whole_numbers
from layerwise.arrays import Array, as_floating, matrix_multiply, sum_rows
from layerwise.forms import same_form
from layerwise.initializers import Initializer, first_values, he_normal
from layerwise.layers.base import Layer
from layerwise.layers.long_rows import merge_rows, repeat_to
from layerwise.layers.patches import patches, spread
from layerwise.layers.windows import Padding, placed, short, windows_of
from layerwise.parameter import Parameter


class _Convolution(Layer[Array, Array]):
    """Y = P W + b, where P has a row for each window over X; for so many axes as AXES says."""

    AXES: ClassVar[int]
    W: Parameter
    b: Parameter

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int | Row,
        *,
        stride: int | Row = 1,
        padding: Padding = "valid",
        dilation: int | Row = 1,
        bias: bool = True,
        W_init: Initializer = he_normal,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        who, axes = type(self).__name__, self.AXES
        size = whole_numbers(who, "kernel_size", kernel_size, axes)
        channels = whole_number(who, "inputs", inputs), whole_number(who, "outputs", outputs)
        self.windows = windows_of(
            who, axes, size, stride=stride, padding=padding, dilation=dilation
        )
        self.W = first_values(who, W_init, (*size, *channels), rng, dtype)
        self.bias = bias
        if bias:
            self.b = Parameter(np.zeros(channels[1], dtype))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = P W + b; back: dL/dW = Pᵀ grad, dL/db = Σ grad, dL/dX = grad Wᵀ, spread over X."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """`forward` without the products for dL/dX, which no one needs of data."""
        return self._forward(X, from_data=True)

    def _forward(self, X: Array, *, from_data: bool) -> tuple[Array, Callable[[Array], Array]]:
        who, W = type(self).__name__, self.W.value
        *_, inputs, outputs = W.shape
        X = as_floating(X, f"{who}: X", W.dtype)
        at = placed(who, self.windows, X.shape, inputs)
        P = patches(X, at)
        Y = matrix_multiply(P, W.reshape(-1, outputs))
        if self.bias:
            merged = merge_rows(Y)
            merged += repeat_to(self.b.value, merged)
        shape = len(X), *at.counts, outputs

        def backward(grad: Array) -> Array:
            same_form(who, grad, shape, W.dtype)
            G = grad.reshape(-1, outputs)
            self.W.add_grad((P.T @ G).reshape(W.shape))
            if self.bias:
                self.b.add_grad(sum_rows(G))
            return grad if from_data else spread(G, W, at)

        return Y.reshape(shape), backward

    def __repr__(self) -> str:
        *size, inputs, outputs = self.W.shape
        given = [f"{inputs}, {outputs}, {short(tuple(size))}"]
        settings = zip(self.windows._fields[1:], self.windows[1:], strict=True)
        usual = {"padding": "valid", "stride": 1, "dilation": 1}
        given += [f"{name}={short(s)!r}" for name, s in settings if short(s) != usual[name]]
        given += [] if self.bias else ["bias=False"]
        return f"{type(self).__name__}({', '.join(given)})"


@final
class Conv2D(_Convolution):
    """Y[n, i, j] = Σ over k, l of X[n, i s + k d, j s + l d] W[k, l] + b, s stride, d dilation.

    X has shape (n, height, width, inputs) and Y (n, heights, widths, outputs), channels last. `W`,
    of shape (*kernel_size, inputs, outputs), starts as `W_init(shape, rng)` gives it; `b`, of shape
    (outputs,), as zeros; with `bias=False` there is no `b`. `kernel_size`, `stride` and `dilation`
    are a number for both axes or a pair. `rng` is whatever `numpy.random.default_rng` takes, and
    `dtype` float64 or float32; X is converted to it.

    `padding` by zeros is "valid", none; a number p, or a pair, at both ends of an axis; or "same",
    as Keras and TensorFlow have it: ⌈length / s⌉ windows along an axis, for which the padding is
    (⌈length / s⌉ − 1) s + (size − 1) d + 1 − length, if that is not below 0, the smaller half of it
    before X.

    This is the cross-correlation, as networks have it: the kernel lies on the image as it is
    printed. Part 4.2 of the course flips it first, the convolution of mathematics; of a kernel that
    is learned, that is the same layer with W[::-1, ::-1].

    Raises ValueError for sizes that are too small, for an initializer that gives another shape or
    no finite numbers, and for an X or a gradient that does not fit, TypeError for another dtype.
    Source: part 4.2 of the course; Dumoulin and Visin 2016, arXiv:1603.07285.

    >>> conv = Conv2D(1, 1, 2); conv.W.value = np.full((2, 2, 1, 1), 0.25)
    >>> conv(np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1))
    array([[[[2.5]]]])
    """

    AXES = 2


@final
class Conv1D(_Convolution):
    """Y[n, i] = Σ over k of X[n, i s + k d] W[k] + b, s stride, d dilation: `Conv2D` of sequences.

    X has shape (n, t, inputs) and Y (n, times, outputs); `W` has shape (kernel_size, inputs,
    outputs). All else is as in `Conv2D`, what it raises too.

    >>> conv = Conv1D(1, 1, 2); conv.W.value = np.array([-1.0, 1.0]).reshape(2, 1, 1)
    >>> conv(np.array([1.0, 4.0, 9.0]).reshape(1, 3, 1)).ravel()
    array([3., 5.])
    """

    AXES = 1
