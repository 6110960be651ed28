"""Pooling: windows of an image made one entry, channel by channel; and the way up again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from layerwise.arguments import Row, whole_numbers
from layerwise.arrays import Array, Matrix, as_floating, ones
from layerwise.forms import same_form
from layerwise.layers.base import Layer
from layerwise.layers.patches import add_product, blank, framed, window_sums
from layerwise.layers.windows import Padding, Windows, placed, refuse_other_axes, short, windows_of


class _Pool(Layer[Array, Array]):
    """What poolings share: their windows, one beside the other where no stride is given."""

    def __init__(
        self, size: int | Row, *, stride: int | Row | None = None, padding: Padding = "valid"
    ) -> None:
        who = type(self).__name__
        self.windows = windows_of(
            who, 2, size, stride=size if stride is None else stride, padding=padding
        )
        pads = self.windows.padding
        if not isinstance(pads, str) and any(map(int.__ge__, pads, self.windows.size)):
            raise ValueError(
                f"{who}: padding={short(pads)} came, expected less than the size "
                f"{short(self.windows.size)}: a window would see nothing but padding"
            )

    def __repr__(self) -> str:
        size, stride, _, padding = map(short, self.windows)
        given = f"{size}" if stride == size else f"{size}, stride={stride}"
        given += "" if padding == "valid" else f", padding={padding!r}"
        return f"{type(self).__name__}({given})"


class MaxPool2D(_Pool):
    """Y[n, i, j, c] = max X[n, i s + k, j s + l, c] over k, l below `size`, with s the stride.

    X has shape (n, height, width, channels) and Y (n, heights, widths, channels). `size` and
    `stride` (by default the size) are a number for both axes or a pair; `padding` is as in
    `Conv2D`, but what it pads is never the maximum. Of equal maxima the first, in reading order,
    gets all of the gradient.

    Raises ValueError for sizes that are too small and for an X or a gradient that does not fit.
    Source: part 4.3 of the course.

    >>> MaxPool2D(2)(np.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2)
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = the largest of the views of X; back: grad to the first view that equals Y."""
        who = type(self).__name__
        X = as_floating(X, f"{who}: X")
        at = placed(who, self.windows, X.shape)
        Z = framed(X, at, -np.inf)
        Y = np.maximum(Z[at.views[0]], Z[at.views[-1]])
        for view in at.views[1:-1]:
            np.maximum(Y, Z[view], out=Y)

        def backward(grad: Array) -> Array:
            same_form(who, grad, Y.shape)
            dZ = blank(at, Y.dtype)
            waiting = np.ones(Y.shape, bool)  # windows whose gradient is not given away yet
            for view in at.views[:-1]:
                first = waiting & (Z[view] == Y)
                add_product(dZ, view, grad, first, at)
                waiting ^= first
            add_product(dZ, at.views[-1], grad, waiting, at)
            return dZ[at.inside]

        return Y, backward


class AveragePool2D(_Pool):
    """Y[n, i, j, c] = mean X[n, i s + k, j s + l, c] over k, l below `size`, with s the stride.

    Shapes and arguments are those of `MaxPool2D`. What padding adds does not count: at an edge Y is
    the mean of those that lie in X, as in Keras; PyTorch counts the zeros unless told otherwise.

    Raises ValueError for sizes that are too small and for an X or a gradient that does not fit.
    Source: part 4.3 of the course.

    >>> AveragePool2D(2)(np.arange(16.0).reshape(1, 4, 4, 1)).reshape(2, 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = Σ views of X / count; back: grad / count to each view."""
        who = type(self).__name__
        X = as_floating(X, f"{who}: X")
        at = placed(who, self.windows, X.shape)
        Z = framed(X, at)
        one = placed(who, self.windows, (1, *X.shape[1:3], 1))
        share = 1 / window_sums(framed(np.ones((1, *X.shape[1:3], 1), X.dtype), one), one)
        Y = window_sums(Z, at) * share

        def backward(grad: Array) -> Array:
            same_form(who, grad, Y.shape)
            dZ = blank(at, Y.dtype)
            for view in at.views:
                add_product(dZ, view, grad, share, at)
            return dZ[at.inside]

        return Y, backward


class GlobalAveragePool2D(Layer[Array, Matrix]):
    """Y[n, c] = mean of X[n, :, :, c]: an image becomes a row, whatever its size.

    X has shape (n, height, width, channels) and Y (n, channels).

    Raises ValueError for an X of another rank or without pixels and for a gradient that does not
    fit. Source: Lin et al. 2013, arXiv:1312.4400.

    >>> GlobalAveragePool2D()(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[1.5]])
    """

    def forward(self, X: Array, /) -> tuple[Matrix, Callable[[Matrix], Array]]:
        """Y = the mean over the pixels; back: an equal share of grad to each of them."""
        who = type(self).__name__
        X = as_floating(X, f"{who}: X")
        refuse_other_axes(who, 2, X.shape)
        n, height, width, channels = X.shape
        pixels = height * width
        if pixels == 0:
            raise ValueError(f"{who}: X {X.shape} came, which has no pixels, expected at least one")
        Y: Matrix = np.matmul(ones(pixels, X.dtype), X.reshape(n, pixels, channels)) / pixels

        def backward(grad: Matrix) -> Array:
            same_form(who, grad, Y.shape)
            share = (grad / pixels).reshape(n, 1, 1, channels)
            return np.broadcast_to(share, X.shape).copy()

        return Y, backward


class UpSample2D(Layer[Array, Array]):
    """Y[n, i, j, c] = X[n, ⌊i / size⌋, ⌊j / size⌋, c]: each pixel becomes a block, its nearest.

    X has shape (n, height, width, channels) and Y (n, height size, width size, channels), for a
    size that is a number for both axes or a pair.

    Raises ValueError for sizes below 1 and for an X or a gradient that does not fit.

    >>> UpSample2D((1, 2))(np.array([1.0, 2.0]).reshape(1, 1, 2, 1)).ravel()
    array([1., 1., 2., 2.])
    """

    def __init__(self, size: int | Row) -> None:
        self.size = whole_numbers(type(self).__name__, "size", size, 2)

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X at each entry of its blocks; back: the sum of grad over each block."""
        who = type(self).__name__
        X = as_floating(X, f"{who}: X")
        refuse_other_axes(who, 2, X.shape)
        n, height, width, channels = X.shape
        Y = np.empty((n, height * self.size[0], width * self.size[1], channels), X.dtype)
        blocks = placed(who, Windows(self.size, self.size, (1, 1), "valid"), Y.shape)
        for view in blocks.views:
            Y[view] = X

        def backward(grad: Array) -> Array:
            same_form(who, grad, Y.shape)
            return window_sums(grad, blocks)

        return Y, backward

    def __repr__(self) -> str:
        return f"{type(self).__name__}({short(self.size)})"
