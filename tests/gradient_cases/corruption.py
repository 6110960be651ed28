"""A right layer with a wrong gradient: the answer is the inner layer's, the way back is spoiled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise import Array, Layer, Parameter
from tests.gradient_cases.case import Make


@dataclass(frozen=True)
class Seen:
    """What a way back can see: X, Y, grad, the value that the gradient belongs to.

    `gradients` are the right ones of all parameters.
    """

    X: Any
    Y: Array
    grad: Array
    value: Any
    gradients: Sequence[Array]


Edit = Callable[[Array, Seen], Array]


def _unchanged(g: Array, at: Seen) -> Array:
    return g


class Corrupted(Layer[Any, Any]):
    """Y of the inner layer; each gradient named in `edits` is changed, the others are right.

    The names are "X" and the positions of the parameters: 0 for the first, and so on.
    """

    def __init__(self, inner: Layer[Any, Any], edits: Mapping[str | int, Edit]) -> None:
        self.inner, self.edits = inner, edits

    def __call__(self, X: Any, /) -> Any:
        """Y of the inner layer."""
        return self.inner(X)

    def forward(self, X: Any, /) -> tuple[Any, Callable[[Any], Any]]:
        """Y of the inner layer."""
        Y, inner_back = self.inner.forward(X)

        def backward(grad: Any) -> Any:
            parameters = self.inner.parameters()
            before = [(p.grad.copy(), p.has_grad) for p in parameters]
            self.inner.zero_grad()
            dX = inner_back(grad)
            added = [p.has_grad for p in parameters]
            dP = [p.grad.copy() for p in parameters]
            for i, (p, (held, had)) in enumerate(zip(parameters, before, strict=True)):
                p.grad[...], p.has_grad = held, had
                edit = self.edits.get(i, _unchanged)
                if added[i]:
                    p.add_grad(edit(dP[i], Seen(X, Y, grad, p.value, dP)))
            edit = self.edits.get("X", _unchanged)
            if isinstance(dX, tuple):
                return edit(dX[0], Seen(X, Y, grad, X[0], dP)), *dX[1:]
            return edit(dX, Seen(X, Y, grad, X, dP))

        return Y, backward


def spoiled(make: Make, **edits: Edit) -> Make:
    """The layer of `make` with spoiled gradients, named X, P0, P1 and so on."""
    named: dict[str | int, Edit] = {
        name if name == "X" else int(name[1:]): edit for name, edit in edits.items()
    }

    def spoil(rng: np.random.Generator) -> tuple[Layer[Any, Any], Any]:
        layer, X = make(rng)
        return Corrupted(layer, named), X

    return spoil


def times(c: float) -> Edit:
    """The gradient, c times."""
    return lambda g, at: g * c


def rows_power(p: int) -> Edit:
    """The gradient times n^p, for n rows."""
    return lambda g, at: g * float(len(at.grad)) ** p


def noisy(size: float) -> Edit:
    """Each entry with another relative error, of about `size`; the same ones each time."""

    def edit(g: Array, at: Seen) -> Array:
        errors = np.random.default_rng(g.size).standard_normal(g.shape)
        return (g * (1 + size * errors)).astype(g.dtype)

    return edit


def part(where: Any, edit: Edit) -> Edit:
    """The edit at `where` only, an index or a function of the gradient and what was seen."""

    def edited(g: Array, at: Seen) -> Array:
        wrong = g.copy()
        index = where(g, at) if callable(where) else where
        wrong[index] = edit(g, at)[index]
        return wrong

    return edited


def negative(g: Array, at: Seen) -> Any:
    """Where the value is negative."""
    return at.value < 0


def beyond(level: float) -> Callable[[Array, Seen], Any]:
    """Where the value is large."""
    return lambda g, at: np.abs(at.value) > level


def middle(g: Array, at: Seen) -> Any:
    """One entry in the middle."""
    return np.unravel_index(g.size * 5 // 8, g.shape)


def rounded(digits: int) -> Edit:
    """The gradient with so many significant digits."""

    def edit(g: Array, at: Seen) -> Array:
        size = 10.0 ** (digits - 1 - np.floor(np.log10(np.where(g == 0, 1, np.abs(g)))))
        return np.round(g * size) / size

    return edit


def through(dtype: type[Any]) -> Edit:
    """The gradient, rounded to a narrower dtype and back."""
    return lambda g, at: g.astype(dtype).astype(g.dtype)


def assigned(parameter: Parameter, gradient: Array) -> None:
    """The gradient is replaced, where it should be added to."""
    parameter.grad[...] = gradient
    parameter.has_grad = True
