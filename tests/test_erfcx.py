"""exp(z²) erfc(z) against SciPy's, over all that GELU asks for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from layerwise.layers.erfcx import DOUBLE, SINGLE, erfcx

# From nothing to the cut of GELU, closely where the function bends.
GRID = np.concatenate([np.linspace(0, 10, 200_001), np.geomspace(1e-300, 1e-3, 500), [20, 40]])


def test_it_is_scipys_to_1e_15() -> None:
    np.testing.assert_allclose(erfcx(GRID), special.erfcx(GRID), rtol=1e-15, atol=0)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 3e-7), (np.float16, 3e-3)])
def test_it_is_as_right_as_shorter_numbers_are(dtype: Any, error: float) -> None:
    Z = GRID.astype(dtype)
    E = erfcx(Z)
    assert E.dtype == dtype
    np.testing.assert_allclose(E, special.erfcx(Z.astype(np.float64)), rtol=error, atol=0)


@given(st.floats(0, 1e6))
def test_anywhere(z: float) -> None:
    assert erfcx(np.array([z]))[0] == pytest.approx(special.erfcx(z), rel=2e-15, abs=0)


def test_known_values() -> None:
    """1 at 0, where p(−1) is the sum with alternating signs; 1 / (z √π) far away."""
    assert erfcx(np.array([0.0]))[0] == pytest.approx(1, rel=1e-15, abs=0)
    assert erfcx(np.array([1e12]))[0] == pytest.approx(1e-12 / np.sqrt(np.pi), rel=2e-15, abs=0)


@pytest.mark.parametrize("coefficients", [DOUBLE, SINGLE], ids=["double", "single"])
def test_both_ends_of_the_polynomial(coefficients: tuple[float, ...]) -> None:
    error = 1e-15 if coefficients is DOUBLE else 3e-8
    assert np.polyval(coefficients, -1) == pytest.approx(1, rel=error)
    assert np.polyval(coefficients, 1) == pytest.approx(2 / np.sqrt(np.pi), rel=error)
