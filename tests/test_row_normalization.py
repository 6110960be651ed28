"""LayerNorm, RMSNorm and GroupNorm: by hand, against one another, and what they refuse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Array, GroupNorm, Layer, LayerNorm, RMSNorm
from tests.raising import raises

RNG = np.random.default_rng(0)
TINY = 1e-14
EACH = pytest.mark.parametrize("layer", [LayerNorm(4), RMSNorm(4), GroupNorm(2, 4)], ids=repr)


def test_layer_norm_by_hand() -> None:
    """Each row has mean 2, variance 2/3; see the same numbers of BatchNorm."""
    layer = LayerNorm(3, epsilon=TINY)
    layer.gamma.value, layer.beta.value = np.array([2.0, 5.0, 3.0]), np.array([0.0, 0.0, 1.0])
    Y, backward = layer.forward(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    root = np.sqrt(3 / 2)
    np.testing.assert_allclose(
        Y, [[-2 * root, 0, 3 * root + 1], [2 * root, 0, 1 - 3 * root]], atol=1e-12
    )
    dX = backward(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    # γ grad = (2, 0, 0): mean 2/3, and mean(γ grad Z) Z = (1, 0, −1)
    expected = np.array([2 - 2 / 3 - 1, -2 / 3, -2 / 3 + 1]) * root
    np.testing.assert_allclose(dX, [expected, [0, 0, 0]], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer.gamma.grad, [-root, 0, 0], atol=1e-12)
    assert layer.beta.grad.tolist() == [1, 0, 0]


def test_rms_norm_by_hand() -> None:
    """(3, 4) has the mean square 12.5; with grad = Z the way back is orthogonal to X: zero."""
    layer = RMSNorm(2, epsilon=TINY)
    layer.gamma.value = np.array([1.0, 2.0])
    X, root = np.array([[3.0, 4.0]]), np.sqrt(12.5)
    Y, backward = layer.forward(X)
    np.testing.assert_allclose(Y, [[3 / root, 8 / root]], rtol=1e-12)
    dX = backward(np.array([[1.0, 0.0]]))
    # D = (1, 0); mean(D Z) Z = (9, 12) / 25
    np.testing.assert_allclose(dX, np.array([[16 / 25, -12 / 25]]) / root, rtol=1e-10)
    np.testing.assert_allclose(layer.gamma.grad, [3 / root, 0], rtol=1e-12)


def test_group_norm_by_hand() -> None:
    """Two positions of (2 groups of 1): group 0 is 1 and 3, group 1 is 10 and 50."""
    layer = GroupNorm(2, 2, epsilon=TINY)
    layer.gamma.value = np.array([1.0, 5.0])
    Y, backward = layer.forward(np.array([[[1.0, 10.0], [3.0, 50.0]]]))
    np.testing.assert_allclose(Y, [[[-1, -5], [1, 5]]], rtol=1e-10)
    dX = backward(np.array([[[1.0, 2.0], [4.0, 8.0]]]))
    np.testing.assert_allclose(dX, np.zeros((1, 2, 2)), atol=1e-9)
    np.testing.assert_allclose(layer.gamma.grad, [3, 6], rtol=1e-10)
    assert layer.beta.grad.tolist() == [5, 10]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_group_norm_by_its_definition(groups: int, size: int, positions: int) -> None:
    X = np.random.default_rng(groups + 10 * size).normal(4, 3, size=(2, positions, groups * size))
    Y = GroupNorm(groups, groups * size)(X)
    for row, answer in zip(X, Y, strict=True):
        for g in range(groups):
            own = slice(g * size, (g + 1) * size)
            A = row[:, own]
            expected = (A - A.mean()) / np.sqrt(A.var() + 1e-5)
            np.testing.assert_allclose(answer[:, own], expected, rtol=1e-9, atol=1e-9)


def test_one_group_of_vectors_is_layer_norm() -> None:
    X, grad = RNG.normal(size=(2, 5, 6))
    (Y, backward), (y, back) = GroupNorm(1, 6).forward(X), LayerNorm(6).forward(X)
    np.testing.assert_allclose(Y, y, rtol=1e-12)
    np.testing.assert_allclose(backward(grad), back(grad), rtol=1e-10)


def test_rms_norm_of_centered_rows_is_layer_norm() -> None:
    X = RNG.normal(size=(5, 3, 6))
    X -= X.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(RMSNorm(6)(X), LayerNorm(6)(X), rtol=1e-12)


@given(st.floats(-100, 100), st.floats(0.5, 100))
def test_layer_norm_sees_neither_shift_nor_scale(shift: float, scale: float) -> None:
    X = np.random.default_rng(0).normal(size=(3, 8))
    layer = LayerNorm(8, epsilon=TINY)
    np.testing.assert_allclose(layer(shift + scale * X), layer(X), rtol=1e-9, atol=1e-9)


@EACH
def test_places_are_answered_by_themselves(layer: Layer[Array, Array]) -> None:
    X = RNG.normal(size=(3, 4))
    np.testing.assert_allclose(layer(X)[1:2], layer(X[1:2]), rtol=1e-13)


@EACH
def test_x_is_converted_and_the_gradient_is_not(layer: Layer[Array, Array]) -> None:
    X: Any = RNG.integers(9, size=(3, 4))
    _, backward = layer.forward(X)
    name = type(layer).__name__
    with raises(
        TypeError,
        f"{name}: a gradient of dtype float32 came, expected float64, the dtype of what forward "
        "returned",
    ):
        backward(np.ones((3, 4), np.float32))
    with raises(
        ValueError,
        f"{name}: a gradient of shape (1, 4) came, expected (3, 4), the shape of what forward "
        "returned",
    ):
        backward(np.ones((1, 4)))


@EACH
@pytest.mark.parametrize("shape", [(4, 3), (4,), (4, 4, 1)])
def test_other_features_are_refused(layer: Layer[Array, Array], shape: tuple[int, ...]) -> None:
    with raises(
        ValueError,
        f"{type(layer).__name__}: X {shape} came, expected (n, ..., 4): the last axis is its "
        "features",
    ):
        layer(np.ones(shape))


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_settings_are_refused(kind: Any) -> None:
    with raises(ValueError, f"{kind.__name__}: features=0 came, expected at least 1"):
        kind(0)
    with raises(ValueError, f"{kind.__name__}: epsilon=-1 came, expected a positive number"):
        kind(2, epsilon=-1)


def test_groups_that_do_not_divide_are_refused() -> None:
    with raises(ValueError, "GroupNorm: groups=3 came for 4 features, expected a divisor"):
        GroupNorm(3, 4)
    with raises(ValueError, "GroupNorm: groups=0 came, expected at least 1"):
        GroupNorm(0, 4)
    with raises(ValueError, "GroupNorm: epsilon=0 came, expected a positive number"):
        GroupNorm(2, 4, epsilon=0)


def test_repr() -> None:
    layers = LayerNorm(3), RMSNorm(3), GroupNorm(2, 4)
    assert [*map(repr, layers)] == ["LayerNorm(3)", "RMSNorm(3)", "GroupNorm(2, 4)"]
