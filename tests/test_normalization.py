"""BatchNorm: its statistics by hand, what training and a call see, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import SGD, BatchNorm, Dense, MeanSquaredError, ReLU, Sequential, fit
from tests.raising import raises

RNG = np.random.default_rng(0)


def test_by_hand() -> None:
    """Column 0 has mean 2 and variance 1, column 1 mean 5 and variance 9."""
    layer = BatchNorm(2, epsilon=1e-12)
    layer.gamma.value, layer.beta.value = np.array([1.0, 10.0]), np.array([0.0, 100.0])
    Y, backward = layer.forward(np.array([[1.0, 2.0], [3.0, 8.0]]))
    np.testing.assert_allclose(Y, [[-1, 90], [1, 110]], rtol=1e-10)
    # Two rows: whatever the gradient, the normalized column is −1 and 1, so X has none.
    dX = backward(np.array([[1.0, 2.0], [4.0, 6.0]]))
    np.testing.assert_allclose(dX, np.zeros((2, 2)), atol=1e-9)
    np.testing.assert_allclose(layer.gamma.grad, [3, 4], rtol=1e-10)
    np.testing.assert_allclose(layer.beta.grad, [5, 8], rtol=1e-10)


def test_the_way_back_by_hand() -> None:
    """X = −1, 0, 1: v = 2/3. Of grad (1, 0, 0): mean 1/3, and mean(grad Z) Z = (1/2, 0, −1/2)."""
    _, backward = BatchNorm(1, epsilon=1e-14).forward(np.array([[-1.0], [0.0], [1.0]]))
    dX = backward(np.array([[1.0], [0.0], [0.0]]))
    expected = np.array([[1 - 1 / 3 - 1 / 2], [-1 / 3], [-1 / 3 + 1 / 2]]) * np.sqrt(3 / 2)
    np.testing.assert_allclose(dX, expected, rtol=1e-10)


def test_running_statistics() -> None:
    """Running = momentum · running + (1 − momentum) · batch, and the variance is biased."""
    layer = BatchNorm(1, momentum=0.75)
    assert layer.running_mean.tolist() + layer.running_variance.tolist() == [0, 1]
    layer.forward(np.array([[4.0], [8.0]]))  # mean 6, variance 4
    np.testing.assert_allclose([layer.running_mean, layer.running_variance], [[1.5], [1.75]])
    layer.forward(np.array([[0.0], [2.0]]))  # mean 1, variance 1
    np.testing.assert_allclose([layer.running_mean, layer.running_variance], [[1.375], [1.5625]])


def test_a_call_reads_them_and_writes_nothing() -> None:
    layer = BatchNorm(2, epsilon=0.5)
    layer.running_mean[:] = 1, 2
    layer.running_variance[:] = 3.5, 8.5
    layer.gamma.value, layer.beta.value = np.array([2.0, 3.0]), np.array([0.0, 1.0])
    np.testing.assert_allclose(layer(np.array([[3.0, 5.0]])), [[2, 4]], rtol=1e-10)
    assert layer.running_mean.tolist() == [1, 2]
    assert layer.running_variance.tolist() == [3.5, 8.5]


def test_a_call_answers_to_one_place_after_another() -> None:
    layer, X = BatchNorm(3), RNG.normal(size=(2, 4, 3))
    layer.forward(X)
    step = layer.stepper()
    np.testing.assert_array_equal(np.stack([step(X[:, i]) for i in range(4)], axis=1), layer(X))


def test_a_backward_does_not_read_what_a_later_forward_writes() -> None:
    layer, X = BatchNorm(3), RNG.normal(size=(5, 3))
    expected = layer.forward(X)[1](X)
    _, backward = layer.forward(X)
    layer.forward(7 + 9 * X)
    np.testing.assert_array_equal(backward(X), expected)


def test_one_row_gives_beta() -> None:
    layer = BatchNorm(2)
    layer.beta.value = np.array([5.0, -1.0])
    Y, backward = layer.forward(np.array([[100.0, 200.0]]))
    assert Y.tolist() == [[5.0, -1.0]]
    assert backward(np.ones((1, 2))).tolist() == [[0.0, 0.0]]
    assert layer.gamma.grad.tolist() == [0.0, 0.0]
    assert layer.beta.grad.tolist() == [1.0, 1.0]


def test_images_are_normalized_over_rows_and_positions() -> None:
    """As so many rows: also where rows of numbers are laid side by side for speed."""
    X, grad = RNG.normal(3, 2, size=(2, 4, 4, 6, 3))
    Y, backward = BatchNorm(3).forward(X)
    y, back = BatchNorm(3).forward(X.reshape(-1, 3))
    np.testing.assert_allclose(Y.reshape(-1, 3), y, rtol=1e-12)
    np.testing.assert_allclose(backward(grad).reshape(-1, 3), back(grad.reshape(-1, 3)))
    np.testing.assert_allclose(Y.mean(axis=(0, 1, 2)), np.zeros(3), atol=1e-14)
    np.testing.assert_allclose(Y.std(axis=(0, 1, 2)), np.ones(3), rtol=1e-5)


@given(st.integers(2, 70), st.integers(1, 5))
def test_every_number_of_rows(n: int, features: int) -> None:
    X = np.random.default_rng(n).normal(5, 3, size=(n, features))
    layer = BatchNorm(features, momentum=0)
    Y, _ = layer.forward(X)
    np.testing.assert_allclose(layer.running_mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_variance, X.var(axis=0), rtol=1e-11)
    np.testing.assert_allclose(Y, (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5), rtol=1e-9)


def test_memory_of_any_order() -> None:
    X = RNG.normal(size=(3, 5, 4))
    for view in X.transpose(1, 0, 2), X[:, ::-2], np.asfortranarray(X):
        layers = BatchNorm(4), BatchNorm(4)
        (Y, backward), (y, back) = (
            layer.forward(A) for layer, A in zip(layers, (view, view.copy()), strict=True)
        )
        np.testing.assert_allclose(Y, y, rtol=1e-13)
        np.testing.assert_allclose(backward(view), back(view.copy()), rtol=1e-9, atol=1e-14)


def test_the_state_has_the_running_statistics() -> None:
    layer, other = BatchNorm(2), BatchNorm(2)
    layer.forward(RNG.normal(size=(4, 2)))
    assert list(layer.state()) == ["gamma", "beta", "running_mean", "running_variance"]
    other.load_state(layer.state())
    X = RNG.normal(size=(4, 2))
    np.testing.assert_array_equal(other(X), layer(X))


def test_a_failed_epoch_puts_the_running_statistics_back() -> None:
    network = Sequential(Dense(2, 2, rng=0), BatchNorm(2), ReLU())
    before = network.state()
    X, y = RNG.normal(size=(8, 2)), np.full((8, 2), np.inf)
    with pytest.raises(FloatingPointError):
        fit(network, X, y, loss=MeanSquaredError(), optimizer=SGD(network.parameters()), rng=0)
    for path, array in network.state().items():
        np.testing.assert_array_equal(array, before[path])


def test_float32_is_computed_in_float32() -> None:
    layer = BatchNorm(2, dtype=np.float32)
    Y, backward = layer.forward(np.ones((3, 2)))
    assert Y.dtype == layer(np.ones((3, 2))).dtype == np.float32
    assert backward(Y).dtype == layer.running_mean.dtype == layer.running_variance.dtype
    assert layer.running_mean.dtype == np.float32


class TestRefuses:
    @pytest.mark.parametrize("shape", [(4, 2), (3,), (2, 3, 2)])
    def test_other_features(self, shape: tuple[int, ...]) -> None:
        layer = BatchNorm(3)
        for way in layer, layer.forward:
            with raises(
                ValueError,
                f"BatchNorm: X {shape} came, expected (n, ..., 3): the last axis is its features",
            ):
                way(np.ones(shape))

    def test_no_rows(self) -> None:
        """Their mean would be no number, and stay in the running statistics."""
        layer = BatchNorm(3)
        with raises(ValueError, "BatchNorm: X (0, 3) has no rows, expected at least one"):
            layer.forward(np.ones((0, 3)))
        assert layer(np.ones((0, 3))).shape == (0, 3)
        assert layer.running_mean.tolist() == [0, 0, 0]

    def test_a_gradient_that_would_broadcast(self) -> None:
        layer = BatchNorm(3)
        _, backward = layer.forward(RNG.normal(size=(2, 4, 3)))
        with raises(
            ValueError,
            "BatchNorm: a gradient of shape (8, 3) came, expected (2, 4, 3), the shape of what "
            "forward returned",
        ):
            backward(np.ones((8, 3)))
        assert not layer.gamma.has_grad

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"features": 0}, "features=0 came, expected at least 1"),
            ({"features": 2, "momentum": 1}, "momentum=1 came, expected at least 0 and below 1"),
            ({"features": 2, "epsilon": 0}, "epsilon=0 came, expected a positive number"),
        ],
    )
    def test_settings(self, options: dict[str, Any], message: str) -> None:
        with raises(ValueError, f"BatchNorm: {message}"):
            BatchNorm(**options)


def test_repr() -> None:
    assert repr(BatchNorm(3)) == "BatchNorm(3)"
