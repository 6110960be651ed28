"""Derivatives from differences: which steps are run, and which of them is believed how far."""

from dataclasses import replace

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.differences import (
    Slope,
    _bends,
    _Pair,
    _rounding,
    _stairs,
    element_slope,
    extrapolate,
    slope,
    two_differences,
)
from layerwise.gradients.point import Point
from tests.gradients.points import Watched, along_x, numbers, point_of, quiet, stepwise

NO_SIZE = np.zeros(1)
H = 4.0 ** -np.arange(3.0, 10.0)


# The table of extrapolation -----------------------------------------------------------------------


@pytest.mark.parametrize("steps", [4, 6])
def test_each_of_four_columns_is_a_thousand_times_finer_at_most(steps: int) -> None:
    # D = 1 + h²: the second column is exact; its neighbors differ by the h² of the larger step.
    h = H[:steps]
    value, bound, at = extrapolate(h, 1 + h * h, 0.0)
    assert value == pytest.approx(1, abs=1e-15)
    assert bound == pytest.approx(2e-6 * h[-2] ** 2, rel=1e-3, abs=0)
    assert at == steps - 1


def test_each_column_removes_the_next_even_power() -> None:
    h = H[:4]
    D = 1 + h**2 + 3 * h**4 + 5 * h**6
    assert extrapolate(h, D, 0.0)[0] == pytest.approx(1, abs=3e-16)
    assert extrapolate(h, D + h**3, 0.0)[0] != pytest.approx(1, abs=1e-12)


def test_noise_counts_six_times_over_the_step() -> None:
    # Four times in each difference, and half as much again for what extrapolation adds.
    value, bound, at = extrapolate(H[:4], np.ones(4), 1e-9)
    assert (value, at) == (1, 1)  # the first has no neighbor before it
    assert bound == pytest.approx(6e-9 / H[1])


@pytest.mark.parametrize(("last", "finite"), [(29.4, True), (29.9, False)])
def test_smaller_steps_may_differ_by_the_bound_and_half_of_what_they_change(
    last: float, finite: bool
) -> None:
    bound = extrapolate(H[:4], numbers([0, 8, 12, last]), 0.0)[1]
    assert np.isfinite(bound) == finite


@pytest.mark.parametrize(("share", "finite"), [(0.95, True), (1.05, False)])
def test_smaller_steps_may_differ_by_their_noise(share: float, finite: bool) -> None:
    # Of the table itself, and of steps below it. Where D changes by no more than its noise it
    # has settled; where it changes by more, by 9 here, it has to come near what was found before.
    h, noise = H[:3], 4e-3 / H[:3]
    bound = 1.5 * noise[1]
    off = numbers([1, 1, 1 + share * 2 * (bound + noise[2])])
    assert np.isfinite(extrapolate(h, off, 1e-3)[1]) == finite
    tiny = numbers([4.0**-9])
    far = bound + 4e-3 / tiny
    assert np.isfinite(extrapolate(h, np.ones(3), 1e-3, (tiny, 1 + share * far))[1]) == finite


def test_changes_that_do_not_shrink_are_no_approach_unless_they_are_noise() -> None:
    assert np.isinf(extrapolate(H[:4], numbers([1, 4, 16, 64]), 1e-16)[1])
    assert np.isfinite(extrapolate(H[:3], numbers([0, 1, 1.49]), 0.0)[1])
    assert np.isinf(extrapolate(H[:3], numbers([0, 1, 1.51]), 0.0)[1])
    noise = 4e-3 / H[:3]
    near = 1 + numbers([0, 0.99 * noise[1], 0])
    assert np.isfinite(extrapolate(H[:2], near[:2], 1e-3)[1])
    beyond = 1 + numbers([0, 1.01 * noise[1], 0])
    assert np.isinf(extrapolate(H[:2], beyond[:2], 1e-3)[1])


def test_nothing_known_is_the_last_difference_without_a_bound() -> None:
    assert extrapolate(H[:3], numbers([1, 4, 9]), 0.0) == (9, np.inf, 2)


