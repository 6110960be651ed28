"""Dropout and noise: what is dropped, what a call does, whose generator."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Array, Dropout, GaussianNoise, Layer, Sequential
from tests.raising import raises

ONES = np.ones((100, 100))
BOTH = pytest.mark.parametrize("layer", [Dropout(0.5, rng=0), GaussianNoise(0.1, rng=0)], ids=repr)


class TestDropout:
    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
    def test_rate_is_the_probability_to_drop(self, rate: float) -> None:
        """10,000 draws: within five standard deviations, and the mean of what is kept is 1."""
        Y, _ = Dropout(rate, rng=0).forward(ONES)
        dropped = (Y == 0).mean()
        assert dropped == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / ONES.size))
        np.testing.assert_allclose(Y[Y != 0], 1 / (1 - rate), rtol=1e-15)
        assert Y.mean() == pytest.approx((1 - dropped) / (1 - rate), rel=1e-12)

    @given(st.floats(0, 0.99), st.integers(0, 1000))
    def test_the_way_back_is_dropped_alike(self, rate: float, seed: int) -> None:
        Y, backward = Dropout(rate, rng=seed).forward(ONES[:5])
        np.testing.assert_array_equal(backward(3 * ONES[:5]), 3 * Y)

    def test_each_backward_has_the_mask_of_its_forward(self) -> None:
        layer = Dropout(0.5, rng=0)
        Y, backward = layer.forward(ONES)
        other, _ = layer.forward(ONES)
        assert not np.array_equal(Y, other)
        np.testing.assert_array_equal(backward(ONES), Y)

    def test_a_rate_of_zero_drops_nothing(self) -> None:
        X = np.random.default_rng(0).normal(size=(3, 4))
        Y, backward = Dropout(0, rng=0).forward(X)
        np.testing.assert_array_equal(Y, X)
        np.testing.assert_array_equal(backward(X), X)

    @pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
    def test_other_rates_are_refused(self, rate: float) -> None:
        with raises(ValueError, f"Dropout: rate={rate} came, expected at least 0 and below 1"):
            Dropout(rate)

    def test_a_rate_of_another_kind_is_refused(self) -> None:
        rate: Any = "0.5"
        with raises(TypeError, "Dropout: rate='0.5' came, expected a number"):
            Dropout(rate)

    def test_both_dtypes_drop_the_same(self) -> None:
        Y, _ = Dropout(0.3, rng=0).forward(ONES)
        y, _ = Dropout(0.3, rng=0).forward(ONES.astype(np.float32))
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, Y, rtol=1e-6)

    def test_a_gradient_that_would_broadcast_is_refused(self) -> None:
        _, backward = Dropout(0.5, rng=0).forward(ONES)
        with raises(
            ValueError,
            "backward: a gradient of shape (100,) came, expected (100, 100), the shape of what "
            "forward returned",
        ):
            backward(ONES[0])


class TestGaussianNoise:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_mean_and_deviation(self, dtype: Any) -> None:
        """10,000 draws: within five standard errors."""
        N = GaussianNoise(0.5, rng=0).forward(np.zeros((100, 100), dtype))[0]
        assert N.dtype == dtype
        assert N.astype(float).mean() == pytest.approx(0, abs=5 * 0.5 / 100)
        assert N.astype(float).std() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2) / 100)

    def test_it_is_added(self) -> None:
        noise, _ = GaussianNoise(0.5, rng=0).forward(np.zeros((2, 3)))
        Y, backward = GaussianNoise(0.5, rng=0).forward(np.full((2, 3), 7.0))
        np.testing.assert_allclose(Y, 7 + noise, rtol=1e-15)
        np.testing.assert_array_equal(backward(ONES[:2, :3]), ONES[:2, :3])

    def test_a_gradient_that_would_broadcast_is_refused(self) -> None:
        _, backward = GaussianNoise(0.5, rng=0).forward(ONES)
        with raises(
            ValueError,
            "GaussianNoise: a gradient of shape (100,) came, expected (100, 100), the shape of "
            "what forward returned",
        ):
            backward(ONES[0])

    def test_no_deviation_is_refused(self) -> None:
        with raises(ValueError, "GaussianNoise: deviation=0 came, expected a positive number"):
            GaussianNoise(0)


@BOTH
def test_a_call_changes_nothing_and_draws_nothing(layer: Layer[Array, Array]) -> None:
    layer, X = deepcopy(layer), np.random.default_rng(1).normal(size=(3, 4))
    twin = deepcopy(layer)
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer.forward(X)[0], twin.forward(X)[0])


@BOTH
def test_integers_become_floats(layer: Layer[Array, Array]) -> None:
    X: Any = np.ones((2, 2), int)
    assert layer(X).dtype == layer.forward(X)[0].dtype == np.float64


@BOTH
def test_other_numbers_are_refused(layer: Layer[Array, Array]) -> None:
    X: Any = np.ones(2, complex)
    message = f"{type(layer).__name__}: X has dtype complex128, expected real numbers: convert it"
    for way in layer, layer.forward:
        with raises(TypeError, f"{message} first"):
            way(X)


def test_a_seed_gives_the_same_numbers_and_a_generator_is_drawn_from() -> None:
    first = Dropout(0.5, rng=3).forward(ONES)[0]
    np.testing.assert_array_equal(first, Dropout(0.5, rng=3).forward(ONES)[0])
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(first, Dropout(0.5, rng=rng).forward(ONES)[0])
    assert not np.array_equal(first, Dropout(0.5, rng=rng).forward(ONES)[0])
    assert not np.array_equal(first, Dropout(0.5).forward(ONES)[0])


def test_nothing_to_learn_and_no_state() -> None:
    network = Sequential(Dropout(0.5, rng=0), GaussianNoise(1.0, rng=0))
    assert network.parameters() == []
    assert network.state() == {}


def test_repr() -> None:
    assert repr(Dropout(0.25)) == "Dropout(0.25)"
    assert repr(GaussianNoise(2)) == "GaussianNoise(2)"
