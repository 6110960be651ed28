"""Layers in a row."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final, overload

from layerwise.arguments import of_type, row_shape
from layerwise.arrays import Array
from layerwise.forms import same_form
from layerwise.layers.base import In, Layer
from layerwise.layers.fitting import explain, row_shapes
from layerwise.layers.masks import apart, forward_beside, paired, with_mask
from layerwise.layers.summary import Line, lines, size, table


@final
class Sequential(Layer[In, Array]):
    """Y = fₖ(… f₂(f₁(X))): layers in a row, itself a layer.

    Where the shape of one row is known, from `input_shape` or from the first layer that has it,
    two rows of zeros are sent through when the network is made, so that layers that do not fit
    are refused at once; else the same error comes at the first call. Iterate over it or index it
    for the layers; a slice is a network over the same layers.

    A padded batch of sequences goes in as (X, mask): the mask reaches each layer that takes one. A
    backward is for one call: it lets go of each layer's memory as it uses it.

    Raises ValueError for layers that do not fit, RuntimeError for a second backward.

    >>> from layerwise import Dense, ReLU
    >>> Sequential(Dense(2, 3), ReLU(), Dense(3, 1)).output_shape
    (1,)
    """

    def __init__(
        self,
        first: Layer[In, Any],
        *others: Layer[Any, Any],
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.layers: tuple[Layer[Any, Any], ...] = (first, *others)
        for i, layer in enumerate(self.layers):
            remedy = "make the layer, as in Sequential(Dense(2, 3), ReLU())"
            of_type("Sequential", f"item {i}", layer, Layer, remedy)
        self.input_shape = first.input_shape
        if input_shape is not None:
            self.input_shape = row_shape("Sequential", "input_shape", input_shape)
        self.takes_mask = any(layer.takes_mask for layer in self.layers)
        self._first_to_learn = next(
            (i for i, layer in enumerate(self.layers) if layer.parameters()), len(self.layers)
        )
        self._row_shapes = row_shapes(self.layers, self.input_shape)
        self.output_shape = self._row_shapes[-1]

    def __call__(self, X: In, /) -> Array:
        """Return Y, the way it is wanted outside training."""
        Y, mask = apart(self, X)
        for i, layer in enumerate(self.layers):
            try:
                Y = layer(paired(layer, Y, mask))
            except ValueError as error:
                explain(self.layers, i, Y, error)
                raise
        answer: Array = Y
        return answer

    def forward(self, X: In, /) -> tuple[Array, Callable[[Array], In]]:
        """Each layer's forward in order; back: each layer's backward in reverse order."""
        return self._forward(X, first_to_learn=-1)

    def forward_from_data(self, X: In, /) -> tuple[Array, Callable[[Array], In]]:
        """`forward` that goes back no further than the first layer that learns."""
        return self._forward(X, first_to_learn=self._first_to_learn)

    def _forward(self, X: In, *, first_to_learn: int) -> tuple[Array, Callable[[Array], In]]:
        Y, mask = apart(self, X)
        ways_back: list[Callable[[Any], Any]] = []
        for i, layer in enumerate(self.layers):
            forward = layer.forward_from_data if i == first_to_learn else layer.forward
            try:
                Y, way_back = forward_beside(mask, layer, forward)(Y)
            except ValueError as error:
                explain(self.layers, i, Y, error)
                raise
            if i >= first_to_learn:
                ways_back.append(way_back)
        shape, dtype, unused = Y.shape, Y.dtype, True

        def backward(grad: Array) -> In:
            nonlocal unused
            if not unused:
                raise RuntimeError(
                    "Sequential: this backward was used before, and has let go of what it needs: "
                    "call forward again for another one"
                )
            same_form("Sequential", grad, shape, dtype)
            dX: Any = grad
            while ways_back:
                dX = ways_back[-1](dX)
                ways_back.pop()
                unused = False  # not before: what the first one refuses may be put right
            unused = False
            way_in: In = with_mask(dX, mask)
            return way_in

        return Y, backward

    def stepper(self) -> Callable[[Any], Any]:
        """Each layer's step in order."""
        steps = [layer.stepper() for layer in self.layers]

        def step(x: Any) -> Any:
            for step_of_layer in steps:
                x = step_of_layer(x)
            return x

        return step

    def parts(self) -> Mapping[str, object]:
        """The layers, named by their positions."""
        return {str(i): layer for i, layer in enumerate(self.layers)}

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
        return f"Sequential(\n{table(self.table_lines())}\n  {size(self)} parameters\n)"

    def table_lines(self, prefix: str = "") -> list[Line]:
        """Path, name, shapes and number of parameters of each layer, nested ones included."""
        found: list[Line] = []
        for i, layer in enumerate(self.layers):
            found += lines(layer, f"{prefix}{i}", *self._row_shapes[i : i + 2])
        return found
