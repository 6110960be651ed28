"""Initializers: the spread that each formula asks for, for matrices and for kernels."""

from math import sqrt
from typing import Any

import numpy as np
import pytest

from layerwise import (
    Array,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    matrix_multiply,
    relu,
)
from layerwise.initializers import Initializer
from tests.raising import raises

# A kernel of 3 x 2 over 4 channels sums 24 inputs into an output; an input reaches 30 outputs.
SHAPES = pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"), [((8, 2), 8, 2), ((3, 2, 4, 5), 24, 30), ((0, 3), 1, 3)]
)
ALL = pytest.mark.parametrize("draw", [he_normal, he_uniform, glorot_normal, glorot_uniform])


@SHAPES
def test_normal_is_the_standard_normal_times_its_deviation(
    shape: tuple[int, ...], fan_in: int, fan_out: int
) -> None:
    standard = np.random.default_rng(3).standard_normal(shape)
    he = he_normal(shape, np.random.default_rng(3))
    glorot = glorot_normal(shape, np.random.default_rng(3))
    np.testing.assert_allclose(he, sqrt(2 / fan_in) * standard, rtol=1e-15)
    np.testing.assert_allclose(glorot, sqrt(2 / (fan_in + fan_out)) * standard, rtol=1e-15)


@SHAPES
def test_uniform_fills_its_interval(shape: tuple[int, ...], fan_in: int, fan_out: int) -> None:
    standard = 2 * np.random.default_rng(3).random(shape) - 1  # in [-1, 1)
    he = he_uniform(shape, np.random.default_rng(3))
    glorot = glorot_uniform(shape, np.random.default_rng(3))
    np.testing.assert_allclose(he, sqrt(6 / fan_in) * standard, atol=1e-15)
    np.testing.assert_allclose(glorot, sqrt(6 / (fan_in + fan_out)) * standard, atol=1e-15)


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (he_normal, 2 / 300),
        (he_uniform, 2 / 300),
        (glorot_normal, 2 / 500),
        (glorot_uniform, 2 / 500),
    ],
)
def test_variance_and_mean(draw: Initializer, variance: float) -> None:
    """The two of a pair have one variance: a² / 3 is that of U(-a, a)."""
    W = draw((300, 200), np.random.default_rng(0))
    assert W.var() == pytest.approx(variance, rel=0.02)
    assert W.mean() == pytest.approx(0, abs=3 * sqrt(variance / W.size))


def test_he_keeps_the_size_of_signals_through_relu() -> None:
    """Twenty layers: a deviation wrong by a factor of 1.1 gives 45 times too much."""
    rng = np.random.default_rng(0)
    X: Array = rng.normal(size=(50, 400))
    for _ in range(20):
        X = relu(matrix_multiply(X, he_normal((400, 400), rng)))
    assert 0.5 < np.mean(X * X) < 2


@ALL
def test_same_rng_same_weights_and_then_others(draw: Initializer) -> None:
    rng = np.random.default_rng(5)
    first, second = draw((3, 4), rng), draw((3, 4), rng)
    np.testing.assert_array_equal(first, draw((3, 4), np.random.default_rng(5)))
    assert (first != second).all()
    assert first.dtype == np.float64


@ALL
@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (0, 0)])
def test_an_empty_axis_counts_as_one(draw: Initializer, shape: tuple[int, int]) -> None:
    assert draw(shape, np.random.default_rng(0)).shape == shape


@ALL
@pytest.mark.parametrize("shape", [(), (3,)])
def test_too_few_axes_are_refused(draw: Initializer, shape: tuple[int, ...]) -> None:
    with raises(
        ValueError,
        f"initializer: shape {shape} has no inputs and outputs, expected at least 2 axes: "
        "give a vector such as a bias its values directly",
    ):
        draw(shape, np.random.default_rng(0))


@ALL
def test_a_seed_in_place_of_a_generator_is_refused(draw: Initializer) -> None:
    seed: Any = 0
    with raises(
        TypeError,
        "initializer: rng is an int, expected a Generator: np.random.default_rng(seed) makes one",
    ):
        draw((2, 3), seed)


@ALL
def test_help_states_which_axis_counts_what(draw: Initializer) -> None:
    assert "The last axis of `shape` counts outputs, the one before it inputs" in str(draw.__doc__)
