"""Factors and summands that are known."""

from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array, Matrix
from layerwise.gradients.jacobian import Jacobian
from layerwise.gradients.known import factor_of, factors_by_index, summands, terms
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal

# One factor ---------------------------------------------------------------------------------------


def _factor(A: Any, J: Any, tolerance: float = 1.0) -> float | None:
    found = jacobian(np.array([A]), np.array([J]), tolerance=tolerance)
    return factor_of(found.A, found.J, found)


def test_the_factor_of_all() -> None:
    assert _factor([300, 600, 900, 1], [150, 300, 450, 0]) == pytest.approx(2, rel=1e-5)
    assert _factor([300, 600, 800], [150, 300, 450]) is None
    assert _factor([-3e-9, -3e-9, -6e-9], [1e-9, 1e-9, 2e-9], 1e-12) == pytest.approx(-3)


def test_three_numbers_have_to_stand_out_a_hundred_times() -> None:
    assert _factor([303, 303, 303], [101, 101, 101]) == pytest.approx(3)
    assert _factor([303, 303, 297], [101, 101, 99]) is None
    assert _factor([303, 303, 300], [101, 101, 100]) is None


def test_a_factor_fits_to_the_tolerances_of_both() -> None:
    assert _factor([3e6, 3e6, 3e6, 3.9], [1e6, 1e6, 1e6, 0]) == pytest.approx(3)
    assert _factor([3e6, 3e6, 3e6, 4.1], [1e6, 1e6, 1e6, 0]) is None
    assert _factor([-3e6, -3e6, -3e6, 3.9], [1e6, 1e6, 1e6, 0]) == pytest.approx(-3)
    assert _factor([3e6, 3e6, 3e6, 4.0], [1e6, 1e6, 1e6, 0]) == pytest.approx(3)


def test_each_answer_counts_by_its_own_tolerance() -> None:
    found = jacobian(np.array([[3e6, 3e6, 3e6, 3.5e3]]), np.array([[1e6, 1e6, 1e6, 1e3]]))
    found.tolerance = np.array([1, 1, 1, 200.0])
    assert factor_of(found.A, found.J, found) == pytest.approx(3, rel=1e-4)
    found.tolerance = np.array([1, 1, 1, 100.0])
    assert factor_of(found.A, found.J, found) is None
    found.tolerance = np.zeros(4)
    assert factor_of(0 * found.A, 0 * found.J, found) is None


# A known factor -----------------------------------------------------------------------------------

OUT = "backward leaves out {0}: times it, the gradient is right"
TWICE = "backward has {0} once too often: it is {0} times the right one"
MASK = "wrong only where {} is 0: the mask is not applied"
A0 = 1 + np.abs(normal(6, 6))


def _terms(A: Any, J: Any, known: dict[str, Array], x: Any = (2, 3), Y: Any = (2, 3)) -> list[str]:
    return list(terms(jacobian(A, J, x, Y), known))


def test_an_array_of_the_tensors_shape() -> None:
    T = normal(2, 3)
    column = T.reshape(6, 1)
    assert _terms(A0, A0 * column, {"T": T}) == [OUT.format("T")]
    assert _terms(A0 * column, A0, {"T": T}) == [TWICE.format("T")]
    assert _terms(A0 * 1e9 * column, A0, {"T": 1e9 * T}) == [TWICE.format("T")]
    assert _terms(A0, A0 * column, {"other": T + 1}) == []


def test_an_array_of_the_answers_shape() -> None:
    T = normal(2, 2)
    A = A0[:, :4]
    assert _terms(A, A * T.ravel(), {"T": T}, Y=(2, 2)) == [OUT.format("T")]
    assert _terms(A * T.ravel(), A, {"T": T}, Y=(2, 2)) == [TWICE.format("T")]


def test_an_array_along_some_axes() -> None:
    a = np.array([1.0, 2, 4])
    last = np.tile(a, 2)[:, np.newaxis]
    assert _terms(A0, A0 * last, {"a": a}) == [OUT.format("a")]
    n = np.array([1.0, 3])
    first = np.repeat(n, 3)[:, np.newaxis]
    assert _terms(A0, A0 * first, {"n": n}) == [OUT.format("n")]
    assert _terms(A0, A0 * first, {"n": n[:, np.newaxis]}) == [OUT.format("n")]
    assert _terms(A0, A0 * first, {"n": n[:, np.newaxis, np.newaxis]}) == []


def test_a_mask() -> None:
    M = np.array([[1.0, 0, 1], [0, 1, 1]])
    column = M.reshape(6, 1)
    assert _terms(A0, A0 * column, {"M": M}) == [MASK.format("M"), OUT.format("M")]
    assert _terms(A0, A0 * column, {"M": M == 1}) == [MASK.format("M"), OUT.format("M")]
    assert _terms(A0, A0 * column * 2, {"M": 2 * M}) == [OUT.format("M")]


