"""ELU and SELU: values and slopes by hand, exact at both ends and near 0."""

from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import ELU, SELU, Array, Layer, elu, selu
from tests.raising import raises

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # as PyTorch has them
LN2 = log(2)


@pytest.mark.parametrize(
    ("layer", "X", "Y", "slope"),
    [
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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_functions_at_the_ends(dtype: type[np.floating[Any]]) -> None:
    """Exact, and no overflow on the way: a warning would fail this test."""
    X = np.array([-1000, 1000], dtype)
    assert elu(X, 2.0).tolist() == [-2.0, 1000.0]
    np.testing.assert_allclose(selu(X), [-SCALE * ALPHA, 1000 * SCALE], rtol=1e-3)


@pytest.mark.parametrize("function", [elu, selu])
def test_what_is_not_a_number_is_passed_on(function: Any) -> None:
    assert np.isnan(function(np.array([np.nan]))).all()


def test_elu_by_its_definition() -> None:
    X = np.array([-3.0, -0.1, 0.0, 0.1, 3.0])
    expected = [x if x > 0 else 2 * (exp(x) - 1) for x in X.tolist()]
    np.testing.assert_allclose(elu(X, 2.0), expected, rtol=1e-14)


@given(st.floats(-700, 0))
def test_elu_is_exact_near_zero_too(x: float) -> None:
    """exp(x) − 1 itself would lose the digits of a small x."""
    assert elu(np.array([x]))[0] == pytest.approx(np.expm1(x), rel=1e-15, abs=0)
    assert elu(np.array([1e-12 * x]))[0] == pytest.approx(1e-12 * x, rel=1e-9, abs=0)


def test_selu_keeps_mean_and_variance() -> None:
    """What its constants are made for: the moments of SELU(z), z normal, by a fine sum."""
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    Y = selu(z)
    assert (Y * density).sum() == pytest.approx(0, abs=1e-8)
    assert (Y * Y * density).sum() == pytest.approx(1, abs=1e-8)


def test_settings_are_refused() -> None:
    with raises(ValueError, "ELU: alpha=-1.0 came, expected a positive number"):
        ELU(-1.0)


def test_repr() -> None:
    assert [repr(ELU(0.5)), repr(SELU())] == ["ELU(0.5)", "SELU()"]
