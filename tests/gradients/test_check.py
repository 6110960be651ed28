"""The check as a whole: what it takes, and what it asks where."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from layerwise import (
    Dense,
    Layer,
    MeanSquaredError,
    Parameter,
    ReLU,
    Tanh,
    check_layer,
    check_loss,
)
from layerwise.arrays import Array, Indices
from layerwise.gradients import check
from layerwise.gradients.check import refuse_infinite, subject_of
from layerwise.gradients.raised import OVERWRITTEN
from tests.gradients.points import Elementwise, Scale, Way, normal
from tests.raising import raises


def test_an_array_that_is_not_learned_is_noted() -> None:
    class Two(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.w, self.mean, self.count = np.ones((3, 2)), np.zeros(3), np.zeros(2, int)

        def __call__(self, X: Array, /) -> Array:
            return X * self.a.value

        def forward(self, X: Array, /) -> Way:
            self.mean += X.mean(axis=0)
            return super().forward(X)

    report = check_layer(Two(), normal(4, 3))
    assert report.passed
    assert report.notes[0] == "w (3, 2) is a plain array: it is not learned"
    assert len(report.notes) == 2


def test_where_nothing_is_differentiated_nothing_is_proven() -> None:
    class Table(Layer[Indices, Array]):
        def __init__(self) -> None:
            self.E = normal(5, 3)

        def forward(self, T: Indices, /) -> tuple[Array, Callable[[Array], Indices]]:
            def backward(grad: Array) -> Indices:
                return np.zeros_like(T)

            return self.E[T], backward

    report = check_layer(Table(), np.array([0, 1, 2]))
    assert (report.verdict, report.hints) == ("inconclusive", [])
    assert str(report).splitlines()[1:3] == [
        "  nothing was differentiated: no floating input, and no parameter",
        "  E (5, 3) is a plain array: it is not learned",
    ]


def test_numbers_that_are_not_finite_are_refused() -> None:
    X = normal(4, 3)
    X[1, 2] = np.nan
    with raises(
        ValueError,
        "check_layer: X has numbers that are not finite, expected finite ones: the first is nan at "
        "[1, 2]",
    ):
        check_layer(Tanh(), X)
    with raises(
        ValueError,
        "check_layer: X[1] has numbers that are not finite, expected finite ones: the first is inf "
        "at [0]",
    ):
        check_layer(Tanh(), (normal(2), np.array([np.inf, 1.0])))
    with raises(
        ValueError,
        "check_loss: the target has numbers that are not finite, expected finite ones: the first "
        "is nan at [1, 2]",
    ):
        check_loss(MeanSquaredError(), normal(4, 3), X)


@pytest.mark.parametrize("error", [-1e-6, 1.0, np.nan])
def test_an_error_of_forward_that_is_none_is_refused(error: float) -> None:
    with raises(
        ValueError, f"check_layer: forward_error={error} came, expected a share from 0 to below 1"
    ):
        check_layer(Tanh(), normal(4, 3), forward_error=error)


def test_an_empty_X_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\Acheck_layer: X has no entries, expected at least one"):
        check_layer(ReLU(), np.zeros((0, 3)))


def test_an_empty_parameter_is_left_out() -> None:
    class Unused(Scale):
        def __init__(self) -> None:
            super().__init__(3)
            self.none = Parameter(np.zeros(0))

    report = check_layer(Unused(), normal(4, 3))
    assert report.passed
    assert [tensor.name for tensor in report.tensors] == ["X", "a"]


def test_another_mode_or_no_layer_is_refused() -> None:
    mode: Any = "ful"
    with pytest.raises(
        ValueError, match=r"\Acheck_layer: mode='ful' came, expected 'fast' or 'full'"
    ):
        check_layer(ReLU(), normal(4, 3), mode=mode)
    nothing: Any = np.tanh
    with pytest.raises(TypeError, match=r"expected a Layer: make one, as in Dense"):
        check_layer(nothing, normal(4, 3))


def test_lists_and_integers_are_taken() -> None:
    rows: Any = [[1.0, 2.0, 3.0]]
    assert check_layer(Dense(3, 2, rng=0), rows).passed
    assert check_loss(MeanSquaredError(), np.array([[1, 2]]), np.array([[0, 1]])).passed


# Which points are asked, and what is said of them -------------------------------------------------


def _kinked(X: Array) -> Array:
    return np.abs(X)


def test_what_the_given_point_leaves_open_is_asked_at_two_more() -> None:
    report = check_layer(Elementwise(np.abs, np.sign), np.zeros((2, 3)))
    assert [tensor.point for tensor in report.tensors] == [
        "at the given X", "N(0, 1) inputs and moved parameters"
    ]  # fmt: skip
    assert report.passed

    def refuses(X: Array) -> Array:
        if np.abs(X).max() > 0.1:
            raise ValueError("too large")
        return np.abs(X)

    def two(X: Array) -> Array:
        if X.shape != (2, 3):
            raise ValueError("two rows of three")
        return refuses(X)

    report = check_layer(Elementwise(two, np.sign), np.zeros((2, 3)))
    assert [tensor.point for tensor in report.tensors] == ["at the given X", "close by"]
    assert report.passed
    assert report.notes == ["also run: close by"]


def test_what_the_first_of_these_leaves_open_too_is_asked_close_by() -> None:
    def f(X: Array) -> Array:
        return np.round(X, 3) if np.abs(X).max() > 0.1 else np.abs(X)

    report = check_layer(Elementwise(f, np.sign), np.zeros((2, 3)))
    assert [tensor.point for tensor in report.tensors] == [
        "at the given X", "N(0, 1) inputs and moved parameters", "close by"
    ]  # fmt: skip


def test_what_is_proven_is_asked_once() -> None:
    report = check_layer(Elementwise(np.sin, np.cos), normal(4, 3))
    assert [tensor.point for tensor in report.tensors] == ["at the given X"]
    assert report.notes[0].startswith("also run: N(0, 1) inputs and moved parameters, one row, ")
    assert report.hints == []


def test_forwards_are_those_of_all_points() -> None:
    calls = []

    def f(X: Array) -> Array:
        calls.append(1)
        if X.shape != (4, 3):
            raise ValueError("four rows of three")
        return np.sin(X)

    report = check_layer(Elementwise(f, np.cos), normal(4, 3))
    assert len(calls) // 2 < report.forwards < len(calls)
    alone = check_layer(Elementwise(np.sin, np.cos), normal(4, 3))
    assert alone.forwards > 1.2 * report.forwards


def test_a_mistake_elsewhere_ends_the_check_and_says_which_of_two_it_takes() -> None:
    def bend(right: Array, grad: Array) -> Array:
        return right * (1 + (len(grad) == 1))

    layer = Scale(3, bend)
    report = check_layer(layer, normal(4, 3))
    assert report.verdict == "wrong"
    assert report.notes == [
        "the mistake at one row is also shown by the inputs there, with the given parameters",
        "also run: N(0, 1) inputs and moved parameters, one row",
    ]
    assert {tensor.point for tensor in report.tensors} == {"at the given X", "one row"}


def test_a_mistake_at_the_given_X_is_asked_nowhere_else() -> None:
    report = check_layer(Scale(3, lambda right, grad: 2 * right), normal(4, 3))
    assert report.notes == []
    assert {tensor.point for tensor in report.tensors} == {"at the given X"}


def test_every_element_is_asked_in_full_mode_at_the_given_X_alone() -> None:
    fast = check_layer(Elementwise(np.abs, np.sign), normal(4, 3))
    full = check_layer(Elementwise(np.abs, np.sign), np.zeros((2, 3)), mode="full")
    assert [t.unit for t in fast.tensors] == ["directions"]
    assert [t.unit for t in full.tensors] == ["elements", "directions"]
    assert len(full.tensors[1].comparisons) == 1


def _stopped(tolerance: float) -> Elementwise:
    """Y = cos(Y) / 2 + X, iterated until the step is so small."""

    def f(X: Array) -> Array:
        Y, step = X, np.inf
        while step > tolerance:
            new = np.cos(Y) / 2 + X
            step, Y = float(np.abs(new - Y).max()), new
        return Y

    return Elementwise(f, lambda X: 1 / (1 + np.sin(f(X)) / 2))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-5, 1e-6, 1e-7])
@pytest.mark.parametrize(
    "X", [np.linspace(0.5, 1, 12).reshape(4, 3), 3 * normal(4, 3), 1 + normal(5)]
)
def test_what_stops_at_a_tolerance_is_never_wrong(tolerance: float, X: Array) -> None:
    assert check_layer(_stopped(tolerance), X).verdict != "wrong"
    assert check_layer(_stopped(tolerance), X, forward_error=tolerance).verdict == "proven"


def test_jumps_are_a_hint_where_nothing_is_proven() -> None:
    report = check_layer(_stopped(1e-7), X := np.linspace(0.5, 1, 12).reshape(4, 3))
    assert report.verdict == "inconclusive"
    (hint,) = report.hints
    assert hint.startswith("forward seems to iterate until a tolerance, or to round: Y jumps by ")
    assert hint.endswith(
        "e-08 of its size; check_layer(..., forward_error=...) checks to what accuracy Y has"
    )
    known = check_layer(_stopped(1e-7), X, forward_error=1e-7)
    assert (known.verdict, known.hints) == ("proven", [])


class Equilibrium(Layer[Array, Array]):
    """Y = a sin(Y) + X, iterated until it stands still; for |a| > 1 it does not."""

    def __init__(self, a: float, tolerance: float) -> None:
        self.a, self.tolerance = Parameter(np.array([a])), tolerance

    def forward(self, X: Array, /) -> Way:
        a, Y, step = self.a.value, X, np.inf
        for _ in range(400):
            if step <= self.tolerance:
                break
            new = a * np.sin(Y) + X
            step, Y = float(np.abs(new - Y).max()), new

        def backward(grad: Array) -> Array:
            dX = grad / (1 - a * np.cos(Y))
            self.a.add_grad((dX * np.sin(Y)).sum(keepdims=True).ravel())
            return dX

        return Y, backward


@pytest.mark.parametrize("a", [0.7, -0.8])
def test_an_iteration_is_run_where_it_converges(a: float) -> None:
    # The moved parameters are up to twice as large, and those of the other sign oscillate.
    X = normal(4, 3)
    assert check_layer(Equilibrium(a, 1e-6), X).verdict == "inconclusive"
    report = check_layer(Equilibrium(a, 1e-6), X, forward_error=1e-6)
    assert report.verdict == "proven"
    assert "parameters" not in report.notes[-1]


class Maximum(Layer[tuple[Array, Array], Array]):
    """Y = max(A, B), whose equal numbers get the gradient as a test says."""

    def __init__(self, to_A: float, to_B: float) -> None:
        self.shares = to_A, to_B

    def forward(
        self, X: tuple[Array, Array], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        A, B = X
        to_A, to_B = self.shares

        def backward(grad: Array) -> tuple[Array, Array]:
            of_A = np.where(A == B, to_A, A > B)
            return grad * of_A, grad * np.where(A == B, to_B, A < B)

        return np.maximum(A, B), backward


TIES = np.round(normal(4, 3)), np.round(normal(4, 3, seed=1))


@pytest.mark.parametrize(
    "X", [TIES, (normal(4, 3), normal(4, 3, seed=1))], ids=["given", "rounded"]
)
@pytest.mark.parametrize("shares", [(1, 1), (0, 0)])
def test_equal_numbers_of_two_tensors_share_one_gradient(
    X: tuple[Array, Array], shares: tuple[float, float]
) -> None:
    for right in (1, 0), (0.5, 0.5):
        assert check_layer(Maximum(*right), X).passed
    report = check_layer(Maximum(*shares), X)
    assert report.verdict == "wrong"
    assert report.verdicts() == {"X[0]": "wrong", "X[1]": "wrong"}
    assert report.hints == [check.MEET]
    wrong = [tensor for tensor in report.tensors if tensor.count("wrong")]
    assert {tensor.worst.where for tensor in wrong if tensor.worst} == {"all together"}


def test_a_minimum_is_exact_to_the_square_of_what_its_derivative_is() -> None:
    """Y = min over z of (z - sin X)² / 2 + cos z, by steps of which z stays so far off."""

    def place(X: Array) -> Array:
        z = np.sin(X)
        while np.abs(step := (z - np.sin(X) - np.sin(z)) / (1 - np.cos(z) + 1)).max() > 1e-5:
            z = z - step
        return z

    def f(X: Array) -> Array:
        z = place(X)
        return (z - np.sin(X)) ** 2 / 2 + np.cos(z) + 2

    layer = Elementwise(f, lambda X: -(place(X) - np.sin(X)) * np.cos(X))
    X = 0.5 + 0.1 * normal(4, 3)
    verdicts = [check_layer(layer, X, forward_error=e).verdict for e in (0.0, 1e-10, 1e-5)]
    assert verdicts == ["inconclusive", "inconclusive", "proven"]
    assert check_layer(layer, X, forward_error=1e-10).hints == [check.PLACE]


class Here(Maximum):
    """One that answers near TIES alone, so that no other point shows what is wrong."""

    def forward(
        self, X: tuple[Array, Array], /
    ) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        if any(
            A.shape != T.shape or np.abs(A - T).max() > 0.1 for A, T in zip(X, TIES, strict=True)
        ):
            raise ValueError("too far away")
        return super().forward(X)


def test_equal_numbers_at_the_given_X_are_enough() -> None:
    assert check_layer(Here(0.5, 0.5), TIES).passed
    report = check_layer(Here(1, 1), TIES)
    assert report.verdicts() == {"X[0]": "wrong", "X[1]": "wrong"}
    assert {tensor.point for tensor in report.tensors} == {check.GIVEN}


def test_stairs_are_said_where_they_hide_the_derivative() -> None:
    def floor(X: Array) -> Array:
        return np.floor(100 * X) / 100

    report = check_layer(Elementwise(floor, np.ones_like), normal(4, 3))
    assert (report.verdict, report.hints) == ("inconclusive", [check.STAIRS])


def test_what_cannot_be_copied_is_said() -> None:
    layer = Scale(3)
    layer.numbers = iter_forever()  # type: ignore[attr-defined]  # as somebody may keep one
    text = (
        "check_layer: Scale cannot be copied (cannot pickle 'generator' object): keep arrays, "
        "lists and dicts in it, and no iterators, locks or files"
    )
    with raises(TypeError, text):
        check_layer(layer, normal(4, 3))


def iter_forever() -> Iterator[int]:
    """A generator, which has no copies."""
    yield 1


def test_what_a_layer_draws_is_drawn_by_rng() -> None:
    one, two = (check_layer(Scale(3), normal(4, 3), rng=seed) for seed in (1, 2))
    first, second = (r.tensors[0].comparisons[0].analytic for r in (one, two))
    assert first != second
    assert check_layer(Scale(3), normal(4, 3), rng=1).tensors[0].comparisons[0].analytic == first
    default = check_layer(Scale(3), normal(4, 3)).tensors[0].comparisons[0].analytic
    zero = check_layer(Scale(3), normal(4, 3), rng=0).tensors[0].comparisons[0].analytic
    assert default == zero


def test_no_bar_unless_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    check_layer(Scale(3), normal(4, 3), mode="full")
    assert capsys.readouterr().err == ""
    check_layer(Scale(3), normal(4, 3), mode="full", progress=True)
    assert "a" in capsys.readouterr().err


def test_warnings_of_a_layer_are_its_own() -> None:
    def f(X: Array) -> Array:
        return np.exp(-1 / X**2)  # of zeros among rounded inputs: a division by zero

    assert check_layer(Elementwise(f, lambda X: 2 / X**3 * np.exp(-1 / X**2)), normal(4, 3)).passed

    def warns(X: Array) -> Array:
        warnings.warn("a word", stacklevel=1)
        return np.sin(X)

    assert check_layer(Elementwise(warns, np.cos), normal(4, 3)).passed


def test_an_error_beside_the_given_X_is_a_fault_with_its_hint() -> None:
    X = normal(4, 3)

    def writes(moved: Array) -> Array:
        if moved.shape == X.shape and 0 < np.abs(moved - X).max() < 1e-3:
            moved[0] = 0
        return np.cos(moved)

    report = check_layer(Elementwise(np.sin, writes), X)
    (fault,) = report.faults
    assert fault.startswith("backward raised ValueError: assignment destination is read-only (")
    assert report.hints == [OVERWRITTEN]


STRANGE = Parameter(np.ones(3))


def test_a_parameter_that_is_not_kept_is_the_first_fault() -> None:
    class Strange(Scale):
        def forward(self, X: Array, /) -> Way:
            Y, back = super().forward(X)

            def backward(grad: Array) -> Array:
                STRANGE.add_grad(np.ones(3))
                return back(grad)[:1]

            return Y, backward

    strange, shape = check_layer(Strange(3), normal(4, 3)).faults
    assert strange.startswith("the global STRANGE, of type Parameter, got a gradient")
    assert shape.startswith("the gradient of X has shape (1, 3), expected (4, 3)")


def test_integers_are_always_finite() -> None:
    refuse_infinite(np.array([1, 2]), "x")
    refuse_infinite(np.array([[True]]), "x")
    refuse_infinite(np.array([1.0]), "x")
    with raises(ValueError, "x has numbers that are not finite, expected finite ones: the first is "
                "-inf at [1, 0]"):  # fmt: skip
        refuse_infinite(np.array([[1.0, 2.0], [-np.inf, np.nan]]), "x")


def test_a_subject_has_the_name_of_its_class_or_of_the_function() -> None:
    assert subject_of(Scale(3)) == "Scale"
    assert subject_of(_kinked) == "_kinked"
    assert subject_of(np.sin) == "ufunc"
    assert check.GIVEN == "at the given X"