@pytest.mark.parametrize(
    ("words", "slope"),
    [
        ("Y", lambda Y: Y),
        ("1 - Y", lambda Y: 1 - Y),
        ("1 + Y", lambda Y: 1 + Y),
        ("1 - Y * Y", lambda Y: 1 - Y**2),
        ("Y * (1 - Y)", lambda Y: Y * (1 - Y)),
    ],
)
def test_a_slope_by_the_answer(words: str, slope: Any) -> None:
    Y = normal(2, 2, seed=3)
    A = A0[:, :4]
    assert _terms(A, A * slope(Y).ravel(), {}, Y=Y) == [OUT.format(words)]


def test_an_answer_of_zeros_and_ones_is_no_mask() -> None:
    Y = np.array([[1.0, 0], [0, 1]])
    A = A0[:, :4]
    assert OUT.format("Y") in _terms(A, A * Y.ravel(), {}, Y=Y)
    assert MASK.format("Y") not in _terms(A, A * Y.ravel(), {}, Y=Y)


def test_equal_numbers_are_no_array() -> None:
    for spread, many in ((0.9e-3, 0), (1.1e-3, 1)):
        T = np.array([1.0, 1 - spread, 1.0])
        A = 2 * A0
        found = _terms(A, A * np.tile(T, 2)[:, np.newaxis], {"T": T})
        assert len(found) == many
    assert _terms(A0, 2 * A0, {"T": np.full((1,), 2.0)}) == []


def test_two_numbers_are_an_array() -> None:
    T = np.array([1.0, 3])
    assert _terms(A0[:4], A0[:4] * T[[0, 1, 0, 1], np.newaxis], {"T": T}, (2, 2)) == [
        OUT.format("T")
    ]


@pytest.mark.parametrize(("size", "many"), [(0.9, 0), (1.1, 1)])
def test_what_backward_gives_stands_out_a_hundred_times(size: float, many: int) -> None:
    T = np.array([0.0, 1])
    A = np.full((2, 2), size * 100)
    found = jacobian(A, A * T[:, np.newaxis], (2,), (2,), tolerance=1.0)
    assert len(list(terms(found, {"T": T}))) == 2 * many


def test_with_large_numbers_the_tolerance_is_that_of_their_product() -> None:
    T = np.array([1.0, 1000])
    A = np.full((2, 2), 5000.0)
    for off, many in ((900.0, 1), (1100.0, 0)):
        found = jacobian(A, A * T[:, np.newaxis] + off, (2,), (2,), tolerance=1.0)
        assert len(list(terms(found, {"T": T}))) == many
        found = jacobian(A * T[:, np.newaxis] + off, A, (2,), (2,), tolerance=1.0)
        assert len(list(terms(found, {"T": T}))) == many
    T = np.array([0.1, 0.2])
    for off, many in ((0.9, 1), (1.1, 0)):
        found = jacobian(A, A * T[:, np.newaxis] + off, (2,), (2,), tolerance=1.0)
        assert len(list(terms(found, {"T": T}))) == many


def test_of_some_elements_and_answers_only_their_numbers_count() -> None:
    T = np.array([1.0, 2, 5])
    found = jacobian(A0[:2], A0[:2] * T[[0, 2], np.newaxis], (3,), (6,), x_at=[0, 2])
    assert list(terms(found, {"T": T})) == [OUT.format("T")]
    found = jacobian(A0[:, :2], A0[:, :2] * T[[0, 2]], (6,), (3,), y_at=[0, 2])
    assert list(terms(found, {"T": T})) == [OUT.format("T")]


# Summands -----------------------------------------------------------------------------------------

MISSING = "a summand is missing: add {}"
AROUND = "the identity path is missing: add grad itself, for the way around"
SURPLUS = "{} is added once too often"


def _summands(
    E: Matrix,
    x: Any,
    Y: Any,
    known: dict[str, Array] | None = None,
    *,
    lost: bool = True,
    **how: Any,
) -> list[str]:
    """What is said where E is lost, or there once too often."""
    J = A0[: E.shape[0], : E.shape[1]] if E.size <= 36 else np.ones(E.shape)
    return list(summands(jacobian(J - E if lost else J + E, J, x, Y, **how), known or {}))


def test_grad_itself() -> None:
    assert _summands(np.eye(6), (2, 3), (2, 3)) == [AROUND]
    assert _summands(np.eye(6), (2, 3), (2, 3), lost=False) == [SURPLUS.format("grad itself")]
    assert _summands(np.tile(np.eye(3), 2), (3,), (2, 3)) == [MISSING.format("grad itself")]
    assert _summands(2 * np.eye(6), (2, 3), (2, 3)) == []
    assert _summands(np.eye(6), (6,), (2, 3)) == []


