"""Softmax and its logarithm as layers: by hand, at the ends, along any axis."""

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Array, Layer, LogSoftmax, Softmax, log_softmax, softmax
from tests.raising import raises

LN3 = log(3)
DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
BOTH = pytest.mark.parametrize("layer", [Softmax(), LogSoftmax()], ids=repr)


def test_log_softmax_by_hand() -> None:
    X = np.array([[0.0, LN3], [5.0, 5.0]])
    expected = [[-log(4), LN3 - log(4)], [-log(2), -log(2)]]
    np.testing.assert_allclose(log_softmax(X), expected, rtol=1e-14)
    np.testing.assert_allclose(log_softmax(X.T, axis=0), np.transpose(expected), rtol=1e-14)


@DTYPES
def test_log_softmax_at_the_ends(dtype: type[np.floating[Any]]) -> None:
    """Where softmax itself is 0, its logarithm is exact."""
    X = np.array([[1000, -1000], [-1000, -1000]], dtype)
    Y = log_softmax(X)
    assert Y[0].tolist() == [0.0, -2000.0]
    np.testing.assert_allclose(Y[1], -log(2), rtol=1e-3)


def test_a_class_that_is_ruled_out() -> None:
    """A logit of minus infinity: no probability, and no gradient but its own."""
    Y, backward = LogSoftmax().forward(np.array([[-np.inf, 0.0, 0.0]]))
    np.testing.assert_allclose(Y, [[-np.inf, -log(2), -log(2)]])
    np.testing.assert_allclose(backward(np.array([[0.0, 1.0, 0.0]])), [[0.0, 0.5, -0.5]])


def test_softmax_slope_by_hand() -> None:
    """Y = (1/4, 3/4), dL/dX = Y (grad − Σ grad Y)."""
    Y, backward = Softmax().forward(np.array([[0.0, LN3]]))
    np.testing.assert_allclose(Y, [[0.25, 0.75]], rtol=1e-14)
    np.testing.assert_allclose(backward(np.array([[1.0, 0.0]])), [[0.1875, -0.1875]], rtol=1e-14)


def test_log_softmax_slope_by_hand() -> None:
    """dL/dX = grad − softmax(X) Σ grad."""
    _, backward = LogSoftmax().forward(np.array([[0.0, LN3]]))
    np.testing.assert_allclose(backward(np.array([[1.0, 3.0]])), [[0.0, 0.0]], atol=1e-15)
    np.testing.assert_allclose(backward(np.array([[4.0, 0.0]])), [[3.0, -3.0]], rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2, -2, -3])
def test_along_any_axis(axis: int) -> None:
    """As along the last one, of an array turned so that the axis is last."""
    rng = np.random.default_rng(0)
    X, grad = rng.normal(size=(2, 2, 3, 4))
    for kind in Softmax, LogSoftmax:
        Y, backward = kind(axis=axis).forward(X)
        y, back = kind().forward(np.moveaxis(X, axis, -1))
        np.testing.assert_allclose(np.moveaxis(Y, axis, -1), y, rtol=1e-13)
        expected = back(np.moveaxis(grad, axis, -1))
        np.testing.assert_allclose(np.moveaxis(backward(grad), axis, -1), expected, atol=1e-15)


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=5), st.floats(-1000, 1000))
def test_a_shift_changes_nothing_so_gradients_sum_to_zero(x: list[float], shift: float) -> None:
    X, grad = np.array([x]), np.arange(1.0, len(x) + 1)[np.newaxis]
    np.testing.assert_allclose(np.exp(log_softmax(X + shift)), softmax(X), atol=1e-11)
    for layer in Softmax(), LogSoftmax():
        assert layer.forward(X)[1](grad).sum() == pytest.approx(0, abs=1e-12)


@BOTH
def test_a_gradient_that_would_broadcast_is_refused(layer: Layer[Array, Array]) -> None:
    _, backward = layer.forward(np.ones((5, 3)))
    with raises(
        ValueError,
        f"{type(layer).__name__}: a gradient of shape (1, 3) came, expected (5, 3), the shape of "
        "what forward returned",
    ):
        backward(np.ones((1, 3)))


@BOTH
def test_dtype_is_kept(layer: Layer[Array, Array]) -> None:
    Y, backward = layer.forward(np.ones((2, 3), np.float32))
    assert Y.dtype == backward(np.ones((2, 3), np.float32)).dtype == np.float32


def test_repr() -> None:
    layers = Softmax(), LogSoftmax(), Softmax(axis=1), LogSoftmax(axis=0)
    assert [repr(layer) for layer in layers] == [
        "Softmax()",
        "LogSoftmax()",
        "Softmax(axis=1)",
        "LogSoftmax(axis=0)",
    ]
