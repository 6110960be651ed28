"""Points of functions whose every number a test knows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.function import Function, Tensors
from layerwise.gradients.point import Noise, Point
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter

Way = tuple[Array, Callable[[Array], Array]]


class Elementwise(Layer[Array, Array]):
    """Y = f(X) with a slope that a test gives, right or wrong; it remembers where it was run."""

    def __init__(
        self, f: Callable[[Array], Array], slope: Callable[[Array], Array] = np.zeros_like
    ) -> None:
        self.f, self.slope = f, slope

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            return grad * self.slope(X)

        return self.f(X), backward


class Scale(Layer[Array, Array]):
    """Y = a X, with a way back that a test can bend."""

    def __init__(self, size: int, bend: Callable[[Array, Array], Array] | None = None) -> None:
        self.a = Parameter(normal(size, seed=1))
        self.bend = bend

    def forward(self, X: Array, /) -> Way:
        a = self.a.value

        def backward(grad: Array) -> Array:
            right = (grad * X).sum(axis=0)
            self.a.add_grad(self.bend(right, grad) if self.bend else right)
            return grad * a

        return a * X, backward


def normal(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def point_of(
    f: Callable[[Array], Array],
    x: Any = 0.0,
    slope: Callable[[Array], Array] = np.zeros_like,
    *,
    noise: float | None = None,
    forward_error: float = 0.0,
) -> Point:
    """The point x of F = f(x), one row; `noise` is what rounding moves each entry by, if given."""
    X = np.atleast_2d(np.array(x, np.float64))
    function = Function(Elementwise(f, slope), X, None, forward_error)
    point = Point("here", function, np.random.default_rng(0))
    if noise is not None:
        quiet(point, noise)
    return point


def quiet(point: Point, noise: float = 0.0, reach: float = 0.0) -> None:
    """Put this in the place of the rounding that was seen: the gradients have none."""
    gradients = [[g] * 4 for g in point.G]
    like = np.ones(len(point.C))
    point.noise = Noise(np.full(point.F.size, noise), noise * like, gradients, reach * like)


def along_x(point: Point) -> Tensors:
    """The direction in which all entries of X grow alike."""
    return {"X": np.ones_like(point.function.base["X"])}


def stepwise(values: dict[float, tuple[float, float]], at_0: float = 0.0) -> Callable[..., Array]:
    """A function of one number with these values at 4⁻ᵏ and −4⁻ᵏ, by k, and 0 anywhere else."""
    known = {4.0**-k: above for k, (above, _) in values.items()}
    known |= {-(4.0**-k): below for k, (_, below) in values.items()} | {0.0: at_0}

    def f(X: Array) -> Array:
        return np.array([[known.get(float(X[0, 0]), at_0)]])

    return f


class Watched:
    """A function of one number that notes at which steps 4⁻ᵏ from 0 it was run."""

    def __init__(self, f: Callable[[Array], Array]) -> None:
        self.f = f
        self.at: list[float] = []

    def __call__(self, X: Array) -> Array:
        self.at.append(float(X[0, 0]))
        return self.f(X)

    def __deepcopy__(self, memo: object) -> "Watched":
        return self  # the checker copies the layer, and its copies note here too

    @property
    def steps(self) -> set[int]:
        """Every k."""
        return {round(-np.log(abs(x)) / np.log(4)) for x in self.at if x}


def numbers(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)
