"""numerical_gradient: what it refuses; its numbers are in test_course.py and test_gradients.py."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from layerwise import Array, numerical_gradient
from tests.raising import raises


def square(x: Array) -> float:
    return float((x * x).sum())


@pytest.mark.parametrize("dtype", ["complex128", "<U3", "object"])
def test_what_is_no_real_numbers_is_refused(dtype: str) -> None:
    """Of a complex x the imaginary part was lost."""
    x: Any = np.array([1, 2]).astype(dtype)
    with raises(
        TypeError,
        f"numerical_gradient: x has dtype {dtype}, expected real numbers: convert it first",
    ):
        numerical_gradient(square, x)


@pytest.mark.parametrize("h", [0, -1e-5, nan, inf])
def test_a_step_that_is_not_positive_is_refused(h: float) -> None:
    with raises(ValueError, f"numerical_gradient: h={h} came, expected a positive number"):
        numerical_gradient(square, np.ones(2), h)


def test_a_step_that_is_no_number_is_refused() -> None:
    h: Any = "1e-5"
    with raises(TypeError, "numerical_gradient: h='1e-5' came, expected a number"):
        numerical_gradient(square, np.ones(2), h)


def test_integers_and_lists_are_numbers() -> None:
    x: Any = [1, 2]
    assert numerical_gradient(square, x).round(6).tolist() == [2.0, 4.0]


def test_the_step_is_1e_5_unless_given() -> None:
    x = np.ones(1)
    for h, error in ((None, 1e-10), (0.25, 0.0625)):
        found = numerical_gradient(lambda x: float(x[0] ** 3), x, *([] if h is None else [h]))
        assert found[0] - 3 == pytest.approx(error, rel=0.5)