def test_grad_times_an_array() -> None:
    T = normal(2, 3)
    E = np.diag(T.ravel())
    assert _summands(E, (2, 3), (2, 3), {"T": T}) == [MISSING.format("grad * T")]
    assert _summands(E, (2, 3), (2, 3), {"T": T}, lost=False) == [SURPLUS.format("grad * T")]
    a = np.array([1.0, 2, 5])
    assert _summands(np.diag(np.tile(a, 2)), (2, 3), (2, 3), {"a": a}) == [
        MISSING.format("grad * a")
    ]


def test_grad_times_a_matrix() -> None:
    W = normal(3, 2)
    E = np.kron(np.eye(2), W)
    assert _summands(E, (2, 3), (2, 2), {"W": W}) == [MISSING.format("grad @ W.T")]
    assert _summands(E, (2, 3), (2, 2), {"W": W}, lost=False) == [SURPLUS.format("grad @ W.T")]
    assert _summands(E, (6,), (2, 2), {"W": W}) == []
    assert _summands(np.kron(np.eye(2), W.T), (2, 2), (2, 3), {"W": W}) == []
    square = normal(3, 3)
    assert _summands(np.kron(np.eye(2), square), (2, 3), (2, 3), {"S": square}) == [
        MISSING.format("grad @ S.T")
    ]
    assert _summands(np.kron(np.eye(2), square.T), (2, 3), (2, 3), {"S": square}) == []


def test_the_other_factor_of_a_product() -> None:
    x = np.array([1.0, -2, 0.5, 3])
    Y = x**3 + 1
    way = np.diag(Y / x)
    others = np.diag([3.0, 1, 2, 5])
    words = "grad * (Y / X)"
    assert list(summands(jacobian(others, others + way, x, Y, name="X"), {})) == [
        MISSING.format(words)
    ]
    assert list(summands(jacobian(way, others, x, Y, name="X"), {})) == [
        f"backward is {words} alone: the other summand of the product rule is missing"
    ]
    # With more in the right gradient, it is something else.
    assert list(summands(jacobian(way, others + 1, x, Y, name="X"), {})) == []
    assert list(summands(jacobian(2 * way, others, x, Y, name="X"), {})) == []
    x0 = x * [1, 0, 1, 1]
    assert list(summands(jacobian(others, others + way, x0, Y, name="X"), {})) == []


def test_other_arrays_alone_are_no_product() -> None:
    T = normal(4)
    A, J = np.diag(T), np.diag([3.0, 1, 2, 5])
    assert list(summands(jacobian(A, J, (4,), (4,), name="X"), {"T": T})) == []


def test_summands_are_seen_where_everything_is() -> None:
    A, J = np.zeros((3, 4)), np.eye(4)[:3]
    assert list(summands(jacobian(A, J, (4,), (4,), x_at=[0, 1, 2]), {})) == []
    assert list(summands(jacobian(A.T, J.T, (4,), (4,), y_at=[0, 1, 2]), {})) == []


# A factor for each index --------------------------------------------------------------------------


def _by_index(factors: Any, J: Any, x: Any, Y: Any) -> str | None:
    """Where the factors are found to differ."""
    found = list(factors_by_index(jacobian(np.array(factors) * J, J, x, Y)))
    if not found:
        return None
    (hint,) = found
    start, _, rest = hint.removeprefix("a factor for each index of ").partition(" (")
    values, _, end = rest.partition("): ")
    assert end == (
        "something that forward computes for each of them is left out or wrong, such as a slope, "
        "or one over a norm or a count"
    )
    return f"{start}: {values}"


def test_a_factor_for_each_index_of_x() -> None:
    f = np.array([0.5, 2, 1.5])
    assert _by_index(f[:, np.newaxis], normal(3, 4), (3,), (4,)) == "axis 0: 0.5000, 2.000, ..."
    J = normal(6, 4)
    assert (
        _by_index(np.repeat(f, 2)[:, np.newaxis], J, (3, 2), (4,)) == "axis 0: 0.5000, 2.000, ..."
    )
    assert _by_index(np.tile(f, 2)[:, np.newaxis], J, (2, 3), (4,)) == "axis 1: 0.5000, 2.000, ..."
    f6 = np.arange(2.0, 8)
    assert _by_index(f6[:, np.newaxis], J, (2, 3), (4,)) == "axes 0 and 1: 2.000, 3.000, ..."