# Whether that is fine enough ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "value", "size", "fine"),
    [
        (0.99e-6, 1, 0, True), (1e-6, 1, 0, True), (1.01e-6, 1, 0, False),
        (0.99e-6, 0, 1, True), (1.01e-6, 0, 1, False),
        (1.99e-12, 0, 0, True), (2.01e-12, 0, 0, False),  # 1e-12 of F = 2
    ],
)  # fmt: skip
def test_fine_is_a_share_of_the_derivative_or_the_rounding_of_the_answer(
    bound: float, value: float, size: float, fine: bool
) -> None:
    found = _slope(value=value, bound=bound)
    assert found.fine(1e-6, numbers([size]), point_of(lambda x: x, 2.0)) == fine


def _slope(value: float = 0.0, bound: float = 0.0, rounding: float = 0.0, k: int = 5) -> Slope:
    """What a direction has shown before, for one c."""
    return Slope(numbers([value]), numbers([bound]), NO_SIZE, numbers([rounding]), NO_SIZE, k)


# Which steps are run ------------------------------------------------------------------------------


def _wave(w: float) -> Watched:
    return Watched(lambda x: np.sin(w * (x + 0.4)))


KINKS = {13, 14, 16, 17}  # the steps that look for kinks and for rounding


@pytest.mark.parametrize(("w", "last"), [(3, 6), (30, 7), (100, 7), (300, 8), (1000, 9)])
def test_smaller_steps_are_run_until_the_bound_is_a_billionth(w: float, last: int) -> None:
    f = _wave(w)
    found = slope(point_of(f, noise=1e-15), {"X": np.ones((1, 1))}, NO_SIZE)
    assert f.steps == set(range(3, last + 1)) | KINKS
    assert abs(found.value[0] - w * np.cos(0.4 * w)) <= found.bound[0]
    assert found.bound[0] <= 1e-9 * abs(found.value[0])


def test_a_size_that_is_known_saves_steps() -> None:
    f = _wave(1000)
    slope(point_of(f, noise=1e-15), {"X": np.ones((1, 1))}, numbers([1e5]))
    assert f.steps == {3, 4, 5, 6, 7, 8} | KINKS


def test_four_steps_are_run_at_least() -> None:
    f = _wave(1)
    slope(point_of(f, noise=1e-15), {"X": np.ones((1, 1))}, numbers([1e30]))
    assert f.steps == {3, 4, 5, 6} | KINKS


@pytest.mark.parametrize(
    ("bound", "steps"), [(0.99e-9, {3, 4, 5, 6} | KINKS), (1.01e-9, {*range(2, 15)} | KINKS)]
)
def test_where_a_billionth_is_not_reached_other_steps_are_run(
    bound: float, steps: set[int]
) -> None:
    f = Watched(np.copy)
    point = point_of(f, noise=bound / 6 * 4.0**-4)
    slope(point, along_x(point), NO_SIZE)
    assert f.steps == steps


def test_without_a_bound_the_step_is_a_thousandth() -> None:
    point = point_of(lambda x: np.where(x < 0, np.nan, x), noise=0.0)
    found = slope(point, along_x(point), NO_SIZE)
    assert (found.bound[0], found.k) == (np.inf, 5)


def test_larger_steps_are_run_as_long_as_they_halve_the_bound() -> None:
    f = Watched(lambda x: x)
    point = point_of(f, noise=1e6)
    found = slope(point, along_x(point), NO_SIZE)
    assert f.steps == set(range(-24, 15)) | {16, 17}
    assert found.k == -23
    assert found.bound[0] == pytest.approx(6e6 / 4.0**23)
    # Of a wave the bound stops to fall, and two larger steps in vain are enough.
    f = Watched(lambda x: np.sin(x + 0.4))
    point = point_of(f, noise=1e-6)
    found = slope(point, along_x(point), NO_SIZE)
    assert f.steps == set(range(15)) | {16, 17}
    assert abs(found.value[0] - np.cos(0.4)) <= found.bound[0] < 1e-3
    f = Watched(lambda x: np.sin(99 * (x + 0.4)))
    point = point_of(f, noise=1e-9)
    slope(point, along_x(point), NO_SIZE)
    assert f.steps == set(range(15)) | {16, 17}


def test_with_a_stated_error_no_step_is_larger_than_four_times_x() -> None:
    f = Watched(lambda x: x + 0.4)  # of a straight line any larger step lowers the bound
    point = point_of(f, forward_error=1e-3)
    f.at.clear()
    slope(point, along_x(point), NO_SIZE)
    assert max(f.at) == 4
    f.at.clear()
    slope(point, along_x(point), NO_SIZE, largest=2)
    assert max(f.at) == 4.0**-2


