"""Activations of pieces: values and slopes by hand, exact at both ends, PReLU's own slope."""

from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import (
    ELU,
    SELU,
    Array,
    HardSigmoid,
    Layer,
    LeakyReLU,
    PReLU,
    elu,
    hard_sigmoid,
    leaky_relu,
    selu,
)
from tests.raising import raises

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # as PyTorch has them
LN2 = log(2)
DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


@pytest.mark.parametrize(
    ("layer", "X", "Y", "slope"),
    [
        (LeakyReLU(), [-2.0, 0.0, 3.0], [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
        (LeakyReLU(0.5), [-2.0, -0.0, 3.0], [-1.0, 0.0, 3.0], [0.5, 0.5, 1.0]),
        (LeakyReLU(), [-1000.0, 1000.0], [-10.0, 1000.0], [0.01, 1.0]),
        # exp(−ln 2) = 1/2
        (ELU(), [-LN2, 0.0, 3.0], [-0.5, 0.0, 3.0], [0.5, 1.0, 1.0]),
        (ELU(3), [-LN2, 0.0, 3.0], [-1.5, 0.0, 3.0], [1.5, 3.0, 1.0]),
        (ELU(), [-1000.0, 1000.0], [-1.0, 1000.0], [0.0, 1.0]),
        (
            SELU(),
            [-LN2, 0.0, 3.0],
            [-SCALE * ALPHA / 2, 0.0, 3 * SCALE],
            [SCALE * ALPHA / 2, SCALE * ALPHA, SCALE],
        ),
        (SELU(), [-1000.0, 1000.0], [-SCALE * ALPHA, 1000 * SCALE], [0.0, SCALE]),
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
    assert elu(X, 2.0).tolist() == [-2.0, 1000.0]
    np.testing.assert_allclose(selu(X), [-SCALE * ALPHA, 1000 * SCALE], rtol=1e-3)
    assert hard_sigmoid(X).tolist() == [0.0, 1.0]


@given(st.floats(-700, 0))
def test_elu_is_exact_near_zero_too(x: float) -> None:
    """exp(x) − 1 itself would lose the digits of a small x."""
    assert elu(np.array([x]))[0] == pytest.approx(np.expm1(x), rel=1e-15)
    assert elu(np.array([1e-12 * x]))[0] == pytest.approx(1e-12 * x, rel=1e-9)


@pytest.mark.parametrize("function", [leaky_relu, elu, selu, hard_sigmoid])
def test_what_is_not_a_number_is_passed_on(function: Any) -> None:
    assert np.isnan(function(np.array([np.nan]))).all()


def test_selu_keeps_mean_and_variance() -> None:
    """What its constants are made for: the moments of SELU(z), z normal, by a fine sum."""
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    Y = selu(z)
    assert (Y * density).sum() == pytest.approx(0, abs=1e-8)
    assert (Y * Y * density).sum() == pytest.approx(1, abs=1e-8)


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
    with raises(ValueError, "ELU: alpha=-1.0 came, expected a positive number"):
        ELU(-1.0)
    with raises(ValueError, "PReLU: features=0 came, expected at least 1"):
        PReLU(0)
    with raises(ValueError, "PReLU: initial=nan came, expected a positive number"):
        PReLU(1, initial=float("nan"))


def test_repr() -> None:
    layers = LeakyReLU(), ELU(0.5), SELU(), HardSigmoid(), PReLU(3)
    assert [repr(layer) for layer in layers] == [
        "LeakyReLU(0.01)",
        "ELU(0.5)",
        "SELU()",
        "HardSigmoid()",
        "PReLU(3)",
    ]


def test_elu_by_its_definition() -> None:
    X = np.array([-3.0, -0.1, 0.0, 0.1, 3.0])
    expected = [x if x > 0 else 2 * (exp(x) - 1) for x in X.tolist()]
    np.testing.assert_allclose(elu(X, 2.0), expected, rtol=1e-14)
