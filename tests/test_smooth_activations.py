"""Smooth activations against SciPy's and PyTorch's definitions, in the tails too."""

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from layerwise import GELU, Array, Layer, SiLU, Softplus, gelu, sigmoid, silu, softplus
from layerwise.layers.smooth_activations import BLOCK
from tests.raising import raises

GRID = np.concatenate([np.linspace(-12, 12, 240_001), np.geomspace(1e-300, 1e-3, 500)])
LN3 = log(3)
DTYPES = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


def tanh_form(X: Array) -> Array:
    """As PyTorch defines it, letter by letter."""
    answer: Array = 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))
    return answer


class TestGELU:
    def test_it_is_scipys_to_5e_15_in_the_tail_too(self) -> None:
        np.testing.assert_allclose(gelu(GRID), GRID * special.ndtr(GRID), rtol=5e-15, atol=0)
        np.testing.assert_allclose(gelu(-GRID), -GRID * special.ndtr(-GRID), rtol=5e-15, atol=0)

    def test_far_in_the_tail(self) -> None:
        """Down to where numbers end; below them it is 0."""
        X = np.array([-20.0, -30.0, -37.0])
        np.testing.assert_allclose(gelu(X), X * special.ndtr(X), rtol=5e-15, atol=0)
        assert (gelu(X) < 0).all()
        assert gelu(np.array([-40.0])).tolist() == [0.0]

    def test_its_slope_is_scipys(self) -> None:
        """Φ + x φ, which is 0 near −0.75: there it is right against the size of its terms."""
        _, backward = GELU().forward(GRID)
        density = np.exp(-GRID * GRID / 2) / np.sqrt(2 * np.pi)
        terms = special.ndtr(GRID), GRID * density
        off = np.abs(backward(np.ones_like(GRID)) - sum(terms))
        assert (off <= 4e-14 * (np.abs(terms[0]) + np.abs(terms[1]))).all()

    def test_in_float32(self) -> None:
        X = np.linspace(-9, 9, 20_001, dtype=np.float32)
        exact = X * special.ndtr(X.astype(np.float64))
        answer = gelu(X)
        assert answer.dtype == np.float32
        # The rounding of x² / 2, up to 40 here, is 40 times as much in its exponential.
        np.testing.assert_allclose(answer, exact, rtol=1e-5, atol=0)
        near = np.abs(X) < 3
        np.testing.assert_allclose(answer[near], exact[near], rtol=2e-6, atol=0)

    def test_known_values(self) -> None:
        """torch.nn.functional.gelu of 1, −1, 0.5 and 3, in float64."""
        X = np.array([1.0, -1.0, 0.5, 3.0, 0.0])
        expected = [0.8413447460685429, -0.15865525393145707, 0.34573123063700656]
        expected += [2.99595030590511, 0.0]
        np.testing.assert_allclose(gelu(X), expected, rtol=1e-14)

    @given(st.floats(-30, 30))
    def test_what_is_missing_on_one_side_is_there_on_the_other(self, x: float) -> None:
        """Φ(x) + Φ(−x) = 1."""
        Y = gelu(np.array([x, -x]))
        assert Y[0] - Y[1] == pytest.approx(x, rel=1e-15, abs=1e-15)

    @pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
    def test_blocks_are_of_no_consequence(self, n: int) -> None:
        X = np.random.default_rng(0).normal(size=(n, 1))
        Y, backward = GELU().forward(X)
        dX = backward(np.ones_like(X))
        for i in (0, n - 1, n // 2):
            y, back = GELU().forward(X[i : i + 1])
            assert y[0] == pytest.approx(Y[i], rel=1e-14)
            assert back(np.ones((1, 1)))[0] == pytest.approx(dX[i], rel=1e-12)

    def test_memory_of_any_order(self) -> None:
        X = np.random.default_rng(0).normal(size=(4, 6))
        for view in X.T, X[::2, ::-1], np.asfortranarray(X):
            np.testing.assert_array_equal(gelu(view), gelu(view.copy()))

    def test_the_tanh_form(self) -> None:
        X = np.linspace(-4, 12, 5001)
        np.testing.assert_allclose(gelu(X, "tanh"), tanh_form(X), rtol=1e-11, atol=1e-16)
        np.testing.assert_array_equal(GELU(approximate="tanh")(X), gelu(X, "tanh"))

    def test_the_tanh_form_is_near(self) -> None:
        off = np.abs(gelu(GRID, "tanh") - gelu(GRID))
        assert 4e-4 < off.max() < 5e-4

    def test_the_tanh_form_keeps_its_digits_in_the_tail(self) -> None:
        """Where 1 + tanh(u) is 0 in float64, 2 / (1 + exp(−2u)) is not."""
        x = -9.0
        u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        expected = x / (1 + np.exp(-2 * u))
        assert gelu(np.array([x]), "tanh")[0] == pytest.approx(expected, rel=1e-13, abs=0)
        assert expected < 0 == tanh_form(np.array([x]))[0]

    @pytest.mark.parametrize("make", [lambda: GELU("erf"), lambda: gelu(np.ones(2), "erf")])
    def test_other_approximations_are_refused(self, make: Any) -> None:
        with raises(ValueError, "GELU: approximate='erf' came, expected 'none' or 'tanh'"):
            make()

    def test_repr(self) -> None:
        assert repr(GELU()) == "GELU()"
        assert repr(GELU("tanh")) == 'GELU(approximate="tanh")'


@DTYPES
def test_at_the_ends(dtype: type[np.floating[Any]]) -> None:
    """Exact, and no overflow on the way: a warning would fail this test."""
    X = np.array([-1000, 1000], dtype)
    for Y in gelu(X), gelu(X, "tanh"), silu(X), softplus(X):
        assert Y.tolist() == [0.0, 1000.0]


@pytest.mark.parametrize("layer", [GELU(), GELU("tanh"), SiLU(), Softplus()], ids=repr)
@DTYPES
def test_slopes_at_the_ends(layer: Layer[Array, Array], dtype: type[np.floating[Any]]) -> None:
    Y, backward = layer.forward(np.array([-1000, 1000], dtype))
    assert Y.tolist() == [0.0, 1000.0]
    assert backward(np.array([3, 3], dtype)).tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("layer", "X", "Y", "slope"),
    [
        # σ(ln 3) = 3/4; the slope is σ + x σ (1 − σ)
        (SiLU(), [0.0, LN3, -LN3], [0.0, 0.75 * LN3, -0.25 * LN3], None),
        # ln(1 + 3) = ln 4; the slope is σ
        (Softplus(), [0.0, LN3, -LN3], [log(2), log(4), log(4 / 3)], [0.5, 0.75, 0.25]),
    ],
)
def test_answer_and_slope_by_hand(
    layer: Layer[Array, Array], X: list[float], Y: list[float], slope: list[float] | None
) -> None:
    if slope is None:
        slope = [0.5, 0.75 + LN3 * 0.1875, 0.25 - LN3 * 0.1875]
    answer, backward = layer.forward(np.array(X))
    np.testing.assert_allclose(answer, Y, rtol=1e-14)
    np.testing.assert_allclose(backward(np.array([2.0, 3.0, 4.0])), np.multiply(slope, [2, 3, 4]))


@given(st.floats(-700, 700))
def test_softplus_is_exact_to_rounding(x: float) -> None:
    assert softplus(np.array([x]))[0] == pytest.approx(np.logaddexp(0, x), rel=1e-14, abs=0)


@given(st.floats(-700, 700))
def test_silu_is_exact_to_rounding(x: float) -> None:
    assert silu(np.array([x]))[0] == pytest.approx(x * special.expit(x), rel=1e-14, abs=0)


def test_the_slope_of_softplus_is_sigmoid() -> None:
    X = np.linspace(-50, 50, 1001)
    np.testing.assert_array_equal(Softplus().forward(X)[1](np.ones_like(X)), sigmoid(X))


@pytest.mark.parametrize("layer", [GELU(), GELU("tanh"), SiLU(), Softplus()], ids=repr)
def test_what_is_not_a_number_is_passed_on(layer: Layer[Array, Array]) -> None:
    assert np.isnan(layer(np.array([np.nan]))).all()
