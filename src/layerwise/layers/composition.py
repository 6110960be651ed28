"""Layers around and beside layers, in the same contract; `Sequential` has them in a row."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from typing import Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from layerwise.arguments import of_type, one_of
from layerwise.arrays import Array, as_floating
from layerwise.forms import alike, as_plain, same_form
from layerwise.layers.base import Layer
from layerwise.layers.fitting import output_shape
from layerwise.layers.masks import Forward, Mask, apart, forward_beside, paired, with_mask

T = TypeVar("T")


@final
class Residual(Layer[Array, Array]):
    """Y = X + f(X), for a layer f whose answer has the shape of X; dL/dX = grad + df(grad).

    X is converted to the dtype of f(X). As many backwards as the layer inside allows.

    Raises ValueError for a layer that gives another shape: at once where it knows its input, else
    at the first call. Source: He et al. 2015, arXiv:1512.03385, equation 1.

    >>> from layerwise import ReLU
    >>> Residual(ReLU())(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]])
    """

    def __init__(self, layer: Layer[Any, Array]) -> None:
        of_type("Residual", "layer", layer, Layer, "as in Residual(Dense(3, 3))")
        self.layer = layer
        self.input_shape, self.takes_mask = layer.input_shape, layer.takes_mask
        self.output_shape = output_shape(self)

    def __call__(self, X: Array, /) -> Array:
        """Y = X + f(X), with the f that is wanted outside training."""
        X, mask = apart(self, X)
        return self._sum(X, self.layer(paired(self.layer, X, mask)))

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """Y = X + f(X); back: grad + df(grad)."""
        return self._forward(X, from_data=False)

    def forward_from_data(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        """`forward` that goes back into f only, and there for its parameters only."""
        return self._forward(X, from_data=True)

    def _forward(self, X: Array, *, from_data: bool) -> tuple[Array, Callable[[Array], Array]]:
        X, mask = apart(self, X)
        forward = self.layer.forward_from_data if from_data else self.layer.forward
        inside, way_back = forward_beside(mask, self.layer, forward)(X)
        Y = self._sum(X, inside)
        shape, dtype = Y.shape, Y.dtype

        def backward(grad: Array) -> Array:
            same_form("Residual", grad, shape, dtype)
            dX = way_back(grad)
            way_in: Array = with_mask(grad if from_data else grad + dX, mask)
            return way_in

        return Y, backward

    def stepper(self) -> Callable[[Any], Any]:
        """X + f(X), place by place."""
        step = self.layer.stepper()
        return lambda x: self._sum(x, step(x))

    def _sum(self, X: Array, inside: Array) -> Array:
        X = as_floating(X, "Residual: X", inside.dtype)
        if inside.shape != X.shape:
            raise ValueError(
                f"Residual: {type(self.layer).__name__} gives {inside.shape} for X {X.shape}, "
                "expected the same shape: X is added to it"
            )
        Y: Array = X + inside
        return Y

    def __repr__(self) -> str:
        return f"Residual({self.layer!r})"


@final
class Parallel(Layer[NDArray[Any], Array]):
    """Y = f₁(X) + f₂(X) + …, or the answers side by side; dL/dX = Σ dfᵢ(gradᵢ).

    With `join="add"` the answers have one shape, and each layer takes the whole gradient; with
    `join="concatenate"` they are joined along the last axis, in which alone they may differ, and
    each layer takes its part. Floats in X take the dtype that the layers learn in, if they do. As
    many backwards as the layers inside allow.

    Raises ValueError for another join, and for answers that do not fit one another: at once where
    a layer knows its input, else at the first call; TypeError for answers of two dtypes.
    Source: Szegedy et al. 2014, arXiv:1409.4842, section 4 (concatenated).

    >>> from layerwise import ReLU, Tanh
    >>> Parallel(ReLU(), Tanh(), join="concatenate")(np.array([[-1.0, 0.0]])).round(2)
    array([[ 0.  ,  0.  , -0.76,  0.  ]])
    """

    def __init__(
        self, first: Layer[Any, Array], *others: Layer[Any, Array], join: str = "add"
    ) -> None:
        self.layers = (first, *others)
        for i, layer in enumerate(self.layers):
            remedy = "make the layer, as in Parallel(Dense(2, 3), Dense(2, 3))"
            of_type("Parallel", f"item {i}", layer, Layer, remedy)
        self.join = one_of("Parallel", "join", join, ("add", "concatenate"))
        self.takes_mask = any(layer.takes_mask for layer in self.layers)
        self.dtype = next((parameter.dtype for parameter in self.parameters()), None)
        known = (layer.input_shape for layer in self.layers if layer.input_shape is not None)
        self.input_shape = next(known, None)
        self.output_shape = output_shape(self)

    def __call__(self, X: NDArray[Any], /) -> Array:
        """Return Y, the way it is wanted outside training."""
        X, mask = self._converted(X)
        return self._joined(self._each(lambda layer: layer(paired(layer, X, mask))))

    def forward(self, X: NDArray[Any], /) -> tuple[Array, Callable[[Array], NDArray[Any]]]:
        """Each layer's forward; back: the sum of what each one's backward gives."""
        return self._forward(X, lambda layer: layer.forward, from_data=False)

    def forward_from_data(
        self, X: NDArray[Any], /
    ) -> tuple[Array, Callable[[Array], NDArray[Any]]]:
        """`forward` that goes back into the layers for their parameters only."""
        return self._forward(X, lambda layer: layer.forward_from_data, from_data=True)

    def _forward(
        self, X: NDArray[Any], of: Callable[[Layer[Any, Array]], Forward], *, from_data: bool
    ) -> tuple[Array, Callable[[Array], NDArray[Any]]]:
        X, mask = self._converted(X)
        forwards = self._each(lambda layer: forward_beside(mask, layer, of(layer))(X))
        answers = [answer for answer, _ in forwards]
        Y = self._joined(answers)
        shape, dtype = Y.shape, Y.dtype
        ways_back = [way_back for _, way_back in forwards]
        ends = np.cumsum([answer.shape[-1] for answer in answers])[:-1]

        def backward(grad: Array) -> NDArray[Any]:
            same_form("Parallel", grad, shape, dtype)
            grads = [grad] * len(ways_back)
            if self.join == "concatenate":
                grads = np.split(grad, ends, axis=-1)
            gradients = [way_back(part) for way_back, part in zip(ways_back, grads, strict=True)]
            way_in: NDArray[Any] = with_mask(grad if from_data else reduce(add, gradients), mask)
            return way_in

        return Y, backward

    def stepper(self) -> Callable[[Any], Any]:
        """The answers of each layer's step, joined."""
        steps = [layer.stepper() for layer in self.layers]
        return lambda x: self._joined([step(x) for step in steps])

    def _converted(self, X: NDArray[Any]) -> tuple[NDArray[Any], Mask | None]:
        """X in the dtype of what is learned, so that layers without parameters answer in it too."""
        X, mask = apart(self, X)
        X = as_plain(X, "Parallel: X")
        floats = self.dtype is not None and X.dtype.kind == "f"
        return X.astype(self.dtype, copy=False) if floats else X, mask

    def _joined(self, answers: list[Array]) -> Array:
        names = [f"layer {i} {type(layer).__name__}" for i, layer in enumerate(self.layers)]
        alike("Parallel", names, answers, but_last=self.join == "concatenate")
        if self.join == "concatenate":
            return np.concatenate(answers, axis=-1)
        return reduce(add, answers)

    def _each(self, run: Callable[[Layer[Any, Array]], T]) -> list[T]:
        """What comes of each layer; an error says from which one it came."""
        results = []
        for i, layer in enumerate(self.layers):
            try:
                results.append(run(layer))
            except ValueError as error:
                name = type(layer).__name__
                error.add_note(f"This came from layer {i} {name} of a Parallel.")
                raise
        return results

    def parts(self) -> Mapping[str, object]:
        """The layers, named by their positions."""
        return {str(i): layer for i, layer in enumerate(self.layers)}

    def __repr__(self) -> str:
        join = "" if self.join == "add" else f', join="{self.join}"'
        return f"Parallel({', '.join(map(repr, self.layers))}{join})"
