"""What the layers that break the contract are made from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from layerwise import Array, Layer, Parameter
from layerwise.arrays import as_floating
from tests.gradient_cases.case import Case, Hint
from tests.gradient_cases.points import Build, Inputs, fresh, layer_at, normal

Way = tuple[Array, Callable[[Array], Array]]


def wrong(
    kind: str, name: str, layer: Build, X: Inputs, *, reason: str, hint: Hint | None = None
) -> Case:
    """A layer made from rng."""
    return Case(name, kind, layer_at(layer, X), "wrong", reason, hint)


def layers(
    kind: str, rows: Sequence[tuple[str, Build, Inputs, str]], *, hint: Hint | None = None
) -> list[Case]:
    """Layers made from rng."""
    return [
        wrong(kind, name, build, X, reason=reason, hint=hint) for name, build, X, reason in rows
    ]


class Linearly(Layer[Array, Array]):
    """Y = X W + b: what the layers below do, each with one fault."""

    def __init__(self, rng: np.random.Generator, dtype: type[Any] = np.float64) -> None:
        self.W = Parameter(rng.standard_normal((4, 3)).astype(dtype))
        self.b = Parameter(rng.standard_normal(3).astype(dtype))

    def learn(self, X: Array, grad: Array) -> None:
        """Add both gradients."""
        self.W.add_grad(X.T @ grad)
        self.b.add_grad(grad.sum(axis=0))

    def forward(self, X: Array, /) -> Way:
        """Y = X W + b."""
        X = as_floating(X, "Linearly: X", self.W.dtype)
        W = self.W.value

        def backward(grad: Array) -> Array:
            self.learn(X, grad)
            dX: Array = grad @ W.T
            return dX

        Y: Array = X @ W + self.b.value
        return Y, backward


PLAIN = normal(6, 4)
OVERWRITTEN: Hint = "argument overwritten"


def of_classes(
    kind: str, rows: Sequence[tuple[type[Linearly], str]], *, hint: Hint | None = None
) -> list[Case]:
    """Faulty ways of doing what Linearly does."""
    return [
        wrong(kind, layer.__name__, layer, PLAIN, reason=reason, hint=hint)
        for layer, reason in rows
    ]


def of_plain_classes(
    kind: str, rows: Sequence[tuple[type[Layer[Array, Array]], str]], *, hint: Hint | None = None
) -> list[Case]:
    """Faulty layers without parameters."""
    return [
        wrong(kind, layer.__name__, fresh(layer), PLAIN, reason=reason, hint=hint)
        for layer, reason in rows
    ]
