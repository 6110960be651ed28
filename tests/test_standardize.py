"""Standardize: course part 1.1 done right, on rows that it never saw."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from layerwise import Dense, Sequential, Standardize
from tests.raising import raises

RNG = np.random.default_rng(0)


def test_by_hand() -> None:
    """Column 0 has mean 3 and deviation 2, column 1 mean 30 and deviation 10."""
    layer = Standardize.of(np.array([[1.0, 20.0], [5.0, 40.0]]))
    assert (layer.mean.tolist(), layer.deviation.tolist()) == ([3, 30], [2, 10])
    Y, backward = layer.forward(np.array([[1.0, 20.0], [5.0, 40.0], [7.0, 30.0]]))
    assert Y.tolist() == [[-1, -1], [1, 1], [2, 0]]
    assert backward(np.full((3, 2), 10.0)).tolist() == [[5, 1]] * 3


@pytest.mark.parametrize("constant", [0.1, 1e-300, 7, 1e300, -1 / 3])
@pytest.mark.parametrize("n", [1, 3, 7])
def test_a_constant_column_becomes_0(constant: float, n: int) -> None:
    """Exactly, though the mean of three times 0.1 is not 0.1; another number there too."""
    layer = Standardize.of(np.full((n, 1), constant))
    Y, backward = layer.forward(np.array([[constant], [2 * constant + 1]]))
    assert Y.tolist() == [[0.0], [0.0]]
    assert backward(np.ones((2, 1))).tolist() == [[0.0], [0.0]]


@given(
    arrays(
        np.float64, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-1e6, 1e6, width=32)
    )
)
def test_columns_come_to_mean_0_and_deviation_1_or_0(X: Any) -> None:
    Y = Standardize.of(X)(X)
    np.testing.assert_allclose(Y.mean(axis=0), np.zeros(X.shape[1:]), atol=1e-6)
    varies = np.ptp(X, axis=0) > 1e-5 * np.abs(X).max(axis=0)
    np.testing.assert_allclose(Y.std(axis=0)[varies], 1.0, rtol=1e-6)
    assert not Y.std(axis=0)[np.ptp(X, axis=0) == 0].any()


def test_test_rows_see_the_numbers_of_the_training_rows() -> None:
    train, test = RNG.normal(5, 3, (50, 4)), RNG.normal(5, 3, (9, 4))
    expected = (test - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(Standardize.of(train)(test), expected, rtol=1e-12)
    np.testing.assert_allclose(Standardize.of(train)(test[:1]), expected[:1], rtol=1e-12)


def test_forward_writes_nothing() -> None:
    layer = Standardize.of(RNG.normal(size=(5, 2)))
    before = layer.state()
    layer.forward(RNG.normal(size=(5, 2)) + 100)
    assert all(np.array_equal(layer.state()[path], array) for path, array in before.items())


def test_it_is_saved_with_the_network_and_not_learned() -> None:
    X = RNG.normal(5, 3, (50, 4))
    network = Sequential(Standardize.of(X), Dense(4, 2, rng=0))
    other = Sequential(Standardize(np.zeros(4), np.ones(4)), Dense(4, 2, rng=1))
    assert list(network.state()) == ["0.mean", "0.deviation", "1.W", "1.b"]
    assert [path for path, _ in network.named_parameters()] == ["1.W", "1.b"]
    other.load_state(network.state())
    np.testing.assert_array_equal(other(X), network(X))


def test_what_it_was_made_from_may_change() -> None:
    mean = np.zeros(2)
    layer = Standardize(mean, np.ones(2))
    mean += 7
    assert layer.mean.tolist() == [0, 0]


def test_dtypes() -> None:
    X = RNG.normal(size=(5, 2))
    single, whole = Standardize.of(X.astype(np.float32)), Standardize.of((9 * X).astype(int))
    assert single(X).dtype == single.mean.dtype == single.deviation.dtype == np.float32
    assert whole(X).dtype == whole.mean.dtype == np.float64
    assert Standardize.of(X.astype(np.float16)).mean.dtype == np.float64


def test_a_large_offset_leaves_float32_its_digits() -> None:
    """The statistics are computed in float64."""
    X = (np.arange(100_000) % 2 + 1000).astype(np.float32)[:, np.newaxis]
    layer = Standardize.of(X)
    assert (layer.mean.tolist(), layer.deviation.tolist()) == ([1000.5], [0.5])


def test_its_input_shape_is_that_of_a_row() -> None:
    assert Standardize.of(np.ones((5, 2, 3))).input_shape == (2, 3)
    with pytest.raises(ValueError, match="layer 1 Dense does not fit layer 0 Standardize"):
        Sequential(Standardize.of(np.ones((5, 2))), Dense(3, 1))


class TestRefuses:
    @pytest.mark.parametrize("shape", [(0, 3), ()])
    def test_no_rows(self, shape: tuple[int, ...]) -> None:
        message = f"Standardize.of: X {shape} has no rows, expected at least one"
        with raises(ValueError, message):
            Standardize.of(np.ones(shape))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_numbers_that_are_not_finite(self, bad: float) -> None:
        with raises(
            ValueError,
            "Standardize.of: X has numbers that are not finite: remove or replace them first",
        ):
            Standardize.of(np.array([[1.0, 2.0], [bad, 3.0]]))
        with raises(
            ValueError,
            "Standardize: mean or deviation has numbers that are not finite: make it from rows "
            "that are, with Standardize.of(X)",
        ):
            Standardize(np.zeros(1), np.array([bad]))

    def test_two_shapes(self) -> None:
        with raises(
            ValueError,
            "Standardize: mean (2,) and deviation (3,) do not fit, expected one shape, that of a "
            "row",
        ):
            Standardize(np.zeros(2), np.ones(3))

    def test_a_deviation_below_0(self) -> None:
        with raises(ValueError, "Standardize: a deviation below 0 came, expected at least 0"):
            Standardize(np.zeros(2), np.array([1.0, -1.0]))

    def test_text(self) -> None:
        X: Any = np.array([["a"]])
        with raises(
            TypeError, "Standardize.of: X has dtype <U1, expected real numbers: convert it first"
        ):
            Standardize.of(X)

    def test_other_rows(self) -> None:
        with raises(
            ValueError,
            "Standardize: X (5, 3) came, expected (n, …) with rows (2,), as the mean has them",
        ):
            Standardize(np.zeros(2), np.ones(2))(np.ones((5, 3)))

    def test_a_gradient_that_would_broadcast(self) -> None:
        _, backward = Standardize(np.zeros(2), np.ones(2)).forward(np.ones((5, 2)))
        with raises(
            ValueError,
            "Standardize: a gradient of shape (2,) came, expected (5, 2), the shape of what "
            "forward returned",
        ):
            backward(np.ones(2))
