"""Factors and summands that are known."""

from typing import Any

import numpy as np
import pytest

from layerwise.gradients.jacobian import Jacobian
from layerwise.gradients.known import factor_of, factors_by_index, product_rule
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


# The product rule ---------------------------------------------------------------------------------


def test_the_other_factor_of_a_product() -> None:
    x = np.array([1.0, -2, 0.5, 3])
    Y = x**3 + 1
    way = np.diag(Y / x)
    others = np.diag([3.0, 1, 2, 5])
    words = "backward is grad * (Y / X) alone: the other summand of the product rule is missing"
    assert list(product_rule(jacobian(way, others, x, Y, name="X"))) == [words]
    # With more in the right gradient, it is something else.
    assert list(product_rule(jacobian(way, others + 1, x, Y, name="X"))) == []
    assert list(product_rule(jacobian(2 * way, others, x, Y, name="X"))) == []
    assert list(product_rule(jacobian(way, others, x * [1, 0, 1, 1], Y, name="X"))) == []
    assert list(product_rule(jacobian(way, others, x.reshape(2, 2), Y, name="X"))) == []


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
        f = np.arange(2.5, 2 + n)[:, np.newaxis]
        f[3] = 1
        assert (_by_index(f, normal(n, 4), (n,), (4,)) is not None) == said
    for near, said in ((0.9e-5, False), (1.1e-5, True)):
        f = np.array([[2.5], [1 + near], [3]])
        assert (_by_index(f, normal(3, 4), (3,), (4,)) is not None) == said


def test_counts_may_be_one_for_three_of_five() -> None:
    J = normal(5, 4)
    for counts, said in (
        ([1, 2, 1, 3, 1], True),
        ([1, 1 / 2, 1, 1 / 3, 1], True),
        ([1, 2, 1, 2, 1], False),  # only two sizes
        ([1, 2, 1, 3.1, 1], False),
        ([1, 0, 1, 2, 3], False),
    ):
        f = np.array(counts)[:, np.newaxis]
        assert (_by_index(f, J, (5,), (4,)) is not None) == said
    more = np.array([1.0, 2, 1, 1, 3, 1, 1])[:, np.newaxis]
    assert _by_index(more, normal(7, 4), (7,), (4,)) is None


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
