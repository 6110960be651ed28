"""What a mistake is likely to be."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array, Indices
from layerwise.gradients.check import check_layer
from layerwise.gradients.explain import (
    GIVEN,
    NUMBER,
    _holds,
    _patterns,
    _turned,
    explain,
    which_of_two,
)
from layerwise.gradients.function import Function
from layerwise.gradients.jacobian import Jacobians
from layerwise.gradients.nearby import SHORT
from layerwise.gradients.point import Point
from layerwise.gradients.report import TensorReport
from layerwise.gradients.tensors import check_tensor
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal

Back = Callable[..., tuple[Any, ...]]


class Bent(Layer[Any, Any]):
    """Y = f(X, a, b), with back(grad, X, a, b) giving the gradients of X and of each parameter."""

    def __init__(self, f: Callable[..., Array], back: Back, **values: Array) -> None:
        self.f, self.back = f, back
        self.names = list(values)
        for name, value in values.items():
            setattr(self, name, Parameter(value))

    def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
        parameters = [getattr(self, name) for name in self.names]

        def backward(grad: Array) -> Any:
            dX, *gradients = self.back(grad, X, *(p.value for p in parameters))
            for p, g in zip(parameters, gradients, strict=True):
                p.add_grad(g)
            return dX

        return self.f(X, *(p.value for p in parameters)), backward


def _point(
    f: Callable[..., Array], back: Back, X: Any, label: str = GIVEN, **values: Array
) -> Point:
    return Point(label, Function(Bent(f, back, **values), X), np.random.default_rng(1))


def _measured(point: Point) -> list[TensorReport]:
    return [
        check_tensor(point, name, everything=False, full=False, progress=False)
        for name in point.function.base
    ]


def _hints(
    f: Callable[..., Array], back: Back, X: Any, label: str = GIVEN, **values: Array
) -> list[str]:
    point = _point(f, back, X, label, **values)
    return explain(point, _measured(point))


# What is named, and of which tensors --------------------------------------------------------------

A0 = normal(4, 5)
A_, B_ = normal(5, seed=2), normal(5, seed=3)
SIGN = "sign: the gradient has the wrong sign"


def _scaled(X: Array, a: Array) -> Array:
    return a * X


def _two_elements(grad: Array) -> Array:
    d = grad.copy()
    d.ravel()[[3, 11]] *= [2, 3]
    return d


def test_a_pattern_is_named_with_its_tensor_and_its_point() -> None:
    half = "factor 1/2: the gradient is 0.5 times the right one"
    assert _hints(lambda X: 2 * X, lambda g, X: (g,), A0) == [f"X: {half}"]
    assert _hints(lambda X: 2 * X, lambda g, X: (g,), A0, "N(0, 1) inputs") == [
        f"X, with N(0, 1) inputs: {half}"
    ]


def test_tensors_with_the_same_pattern_stand_together() -> None:
    def back(g: Array, X: Array, a: Array, b: Array) -> tuple[Array, ...]:
        return -g * a, -(g * X).sum(axis=0), 0 * b

    assert _hints(lambda X, a, b: a * X + b, back, A0, a=A_, b=B_) == [
        f"X, a: {SIGN}",
        "b: the gradient is all zero: the term is missing",
    ]


def test_the_answer_may_not_depend_on_it() -> None:
    assert _hints(lambda X, a: X + 0 * a, lambda g, X, a: (g, g.sum(axis=0)), A0, a=A_) == [
        "a: the answer does not depend on it here, and its gradient is not zero"
    ]


def test_what_is_more_than_a_place_comes_alone() -> None:
    place = "X: wrong only at two elements: (0, 3) and (2, 1)"
    right = _hints(_scaled, lambda g, X, a: (_two_elements(g * a), (g * X).sum(axis=0)), A0, a=A_)
    assert right == [place]
    wrong = _hints(_scaled, lambda g, X, a: (_two_elements(g * a), -(g * X).sum(axis=0)), A0, a=A_)
    assert wrong == [f"a: {SIGN}"]


def _recurrent(X: Array, U: Array) -> Array:
    """hₜ = tanh(xₜ + hₜ₋₁ U), step by step."""
    h, H = np.zeros_like(X[:, 0]), []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] + h @ U)
        H.append(h)
    return np.stack(H, axis=1)


def _through_time(
    slope: Callable[[Array], Array] = lambda h: 1 - h * h,
    carried: Callable[[Array, Array], Array] = lambda d, U: d @ U.T,
    added: Callable[[Array, Array], Array] = lambda total, term: total + term,
) -> Back:
    def back(grad: Array, X: Array, U: Array) -> tuple[Array, Array]:
        H, dX, dU = _recurrent(X, U), np.zeros_like(X), np.zeros_like(U)
        d = np.zeros_like(X[:, 0])
        for t in reversed(range(X.shape[1])):
            dX[:, t] = (grad[:, t] + d) * slope(H[:, t])
            if t:
                dU = added(dU, H[:, t - 1].T @ dX[:, t])
            d = carried(dX[:, t], U)
        return dX, dU

    return back


STEPS, U0 = normal(3, 4, 3), normal(3, 3, seed=1)
GOES_ALONG = "what goes along it, from one to others, is wrong"
ADDS_UP = "how the terms of several add up is wrong, as by = for +="


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert _hints(_recurrent, _through_time(), STEPS, U=U0) == []
    assert _hints(np.sin, lambda g, X: (g * np.cos(X),), A0) == []


def test_what_only_directions_tell_has_no_pattern() -> None:
    point = _point(_recurrent, _through_time(added=lambda total, term: term), STEPS, U=U0)
    measured = _measured(point)
    for tensor in measured:
        tensor.numeric = None
    assert explain(point, measured) == []


# Few steps ----------------------------------------------------------------------------------------


def test_a_run_with_one_step_shows_what_all_hide() -> None:
    assert _hints(_recurrent, _through_time(lambda h: 1 - h), STEPS, U=U0) == [
        "X: backward leaves out 1 + Y: times it, the gradient is right, as a run with 1 index "
        "along axis 1 shows"
    ]


def test_a_run_with_two_steps_shows_what_one_has_not() -> None:
    (hint,) = _hints(_recurrent, _through_time(lambda h: 1 - h**5 + h / 3), STEPS, U=U0)
    assert hint.startswith("U: a factor for each index of axis 1 and axis 0 of Y (")
    assert hint.endswith(", as a run with 2 indices along axis 1 shows")


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (_through_time(carried=lambda d, U: d @ U), f"X, U: {{}}: {GOES_ALONG}"),
        (_through_time(added=lambda total, term: term), f"U: {{}}: {ADDS_UP}"),
    ],
)
def test_what_is_right_in_one_step(back: Back, words: str) -> None:
    along = "right where X has one index along axis 1"
    assert _hints(_recurrent, back, STEPS, U=U0) == [words.format(along)]
    # Of two indices one is not tried.
    assert not any(along in hint for hint in _hints(_recurrent, back, STEPS[:, :2], U=U0))


def test_of_three_indices_one_is_tried() -> None:
    back = _through_time(carried=lambda d, U: d @ U)
    assert _hints(_recurrent, back, STEPS[:, :3], U=U0) == [
        f"X, U: right where X has one index along axis 1: {GOES_ALONG}"
    ]


def test_what_is_wrong_in_one_step_too_and_has_no_pattern_stays_so() -> None:
    assert _hints(_recurrent, _through_time(np.exp), normal(2, 4, 1), U=normal(1, 1, seed=1)) == []


def test_one_of_two_steps_is_no_place() -> None:
    """That X is wrong at the first of them, and b from the second, goes for any such mistake."""

    def f(X: Array, U: Array, b: Array) -> Array:
        return _recurrent(X + b, U)

    def back(grad: Array, X: Array, U: Array, b: Array) -> tuple[Array, ...]:
        dX, dU = _through_time(carried=lambda d, U: d @ U)(grad, X + b, U)
        return dX, dU, dX.sum(axis=(0, 1))

    assert _hints(f, back, STEPS, U=U0, b=normal(3, seed=4)) == [
        f"X, U, b: right where X has one index along axis 1: {GOES_ALONG}"
    ]


def test_a_place_in_a_parameter_is_one_in_few_steps_too() -> None:
    def added(total: Array, term: Array) -> Array:
        wrong = term.copy()
        wrong[1] = wrong[1] @ R
        return total + wrong

    R = normal(3, 3, seed=5)
    assert _hints(_recurrent, _through_time(added=added), STEPS, U=U0) == [
        "U: wrong only at index 1 of axis 0 (one row), and right elsewhere, as a run with 2 "
        "indices along axis 1 shows"
    ]


def test_rows_have_no_steps() -> None:
    """Though with one column it is right."""
    R = normal(4, 4, seed=5)

    def f(X: Array) -> Array:
        Y: Array = np.sin(np.cumsum(X, axis=1))
        return Y

    def back(grad: Array, X: Array) -> tuple[Array]:
        d = grad * np.cos(np.cumsum(X, axis=1))
        n = X.shape[1]
        return (np.cumsum(d[:, ::-1], axis=1)[:, ::-1] + (grad @ R[:n, :n] if n > 1 else 0),)

    assert _hints(f, back, normal(3, 4)) == []


def test_tokens_of_two_axes_have_steps() -> None:
    def f(X: Indices, U: Array, E: Array) -> Array:
        return _recurrent(E[X], U)

    def back(grad: Array, X: Indices, U: Array, E: Array) -> tuple[Array, Array, Array]:
        dX, dU = _through_time(added=lambda total, term: term)(grad, E[X], U)
        dE = np.array([dX[token == X].sum(axis=0) for token in range(len(E))])
        return np.zeros(X.shape), dU, dE

    X = np.array([[0, 2, 1, 3], [1, 1, 0, 2], [3, 2, 1, 0]])
    assert _hints(f, back, X, U=U0, E=normal(4, 3)) == [
        f"U: right where X has one index along axis 1: {ADDS_UP}"
    ]


# The way back -------------------------------------------------------------------------------------


def _no_pattern(X: Array) -> Array:
    Y: Array = np.sin(np.cumsum(X * X[:, ::-1], axis=1)) + X.sum(axis=0) ** 2 * X
    return Y


def test_where_all_parameters_are_right_it_is_the_way_back() -> None:
    def f(X: Array, a: Array) -> Array:
        return a * _no_pattern(X)

    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return (normal(20, 20) @ grad.ravel()).reshape(4, 5), (grad * _no_pattern(X)).sum(axis=0)

    words = (
        "X: the gradients of all parameters are right: look at how what backward returns is made "
        "of them, for a way that is missing or wrong"
    )
    assert _hints(f, back, A0, a=A_) == [words]
    assert _hints(lambda X: f(X, A_), lambda g, X: back(g, X, A_)[:1], A0) == []

    def other(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        dX, da = back(grad, X, a)
        return dX, np.cos(da)

    assert words not in _hints(f, other, A0, a=A_)


# Patterns that need the point ---------------------------------------------------------------------


def test_the_gradient_of_another_tensor() -> None:
    def back(g: Array, X: Array, a: Array, b: Array) -> tuple[Array, ...]:
        return g * a, g.sum(axis=0), (g * X).sum(axis=0)

    assert _hints(lambda X, a, b: a * X + b, back, A0, a=A_, b=B_) == [
        "a: swapped: this is the gradient of b",
        "b: swapped: this is the gradient of a",
    ]


def test_numbers_that_the_layer_keeps_may_be_left_out() -> None:
    class Kept(Bent):
        def __init__(self) -> None:
            super().__init__(lambda X: self.kept * X, lambda g, X: (g,))
            self.kept = B_

    point = Point(GIVEN, Function(Kept(), A0), np.random.default_rng(1))
    assert explain(point, _measured(point)) == [
        "X: backward leaves out kept: times it, the gradient is right"
    ]


def test_an_accident_of_the_values_is_no_pattern() -> None:
    """What depends on other numbers than those that it seems to depend on."""

    def back(grad: Array, X: Array) -> tuple[Array]:
        large = np.abs(X).max(axis=1, keepdims=True) > 2.5
        return (grad * np.cos(X) * np.where(large, 1.3, 1),)

    X = np.concatenate([0.1 * normal(1, 5), 3 * np.ones((3, 5)) + normal(3, 5, seed=1)])
    assert _hints(np.sin, back, X) == []


@pytest.mark.parametrize(("size", "believed"), [(256, False), (257, True)])
def test_among_many_elements_no_pattern_is_an_accident(size: int, believed: bool) -> None:
    shuffled = Jacobians(_point(np.sin, lambda g, X: (2 * g * np.cos(X),), A0))
    many = jacobian(2 * np.eye(4), np.eye(4), (size,), (4,), name="X", x_at=range(4))
    assert _holds("factor 2", None, many)
    assert _holds("factor 3", shuffled, many) == believed
    few = shuffled.of("X")
    assert not _holds("factor 3", shuffled, few)
    assert _holds("factor 2: the gradient is 2 times the right one", shuffled, few)
    # Numbers may be other ones.
    at = "wrong only where X is above 0.25: look at {}"
    assert re.sub(NUMBER, "", at) == "wrong only where X is above : look at {}"


def _turned_of(numeric_off: Callable[[Array], Array], W: Array) -> list[str]:
    """What is said where backward transposes, and what is right is known but for this."""
    point = _point(lambda X, W: X @ W, lambda g, X, W: (g @ W, X.T @ g), normal(6, 4), W=W)
    right = point.C[0].reshape(6, 4) @ W.T
    return list(_turned(point, Jacobians(point), "X", numeric_off(right)))


W4 = normal(4, 4, seed=3)
TRANSPOSED = "transpose: right with W transposed, as W.T for W"


def _off(share: float) -> Callable[[Array], Array]:
    def off(right: Array) -> Array:
        numeric = right.copy()
        numeric[2, 1] += share * np.abs(right).max()
        return numeric

    return off


def test_right_with_a_parameter_transposed() -> None:
    assert _turned_of(np.copy, W4) == [TRANSPOSED]
    assert _turned_of(_off(0.9e-4), W4) == [TRANSPOSED]
    assert _turned_of(_off(1.1e-4), W4) == []


def test_a_turn_leaves_a_hundredth_of_the_error() -> None:
    W = W4 + W4.T
    W[0, 1] += 1e-6 * np.abs(W).max()
    point = _point(lambda X, W: X @ W, lambda g, X, W: (g @ W, X.T @ g), normal(6, 4), W=W)
    right = point.C[0].reshape(6, 4) @ W.T
    given = np.abs(point.G[0]["X"] - right).max()
    for share, found in ((0.9e-2, [TRANSPOSED]), (1.1e-2, [])):
        numeric = right.copy()
        numeric[0, 3] += share * given
        assert list(_turned(point, Jacobians(point), "X", numeric)) == found


def test_four_numbers_have_to_fit() -> None:
    for seen, found in ((4, [TRANSPOSED]), (3, [])):

        def some(right: Array, seen: int = seen) -> Array:
            numeric = np.full_like(right, np.nan)
            numeric.ravel()[:seen] = right.ravel()[:seen]
            return numeric

        assert _turned_of(some, W4) == found


def test_right_with_axes_exchanged_or_reversed() -> None:
    W = normal(3, 2, 2, seed=3)

    def point_of(turn: Callable[[Array], Array]) -> tuple[Point, Array]:
        def back(g: Array, X: Array, W: Array) -> tuple[Array, Array]:
            return np.einsum("nij,kij->nk", g, turn(W)), np.einsum("nk,nij->kij", X, g)

        point = _point(lambda X, W: np.einsum("nk,kij->nij", X, W), back, normal(4, 3), W=W)
        return point, np.einsum("nij,kij->nk", point.C[0].reshape(4, 2, 2), W)

    for turn, words in (
        (lambda W: W.swapaxes(1, 2), "transpose: right with W with axes 1 and 2 exchanged"),
        (lambda W: W[:, ::-1], "right with W reversed along axis 1: turn it, or do not"),
        (
            lambda W: W[::-1, :, ::-1],
            "right with W reversed along axes 0 and 2: turn it, or do not",
        ),
    ):
        point, right = point_of(turn)
        assert list(_turned(point, Jacobians(point), "X", right)) == [words]


def test_right_with_a_vector_reversed() -> None:
    point = _point(_scaled, lambda g, X, a: (g * a[::-1], (g * X).sum(axis=0)), A0, a=A_)
    assert list(_turned(point, Jacobians(point), "X", point.C[0].reshape(4, 5) * A_)) == [
        "right with a reversed along axis 0: turn it, or do not"
    ]


def test_without_differences_the_jacobian_tells_the_gradient() -> None:
    point = _point(lambda X, W: X @ W, lambda g, X, W: (g @ W, X.T @ g), normal(6, 4), W=W4)
    jacobians = Jacobians(point)
    assert TRANSPOSED in list(_patterns(point, jacobians, jacobians.of("X"), None))


def test_with_few_indices_nothing_is_said_of_few_numbers() -> None:
    def f(X: Array) -> Array:
        centered: Array = X - X.mean(axis=1, keepdims=True)
        return centered

    for label, said in ((GIVEN, True), (SHORT, False)):
        point = _point(f, lambda g, X: (g,), A0, label)
        jacobians = Jacobians(point)
        found = list(_patterns(point, jacobians, jacobians.of("X"), None))
        assert any("mean" in hint for hint in found) == said
    Q, K = normal(5, 4, seed=2), normal(5, 4, seed=3)

    def back(g: Array, X: Array) -> tuple[Array]:
        return (g @ Q.T + g.sum(axis=1, keepdims=True) * K[:, 0],)

    for label, said in ((GIVEN, True), (SHORT, False)):
        point = _point(lambda X: X @ Q, back, A0, label)
        jacobians = Jacobians(point)
        found = list(_patterns(point, jacobians, jacobians.of("X"), None))
        assert any("for all answers along the last axis of Y" in hint for hint in found) == said


def test_patterns_of_the_indices_where_something_is_wrong() -> None:
    def back(times: Any, shift: int = 0) -> Back:
        def wrong(g: Array, X: Array) -> tuple[Array]:
            d = g * np.cos(X)
            d[:, 1:4] = np.roll(d[:, 1:4] * times, shift, axis=1)
            return (d,)

        return wrong

    (hint,) = _hints(np.sin, back(1, 1), A0)
    assert (
        hint == ("X: shifted by 1 along axis 1, around the end, only at indices 1 to 3 of axis 1")
        or "exchanged" in hint
        or "another place" in hint
    )
    (hint,) = _hints(np.sin, back(np.array([2.5, 3.5, 5])), A0)
    assert hint.startswith("X: a factor for each index of axis 1 (2.500, 3.500, ...): something")
    assert hint.endswith(", only at indices 1 to 3 of axis 1")


def test_what_is_wrong_at_some_indices_is_looked_at_alone() -> None:
    v, V = normal(8, seed=4), normal(8, 3, seed=4)

    def shifted(g: Array, X: Array) -> tuple[Array]:
        d = g[:, np.newaxis] * v
        d[:, 3:6] = (g[:, np.newaxis] * v)[:, 2:5]
        return (d,)

    def by_row(g: Array, X: Array) -> tuple[Array]:
        d = g @ V.T
        d[:, 3] *= [2, 3, 5, 7]
        return (d,)

    # A shift within them is none, and the factors of a single index are none of their own.
    assert _hints(lambda X: X @ v, shifted, normal(1, 8)) == [
        "X: wrong only at indices 3 to 5 of axis 1, and right elsewhere"
    ]
    assert _hints(lambda X: X @ V, by_row, normal(4, 8)) == [
        "X: wrong only at index 3 of axis 1 (one column), and right elsewhere"
    ]


def test_what_is_hardly_above_the_rounding_has_no_pattern() -> None:
    assert _hints(lambda X: X + 1e6, lambda g, X: (1.0005 * g,), A0) == []


# Which of two -------------------------------------------------------------------------------------


def _other(wrong: Callable[[Array, Array], Any]) -> list[str]:
    """What is said of a mistake at other inputs and other parameters."""

    def back(g: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return g * a * np.cos(X) * np.where(wrong(X, a), 2, 1), (g * np.sin(X)).sum(axis=0)

    layer = Bent(lambda X, a: a * np.sin(X), back, a=np.ones(5))
    given = Function(layer, np.abs(A0) + 0.1)
    there = given.at([A0], {"a": A_})
    return which_of_two(given, Point("N(0, 1) inputs", there, np.random.default_rng(1)))


PARAMETERS = "the parameters as they are moved there, at the given X"
INPUTS = "the inputs there, with the given parameters"


@pytest.mark.parametrize(
    ("wrong", "by"),
    [
        (lambda X, a: a != 1, PARAMETERS),
        (lambda X, a: X < 0, INPUTS),
        (lambda X, a: np.any(X < 0) | (a != 1), f"{PARAMETERS} and {INPUTS}"),
        (
            lambda X, a: np.any(X < 0) & (a != 1),
            "neither its inputs nor its parameters alone: it takes both",
        ),
    ],
)
def test_which_of_two_it_takes(wrong: Callable[[Array, Array], Any], by: str) -> None:
    assert _other(wrong) == [f"the mistake at N(0, 1) inputs is also shown by {by}"]


def test_a_layer_that_takes_neither_alone() -> None:
    def wrong(X: Array, a: Array) -> bool:
        if np.any(X < 0) != np.any(a != 1):
            raise ValueError("both or none")
        return True

    assert _other(wrong) == []


def test_right_with_an_array_of_backward_transposed_or_a_parameter_shifted() -> None:
    S = normal(4, 4)

    class Mixing(Layer[Array, Array]):
        def __init__(self) -> None:
            self.s = Parameter(normal(4, seed=1))

        def forward(self, X: Array, /) -> Any:
            M, s = np.tanh(S), self.s.value

            def backward(grad: Array) -> Array:
                self.s.add_grad((grad * (X @ M)).sum(axis=0))
                return (grad * s) @ M

            return (X @ M) * s, backward

    assert check_layer(Mixing(), normal(5, 4)).hints == [
        "X: transpose: right with M transposed, as M.T for M"
    ]

    def back(grad: Array, X: Array, a: Array) -> tuple[Array, Array]:
        return grad * np.roll(a, 1), (grad * X).sum(axis=0)

    assert _hints(_scaled, back, A0, a=A_) == [
        "X: right with a shifted by -1 along axis 0: an index is off"
    ]
