"""Slopes around a kink."""

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.kinks import slopes_around
from tests.gradients.points import Watched, along_x, point_of


def test_the_slopes_on_both_sides_are_found() -> None:
    point = point_of(lambda x: np.where(x < 0, -2 * x, 3 * x), noise=0.0)
    low, high, several = slopes_around(point, along_x(point))
    assert low == pytest.approx(-2)
    assert high == pytest.approx(3)
    assert not several


def test_each_entry_has_its_own_slopes_along_a_direction_of_any_length() -> None:
    point = point_of(np.abs, [0.0, 1.0], noise=0.0)
    low, high, several = slopes_around(point, {"X": np.array([[2.0, 3.0]])})
    np.testing.assert_allclose((low, high), [[-2, 3], [2, 3]], rtol=1e-6)
    assert not several

    def two(X: Array) -> Array:
        found: Array = np.abs(X - 5e-7) + np.abs(X + 5e-7)
        return found

    point = point_of(two, [0.0, 1.0], noise=0.0)
    low, high, several = slopes_around(point, along_x(point))
    np.testing.assert_allclose((low, high), [[-2, 2], [2, 2]], rtol=1e-6)
    assert several


def test_32_pairs_are_run_a_hundred_millionth_wide_a_millionth_away() -> None:
    f = Watched(lambda x: x)
    point = point_of(f, 100.0, noise=0.0)
    f.at.clear()
    slopes_around(point, along_x(point))
    assert len(f.at) == 64
    above, below = np.array(f.at[::2]), np.array(f.at[1::2])
    np.testing.assert_allclose(above - below, 2e-8, rtol=1e-4)
    away = (above + below) / 2 - 100
    assert 0.7e-4 < np.sqrt(np.mean(away**2)) < 1.4e-4  # 1e-6 of x
    assert abs(away.mean()) < 0.5e-4


def test_of_all_slopes_the_least_and_the_greatest_are_found() -> None:
    f = Watched(lambda x: 1e6 * x**2)  # whose slope is another one at each point
    point = point_of(f, noise=0.0)
    f.at.clear()
    low, high, _ = slopes_around(point, along_x(point))
    slopes = np.sort(1e6 * np.add(f.at[::2], f.at[1::2]))
    assert low == pytest.approx(slopes[0], rel=1e-6)
    assert high == pytest.approx(slopes[-1], rel=1e-6)


def _staircase(middle: float) -> bool:
    """Whether slopes of 0, of this and of 1 are more than two."""

    def f(X: Array) -> Array:
        return np.where(X > 5e-7, X, np.where(X < -5e-7, 0, middle * X))

    point = point_of(f, noise=0.0)
    return slopes_around(point, along_x(point))[2]


def test_more_than_two_slopes_meet_where_they_are_a_twentieth_apart() -> None:
    assert _staircase(0.5)
    assert _staircase(0.06)
    assert not _staircase(0.04)
    assert not _staircase(0.0)


def test_slopes_apart_by_less_than_a_thousandth_are_one() -> None:
    for jump, several in ((1.5e-2, True), (0.5e-2, False)):

        def f(X: Array, jump: float = jump) -> Array:
            steps = (X > 5e-7) * (X - 5e-7) + (X > -5e-7) * (X + 5e-7)
            return 10 * X + jump * steps

        point = point_of(f, noise=0.0)
        assert slopes_around(point, along_x(point))[2] == several


def test_slopes_apart_by_twenty_times_the_noise_are_two() -> None:
    def f(X: Array) -> Array:
        return (X > 5e-7) * (X - 5e-7) + (X > -5e-7) * (X + 5e-7)

    for share, several in ((0.9, True), (1.1, False)):
        point = point_of(f, noise=share * 1e-8 / 20)
        assert slopes_around(point, along_x(point))[2] == several
