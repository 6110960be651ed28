"""L1 and L2: values and gradients by hand, of weights and of nothing else."""

from math import inf, nan

import numpy as np
import pytest

from layerwise import L1, L2, Dense, Parameter, Sequential
from tests.raising import raises


def parameters() -> tuple[Parameter, Parameter]:
    """A weight, and a bias."""
    return Parameter(np.array([[1.0, -2.0], [0.0, 4.0]])), Parameter(np.array([5.0, 6.0]))


def test_l2_by_hand() -> None:
    W, b = parameters()
    assert L2(0.1)([W, b]) == pytest.approx(2.1, rel=1e-15)
    np.testing.assert_allclose(W.grad, [[0.2, -0.4], [0.0, 0.8]], rtol=1e-15)
    assert not b.has_grad


def test_l1_by_hand_and_0_at_0() -> None:
    W, b = parameters()
    assert L1(0.1)([W, b]) == pytest.approx(0.7, rel=1e-15)
    assert W.grad.tolist() == [[0.1, -0.1], [0.0, 0.1]]
    assert not b.has_grad


@pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3)])
def test_the_gradient_is_added_and_is_the_slope_of_the_value(penalty: L1 | L2) -> None:
    W = Parameter(np.random.default_rng(0).normal(size=(3, 2, 2)))
    W.add_grad(np.ones(W.shape))
    penalty(iter([W]))
    h, at = 1e-6, W.value.copy()
    for place in np.ndindex(W.shape):
        ends = []
        for step in h, -h:
            W.value[place] = at[place] + step
            ends.append(penalty([Parameter(W.value)]))
        W.value[place] = at[place]
        assert W.grad[place] - 1 == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-8)


@pytest.mark.parametrize("penalty", [L1(0.5), L2(0.5)])
def test_a_weight_given_twice_counts_once(penalty: L1 | L2) -> None:
    W, b = parameters()
    once = penalty([W, b])
    grad = W.grad.copy()
    W.zero_grad()
    assert penalty([W, b, W]) == once
    assert np.array_equal(W.grad, grad)


@pytest.mark.parametrize("penalty", [L1(0.5), L2(0.5)])
def test_float32_stays(penalty: L1 | L2) -> None:
    network = Sequential(Dense(3, 2, rng=0, dtype=np.float32))
    assert type(penalty(network.parameters())) is float
    W, b = network.parameters()
    assert W.grad.dtype == np.float32
    assert W.has_grad
    assert not b.has_grad


@pytest.mark.parametrize("penalty", [L1, L2])
def test_strength(penalty: type[L1] | type[L2]) -> None:
    name = penalty.__name__
    W, _ = parameters()
    assert penalty(0)([W]) == 0
    assert penalty(1.0)([]) == 0
    for strength in -0.1, inf, nan:
        with raises(
            ValueError, f"{name}: strength={strength} came, expected a finite number of at least 0"
        ):
            penalty(strength)
    with raises(TypeError, f"{name}: strength='a' came, expected a number"):
        penalty("a")  # type: ignore[arg-type]  # refused by mypy too
