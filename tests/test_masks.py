"""How a mask travels through containers, and what goes one place at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layerwise import Dense, Layer, Parallel, Residual, Sequential, Tanh, TimeDistributed
from layerwise.arrays import Array
from layerwise.layers.masks import Mask
from layerwise.testing import assert_layer
from tests.layer_cases import LAYERS, LayerCase
from tests.raising import raises


class Sums(Layer[Any, Array]):
    """Y = the sum of X over this place and the earlier ones that are not padding."""

    takes_mask = True

    def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
        A, mask = X if isinstance(X, tuple) else (X, np.ones(X.shape[:2], bool))
        Y: Array = (A * mask[..., np.newaxis]).cumsum(axis=1)

        def backward(grad: Array) -> Any:
            dA = grad[:, ::-1].cumsum(axis=1)[:, ::-1] * mask[..., np.newaxis]
            return (dA, np.zeros_like(mask)) if isinstance(X, tuple) else dA

        return Y, backward

    def stepper(self) -> Callable[[Array], Array]:
        total: Array | float = 0.0

        def step(x: Array) -> Array:
            nonlocal total
            total = total + x
            return total

        return step


X: Array = np.arange(24.0).reshape(2, 4, 3) / 10
MASK: Mask = np.array([[True, True, False, True], [True, False, False, False]])


def rows() -> TimeDistributed:
    return TimeDistributed(Dense(3, 3, rng=0))


CONTAINERS: dict[str, Callable[[], Layer[Any, Array]]] = {
    "Sequential": lambda: Sequential(rows(), Sums(), Tanh(), Sums()),
    "Residual": lambda: Residual(Sequential(rows(), Sums())),
    "Parallel": lambda: Parallel(rows(), Sums(), join="concatenate"),
    "nested": lambda: Sequential(Residual(Sums()), Parallel(Sequential(Sums(), rows()), rows())),
}
each_container = pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)


@each_container
def test_the_mask_reaches_each_layer_that_takes_one(make: Callable[[], Layer[Any, Array]]) -> None:
    other = X.copy()
    other[1, 1:] += 9
    layer = make()
    assert layer.takes_mask
    Y = layer((X, MASK))
    np.testing.assert_array_equal(layer.forward((X, MASK))[0], Y)
    assert np.abs(layer((X, np.ones_like(MASK))) - Y).max() > 0.1
    if not isinstance(layer, Sequential):
        return
    later = layer[1:]((X, MASK)), layer[1:]((other, MASK))
    np.testing.assert_array_equal(later[0][1, 0], later[1][1, 0])


@each_container
def test_containers_of_masks_are_proven(make: Callable[[], Layer[Any, Array]]) -> None:
    assert_layer(make(), (X, MASK))
    assert_layer(make(), X)


@each_container
def test_the_mask_has_no_gradient(make: Callable[[], Layer[Any, Array]]) -> None:
    for forward in make().forward, make().forward_from_data:
        Y, backward = forward((X, MASK))
        _, dmask = backward(np.ones_like(Y))
        assert dmask.dtype == bool
        assert not dmask.any()


def test_sequential_gives_the_mask_through_by_hand() -> None:
    Y = Sequential(Sums(), Tanh(), Sums())((X, MASK))
    inner = np.tanh(X[0, 0]) + np.tanh(X[0, 0] + X[0, 1]) + np.tanh(X[0, [0, 1, 3]].sum(0))
    np.testing.assert_allclose(Y[0, 3], inner, rtol=1e-15)


def test_a_pair_that_is_no_mask_goes_to_the_first_layer() -> None:
    class First(Layer[Any, Array]):
        def forward(self, X: Any, /) -> tuple[Array, Callable[[Array], Any]]:
            A, B = X

            def backward(grad: Array) -> Any:
                return grad, grad

            return A + B, backward

    Y, backward = Sequential(First(), Sums()).forward((X, X))
    np.testing.assert_array_equal(Y, 2 * X.cumsum(axis=1))
    assert len(backward(np.ones_like(Y))) == 2
    flags: NDArray[np.bool_] = np.ones(X.shape, bool)
    np.testing.assert_array_equal(Sequential(First(), Tanh())((X, flags)), np.tanh(X + 1))


@each_container
def test_one_place_after_another_gives_what_the_whole_gives(
    make: Callable[[], Layer[Any, Array]],
) -> None:
    layer = make()
    step = layer.stepper()
    Y = np.stack([step(X[:, i]) for i in range(4)], axis=1)
    np.testing.assert_allclose(Y, layer(X), rtol=1e-14)


def test_two_steppers_remember_apart() -> None:
    first, second = Sums().stepper(), Sums().stepper()
    first(X[:, 0])
    np.testing.assert_array_equal(second(X[:, 1]), X[:, 1])


@pytest.mark.parametrize(
    "case",
    [case for case in LAYERS if case.make(np.float64).by_position],
    ids=lambda case: case.name,
)
def test_what_says_by_position_is(case: LayerCase) -> None:
    layer = case.make(np.float64)
    rng = np.random.default_rng(0)
    A: NDArray[Any] = rng.normal(size=(3, 4, case.shape[-1]))
    if case.tokens:
        A = rng.integers(case.tokens, size=(3, 4))
    step = layer.stepper()
    Y = np.stack([step(A[:, i]) for i in range(4)], axis=1)
    np.testing.assert_allclose(Y, layer(A), rtol=1e-13)


def test_a_layer_of_whole_sequences_has_no_stepper() -> None:
    with raises(
        TypeError,
        "Dense: it has no stepper: it needs whole sequences. Where its answer at each place "
        "depends on this place only, set by_position = True; where on earlier ones too, override "
        "stepper",
    ):
        Sequential(Sums(), Dense(3, 2)).stepper()


def test_a_mask_of_another_dtype_is_refused_where_it_is_first_seen() -> None:
    """A container does not know it as a mask, so its first layer gets the pair."""
    pair: Any = X, MASK.astype(int)
    with raises(
        TypeError,
        "TimeDistributed: X is a tuple of 2, expected one array: a tuple of arrays is for a layer "
        "that takes several, such as (X, mask), with a mask of dtype bool",
    ):
        Sequential(rows(), Sums())(pair)
