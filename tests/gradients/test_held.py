"""What a backward holds."""

from collections.abc import Callable
from typing import Any

import numpy as np

from layerwise.arrays import Array
from layerwise.gradients.function import Function
from layerwise.gradients.held import MANY, held
from layerwise.layers.activations import Tanh
from layerwise.network import Sequential
from tests.gradients.points import normal


def test_arrays_by_the_names_of_their_variables() -> None:
    X, H, named, one = normal(2, 3), normal(2), {"Z": normal(4)}, 1
    kept = [H, (normal(3), "no array")]

    def backward(grad: Array) -> Any:
        return grad, X, kept, named, one

    found = held(backward)
    assert list(found) == ["X", "kept[0]", "named['Z']", "kept[1][0]"]
    assert found["kept[0]"] is H


def test_only_finite_numbers_in_several_places() -> None:
    one, words, infinite, flags = np.ones(1), np.array(["a", "b"]), np.array([1, np.inf]), X > 0
    assert list(held(lambda grad: (grad, one, words, infinite, flags))) == ["flags"]


X = normal(2, 3)


def test_functions_inside_bear_the_name_of_what_made_them() -> None:
    function = Function(Sequential(Tanh(), Tanh()), X)
    names = list(held(function.forward()[1]))
    assert "Tanh.Y" in names
    own = Function(Tanh(), X)
    assert list(held(own.forward()[1])) == ["Y"]


def test_what_is_not_yet_bound_and_what_is_in_itself() -> None:
    def outer() -> Callable[[Array], Any]:
        def backward(grad: Array) -> Any:
            return grad, later, backward

        found = held(backward)
        later = normal(2)
        assert found == {}
        return backward

    assert list(held(outer())) == ["later"]


def test_of_many_arrays_some() -> None:
    many = [normal(2) for _ in range(MANY + 5)]
    others = [normal(3) for _ in range(MANY)]
    assert len(held(lambda grad: (grad, many, others))) == MANY
