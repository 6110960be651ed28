"""Jumps of an iteration that stops at a tolerance."""

from collections.abc import Callable

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients import stopping
from layerwise.gradients.stopping import EIGHTH, FOURTH, jump
from tests.gradients.points import Watched, point_of


def _jumps(height: float, at: float = 0.05) -> Callable[[Array], Array]:
    """A smooth function of x around 1 that jumps by so much."""
    return lambda x: 2 + 0.1 * np.sin(x) + height * (x > 1 + at)


@pytest.mark.parametrize(("weights", "powers"), [(EIGHTH, 8), (FOURTH, 4)])
def test_what_others_predict_is_exact_below_its_order(weights: Array, powers: int) -> None:
    i = np.arange(len(weights)) - len(weights) // 2
    for power in range(powers):
        assert abs((weights * i**power).sum()) < 1e-10
    assert abs((weights * i**powers).sum()) > 1
    assert weights.max() == 1


@pytest.mark.parametrize("at", [0.1, 0.02, 0.004, -0.03])
def test_a_jump_is_found_and_measured(at: float) -> None:
    # Of a jump between two of five points up to three quarters stand out, (1 - 4 + 6) / 6 = 1/2.
    point = point_of(_jumps(1e-5, at), 1.0, noise=1e-16)
    assert jump(point) == pytest.approx(1e-5 / np.abs(point.F).max() / 2, rel=0.35)


@pytest.mark.parametrize("f", [np.sin, np.exp, lambda x: np.maximum(x, 1.1), lambda x: 0 * x])
def test_what_is_smooth_or_kinked_has_no_jump(f: Callable[[Array], Array]) -> None:
    assert jump(point_of(f, 1.0, noise=1e-16)) == 0


def test_a_jump_of_more_than_a_thousandth_is_a_choice() -> None:
    assert jump(point_of(lambda x: 1 + 1e-3 * (x > 1.001), 1.0, noise=1e-16)) > 0
    assert jump(point_of(lambda x: 1 + 4e-3 * (x > 1.001), 1.0, noise=1e-16)) == 0


def test_a_jump_of_less_than_a_thousand_times_the_noise_is_none() -> None:
    f = _jumps(1e-6)
    height = 2.08 * jump(point_of(f, 1.0, noise=1e-16))
    assert jump(point_of(f, 1.0, noise=0.95 * height / 1000)) > 0
    assert jump(point_of(f, 1.0, noise=1.1 * height / 1000)) == 0


def test_a_line_is_looked_at_in_129_points_and_then_25_until_it_is_a_trillionth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "REACHES", (0.3,))
    f = Watched(_jumps(1e-5, 0.0))
    point = point_of(f, 1.0, noise=1e-16)
    f.at.clear()
    assert jump(point) > 0
    first, last = np.array(f.at[:129]), np.array(f.at[-25:])
    d = np.random.default_rng(0).standard_normal()
    np.testing.assert_allclose(first, 1 + d * np.linspace(-0.3, 0.3, 129))
    # 8 of 128 steps are kept, 4 of 24 from there on: 0.6 / 16 / 6ⁿ < 1e-12 for n = 14.
    assert len(f.at) == 129 + 14 * 25
    assert np.ptp(last) == pytest.approx(abs(d) * 0.6 / 16 / 6**13, rel=0.1)


def test_lines_are_looked_at_over_three_lengths() -> None:
    f = Watched(lambda x: 0 * x)
    point = point_of(f, 1.0, noise=1e-16)
    f.at.clear()
    assert jump(point) == 0
    ends = np.cumsum([129 + 25 * rounds for rounds in (15, 14, 13)])
    assert len(f.at) == ends[-1]
    for i, reach in enumerate((1, 0.3, 0.1)):
        line = f.at[0 if i == 0 else ends[i - 1] :][:129]
        d = np.random.default_rng(i).standard_normal()
        np.testing.assert_allclose(line, 1 + d * np.linspace(-reach, reach, 129))
