"""One comparison: each bound on both sides of where it decides."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from layerwise.gradients.compare import compare
from layerwise.gradients.differences import Slope
from layerwise.gradients.function import EPS
from layerwise.gradients.point import Point
from layerwise.gradients.report import Comparison
from tests.gradients.points import along_x, numbers, point_of, quiet

FEW = 0.99, 1.01  # just below a limit, and just above


def _point(analytic: float, x: float = 1.0, **how: Any) -> Point:
    """A point of F = x, of no rounding, where backward gives this slope."""
    return point_of(np.copy, x, lambda X: np.full_like(X, analytic), noise=0.0, **how)


def _still(analytic: float) -> Point:
    """One where F was found not to jump."""
    point = _point(analytic)
    point.jump = 0.0
    return point


def _compare(
    point: Point,
    value: float,
    bound: float = 0.0,
    *,
    kink: float = 0.0,
    size: float | None = None,
    k: int = 6,
    stairs: bool = False,
    element: bool = False,
) -> Comparison:
    """Against differences that say so."""
    none = np.zeros(1)
    if size is None:
        size = abs(value)
    numeric = Slope(
        numbers([value]), numbers([bound]), numbers([kink]), none, numbers([size]), k, stairs
    )
    return compare(point, "there", along_x(point), numeric, element=element)


def test_a_bound_of_a_millionth_is_proof() -> None:
    assert [_compare(_point(3), 3, 3e-6 * s).state for s in FEW] == ["proven", "noisy"]
    found = _compare(_point(3), 3)
    assert (found.where, found.analytic, found.numeric, found.size) == ("there", 3, 3, 3)


def test_or_three_thousand_times_the_error_of_forward_and_a_tenth_at_most() -> None:
    for error, most in ((1e-7, 3e-4), (1e-3, 0.1)):
        point = _point(1, forward_error=error)
        assert [_compare(point, 1, most * s).state for s in FEW] == ["proven", "noisy"]


def test_where_forward_has_an_error_small_steps_have_to_disagree_too() -> None:
    # Steps of 4⁻² and less see a slope of 1 with a bound of some 6e-3.
    point = point_of(np.copy, 1.0, lambda X: np.full_like(X, 1.003), forward_error=1e-4)
    assert _compare(point, 1.1, 1e-3).state == "proven"
    assert abs(_compare(point, 1.1, 1e-3).numeric - 1) < 1e-12
    point = point_of(np.copy, 1.0, lambda X: np.full_like(X, 1.1), forward_error=1e-4)
    assert _compare(point, 1.0, 1e-3).state == "wrong"


def test_a_derivative_of_a_hundred_millionth_of_the_answer_is_zero() -> None:
    point = _point(0, 2.0)
    assert [_compare(point, 0, 2e-8 * s).state for s in FEW] == ["proven", "noisy"]
    assert [_compare(point, 0, 1e-8, size=2e-8 * s).state for s in FEW] == ["proven", "noisy"]


def test_the_bound_has_sixteen_roundings_of_its_own_and_the_least_of_numbers() -> None:
    assert _compare(_point(3), 3).bound == pytest.approx(48 * EPS, rel=1e-9, abs=0)
    assert _compare(_point(0), 0).bound == pytest.approx(2.2250738585072014e-298, rel=1e-9, abs=0)
    assert _compare(_point(3), 3, 1.0).bound == pytest.approx(1)


def test_beyond_the_bound_it_is_wrong() -> None:
    assert [_compare(_still(1 + 2e-7 * s), 1, 2e-7).state for s in FEW] == ["proven", "wrong"]
    assert [_compare(_still(1 - 2e-7 * s), 1, 2e-7).state for s in FEW] == ["proven", "wrong"]


def test_an_element_is_let_off_a_hundred_millionth_of_it_and_a_tenth_of_the_largest() -> None:
    states = [_compare(_still(1 + 1e-8 * s), 1, element=True).state for s in (0.99, 1.12)]
    assert states == ["proven", "wrong"]
    many = [_compare(_still(1 + 1e-6 * s), 1, size=990, element=True).state for s in FEW]
    assert many == ["proven", "wrong"]
    assert _compare(_still(1 + 0.5e-8), 1).state == "wrong"
    # What is let pass is what it is proven to.
    assert _compare(_still(1 + 5e-9), 1, element=True).bound == pytest.approx(5e-9, rel=1e-6)


def test_what_rounding_moves_in_the_gradient_is_added() -> None:
    point = _point(1)
    # Sixteen times what one ulp and two differ by on the same side; the sides may be far apart.
    for gradients in ([5, 1, 5 + 1e-9, 1], [5, 1, 5, 1 - 1e-9], [5, 1, 5 - 1e-9, 1 + 0.5e-9]):
        point.noise.gradients[0][:] = [{"X": np.array([[g]])} for g in gradients]
        assert _compare(point, 1).bound == pytest.approx(16e-9, rel=1e-5)


@pytest.mark.parametrize(
    ("size", "x", "rounding", "error", "most"),
    [
        (5.0, 1.0, 0.0, 0.0, 5e-6),  # where that is fine
        (5.0, 1.0, 0.0, 1e-6, 15e-3),
        (5.0, 2.0, 1e-5, 0.0, 2.5e-3),  # or the answer has lost as many digits
        (5.0, 0.0, 1e-5, 0.0, 5e-3),
        (5.0, 1e6, 0.0, 0.0, 1e-2),  # or it is nothing beside the answer
    ],
)
def test_no_more_rounding_is_granted_to_a_gradient_than_leaves_it_fine(
    size: float, x: float, rounding: float, error: float, most: float
) -> None:
    point = _point(5, x, forward_error=error)
    quiet(point, rounding)
    point.noise.gradients[0][:] = [{"X": np.array([[g]])} for g in (9.0, 5.0, 8.0, 5.0)]
    assert _compare(point, 5, size=size).bound == pytest.approx(most, rel=1e-6)


def test_where_digits_cancel_inside_differences_are_blind() -> None:
    blind = 32 * EPS * 2 * 4.0**8
    for share, state in zip(FEW, ("noisy", "wrong"), strict=True):
        point = _point(1 + share * blind)
        quiet(point, reach=2.0)
        assert _compare(point, 1, k=8).state == state


def test_stairs_are_no_proof_of_a_mistake() -> None:
    assert _compare(_point(1.5), 1).state == "wrong"
    assert _compare(_point(1.5), 1, stairs=True).state == "noisy"


def test_a_jump_explains_three_two_hundredths_of_the_derivative() -> None:
    for share, state in zip(FEW, ("slight", "wrong"), strict=True):
        point = _point(1 + share * 1.5e-2)
        point.jump = 1e-9
        assert _compare(point, 1).state == state
        larger = _point(1 + share * 7.5e-2)
        larger.jump = 1e-9
        assert _compare(larger, 1, size=5).state == state


def test_without_a_jump_and_where_it_is_hardly_off_none_is_excused() -> None:
    cases = (0.0, 1e-3, "wrong"), (1e-9, 1e-3, "slight"), (1e-9, 5e-9, "wrong")
    for jump, off, state in cases:
        point = _point(1 + off)
        point.jump = jump
        assert _compare(point, 1).state == state


def test_where_forward_has_an_error_ten_times_its_root_is_slight() -> None:
    for error, root in ((1e-12, 1e-5), (1e-8, 1e-3), (1e-4, 1.5e-2)):  # and no more than a jump
        for share, state in zip(FEW, ("slight", "wrong"), strict=True):
            off = share * root
            point = point_of(np.copy, 1.0, partial(np.full_like, fill_value=1 + off))
            point.function.forward_error = error
            point.jump = 0.0
            assert _compare(point, 1).state == state


def test_what_jumps_and_is_off_by_less_than_a_ten_millionth_is_proven_to_that() -> None:
    for share, state in zip(FEW, ("proven", "slight"), strict=True):
        point = _point(1 + share * 1e-7)
        point.jump = 1e-9
        found = _compare(point, 1)
        assert found.state == state
        assert found.bound == pytest.approx(share * 1e-7, rel=1e-6)


def test_a_jump_is_looked_for_where_it_could_explain_the_error() -> None:
    point = _point(1.5)
    _compare(point, 1)
    assert point.jump is None
    point = _point(1.005)
    _compare(point, 1)
    assert point.jump is not None


def _relu(analytic: float, slope: float = 1) -> Point:
    return point_of(
        lambda x: slope * np.maximum(x, 0), 0.0, lambda X: np.full_like(X, analytic), noise=0.0
    )


def test_between_the_slopes_on_both_sides_it_is_a_kink() -> None:
    assert _compare(_relu(0.5), 0.5, kink=0.5).state == "kink"
    assert _compare(_relu(1), 0.5, kink=0.5005).state == "kink"
    assert _compare(_relu(1.2), 0.5, kink=0.5).state == "wrong"
    # Where differences have not seen it, points around it do; a thousandth beyond may be rounding.
    for analytic, state in ((0.7, "kink"), (1.0009, "kink"), (1.0011, "wrong")):
        assert _compare(_relu(analytic), 0.5).state == state
        assert _compare(_relu(1 - analytic), 0.5).state == state
        assert _compare(_relu(5 * analytic, 5), 2.5).state == state


def test_the_range_of_a_kink_is_from_the_least_to_the_greatest_slope() -> None:
    for analytic, state in ((0.5, "kink"), (1.0019, "kink"), (1.0021, "wrong")):
        for sign in (1, -1):
            slope = partial(np.full_like, fill_value=sign * analytic)
            point = point_of(np.abs, 0.0, slope, noise=0.0)
            assert _compare(point, sign * 0.2).state == state


def test_a_kink_explains_no_more_than_twice_its_range() -> None:
    assert _compare(_relu(0.5), 2.4).state == "kink"
    assert _compare(_relu(0.5), 2.6).state == "wrong"


def test_where_several_kinks_meet_no_end_of_the_range_is_known() -> None:
    def f(X: Any) -> Any:
        return (X > 5e-7) * (X - 5e-7) + (X > -5e-7) * (X + 5e-7)

    for analytic, state in ((3.0, "kink"), (5.5, "wrong")):
        point = point_of(f, 0.0, partial(np.full_like, fill_value=analytic), noise=0.0)
        assert _compare(point, 1).state == state


def test_a_small_error_is_looked_for_in_no_kink() -> None:
    # The slope is 1 and 1.1 on two sides, and the difference 1.05.
    def state_of(off: float, reach: float = 0.0) -> str:
        point = point_of(
            lambda x: np.where(x > 0, 1.1 * x, x), 0.0, lambda X: np.full_like(X, 1.05 + off),
            noise=0.0,
        )  # fmt: skip
        quiet(point, reach=reach)
        point.jump = 0.0
        return _compare(point, 1.05).state

    assert [state_of(1.05e-3 * s) for s in FEW] == ["wrong", "kink"]
    assert state_of(1.1e-2, reach=1e10) == "noisy"  # as digits cancel


def test_after_six_looks_in_vain_kinks_are_taken_not_to_be_near() -> None:
    point = _point(2)
    for looks in (1, 2, 3, 4, 5, 6, 6):
        assert _compare(point, 1).state == "wrong"
        assert point.vain_looks == looks
    relu = _relu(0.7)
    assert _compare(relu, 0.5).state == "kink"
    assert relu.vain_looks == 0
    relu.vain_looks = 6
    assert _compare(relu, 0.5).state == "wrong"


def test_of_all_c_the_worst_counts() -> None:
    """Wrong before a kink before proven before noisy; and among those the furthest off."""
    point = point_of(np.copy, [1.0, 2.0], lambda X: np.array([[1.0, 1.0]]), noise=0.0)
    analytic = point.analytic(along_x(point))

    def found(off: list[float], bound: list[float], kink: list[float]) -> Comparison:
        sizes = np.full(3, 1e3)
        numeric = Slope(
            analytic + numbers(off), numbers(bound), numbers(kink), np.zeros(3), sizes, 6
        )
        point.jump = 0.0
        return compare(point, "", along_x(point), numeric)

    states: dict[str, tuple[list[float], list[float], list[float]]] = {
        "wrong": ([9e-2, 0, 0], [1e-6, 1e-6, 1e-6], [0, 1, 0]),
        "kink": ([0, 0, 0], [1e-6, 1e-6, 1.0], [0, 1, 0]),
        "proven": ([0, 0, 0], [1.0, 1e-6, 1e-6], [0, 0, 0]),
        "noisy": ([0, 0, 0], [1.0, 1.0, 1.0], [0, 0, 0]),
    }
    for state, (off, bound, kink) in states.items():
        assert found(off, bound, kink).state == state
    worst = found([1e-5, 3e-5, 2e-5], [1e-4] * 3, [0.0] * 3)
    assert worst.numeric == pytest.approx(analytic[1] + 3e-5, abs=1e-12)


def test_the_size_of_an_element_is_that_of_its_own_terms() -> None:
    point = point_of(np.copy, [1.0, 2.0], np.ones_like, noise=0.0)
    none = np.zeros(3)
    numeric = Slope(point.analytic(along_x(point)), none, none, none, np.full(3, 1e6), 6)
    direction = along_x(point)
    assert compare(point, "", direction, numeric).size == 1e6
    own = point.sizes(direction)
    assert compare(point, "", direction, numeric, element=True).size < 3 * own.max()
