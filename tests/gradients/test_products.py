"""Products of grad with known arrays: factors and summands that are lost or too much."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Matrix
from layerwise.gradients.products import factors, summands
from tests.gradients.matrices import jacobian
from tests.gradients.points import normal

# A known factor -----------------------------------------------------------------------------------

OUT = "backward leaves out {0}: times it, the gradient is right"
TWICE = "backward has {0} once too often: it is {0} times the right one"
MASK = "wrong only where {} is 0: the mask is not applied"
A0 = 1 + np.abs(normal(6, 6))


def _terms(A: Any, J: Any, known: Mapping[str, Any], x: Any = (2, 3), Y: Any = (2, 3)) -> list[str]:
    return list(factors(jacobian(A, J, x, Y), known))


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
    assert _terms(A0, A0 * first, {"n": n[np.newaxis]}) == [OUT.format("n")]


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


def test_what_is_lost_by_a_sign_is_no_factor_too_often() -> None:
    T = normal(12)
    A = A0[:4, :3].reshape(12, 1)
    assert _terms(A * (T > 0)[:, np.newaxis], A, {"T": T}, (12,), (1,)) == []
    assert _terms(A, A * (T > 0)[:, np.newaxis], {"T": T}, (12,), (1,)) == [
        "wrong only where T > 0 is false: the mask is not applied",
        OUT.format("T > 0"),
    ]


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
    assert len(list(factors(found, {"T": T}))) == 2 * many


def test_with_large_numbers_the_tolerance_is_that_of_their_product() -> None:
    T = np.array([1.0, 1000])
    A, column = np.full((2, 2), 5000.0), np.array([[1.0], [1000]])
    for off, many in ((0.9, 1), (1.1, 0)):
        error = off * column
        found = jacobian(A, A * column + error, (2,), (2,), tolerance=1.0)
        assert len(list(factors(found, {"T": T}))) == many
        found = jacobian(A * column + error, A, (2,), (2,), tolerance=1.0)
        assert len(list(factors(found, {"T": T}))) == many
    T = np.array([0.1, 0.2])
    for off, many in ((0.9, 1), (1.1, 0)):
        found = jacobian(A, A * T[:, np.newaxis] + off, (2,), (2,), tolerance=1.0)
        assert len(list(factors(found, {"T": T}))) == many


def test_of_some_elements_and_answers_only_their_numbers_count() -> None:
    T = np.array([1.0, 2, 5])
    found = jacobian(A0[:2], A0[:2] * T[[0, 2], np.newaxis], (3,), (6,), x_at=[0, 2])
    assert list(factors(found, {"T": T})) == [OUT.format("T")]
    found = jacobian(A0[:, :2], A0[:, :2] * T[[0, 2]], (6,), (3,), y_at=[0, 2])
    assert list(factors(found, {"T": T})) == [OUT.format("T")]


# Summands -----------------------------------------------------------------------------------------

MISSING = "a summand is missing: add {}"
AROUND = "the identity path is missing: add grad itself, for the way around"
SURPLUS = "a summand is too much, or has to be subtracted: {}"


def _summands(
    E: Matrix,
    x: Any,
    Y: Any,
    known: Mapping[str, Any] | None = None,
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
    assert _summands(2 * np.eye(6), (2, 3), (2, 3)) == [
        "a summand is missing, or has the wrong sign: add 2.000 * grad itself"
    ]
    assert _summands(0.5 * np.eye(6), (2, 3), (2, 3)) == [
        "a summand is missing: add 0.5000 * grad itself"
    ]
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
    assert _summands(E, (2, 3), (2, 2), {"V": W}) == [MISSING.format("grad @ V.T")]
    assert _summands(E, (2, 3), (2, 2), {"V": W}, lost=False) == [SURPLUS.format("grad @ V.T")]
    assert _summands(E, (6,), (2, 2), {"V": W}) == []
    assert _summands(np.kron(np.eye(2), W.T), (2, 2), (2, 3), {"V": W}) == [
        MISSING.format("sum(grad * V)")
    ]
    square = normal(3, 3)
    assert _summands(np.kron(np.eye(2), square), (2, 3), (2, 3), {"S": square}) == [
        MISSING.format("grad @ S.T")
    ]
    assert _summands(np.kron(np.eye(2), square.T), (2, 3), (2, 3), {"S": square}) == [
        MISSING.format("sum(grad * S)")
    ]


def test_other_arrays_alone_are_no_product() -> None:
    T = normal(4)
    A, J = np.diag(T), np.diag([3.0, 1, 2, 5])
    assert list(summands(jacobian(A, J, (4,), (4,), name="X"), {"T": T})) == []


def test_summands_are_seen_where_everything_is() -> None:
    A, J = np.zeros((3, 4)), np.eye(4)[:3]
    assert list(summands(jacobian(A, J, (4,), (4,), x_at=[0, 1, 2]), {})) == []
    assert list(summands(jacobian(A.T, J.T, (4,), (4,), y_at=[0, 1, 2]), {})) == []


# In another's place -------------------------------------------------------------------------------


def test_one_array_in_the_place_of_another() -> None:
    T, U = normal(2, 3), normal(2, 3, seed=1)
    t, u = (M.reshape(6, 1) for M in (T, U))
    assert _terms(A0 * t, A0 * u, {"T": T, "U": U}) == [
        "times U over T, the gradient is right: U is left out, or T is in its place"
    ]
    assert _terms(A0 * (1 - t), A0 * u * u, {"T": T, "U": U}) == [
        "times U * U over (1 - T), the gradient is right: U * U is left out, or 1 - T is in its "
        "place"
    ]
    spoiled = A0 * u
    spoiled[1, 1] *= 1.01
    assert _terms(A0 * t, spoiled, {"T": T, "U": U}) == []


def test_the_answer_in_the_place_of_x() -> None:
    x, Y = normal(6), normal(6, seed=1)
    J = np.diag(1 + np.arange(6.0))
    found = jacobian(J, J * Y / x, x, Y, name="X")
    assert next(factors(found, {})) == (
        "times Y over X, the gradient is right: what forward multiplies X by is left out, or Y"
    )


def test_six_ratios_have_to_fit() -> None:
    for n, said in ((5, False), (6, True)):
        T, U = normal(n), normal(n, seed=1)
        A = A0[:n]
        found = jacobian(A * T[:, np.newaxis], A * U[:, np.newaxis], (n,), (6,))
        assert any("over T" in h for h in factors(found, {"T": T, "U": U})) == said


def test_one_mask_in_the_place_of_another() -> None:
    T, U = normal(24), normal(24, seed=1)
    A = 1 + np.abs(normal(24, 2))
    mine, right = (A * (M > 0)[:, np.newaxis] for M in (T, U))
    words = "U > 0 is left out, or T > 0 is in its place"
    assert any(words in h for h in _terms(mine, right, {"T": T, "U": U}, (24,), (2,)))
    # Where the two have nothing in common, each is as good as any other.
    apart = A * (T <= 0)[:, np.newaxis]
    assert not any("place" in h for h in _terms(mine, apart, {"T": T}, (24,), (2,)))


# Products -----------------------------------------------------------------------------------------


def test_products_of_two_and_three() -> None:
    T, U, V = normal(4), normal(5, seed=1), normal(4, seed=2)
    E = np.outer(T, U)
    known = {"T": T, "U": U, "V": V}
    assert _summands(E, (4,), (5,), known) == [MISSING.format("T * sum(grad * U)")]
    assert _summands(-E, (4,), (5,), known) == [SURPLUS.format("T * sum(grad * U)")]
    assert _summands(0.3 * E, (4,), (5,), known) == [MISSING.format("0.3000 * T * sum(grad * U)")]
    assert _summands(0.2 * E, (4,), (5,), known) == [MISSING.format("T * mean(grad * U)")]
    assert _summands(0.4 * E, (4,), (5,), known) == [
        "a summand is missing, or has the wrong sign: add 2.000 * T * mean(grad * U)"
    ]
    assert _summands(0.8 * E, (4,), (5,), known) == [
        MISSING.format("0.8000 * T * sum(grad * U) (as where a sum stands for a mean)")
    ]
    three = np.outer(T * (1 - V * V), U)
    assert _summands(three, (4,), (5,), known) == [
        MISSING.format("T * (1 - V * V) * sum(grad * U)")
    ]
    E[0, 0] *= 1.01
    assert _summands(E, (4,), (5,), known) == []


def test_divided_by_a_deviation() -> None:
    T, s = normal(6), 1.5 + np.abs(normal(6, seed=1))
    assert _summands(np.diag(T / s), (6,), (6,), {"T": T, "s": s}) == [
        MISSING.format("grad * T * (1 / s)")
    ]


def test_what_a_factor_too_little_leaves() -> None:
    T, U = normal(6), normal(6, seed=1)
    (hint,) = _summands(np.diag((1 - T) * U), (6,), (6,), {"T": T, "U": U}, lost=False)
    assert hint == SURPLUS.format("grad * U * (1 - T)") + (
        " (as where one has T too little or too much)"
    )
    (hint,) = _summands(np.diag(T * T), (6,), (6,), {"T": T})
    assert hint.endswith("grad * T * T (as where one has 1 - T * T too little or too much)")


def test_few_numbers_are_no_product() -> None:
    known = {"T": normal(4), "U": normal(4, seed=1), "V": normal(4, seed=2)}
    E = np.diag(known["T"] * known["U"])
    assert _summands(E, (4,), (4,), known) == []
    assert _summands(np.eye(2), (2,), (2,)) == []


def test_what_is_wrong_here_and_there_is_no_summand() -> None:
    T = normal(6)
    E = np.diag(T * [1, 1, 0, 1, 1, 0])
    assert _summands(E, (6,), (6,), {"T": T}) == []
    # All that is there is right: it is a place.
    J = np.outer(normal(6), normal(6, seed=1))
    A = J * ([[1]] * 4 + [[0]] * 2)
    found = jacobian(A, J, (6,), (6,))
    assert list(summands(found, {"T": (J - A)[:, 0], "U": J[0]})) == []


def test_an_error_near_the_tolerance_is_none() -> None:
    T = normal(6)
    for size, said in ((90, False), (500, True)):
        found = _summands(size * np.diag(T), (6,), (6,), {"T": T}, tolerance=1.0)
        assert (found != []) == said