def test_two_differences_leave_the_fourth_power_of_the_step() -> None:
    f = Watched(lambda x: (x + 1) ** 3)
    point = point_of(f)
    assert two_differences(point, along_x(point)) == pytest.approx(3, abs=1e-11)
    assert f.steps == {5, 6}


def test_a_difference_and_a_bend() -> None:
    pair = _Pair(point := point_of(lambda x: 3 + 2 * x + 5 * x**2), along_x(point))
    assert pair.difference(2)[0] == 2
    assert pair.bend(2)[0] == 10 / 16**2


# Kinks --------------------------------------------------------------------------------------------


def test_half_of_the_jump_of_the_slope_is_a_kink() -> None:
    point = point_of(lambda x: np.maximum(x, 0))
    found = slope(point, along_x(point), numbers([7]))
    assert found.kink == pytest.approx(0.5005)
    assert found.value == pytest.approx(0.5)
    assert (found.size[0], found.k, found.stairs) == (7, 4, False)


def test_a_kink_counts_for_each_c_by_its_size() -> None:
    point = point_of(lambda x: np.maximum(x, 0), [0.0, 0.0, 1.0])
    found = slope(point, along_x(point), np.zeros(3))
    expected = 1.001 * np.abs(point.C[:, :2]).sum(axis=1) / 2
    np.testing.assert_allclose(found.kink, expected, rtol=1e-6)


@pytest.mark.parametrize("place", [0.0, 0.2, -0.9])
def test_a_kink_within_the_finest_step_is_seen(place: float) -> None:
    at = place * 4.0**-14
    pair = _Pair(point := point_of(lambda x: 3 * np.maximum(x - at, 0)), along_x(point))
    kinked, jump = _bends(pair)
    assert kinked.all()
    assert jump == pytest.approx(3.003, rel=1e-6)


@pytest.mark.parametrize("place", [5.0, 100.0])
def test_a_kink_beyond_it_is_not(place: float) -> None:
    at = place * 4.0**-14
    pair = _Pair(point := point_of(lambda x: np.maximum(x - at, 0)), along_x(point))
    assert not _bends(pair)[0].any()


def _bend_by_step(jump: dict[int, float], noise: float = 0.0) -> bool:
    """Whether this is a kink: how far the slope seems to jump over 4⁻ᵏ, by k."""
    values = {float(k): (J * 4.0**-k, 0.0) for k, J in jump.items()}
    point = point_of(stepwise(values), noise=noise)
    return bool(_bends(_Pair(point, along_x(point)))[0].all())


def test_a_jump_of_the_slope_has_to_agree_over_four_steps() -> None:
    kink = {17: 0.0, 16: 0.0, 14: 1.0, 13: 1.0, 12: 1.0, 11: 1.0}
    assert _bend_by_step(kink)
    assert not _bend_by_step(dict.fromkeys(kink, 0.0))
    for k in (11, 12):  # a tenth may be off
        for off, seen in ((0.09, True), (0.11, False), (-0.09, True), (-0.11, False)):
            assert _bend_by_step(kink | {k: 1 + off}) == seen
    # Smooth functions bend in proportion to the step: a quarter may be off.
    for off, seen in ((0.2, False), (-0.2, False)):
        assert _bend_by_step({14: 1.0, 13: 4 * (1 + off), 12: 16.0, 11: 64.0}) == seen
    far = {14: 0.0, 13: 3.0, 12: 3.75, 11: 3.9375}  # (4 · 3 − 0) / 3 = 4, at three quarters of 4⁻¹³
    assert _bend_by_step(far)


def test_a_jump_of_the_slope_has_to_rise_above_rounding() -> None:
    kink = {14: 1.0, 13: 1.0, 12: 1.0, 11: 1.0}
    # |J₁₃ − 4 J₁₄| = 3 is more than a quarter of J₁₃ and 16 times what noise makes of J₁₄.
    for share, seen in ((0.99, True), (1.01, False)):
        assert _bend_by_step(kink, share * 2.75 / 16 * 4.0**-14) == seen
    # What bends at the tiniest steps is rounding: J₁₃ has to be 20 times as large.
    for k in (16, 17):
        for share, seen in ((0.99, True), (1.01, False)):
            rounding = share / 20 * 4.0**-13
            assert _bend_by_step(kink | {k: rounding * 4.0**k}) == seen


