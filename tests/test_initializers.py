"""Initializers: the spread that each formula asks for, for matrices and for kernels."""

from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest

from layerwise import (
    Array,
    Dense,
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    matrix_multiply,
    normal,
    orthogonal,
    relu,
    uniform,
    zeros,
)
from layerwise.initializers import Initializer
from tests.raising import raises

# A kernel of 3 x 2 over 4 channels sums 24 inputs into an output; an input reaches 30 outputs.
SHAPES = pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"), [((8, 2), 8, 2), ((3, 2, 4, 5), 24, 30), ((0, 3), 1, 3)]
)
NAMED = [he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform]
BY_FANS = pytest.mark.parametrize("draw", [*NAMED, orthogonal(), orthogonal(2.0)])
OF_ANY_SHAPE = pytest.mark.parametrize("draw", [normal(0.5), uniform(2), zeros, constant(-3)])
ALL = pytest.mark.parametrize("draw", [*NAMED, orthogonal(), normal(0.5), uniform(2)])


@SHAPES
def test_normal_is_the_standard_normal_times_its_deviation(
    shape: tuple[int, ...], fan_in: int, fan_out: int
) -> None:
    standard = np.random.default_rng(3).standard_normal(shape)
    he = he_normal(shape, np.random.default_rng(3))
    glorot = glorot_normal(shape, np.random.default_rng(3))
    np.testing.assert_allclose(he, sqrt(2 / fan_in) * standard, rtol=1e-15)
    lecun = lecun_normal(shape, np.random.default_rng(3))
    np.testing.assert_allclose(glorot, sqrt(2 / (fan_in + fan_out)) * standard, rtol=1e-15)
    np.testing.assert_allclose(lecun, sqrt(1 / fan_in) * standard, rtol=1e-15)
    np.testing.assert_array_equal(normal(3)(shape, np.random.default_rng(3)), 3 * standard)


@SHAPES
def test_uniform_fills_its_interval(shape: tuple[int, ...], fan_in: int, fan_out: int) -> None:
    standard = 2 * np.random.default_rng(3).random(shape) - 1  # in [-1, 1)
    he = he_uniform(shape, np.random.default_rng(3))
    glorot = glorot_uniform(shape, np.random.default_rng(3))
    np.testing.assert_allclose(he, sqrt(6 / fan_in) * standard, atol=1e-15)
    lecun = lecun_uniform(shape, np.random.default_rng(3))
    plain = uniform(2)(shape, np.random.default_rng(3))
    np.testing.assert_allclose(glorot, sqrt(6 / (fan_in + fan_out)) * standard, atol=1e-15)
    np.testing.assert_allclose(lecun, sqrt(3 / fan_in) * standard, atol=1e-15)
    np.testing.assert_allclose(plain, 2 * standard, atol=1e-15)


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (he_normal, 2 / 300),
        (he_uniform, 2 / 300),
        (glorot_normal, 2 / 500),
        (glorot_uniform, 2 / 500),
        (lecun_normal, 1 / 300),
        (lecun_uniform, 1 / 300),
        (normal(0.5), 1 / 4),
        (uniform(0.5), 1 / 12),
        (orthogonal(), 1 / 300),
        (orthogonal(3.0), 9 / 300),
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


@BY_FANS
@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (0, 0)])
def test_an_empty_axis_counts_as_one(draw: Initializer, shape: tuple[int, int]) -> None:
    assert draw(shape, np.random.default_rng(0)).shape == shape


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((5, 3), 5), ((3, 5), 3), ((4, 4), 4), ((3, 2, 4, 5), 24), ((1, 2, 2, 9), 4), ((0, 3), 0)],
)
def test_orthogonal_keeps_lengths_one_way(shape: tuple[int, ...], rows: int) -> None:
    """Of the matrix whose columns are outputs; as many of them as fit, or rows, are orthogonal."""
    W: Array = orthogonal(3.0)(shape, np.random.default_rng(0)).reshape(rows, shape[-1])
    square = W.T @ W if rows >= shape[-1] else W @ W.T
    np.testing.assert_allclose(square, 9 * np.eye(len(square)), atol=1e-14)


def test_orthogonal_favors_no_direction() -> None:
    """Without the signs, the first number of NumPy's Q is never positive."""
    rng = np.random.default_rng(0)
    first = np.array([orthogonal()((2, 2), rng)[0, 0] for _ in range(400)])
    assert first.mean() == pytest.approx(0, abs=3 * sqrt(1 / 2 / 400))
    assert first.var() == pytest.approx(1 / 2, rel=0.1)


def test_zeros_and_constants() -> None:
    rng = np.random.default_rng(0)
    assert zeros((2, 2), rng).tolist() == [[0, 0], [0, 0]]
    assert constant(-0.5)((1, 2), rng).tolist() == [[-0.5, -0.5]]
    assert rng.random() == np.random.default_rng(0).random()  # nothing is drawn


@OF_ANY_SHAPE
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 4)])
def test_those_without_fans_take_any_shape(draw: Initializer, shape: tuple[int, ...]) -> None:
    assert np.shape(draw(shape, np.random.default_rng(0))) == shape


@OF_ANY_SHAPE
def test_those_without_fans_refuse_a_seed_too(draw: Initializer) -> None:
    seed: Any = 0
    with raises(
        TypeError,
        "initializer: rng is an int, expected a Generator: np.random.default_rng(seed) makes one",
    ):
        draw((2, 3), seed)


@pytest.mark.parametrize("number", [0, -1.0, inf, nan])
def test_numbers_that_are_not_positive_are_refused(number: float) -> None:
    for make, name in (normal, "deviation"), (uniform, "limit"), (orthogonal, "gain"):
        message = f"{make.__name__}: {name}={number} came, expected a positive number"
        with raises(ValueError, message):
            make(number)


@pytest.mark.parametrize("number", [inf, -inf, nan])
def test_a_constant_that_is_not_finite_is_refused(number: float) -> None:
    with raises(ValueError, f"constant: value={number} came, expected a finite number"):
        constant(number)


@pytest.mark.parametrize("W_init", [zeros, constant(2), normal(0.01), uniform(1), orthogonal()])
def test_a_layer_takes_them(W_init: Initializer) -> None:
    W = Dense(3, 2, rng=0, W_init=W_init, dtype=np.float32).W.value
    expected = W_init((3, 2), np.random.default_rng(0)).astype(np.float32)
    np.testing.assert_array_equal(W, expected)


@BY_FANS
@pytest.mark.parametrize("shape", [(), (3,)])
def test_too_few_axes_are_refused(draw: Initializer, shape: tuple[int, ...]) -> None:
    with raises(
        ValueError,
        f"initializer: shape {shape} has no inputs and outputs, expected at least 2 axes: "
        "give a vector such as a bias its values directly",
    ):
        draw(shape, np.random.default_rng(0))


@BY_FANS
def test_a_seed_in_place_of_a_generator_is_refused(draw: Initializer) -> None:
    seed: Any = 0
    with raises(
        TypeError,
        "initializer: rng is an int, expected a Generator: np.random.default_rng(seed) makes one",
    ):
        draw((2, 3), seed)


@pytest.mark.parametrize("draw", [*NAMED, orthogonal])
def test_help_states_which_axis_counts_what(draw: object) -> None:
    text = " ".join(str(draw.__doc__).split())
    assert "he last axis of `shape` counts outputs, the one before it inputs" in text
