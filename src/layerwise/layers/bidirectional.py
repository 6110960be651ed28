"""Two recurrent layers, one in each direction."""

from collections.abc import Callable
from typing import Any, final

import numpy as np

from layerwise.arguments import of_type
from layerwise.arrays import Array
from layerwise.forms import same_form
from layerwise.layers.base import Layer
from layerwise.layers.masks import apart, with_mask
from layerwise.layers.recurrent import Recurrent, Sequences


@final
class Bidirectional(Layer[Sequences, Array]):
    """Y = [f(X), g(X)]: a layer that goes onward and one that goes in reverse, side by side.

    X has shape (n, t, inputs) and Y (n, t, units of f + units of g), or without the axis of the
    places where both answer with their last state: f's at the last place and g's at the first. X
    may be (X, mask), as for each of them. As many backwards as the layers inside allow.

    Raises ValueError for two layers of one direction, or that differ in inputs, in dtype or in
    `return_sequences`, TypeError for what is no recurrent layer. Source: Schuster and Paliwal 1997,
    IEEE Transactions on Signal Processing 45, 2673-2681.

    >>> from layerwise import GRU
    >>> Bidirectional(GRU(3, 2), GRU(3, 2, reverse=True))(np.ones((5, 4, 3))).shape
    (5, 4, 4)
    """

    takes_mask = True

    def __init__(self, layer: Recurrent, backward_layer: Recurrent) -> None:
        remedy = "as in Bidirectional(GRU(3, 4), GRU(3, 4, reverse=True))"
        for name, given in ("layer", layer), ("backward_layer", backward_layer):
            of_type("Bidirectional", name, given, Recurrent, remedy)
        if layer.reverse or not backward_layer.reverse:
            raise ValueError(
                f"Bidirectional: {layer!r} and {backward_layer!r} came, expected one without "
                f"reverse=True and then one with it, {remedy}"
            )
        for what, one, other in (
            ("inputs", layer.W.shape[0], backward_layer.W.shape[0]),
            ("dtype", layer.W.dtype, backward_layer.W.dtype),
            ("return_sequences", layer.return_sequences, backward_layer.return_sequences),
        ):
            if one != other:
                raise ValueError(
                    f"Bidirectional: the layers have {what} {one} and {other}, expected the same"
                )
        self.layer, self.backward_layer = layer, backward_layer
        units = len(layer.U.value) + len(backward_layer.U.value)
        self.output_shape = None if layer.return_sequences else (units,)

    def forward(self, X: Sequences, /) -> tuple[Array, Callable[[Array], Sequences]]:
        """Both answers side by side; back: the sum of what each one's backward gives."""
        _, mask = apart(self, X)
        Y, way_back = self.layer.forward(X)
        Y_reverse, way_back_reverse = self.backward_layer.forward(X)
        both: Array = np.concatenate([Y, Y_reverse], axis=-1)
        units = Y.shape[-1]

        def backward(grad: Array) -> Sequences:
            same_form("Bidirectional", grad, both.shape, both.dtype)
            dX, _ = apart(self, way_back(grad[..., :units]))
            dX_reverse, _ = apart(self, way_back_reverse(grad[..., units:]))
            way_in: Sequences = with_mask(dX + dX_reverse, mask)
            return way_in

        return both, backward

    def stepper(self) -> Callable[[Any], Any]:
        """Refused: half of the answer depends on all later places."""
        raise TypeError(
            "Bidirectional: it has no stepper: one of its layers begins with the place that comes "
            "last"
        )

    def __repr__(self) -> str:
        return f"Bidirectional({self.layer!r}, {self.backward_layer!r})"
