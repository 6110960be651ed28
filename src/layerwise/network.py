"""Layers in a row."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final, overload

import numpy as np

from layerwise.arrays import Array
from layerwise.layers.base import In, Layer
from layerwise.layers.summary import size, table


@final
class Sequential(Layer[In, Array]):
    """Y = fₖ(… f₂(f₁(X))): layers in a row, itself a layer.

    Where the shape of one row is known, from `input_shape` or from the first layer that has it,
    two rows of zeros are sent through when the network is made, so that layers that do not fit
    are refused at once; else the same error comes at the first call. Iterate over it or index it
    for the layers; a slice is a network over the same layers.

    A backward is for one call: it lets go of each layer's memory as it uses it.

    Raises ValueError for layers that do not fit, RuntimeError for a second backward.

    >>> from layerwise import Dense, ReLU
    >>> Sequential(Dense(2, 3), ReLU(), Dense(3, 1))(np.zeros((5, 2))).shape
    (5, 1)
    """

    def __init__(
        self,
        first: Layer[In, Any],
        *others: Layer[Any, Any],
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.layers: tuple[Layer[Any, Any], ...] = (first, *others)
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"Sequential: item {i} is {layer!r}, expected a Layer: "
                    "make the layer, as in Sequential(Dense(2, 3), ReLU())"
                )
        self.input_shape = first.input_shape if input_shape is None else input_shape
        self._first_to_learn = next(
            (i for i, layer in enumerate(self.layers) if layer.parameters()), len(self.layers)
        )
        self._row_shapes = self._probe()

    def __call__(self, X: In, /) -> Array:
        """Return Y, the way it is wanted outside training."""
        Y: Any = X
        for i, layer in enumerate(self.layers):
            try:
                Y = layer(Y)
            except ValueError as error:
                raise self._misfit(i, Y, error) from error
        answer: Array = Y
        return answer

    def forward(self, X: In, /) -> tuple[Array, Callable[[Array], In]]:
        """Each layer's forward in order; back: each layer's backward in reverse order."""
        return self._forward(X, first_to_learn=-1)

    def forward_from_data(self, X: In, /) -> tuple[Array, Callable[[Array], In]]:
        """`forward` that goes back no further than the first layer that learns."""
        return self._forward(X, first_to_learn=self._first_to_learn)

    def _forward(self, X: In, *, first_to_learn: int) -> tuple[Array, Callable[[Array], In]]:
        Y: Any = X
        ways_back: list[Callable[[Any], Any]] = []
        for i, layer in enumerate(self.layers):
            forward = layer.forward_from_data if i == first_to_learn else layer.forward
            try:
                Y, way_back = forward(Y)
            except ValueError as error:
                raise self._misfit(i, Y, error) from error
            if i >= first_to_learn:
                ways_back.append(way_back)
        shape, unused = Y.shape, True

        def backward(grad: Array) -> In:
            nonlocal unused
            if not unused:
                raise RuntimeError(
                    "Sequential: this backward was used before, and has let go of what it needs: "
                    "call forward again for another one"
                )
            if grad.shape != shape:
                raise ValueError(
                    f"Sequential: backward got a gradient of shape {grad.shape}, expected "
                    f"{shape}, the shape of what forward returned"
                )
            unused = False
            dX: Any = grad
            while ways_back:
                dX = ways_back.pop()(dX)
            way_in: In = dX
            return way_in

        return Y, backward

    def parts(self) -> Mapping[str, object]:
        """The layers, named by their positions."""
        return {str(i): layer for i, layer in enumerate(self.layers)}

    def _probe(self) -> list[str]:
        """The shape of a row before the first layer and after each; "?" where it is not known."""
        rows: list[tuple[int, ...] | None] = [self.input_shape]
        for layer in self.layers:
            Y = None if rows[-1] is None else np.zeros((2, *rows[-1]))
            before = layer.input_shape if Y is None and len(rows) > 1 else None
            if before is not None:
                rows[-1], Y = before, np.zeros((2, *before))
            after = getattr(layer, "output_shape", None)
            if Y is not None:
                with np.errstate(all="ignore"):
                    Y = self._answer(len(rows) - 1, layer, Y)
                after = Y.shape[1:] if isinstance(Y, np.ndarray) else None
            rows.append(after)
        self.output_shape = rows[-1]
        return ["?" if row is None else str(row) for row in rows]

    def _answer(self, i: int, layer: Layer[Any, Any], X: Any) -> Any:
        """What layer i answers, or the error that names it and the one before."""
        try:
            return layer(X)
        except ValueError as error:
            raise self._misfit(i, X, error) from error

    def _misfit(self, i: int, Y: object, error: ValueError) -> ValueError:
        """The error for layer i not taking Y; one of another kind, such as of linalg, stays."""
        if type(error) is not ValueError:
            return error
        name = f"layer {i} {type(self.layers[i]).__name__} does not fit "
        if i == 0:
            return ValueError(f"{name}the input, {_row(Y)} per row: {error}")
        before = type(self.layers[i - 1]).__name__
        return ValueError(f"{name}layer {i - 1} {before}, which gives {_row(Y)} per row: {error}")

    @overload
    def __getitem__(self, index: int) -> Layer[Any, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequential[Any]": ...
    def __getitem__(self, index: int | slice) -> "Layer[Any, Any] | Sequential[Any]":
        if isinstance(index, slice):
            layers = self.layers[index]
            if not layers:
                raise ValueError(f"Sequential: [{index.start}:{index.stop}] has no layers")
            from_input = range(len(self))[index][0] == 0
            return Sequential(*layers, input_shape=self.input_shape if from_input else None)
        return self.layers[index]

    def __iter__(self) -> Iterator[Layer[Any, Any]]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return f"Sequential(\n{table(self.rows())}\n  {size(self)} parameters\n)"

    def rows(self, prefix: str = "") -> list[tuple[str, str, str, str]]:
        """Path, name, shapes and number of parameters of each layer, nested ones included."""
        rows = []
        for i, layer in enumerate(self.layers):
            inner = layer.rows(f"{prefix}{i}.") if isinstance(layer, Sequential) else []
            name = "Sequential" if inner else repr(layer)
            shapes = f"{self._row_shapes[i]} -> {self._row_shapes[i + 1]}"
            rows += [(f"{prefix}{i}", name, shapes, size(layer)), *inner]
        return rows


def _row(Y: object) -> str:
    """The shape of one row of Y."""
    return str(Y.shape[1:]) if isinstance(Y, np.ndarray) else "?"