def test_a_factor_for_each_index_of_Y() -> None:
    f = np.array([0.5, 2, 1.5])
    assert _by_index(f, normal(4, 3), (4,), (3,)) == "axis 0 of Y: 0.5000, 2.000, ..."
    assert _by_index(np.tile(f, 2), normal(4, 6), (4,), (2, 3)) == "axis 1 of Y: 0.5000, 2.000, ..."


def test_a_factor_for_each_index_of_both() -> None:
    f = 2 + np.arange(12.0).reshape(3, 4)
    full = np.repeat(f, 3, axis=1)
    assert _by_index(full, normal(3, 12), (3,), (4, 3)) == (
        "axis 0 and axis 0 of Y: 2.000, 3.000, ..."
    )
    # The last axis of Y, or two axes of x, would be the weights themselves.
    assert _by_index(np.tile(f, 3), normal(3, 12), (3,), (3, 4)) is None
    pairs = np.repeat(2 + np.arange(24.0).reshape(6, 4), 3, axis=1)
    assert _by_index(pairs, normal(6, 12), (3, 2), (4, 3)) is None
    rows = np.repeat(2 + np.arange(18.0).reshape(3, 6), 3, axis=1)
    assert _by_index(rows, normal(3, 18), (3,), (2, 3, 3)) == (
        "axis 0 and axes 0 and 1 of Y: 2.000, 3.000, ..."
    )
    first = np.repeat(2 + np.arange(6.0).reshape(3, 2), 9, axis=1)
    assert _by_index(first, normal(3, 18), (3,), (2, 3, 3)) == (
        "axis 0 and axis 0 of Y: 2.000, 3.000, ..."
    )


def test_three_factors_for_three_numbers_each() -> None:
    f = np.array([[0.5], [2], [1.5]])
    assert _by_index(f, normal(3, 3), (3,), (3,)) is not None
    assert _by_index(f, normal(3, 2), (3,), (2,)) is None
    assert _by_index(f[:2], normal(2, 9), (2,), (9,)) is None


def test_factors_differ_by_a_thousandth() -> None:
    J = normal(3, 4)
    for spread, said in ((0.9e-3, False), (1.1e-3, True)):
        f = 2 + np.array([[0.0], [spread / 2], [spread]])
        assert (_by_index(f, J, (3,), (4,)) is not None) == said


def test_right_factors_are_at_most_a_tenth() -> None:
    for n, said in ((9, False), (10, True), (11, True)):
        f = np.arange(2.0, 2 + n)[:, np.newaxis]
        f[3] = 1
        assert (_by_index(f, normal(n, 4), (n,), (4,)) is not None) == said
    for near, said in ((0.9e-5, False), (1.1e-5, True)):
        f = np.array([[2.0], [1 + near], [3]])
        assert (_by_index(f, normal(3, 4), (3,), (4,)) is not None) == said


def test_factors_are_neither_nothing_nor_huge() -> None:
    J = normal(3, 4)
    for size, said in ((1.1e-6, True), (0.9e-6, False), (0.9e6, True), (1.1e6, False)):
        f = np.array([[2.0], [size], [-size]])
        assert (_by_index(f, J, (3,), (4,)) is not None) == said


def test_what_is_wrong_where_nothing_belongs_has_no_factor() -> None:
    J = normal(3, 4)
    J[0, 0] = 0
    A = np.array([[0.5], [2], [1.5]]) * J
    assert len(list(factors_by_index(jacobian(A, J)))) == 1
    A[0, 0] = 1
    assert list(factors_by_index(jacobian(A, J))) == []
    assert list(factors_by_index(jacobian(0 * A, 0 * J))) == []


def test_of_some_elements_and_answers_the_indices_are_their_own() -> None:
    J = normal(6, 6)
    f = np.array([0.5, 2, 1.5])
    x_at = [0, 2, 3, 5, 6, 8]  # of (3, 3), the first and last of each row
    found: Jacobian = jacobian(
        np.repeat(f, 2)[:, np.newaxis] * J, J, (3, 3), (9,), x_at=x_at, y_at=x_at
    )
    (hint,) = factors_by_index(found)
    assert hint.startswith("a factor for each index of axis 0 (0.5000, 2.000, ...)")


def test_a_factor_fits_to_the_tolerances() -> None:
    J = np.full((3, 4), 1000.0)
    f = np.array([[0.5], [2], [3]])
    for off, said in ((2.9, True), (-2.9, True), (3.9, False)):
        A = f * J
        A[2, 1] += off * 4 / 3  # three quarters of it are left beside the mean
        assert (len(list(factors_by_index(jacobian(A, J, tolerance=1.0)))) == 1) == said
    for off, said in ((0.9, True), (1.1, False)):
        A = f * J
        A[0, 1] += off * 4 / 3
        assert (len(list(factors_by_index(jacobian(A, J, tolerance=1.0)))) == 1) == said
