"""The same layer at other entries of X, or at few of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise.arrays import Array
from layerwise.gradients.function import Function
from layerwise.gradients.jacobian import Jacobians
from layerwise.gradients.nearby import SHORT, reaches, shortened, shuffled_as
from layerwise.gradients.point import Point
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import normal, point_of


class Weighed(Layer[Any, Array]):
    """Y = w X of the first input, whose gradient a test may bend."""

    def __init__(self, bend: Callable[[Array], Array] = np.copy) -> None:
        self.w, self.bend = Parameter(np.full(1, 2.0)), bend

    def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
        A = X[0]

        def backward(grad: Array) -> Any:
            self.w.add_grad((grad * A).sum().reshape(1))
            return (self.bend(grad * self.w.value), *(np.zeros(B.shape) for B in X[1:]))

        return self.w.value * A, backward


def _weighed(
    *inputs: NDArray[Any],
    values: dict[str, Array] | None = None,
    bend: Callable[[Array], Array] = np.copy,
) -> Point:
    return Point("here", Function(Weighed(bend), inputs, values), np.random.default_rng(0))


def test_entries_in_another_order() -> None:
    tokens = np.arange(12).reshape(3, 4)
    point = _weighed(normal(3, 4), tokens, values={"w": np.full(1, 5.0)})
    shuffled = shuffled_as(point)
    assert shuffled is not None
    other = shuffled.point
    assert other.label == "here"
    A, B = point.function.inputs[0], other.function.inputs[0]
    assert A.shape == B.shape
    assert sorted(A.ravel()) == sorted(B.ravel())
    assert np.mean(A == B) < 0.5
    assert other.function.inputs[1].tolist() == tokens.tolist()
    assert other.function.base["w"] == 5


def test_a_layer_that_takes_no_other_order() -> None:
    def ordered(X: Array) -> Array:
        if np.any(np.diff(X) < 0):
            raise ValueError("sorted rows")
        return X

    assert shuffled_as(point_of(ordered, [1.0, 2, 3, 4, 5], np.ones_like)) is None


def test_only_the_first_indices() -> None:
    point = _weighed(normal(3, 4, 2), normal(3, 4), normal(3), normal(2, 3), normal(3, 2, 4))
    short = shortened(point, 1, 2)
    assert short is not None
    assert short.label == SHORT
    assert [A.shape for A in short.function.inputs] == [(3, 2, 2), (3, 2), (3,), (2, 3), (3, 2, 4)]
    np.testing.assert_array_equal(short.function.inputs[0], point.function.inputs[0][:, :2])
    short = shortened(point, 2, 1)
    assert short is not None
    assert [A.shape for A in short.function.inputs] == [
        (3, 4, 1), (3, 4), (3,), (2, 3), (3, 2, 4),
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["answer", "gradient"])
def test_what_is_not_finite_is_not_taken(what: str) -> None:
    def bad(x: Array) -> Array:
        one: Array = np.ones_like(x) if x.shape[1] == 3 else np.full_like(x, np.nan)
        return one

    point = point_of(
        lambda x: x * (bad(x) if what == "answer" else 1),
        [1.0, 2, 3],
        bad if what == "gradient" else np.ones_like,
    )
    assert shortened(point, 1, 2) is None


def test_what_gives_no_answer_or_a_gradient_of_another_shape_is_not_taken() -> None:
    point = point_of(lambda x: x[:, 2:], [1.0, 2, 3], lambda x: np.ones_like(x[:, 2:]))
    assert shortened(point, 1, 2) is None
    point = _weighed(normal(2, 3), bend=lambda g: g if g.shape[1] == 3 else g[:, :1])
    assert shortened(point, 1, 2) is None


# What reaches the end -----------------------------------------------------------------------------


def _reaches(f: Callable[[Array], Array], *shape: int, axis: int = 1) -> bool:
    point = Point("here", Function(_Free(f), normal(*shape)), np.random.default_rng(0))
    return reaches(Jacobians(point), axis)


class _Free(Layer[Array, Array]):
    """Y = f(X), with a gradient of zeros."""

    def __init__(self, f: Callable[[Array], Array]) -> None:
        self.f = f

    def forward(self, X: Array, /) -> tuple[Array, Callable[[Array], Array]]:
        def backward(grad: Array) -> Array:
            return np.zeros(X.shape)

        return self.f(X), backward


def _last_of(X: Array, way: Callable[[Array], Array]) -> Array:
    Y = X.copy()
    Y[:, -1] += way(X)
    return Y


def test_the_first_reaches_the_last() -> None:
    assert _reaches(lambda X: np.cumsum(X, axis=1), 2, 4, 3)
    assert _reaches(lambda X: _last_of(X, lambda A: A[:, 0]), 2, 4, 3)
    assert not _reaches(lambda X: _last_of(X, lambda A: A[:, 1]), 2, 4, 3)
    assert not _reaches(lambda X: np.cumsum(X[:, ::-1], axis=1)[:, ::-1].copy(), 2, 4, 3)
    assert not _reaches(np.sin, 2, 4, 3)
    assert not _reaches(lambda X: np.cumsum(X, axis=1), 2, 4, 3, axis=2)


def test_along_an_axis_that_the_answers_have_no_more() -> None:
    assert not _reaches(lambda X: X[:, :, 1] + X[:, :, 2], 2, 3, 3, axis=2)
    assert _reaches(lambda X: X.sum(axis=2)[:, ::-1].copy(), 2, 3, 3, axis=2)


def test_a_layer_of_tokens_alone_may_always_reach() -> None:
    def f(X: Array) -> Array:
        return np.full((2, 3), 1.0 * X.shape[1])

    point = Point("here", Function(_Free(f), np.arange(6).reshape(2, 3)), np.random.default_rng(0))
    assert reaches(Jacobians(point), 1)


def test_inputs_without_the_axis_say_nothing() -> None:
    point = _weighed(normal(2, 3), normal(2))
    assert not reaches(Jacobians(point), 1)
    assert not reaches(Jacobians(point), 2)
