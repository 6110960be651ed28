"""What a layer's own code raised, and where."""

from typing import Any

import numpy as np
import pytest

from layerwise.arrays import Array
from layerwise.gradients.raised import OVERWRITTEN, LayerRaisedError, transposed
from layerwise.layers.base import Layer
from layerwise.parameter import Parameter
from tests.gradients.points import Way, normal


class Fails(Layer[Array, Array]):
    """Y = X W, with a mistake in backward."""

    def __init__(self, mistake: Any) -> None:
        self.W, self.mistake = Parameter(normal(3, 2)), mistake

    def forward(self, X: Array, /) -> Way:
        def backward(grad: Array) -> Array:
            self.mistake(self, X, grad)
            return grad @ self.W.value.T

        return X @ self.W.value, backward


def _raised(mistake: Any) -> LayerRaisedError:
    layer = Fails(mistake)
    _, backward = layer.forward(normal(4, 3))
    try:
        backward(normal(4, 2))
    except Exception as error:
        return LayerRaisedError("backward", error, layer)
    raise AssertionError("nothing was raised")


def _line(of: Any) -> int:
    return int(of.__code__.co_firstlineno)


def test_the_last_line_of_the_layer_s_own_code_is_named() -> None:
    def own(layer: Fails, X: Array, grad: Array) -> None:
        raise ValueError("wrong")

    def of_numpy(layer: Fails, X: Array, grad: Array) -> None:
        np.linalg.inv(X)

    assert str(_raised(own)) == (
        f"backward raised ValueError: wrong (test_raised.py, line {_line(own) + 1})"
    )
    found = _raised(of_numpy)
    assert str(found).endswith(f" (test_raised.py, line {_line(of_numpy) + 1})")
    assert found.hint is None


def test_a_parameter_is_named_by_its_path_and_a_transposed_gradient_is_hinted_at() -> None:
    def transpose(layer: Fails, X: Array, grad: Array) -> None:
        layer.W.add_grad(grad.T @ X)

    def flat(layer: Fails, X: Array, grad: Array) -> None:
        layer.W.add_grad(np.ones(6))

    found = _raised(transpose)
    assert str(found).endswith(f" (test_raised.py, line {_line(transpose) + 1}, for W)")
    assert found.hint == "transpose: the gradient has shape (2, 3), and the value (3, 2)"
    assert _raised(flat).hint is None
    assert str(_raised(flat)).endswith(", for W)")


def test_a_parameter_of_another_is_one_too() -> None:
    def other(layer: Fails, X: Array, grad: Array) -> None:
        Parameter(np.ones(2)).add_grad(np.ones(3))

    assert str(_raised(other)).endswith(", for a parameter)")


def test_what_is_read_only_was_overwritten() -> None:
    def writes(layer: Fails, X: Array, grad: Array) -> None:
        X.flags.writeable = False
        X[0] = 1

    assert _raised(writes).hint == OVERWRITTEN


@pytest.mark.parametrize(
    ("shape", "expected", "hinted"),
    [
        ((2, 3), (3, 2), True), ((2, 3, 4), (4, 3, 2), True), ((2, 2), (2, 2), False),
        ((3, 2), (3, 2), False), ((2, 3), (3, 4), False), ((6,), (3, 2), False),
    ],
)  # fmt: skip
def test_transposed_is_the_opposite_order_of_axes(
    shape: tuple[int, ...], expected: tuple[int, ...], hinted: bool
) -> None:
    assert (transposed(shape, expected) is not None) == hinted
