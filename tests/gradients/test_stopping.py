"""Jumps of an iteration that stops at a tolerance."""

from collections.abc import Callable

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients import stopping
from layerwise.gradients.stopping import EIGHTH, jump
from tests.gradients.points import Watched, point_of


def _jumps(height: float, at: float = 0.05) -> Callable[[Array], Array]:
    """A smooth function of x around 1 that jumps by so much."""
    return lambda x: 2 + 0.1 * np.sin(x) + height * (x > 1 + at)


def test_what_others_predict_is_exact_below_its_order() -> None:
    i = np.arange(9) - 4
    for power in range(8):
        assert abs((EIGHTH * i**power).sum()) < 1e-10
    assert abs((EIGHTH * i**8).sum()) > 1
    assert EIGHTH.max() == 1


@pytest.mark.parametrize("at", [0.1, 0.02, 0.004, -0.03])
def test_a_jump_is_found_and_measured(at: float) -> None:
    # Where the middle of nine points is beside it, half stands out: (1 - 8 + 28 - 56) / 70 = -1/2.
    point = point_of(_jumps(1e-5, at), 1.0, noise=1e-16)
    assert jump(point) == pytest.approx(1e-5 / np.abs(point.F).max() / 2, rel=1e-6)


@pytest.mark.parametrize("at", [1.1, 1.104, 1.107, 0.97])
def test_a_jump_is_found_beside_a_kink_that_stands_out_more(at: float) -> None:
    def f(x: Array) -> Array:
        Y: Array = 1 + np.maximum(x, 1.02) + 1e-5 * (x > at)
        return Y

    point = point_of(f, 1.0, noise=1e-16)
    assert jump(point) == pytest.approx(1e-5 / np.abs(point.F).max() / 2, rel=1e-6)


def test_three_places_of_a_line_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "REACHES", ())

    def beside(kinks: int) -> Callable[[Array], Array]:
        ends = np.arange(1.0, 1 + kinks) / 2
        return lambda x: 9 + 1e-3 * np.abs(x - ends[:, None]).sum(axis=0) + 1e-6 * (x > -1)

    found = [jump(point_of(beside(kinks), 1.0, noise=1e-16)) > 0 for kinks in (1, 2, 3, 4)]
    assert found == [True, True, False, False]


def test_a_jump_is_found_where_all_inputs_are_alike() -> None:
    def f(x: Array) -> Array:
        Y: Array = 5 + 1e-5 * (np.ptp(x) < 0.5) * (x.mean() > 0.3) + 0 * x
        return Y

    point = point_of(f, np.array([1.0, 3.0, -2.0]), noise=1e-16)
    assert jump(point) == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        np.sin,
        np.exp,
        lambda x: 0 * x,
        lambda x: np.maximum(x, 1.1),
        lambda x: np.abs(x - 1.1) + np.abs(x - 0.93) / 3,
        lambda x: np.abs(np.sin(9 * x)),
        lambda x: 1 + 1e-4 * np.floor(x * 1e4) / 1e4,  # many jumps too low for a line's noise
    ],
)
def test_what_is_smooth_or_kinked_has_no_jump(f: Callable[[Array], Array]) -> None:
    assert jump(point_of(f, 1.0, noise=1e-10)) == 0


def test_a_jump_of_more_than_a_thousandth_is_a_choice() -> None:
    assert jump(point_of(lambda x: 1 + 1.9e-3 * (x > 1.001), 1.0, noise=1e-16)) > 0
    assert jump(point_of(lambda x: 1 + 2.1e-3 * (x > 1.001), 1.0, noise=1e-16)) == 0


def test_a_jump_of_less_than_a_hundred_times_the_noise_is_none() -> None:
    f = _jumps(1e-6)
    height = 1e-6 / 2
    assert jump(point_of(f, 1.0, noise=0.95 * height / 100)) > 0
    assert jump(point_of(f, 1.0, noise=1.05 * height / 100)) == 0


def test_a_line_is_looked_at_in_257_points_and_then_25_until_it_is_a_trillionth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "REACHES", ())
    f = Watched(_jumps(1e-5, 0.0))
    point = point_of(f, 1.0, noise=1e-16)
    f.at.clear()
    assert jump(point) > 0
    first, last = np.array(f.at[:257]), np.array(f.at[-25:])
    off = 0.03 * np.random.default_rng(0).standard_normal()
    np.testing.assert_allclose(first, off + np.linspace(-3, 3, 257))
    # 8 of 256 steps are kept, 8 of 24 from there on: 6 / 32 / 3ⁿ < 1e-12 for n = 24.
    assert len(f.at) == 257 + 24 * 25
    assert np.ptp(last) == pytest.approx(6 / 32 / 3**23, rel=0.1)


@pytest.mark.parametrize(("beside", "looks"), [(0, 1), (1 / 2, 1), (1 / 3, 2)])
def test_a_kink_is_left_when_it_has_fallen(
    monkeypatch: pytest.MonkeyPatch, beside: float, looks: int
) -> None:
    monkeypatch.setattr(stopping, "REACHES", ())
    # At a third between two points of the line it seems small, and is at a point of the next.
    at = 0.03 * np.random.default_rng(0).standard_normal() + 6 / 256 * (20 + beside)
    f = Watched(lambda x: 1 + 1e-3 * np.abs(x - at))
    point = point_of(f, 1.0, noise=1e-16)
    f.at.clear()
    assert jump(point) == 0
    assert len(f.at) == 257 + looks * 25


def test_lines_are_looked_at_over_four_lengths_twice() -> None:
    f = Watched(lambda x: 0 * x)
    point = point_of(f, 1.0, noise=1e-16)
    f.at.clear()
    assert jump(point) == 0
    rng = np.random.default_rng(0)
    rng.standard_normal()  # that of the line through inputs that are alike
    assert len(f.at) == 9 * 257
    for i, reach in enumerate((3, 1, 0.3, 0.1) * 2, start=1):
        line = f.at[257 * i : 257 * (i + 1)]
        np.testing.assert_allclose(
            line, 1 + rng.standard_normal() * np.linspace(-reach, reach, 257)
        )
