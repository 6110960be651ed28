"""Schedules: each formula by hand, and as PyTorch's."""

import pickle
from collections.abc import Callable
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest

from layerwise import cosine, exponential_decay, one_cycle, step_decay
from layerwise.schedules import Schedule
from tests import torch_numbers
from tests.raising import raises

STEPS = torch_numbers.STEPS
SAME: dict[str, Schedule] = {
    "exponential_decay": exponential_decay(0.8, 0.9),
    "step_decay": step_decay(0.8, 0.5, every=6),
    "cosine": cosine(0.8, STEPS, end=0.01),
    "one_cycle": one_cycle(0.8, STEPS),
}


@pytest.mark.parametrize("name", torch_numbers.SCHEDULES)
def test_it_agrees_with_pytorch_s_to_rounding(name: str) -> None:
    rates = torch_numbers.stored()["rates"][name]
    np.testing.assert_allclose([SAME[name](t) for t in range(STEPS)], rates, rtol=1e-12)


@pytest.mark.parametrize("name", SAME)
def test_a_pickle_gives_the_same_rates(name: str) -> None:
    copy = pickle.loads(pickle.dumps(SAME[name]))
    assert [copy(t) for t in range(30)] == [SAME[name](t) for t in range(30)]


@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_it_stays_at_its_end(name: str) -> None:
    rate = SAME[name]
    assert rate(STEPS) == rate(STEPS + 1) == rate(10**9) == pytest.approx(rate(STEPS - 1), rel=0.6)


def test_exponential_decay_by_hand() -> None:
    rate = exponential_decay(8.0, 0.25, every=4)
    np.testing.assert_allclose([rate(t) for t in (0, 1, 2, 4, 8)], [8, 4 * sqrt(2), 4, 2, 0.5])


def test_step_decay_by_hand() -> None:
    rate = step_decay(8.0, 0.5, every=3)
    assert [rate(t) for t in range(8)] == [8, 8, 8, 4, 4, 4, 2, 2]


class TestCosine:
    def test_by_hand(self) -> None:
        """Cos π/3 is 1/2."""
        rate = cosine(5.0, 6, end=1.0)
        expected = [5, 3 + sqrt(3), 4, 3, 2, 3 - sqrt(3), 1, 1]
        np.testing.assert_allclose([rate(t) for t in range(8)], expected, rtol=1e-14)

    def test_the_warm_up_is_a_straight_line_to_the_peak(self) -> None:
        """Four steps up, a whole wave of four steps down."""
        rate = cosine(5.0, 8, warmup=4)
        expected = [1, 2, 3, 4, 5, 5 * (2 + sqrt(2)) / 4, 2.5, 5 * (2 - sqrt(2)) / 4, 0]
        np.testing.assert_allclose([rate(t) for t in range(9)], expected, rtol=1e-14, atol=1e-15)

    def test_it_is_never_negative(self) -> None:
        assert min(cosine(0.1, n)(t) for n in range(1, 50) for t in range(n + 2)) == 0

    def test_a_training_no_longer_than_the_warm_up_is_refused(self) -> None:
        with raises(ValueError, "cosine: steps=4 came, expected at least 5"):
            cosine(0.1, 4, warmup=4)

    def test_settings_are_refused(self) -> None:
        with raises(ValueError, "cosine: peak=0 came, expected a positive number"):
            cosine(0, 4)
        with raises(ValueError, "cosine: warmup=-1 came, expected at least 0"):
            cosine(0.1, 4, warmup=-1)
        with raises(ValueError, "cosine: end=-1 came, expected a finite number of at least 0"):
            cosine(0.1, 4, end=-1)


class TestOneCycle:
    def test_by_hand(self) -> None:
        """Up from 8/2 by step 4, a quarter of the way at step 1; down to 8/(2 · 4) at step 8."""
        rate = one_cycle(8.0, 9, rise=5 / 9, div_factor=2, final_div_factor=4)
        up = [4, 6 - sqrt(2), 6, 6 + sqrt(2), 8]
        down = [4.5 + 3.5 / sqrt(2), 4.5, 4.5 - 3.5 / sqrt(2), 1, 1]
        np.testing.assert_allclose([rate(t) for t in range(10)], up + down, rtol=1e-14)

    @pytest.mark.parametrize(("steps", "rise"), [(3, 0.3), (2, 0.5), (1, 0.3), (10, 0)])
    def test_a_rise_of_one_step_is_refused(self, steps: int, rise: float) -> None:
        with raises(
            ValueError,
            f"one_cycle: rise={rise} of steps={steps} is no longer than one step: "
            "give a larger rise or more steps",
        ):
            one_cycle(0.1, steps, rise=rise)

    def test_settings_are_refused(self) -> None:
        with raises(ValueError, "one_cycle: peak=0 came, expected a positive number"):
            one_cycle(0, 10)
        with raises(ValueError, "one_cycle: rise=1 came, expected at least 0 and below 1"):
            one_cycle(0.1, 10, rise=1)
        with raises(ValueError, "one_cycle: steps=0 came, expected at least 1"):
            one_cycle(0.1, 0)
        for name in "div_factor", "final_div_factor":
            options: Any = {name: 0}
            with raises(ValueError, f"one_cycle: {name}=0 came, expected a positive number"):
                one_cycle(0.1, 10, **options)


@pytest.mark.parametrize("decay", [exponential_decay, step_decay])
class TestDecays:
    @pytest.mark.parametrize("number", [0, -0.5, inf, nan])
    def test_numbers_that_are_not_positive_are_refused(
        self, decay: Callable[[float, float, int], Schedule], number: float
    ) -> None:
        name = getattr(decay, "__name__")  # noqa: B009  # mypy knows no name of a Callable
        with raises(ValueError, f"{name}: start={number} came, expected a positive number"):
            decay(number, 0.5, 1)
        with raises(ValueError, f"{name}: factor={number} came, expected a positive number"):
            decay(0.5, number, 1)

    def test_every_is_a_whole_number_above_zero(
        self, decay: Callable[[float, float, int], Schedule]
    ) -> None:
        wrong: Any = 1.5
        name = getattr(decay, "__name__")  # noqa: B009  # mypy knows no name of a Callable
        with raises(ValueError, f"{name}: every=0 came, expected at least 1"):
            decay(0.5, 0.5, 0)
        with raises(TypeError, f"{name}: every=1.5 came, expected a whole number"):
            decay(0.5, 0.5, wrong)