# Rounding and stairs ------------------------------------------------------------------------------


def _noise_of(bends: dict[int, float], at_0: float = 1.0) -> tuple[float, bool]:
    """What is taken for rounding, and whether there are stairs: F bends so much at 4⁻ᵏ, by k."""
    steps = {float(k): (at_0, at_0) for k in range(3, 18)}
    steps |= {float(k): (at_0 + bend, at_0) for k, bend in bends.items()}
    point = point_of(stepwise(steps, at_0), noise=1e-9)
    rounding, stairs = _rounding(_Pair(point, along_x(point)), np.zeros(1, bool))
    return float(rounding[0]), stairs


def test_what_bends_where_a_smooth_function_is_straight_is_rounding() -> None:
    assert _noise_of({}) == (1e-9, False)
    for k in (14, 16, 17):
        assert _noise_of({k: 1e-8})[0] == pytest.approx(1e-8)
    assert _noise_of({14: 1e-8, 13: 16e-8})[0] == pytest.approx(1e-9)
    assert _noise_of({13: 1e-7})[0] == pytest.approx(1e-7 / 16)


def test_what_bends_at_a_kink_is_no_rounding() -> None:
    point = point_of(stepwise({16.0: (1e-8, 0.0)}), noise=1e-9)
    rounding, _ = _rounding(_Pair(point, along_x(point)), np.ones(1, bool))
    assert rounding == 1e-9


def test_a_jump_is_no_rounding() -> None:
    high = 2.0**-21  # more than 2⁻²² of the answer
    assert _noise_of({16: high, 17: high}) == (1e-9, True)
    assert not _noise_of({16: high, 17: 0.9 * high / 2})[1]  # it shrinks
    assert not _noise_of({17: 0.9 * high / 2})[1]  # too low
    assert _noise_of({17: high})[1]
    assert _noise_of({16: high, 17: 1.1 * high / 2})[1]


def _stairs_of(height: float, width: float, offset: float = 0.3) -> Point:
    return point_of(lambda x: 1 + height * np.floor(x / width + offset))


@pytest.mark.parametrize("width", [4.0**-5, 3e-3, 1e-5, 3e-7])
def test_the_height_of_a_stair_is_where_F_first_moves(width: float) -> None:
    height, where = _stairs(_Pair(point := _stairs_of(1e-3, width), along_x(point)))
    assert where.all()
    assert height == pytest.approx(1e-3)


def test_a_stair_is_found_by_halving_fourteen_times() -> None:
    f = Watched(lambda x: np.floor(x / 1e-5 + 0.3))
    point = point_of(f)
    f.at.clear()
    _stairs(_Pair(point, along_x(point)))
    # Both ends, what lies between them, and a step a little larger than the one where F moves.
    assert len(f.at) == 2 * (2 + 14 + 1)


@pytest.mark.parametrize("place", [0.9 * 4.0**-3, 4e-3, 1e-5, 3e-8])
def test_behind_a_kink_the_change_begins_at_nothing(place: float) -> None:
    pair = _Pair(point := point_of(lambda x: np.maximum(x - place, 0)), along_x(point))
    assert _stairs(pair)[0] == 0


def test_a_second_stair_near_the_first_is_no_growth() -> None:
    def f(X: Array) -> Array:
        found: Array = 1.0 * (X > 1e-4) + 1.0 * (X > 1.01e-4) + 1.0 * (X > 1.02e-4)
        return found

    assert _stairs(_Pair(point := point_of(f), along_x(point)))[0] == 1
    ramp = _Pair(point := point_of(lambda x: (x > 1e-4) * (1 + 1e6 * (x - 1e-4))), along_x(point))
    assert 1 <= _stairs(ramp)[0] < 2


def test_nothing_that_moves_or_stands_still_at_all_steps_has_stairs() -> None:
    for f in (lambda x: x, lambda x: 0 * x):
        height, where = _stairs(_Pair(point := point_of(f), along_x(point)))
        assert height == 0
        assert not where.any()


