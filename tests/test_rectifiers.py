"""Activations of straight pieces: values and slopes by hand, exact at both ends; PReLU."""

from typing import Any

import numpy as np
import pytest

from layerwise import (
    Array,
    HardSigmoid,
    Layer,
    LeakyReLU,
    PReLU,
    hard_sigmoid,
    leaky_relu,
)
from tests.raising import raises

DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


@pytest.mark.parametrize(
    ("layer", "X", "Y", "slope"),
    [
        (LeakyReLU(), [-2.0, 0.0, 3.0], [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
        (LeakyReLU(0.5), [-2.0, -0.0, 3.0], [-1.0, 0.0, 3.0], [0.5, 0.5, 1.0]),
        (LeakyReLU(), [-1000.0, 1000.0], [-10.0, 1000.0], [0.01, 1.0]),
        (
            HardSigmoid(),
            [-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0],
            [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0],
            [0.0, 0.0, 1 / 6, 1 / 6, 1 / 6, 0.0, 0.0],
        ),
        (HardSigmoid(), [-1000.0, 1000.0], [0.0, 1.0], [0.0, 0.0]),
    ],
)
def test_answer_and_slope_by_hand(
    layer: Layer[Array, Array], X: list[float], Y: list[float], slope: list[float]
) -> None:
    grad = np.arange(2.0, 2.0 + len(X))
    answer, backward = layer.forward(np.array(X))
    np.testing.assert_allclose(answer, Y, rtol=1e-14)
    np.testing.assert_allclose(layer(np.array(X)), Y, rtol=1e-14)
    np.testing.assert_allclose(backward(grad), np.array(slope) * grad, rtol=1e-14)


@DTYPES
def test_functions_at_the_ends(dtype: type[np.floating[Any]]) -> None:
    """Exact, and no overflow on the way: a warning would fail this test."""
    X = np.array([-1000, 1000], dtype)
    assert leaky_relu(X, 0.5).tolist() == [-500.0, 1000.0]
    assert hard_sigmoid(X).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("function", [leaky_relu, hard_sigmoid])
def test_what_is_not_a_number_is_passed_on(function: Any) -> None:
    assert np.isnan(function(np.array([np.nan]))).all()


class TestPReLU:
    def test_by_hand(self) -> None:
        """Features last; α of each feature takes what came where its entries were negative."""
        layer = PReLU(2)
        layer.alpha.value = np.array([0.5, 0.1])
        X = np.array([[[-2.0, -10.0], [4.0, 0.0]], [[-6.0, 3.0], [1.0, -20.0]]])
        Y, backward = layer.forward(X)
        assert Y.tolist() == [[[-1.0, -1.0], [4.0, 0.0]], [[-3.0, 3.0], [1.0, -2.0]]]
        dX = backward(np.full((2, 2, 2), 2.0))
        assert dX.tolist() == [[[1.0, 0.2], [2.0, 0.2]], [[1.0, 2.0], [2.0, 0.2]]]
        assert layer.alpha.grad.tolist() == [-16.0, -60.0]

    def test_first_values(self) -> None:
        assert PReLU(3).alpha.value.tolist() == [0.25] * 3
        assert PReLU(2, initial=0.5, dtype=np.float32).alpha.value.tolist() == [0.5] * 2
        assert PReLU(2, dtype=np.float32).alpha.dtype == np.float32

    def test_x_is_converted_to_its_dtype(self) -> None:
        assert PReLU(2, dtype=np.float32)(np.ones((1, 2))).dtype == np.float32

    def test_a_gradient_that_would_broadcast_is_refused(self) -> None:
        layer = PReLU(2)
        _, backward = layer.forward(np.ones((5, 2)))
        with raises(
            ValueError,
            "PReLU: a gradient of shape (1, 2) came, expected (5, 2), the shape of what forward "
            "returned",
        ):
            backward(np.ones((1, 2)))
        assert not layer.alpha.has_grad

    @pytest.mark.parametrize("shape", [(5, 3), (2,), (), (5, 2, 1)])
    def test_other_features_are_refused(self, shape: tuple[int, ...]) -> None:
        with raises(
            ValueError,
            f"PReLU: X {shape} came, expected (n, ..., 2): the last axis is its features",
        ):
            PReLU(2).forward(np.ones(shape))


def test_settings_are_refused() -> None:
    with raises(ValueError, "LeakyReLU: negative_slope=0 came, expected a positive number"):
        LeakyReLU(0)
    with raises(ValueError, "PReLU: features=0 came, expected at least 1"):
        PReLU(0)
    with raises(ValueError, "PReLU: initial=nan came, expected a positive number"):
        PReLU(1, initial=float("nan"))


def test_repr() -> None:
    layers = LeakyReLU(), HardSigmoid(), PReLU(3)
    assert [repr(layer) for layer in layers] == [
        "LeakyReLU(0.01)",
        "HardSigmoid()",
        "PReLU(3)",
    ]