@pytest.mark.parametrize(
    ("height", "noise", "stairs"),
    [
        (0.9 * 2.0**-22, 0.9 * 2.0**-22, False),  # of the answer, 1: float32 would round so
        (1.1 * 2.0**-22, 0.0, True),
        (0.0099, 0.0, True),
        (0.0101, 0.0, False),  # a choice
    ],
)
def test_stairs_are_rounding_or_a_choice_or_neither(
    height: float, noise: float, stairs: bool
) -> None:
    point = _stairs_of(height, 1e-4)
    point.C = np.array([[2.0]])
    quiet(point, 0.0)
    found, seen = _rounding(_Pair(point, along_x(point)), np.zeros(1, bool))
    assert found[0] == pytest.approx(2 * noise)
    assert seen == stairs


# One element --------------------------------------------------------------------------------------


def test_an_element_takes_eight_runs_at_the_step_that_was_seen() -> None:
    f = Watched(lambda x: np.sin(x + 0.4))
    point = point_of(f, noise=1e-16)
    f.at.clear()
    found = element_slope(point, along_x(point), numbers([1]), _slope(k=7), sure=True)
    assert f.steps == {5, 6, 7}
    assert abs(found.value[0] - np.cos(0.4)) <= found.bound[0] < 1e-8
    assert found.size == 1
    f.at.clear()
    seen = replace(_slope(k=3, rounding=1e-12), stairs=True)
    found = element_slope(point, along_x(point), numbers([0]), seen, sure=True)
    assert f.steps == {3, 4, 5, 6}  # not below 5, and one more where it is not fine
    assert found.stairs
    f.at.clear()
    element_slope(point, along_x(point), numbers([1]), _slope(k=7), sure=False)
    assert f.steps == {5, 6, 7, 14}  # backward gives 0: that seems wrong


def test_the_step_of_an_inexact_forward_stays_large() -> None:
    f = Watched(lambda x: np.sin(x + 0.4))
    point = point_of(f, np.cos(0.4) * 0, forward_error=1e-4)
    f.at.clear()
    element_slope(point, along_x(point), numbers([1e9]), _slope(k=2), sure=True)
    assert f.steps == {0, 1, 2}


@pytest.mark.parametrize(("bound", "last"), [(0.99e-8, 7), (1.01e-8, 8)])
def test_an_element_is_fine_at_a_hundred_millionth(bound: float, last: int) -> None:
    f = Watched(lambda x: x)
    point = point_of(f, noise=0.0)
    f.at.clear()
    rounding = bound / 6 * 4.0**-6
    element_slope(point, along_x(point), numbers([1]), _slope(k=7, rounding=rounding), sure=True)
    assert f.steps == set(range(5, last + 1))


def test_an_element_at_a_kink() -> None:
    point = point_of(lambda x: np.maximum(x, 0), [0.0, 1.0])
    direction = {"X": np.array([[1.0, 0.0]])}
    none = np.zeros(3)
    seen = Slope(none, none, none, np.full(3, 1e-15), none, 6)
    found = element_slope(point, direction, np.ones(3), seen, sure=True)
    np.testing.assert_allclose(found.kink, 0.5005 * np.abs(point.C[:, 0]), rtol=1e-6)
    np.testing.assert_allclose(found.value, 0.5 * point.C[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.bound, 6e-15 * 4.0**6, rtol=0.2)
    assert (found.k, found.stairs) == (6, False)


def test_a_bend_of_less_than_twenty_times_the_noise_is_not_looked_at() -> None:
    for share, looked in ((0.99, True), (1.01, False)):
        f = Watched(lambda x: np.maximum(x, 0))
        point = point_of(f, noise=share / 20 * 4.0**-6)
        f.at.clear()
        element_slope(point, along_x(point), numbers([1e9]), _slope(k=6), sure=True)
        assert (13 in f.steps) == looked


def test_rounding_of_an_element_is_what_bends_there() -> None:
    steps = {float(k): (1.0, 1.0) for k in range(3, 18)}
    bends = {7.0: (1 + 1e-9, 1.0), 6.0: (1 + 16e-9 + 16e-10, 1.0)}
    point = point_of(stepwise(steps | bends, 1.0), noise=1e-7)
    found = element_slope(point, along_x(point), numbers([1]), _slope(k=7), sure=True)
    assert found.rounding == pytest.approx(1e-10, rel=1e-3)
